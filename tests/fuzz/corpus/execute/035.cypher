MERGE (p:Person {name: 'Ada'}) ON CREATE SET p.created = true ON MATCH SET p.matched = true RETURN p

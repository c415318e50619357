MERGE (p:Person {name: 'Zoe'}) ON CREATE SET p.created = timestamp() RETURN p.name

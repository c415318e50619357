MATCH (p:Person) WHERE p.born > 1850 RETURN p.name AS name, p.born ORDER BY name DESC SKIP 1 LIMIT 2

CREATE (n:Loop)-[:SELF]->(n) SET n.x = [1, 2] RETURN n

MATCH (n:Loop)-[r]-(n) DELETE r, n

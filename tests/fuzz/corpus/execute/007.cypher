OPTIONAL MATCH (n:Nothing)-[r]->(m) RETURN n, r, m

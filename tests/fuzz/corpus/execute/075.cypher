MATCH (a)-[r]->(b) WITH a, b, collect(r) AS rs UNWIND rs AS r MATCH (a)-[r]->(c) RETURN count(c)

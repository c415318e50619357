EXPLAIN MATCH (a:Person)-[:KNOWS]->(b)-[:LIVES_IN]->(c) RETURN a, c

MATCH p = (a:Person)-[:KNOWS*1..3]->(b) RETURN length(p), nodes(p), relationships(p)

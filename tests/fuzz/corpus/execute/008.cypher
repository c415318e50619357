MATCH (a:Person), (b:City) WHERE (a)-[:LIVES_IN]->(b) AND NOT (a)-[:KNOWS]->(b) RETURN a.name + b.name

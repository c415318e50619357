MATCH (a:Person), (b:City) MERGE (a)-[r:LIVES_IN]->(b) RETURN count(r)

MATCH (a:Person {name: 'Ada'})-[k:KNOWS]->(b) RETURN a, k, b, id(a), type(k), startNode(k)

MATCH p = shortestPath((a:Person {name: 'Ada'})-[*..4]-(b:City)) RETURN p

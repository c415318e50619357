MATCH ANY SHORTEST (a:Person)-[:KNOWS]->+(b) RETURN a.name, b.name

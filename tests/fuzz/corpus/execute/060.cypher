MATCH (p:Person) RETURN p {.name, .*, age: 2024 - p.born}, [(p)-[:KNOWS]->(f) WHERE f.born > 1900 | f.name] AS friends

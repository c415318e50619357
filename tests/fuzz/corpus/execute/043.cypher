MATCH (p:Person) DELETE p

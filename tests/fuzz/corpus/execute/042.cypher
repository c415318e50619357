MATCH (p:Person) REMOVE p.born, p:Admin RETURN labels(p)

MATCH (n:City) SET n.bad = [1, [2]]

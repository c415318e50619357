MATCH (n:City) SET n.bad = {map: 1}

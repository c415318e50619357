MATCH (c:City) SET c.name = 'same'

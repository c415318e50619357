MATCH (c:City {name: $s}) RETURN c

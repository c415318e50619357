BEGIN
MATCH (c:City) SET c.name = c.name + '!'

CREATE (:City {name: 'Oslo!'})

MERGE (c:City {name: 'Rome'}) RETURN c

MATCH (n) WHERE n.name ENDS WITH '!' DETACH DELETE n

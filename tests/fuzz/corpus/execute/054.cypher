BEGIN
CREATE (n:T {x: 1})

MATCH (n:T) SET n.x = 1 / 0

MATCH (n:T)-[r]->() RETURN n

MATCH (n) DETACH DELETE n

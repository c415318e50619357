BEGIN
MATCH (p:Person) DELETE p

CREATE INDEX i FOR (t:T) ON (t.x)

UNWIND range(1, 50) AS i CREATE (:T {x: i % 7})

MATCH (t:T {x: 3}) RETURN count(*)

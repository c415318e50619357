MATCH ()-[k:KNOWS]->() DELETE k

MATCH (n) WHERE NOT (n)--() RETURN n

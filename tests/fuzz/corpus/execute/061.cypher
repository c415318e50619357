MATCH (p:Person) WHERE EXISTS { (p)-[:LIVES_IN]->(:City {name: 'Rome'}) } RETURN COUNT { (p)-->() } AS c, COLLECT { MATCH (p)--(q) RETURN q.name } AS q

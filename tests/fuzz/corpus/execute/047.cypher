MATCH (n:Person) FOREACH (i IN range(1, 3) | CREATE (n)-[:OWNS]->(:Thing {i: i}) SET n.things = i)

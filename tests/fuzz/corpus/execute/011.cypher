MATCH ()-[k:KNOWS]->() WHERE k.since = 2001 RETURN k

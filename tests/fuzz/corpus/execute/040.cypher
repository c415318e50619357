MATCH (p:Person)-[k:KNOWS]->() SET k.since = null, k = $map RETURN k

MATCH p = allShortestPaths((a {name: 'Bob'})-[*]-(b {name: 'Oslo'})) RETURN length(p)

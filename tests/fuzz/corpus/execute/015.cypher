MATCH (n) RETURN DISTINCT keys(n), properties(n)

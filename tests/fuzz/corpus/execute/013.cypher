MATCH (n) WITH n ORDER BY n.name LIMIT 3 WHERE n.x IS NOT NULL RETURN collect(n.x) AS xs

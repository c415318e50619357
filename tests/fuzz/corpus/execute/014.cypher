MATCH (n) RETURN labels(n) AS l, count(*) AS c, min(n.born), max(n.name), avg(n.x), stDev(n.born), percentileCont(n.born, 0.5)

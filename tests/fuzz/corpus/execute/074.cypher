MATCH (a:Person) WITH a, rand() AS r, randomUUID() AS u WHERE r < 2 RETURN a.name, size(u) ORDER BY r

UNWIND [3, 1, null, 2.5, 'a', true, [1], {a: 1}] AS x RETURN x ORDER BY x

UNWIND range(1, 100000) AS x WITH x, x % 10 AS k RETURN k, collect(x)

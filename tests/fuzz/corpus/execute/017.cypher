UNWIND $list AS x UNWIND range(1, 3) AS y RETURN x * y

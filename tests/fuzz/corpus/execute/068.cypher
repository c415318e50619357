RETURN vector([1, 2, 3], 3, FLOAT32) AS v

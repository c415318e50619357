RETURN abs(-1), ceil(1.5), round(2.567, 2), sign(-3), sqrt(2), 2 ^ 0.5, 7 % 3, -7 / 2, log(0), exp(1), atan2(1, 2), isNaN(0.0 / 0.0)

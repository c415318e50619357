WITH [1, 2, 3, null] AS l RETURN [x IN l WHERE x > 1 | x * 2], reduce(s = 0, x IN l | s + coalesce(x, 0)), l[1..], l[-1], size(l)

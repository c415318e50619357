FOREACH (x IN [1, 2, null] | MERGE (:K {v: x}))

MATCH (n:Person) WHERE n.born >= 1800 AND n.born < 1920 RETURN n.born

MATCH (n) WHERE n.at IS NOT NULL AND n.at.x < 5 RETURN n.at.y, elementId(n)

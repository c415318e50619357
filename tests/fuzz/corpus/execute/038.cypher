MATCH (p:Person) SET p.x = p.x + 1, p:Updated, p += {y: 2} RETURN p

MATCH (a)((x)-[r:KNOWS]->(y)){1,3}(b) RETURN size(r), x, y

MATCH (a:Person) MATCH (b:Person) WHERE a.born = b.born RETURN count(*)

PROFILE MATCH (a:Person) WHERE a.born > 1900 RETURN a.name

MATCH (n:Person) FINISH

MATCH (n) WHERE n.born IN [1815, 1930] OR n.name STARTS WITH 'B' OR n.text CONTAINS 'la' RETURN count(*)

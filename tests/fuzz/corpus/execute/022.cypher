UNWIND [1, 2, 3] AS i CALL (i) { CREATE (:Made {i: i}) } IN TRANSACTIONS OF 2 ROWS

MATCH (m:Made) RETURN count(m)

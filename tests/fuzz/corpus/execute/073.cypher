LOAD CSV WITH HEADERS FROM 'file:///x.csv' AS row RETURN row

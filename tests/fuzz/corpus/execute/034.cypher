MATCH (a:Person {name: 'Ada'}), (c:City {name: 'Rome'}) CREATE (a)-[r:VISITS {on: date('2024-01-31')}]->(c) RETURN r

MATCH p = (:Person {name: 'Ada'})-[*]-() DETACH DELETE p

MATCH (p:Person {name: 'Eve'}) SET p = {only: true} REMOVE p:Person, p.only

CREATE (a:New {x: 1, l: [1, 2, 3], f: 1.5, s: 'text', b: true})-[:REL {w: 1}]->(b:New:Other) RETURN a, b

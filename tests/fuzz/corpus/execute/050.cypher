CREATE INDEX two IF NOT EXISTS FOR (p:Person) ON (p.name, p.born)

MATCH (p:Person {name: 'Ada', born: 1815}) RETURN p

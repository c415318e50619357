CREATE INDEX city_since FOR (c:City) ON (c.since)

MATCH (c:City) WHERE c.since > date('2000-01-01') RETURN c.name

DROP INDEX city_since

DROP CONSTRAINT city_name

CREATE (:City {name: 'Oslo'})

CREATE CONSTRAINT again FOR (c:City) REQUIRE c.name IS UNIQUE

CREATE (:City {name: 'Oslo'})

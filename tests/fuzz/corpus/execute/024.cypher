CALL db.info()

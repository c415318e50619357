lora_test(database_test
  SOURCES database_test.cpp database_name_test.cpp database_sessions_test.cpp plan_cache_test.cpp
  LIBS lora_cypher)

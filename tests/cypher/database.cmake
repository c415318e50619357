lora_test(database_test
  SOURCES
    callables_test.cpp
    database_fork_test.cpp
    database_hostile_test.cpp
    database_import_test.cpp
    import_record_reader_test.cpp
    database_test.cpp
    database_name_test.cpp
    database_sessions_test.cpp
    plan_cache_test.cpp
    ../support/result_text.cpp
  LIBS lora_cypher)

# It replaces operator new: a program of its own.
lora_test(database_memory_test
  SOURCES
    database_memory_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/failing_allocations.cpp
  LIBS lora_cypher ${CMAKE_DL_LIBS})

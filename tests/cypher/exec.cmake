lora_test(exec_test
  SOURCES
    exec_csv_reader_test.cpp
    exec_hash_index_test.cpp
    exec_paths_test.cpp
    exec_property_codes_test.cpp
    exec_run_test.cpp
    ../support/result_text.cpp
  LIBS lora_cypher)

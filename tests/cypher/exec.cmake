lora_test(exec_test
  SOURCES
    exec_csv_reader_test.cpp
    exec_hash_index_test.cpp
  LIBS lora_cypher_exec)

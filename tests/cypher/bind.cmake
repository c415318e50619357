lora_test(bind_test
  SOURCES
    bind_errors_test.cpp
    bind_test.cpp
  LIBS lora_cypher_bind)

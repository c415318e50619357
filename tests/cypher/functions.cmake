lora_test(functions_test
  SOURCES functions_test.cpp ../support/result_text.cpp
  LIBS lora_cypher)
target_compile_definitions(functions_test PRIVATE LORA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
lora_test(functions_query_control_test SOURCES functions_query_control_test.cpp LIBS lora_cypher)

lora_test(functions_test
  SOURCES functions_test.cpp ../support/result_text.cpp
  LIBS lora_cypher)

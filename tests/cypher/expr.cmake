lora_test(expr_test
  SOURCES
    expr_batch_test.cpp
    expr_evaluator_test.cpp
    expr_kernels_test.cpp
  LIBS lora_cypher_bind)

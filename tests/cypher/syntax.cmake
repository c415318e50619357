lora_test(cypher_syntax_test
  SOURCES
    syntax_error_text_test.cpp
    syntax_lexer_test.cpp
    syntax_limits_test.cpp
    syntax_normalize_test.cpp
    syntax_parser_test.cpp
    syntax_print_test.cpp
  LIBS lora_cypher_syntax)

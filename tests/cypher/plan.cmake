lora_test(plan_test
  SOURCES plan_planner_test.cpp plan_rules_test.cpp plan_barriers_test.cpp
  LIBS lora_cypher)

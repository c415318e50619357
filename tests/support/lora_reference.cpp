// Writes the reference of functions: lora_reference cypher/functions/REFERENCE.md; without a path, to standard output.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "cypher/functions/reference.h"

int main(int count, char** arguments) {
  const std::string text = lora::cypher::function_reference();
  if (count < 2) {
    std::cout << text;
    return 0;
  }
  std::ofstream file(arguments[1], std::ios::binary);
  file << text;
  file.close();
  if (file) return 0;
  std::fprintf(stderr, "cannot write %s\n", arguments[1]);
  return 1;
}

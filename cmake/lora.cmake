# Compiler flags, and the two functions every CMakeLists here is written with.

find_program(LORA_CCACHE ccache)
if(LORA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      ${LORA_CCACHE})
endif()

add_library(lora_flags INTERFACE)
target_compile_options(lora_flags INTERFACE -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(lora_flags INTERFACE -Wthread-safety)
endif()
# No build folder here: command lines stay the same in every build tree, so ccache serves them all.
target_include_directories(lora_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
if(LORA_SANITIZE)
  add_compile_options(-fsanitize=${LORA_SANITIZE} -fno-omit-frame-pointer)
  string(REPLACE ",fuzzer-no-link" "" lora_link_sanitizers "${LORA_SANITIZE}")
  add_link_options(-fsanitize=${lora_link_sanitizers})
  if(LORA_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# Bits are counted, and values compared several at a time, all over the engine: a fifth to a quarter of a scan's time.
# x86-64-v2 (SSE4.2, POPCNT) is what processors have since 2009; Database::open() checks it. x86-64-v3 is faster again,
# but rounds sums of products differently.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(lora_march x86-64-v2)
endif()
set(LORA_MARCH "${lora_march}" CACHE STRING "Processors to build for, for -march=; empty: the compiler's default")
if(LORA_MARCH)
  add_compile_options(-march=${LORA_MARCH})
endif()

# lora_layer(NAME SOURCES ... PUBLIC libs... PRIVATE libs...): one static, position-independent library.
function(lora_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE lora_flags ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  set_property(GLOBAL APPEND PROPERTY LORA_LAYERS ${name})
endfunction()

# lora_test(NAME SOURCES ... LIBS ...): a GoogleTest binary, registered test by test with ctest.
function(lora_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE lora_flags ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
endfunction()

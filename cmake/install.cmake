# One library for C++ programs: LoraDB::loradb, all layers in one archive, with headers as <loradb/...>.
get_property(lora_layers GLOBAL PROPERTY LORA_LAYERS)
set(lora_objects)
foreach(layer ${lora_layers})
  list(APPEND lora_objects $<TARGET_OBJECTS:${layer}>)
endforeach()
add_library(loradb STATIC ${lora_objects})
add_library(LoraDB::loradb ALIAS loradb)
set_target_properties(loradb PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(loradb PUBLIC cxx_std_20)
target_link_libraries(loradb
  PRIVATE lora_rocksdb lora_tz flatbuffers::flatbuffers fmt::fmt PkgConfig::ZSTD PkgConfig::ZLIB_PC PkgConfig::XXHASH
          PkgConfig::SODIUM PkgConfig::UTF8PROC PkgConfig::RE2 Threads::Threads)
target_include_directories(loradb PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/loradb>)

set(lora_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/LoraDB)
install(TARGETS loradb lora_rocksdb lora_tz EXPORT LoraDBTargets COMPONENT development)
install(EXPORT LoraDBTargets NAMESPACE LoraDB:: DESTINATION ${lora_cmake_dir} COMPONENT development)
install(FILES cypher/loradb.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/loradb COMPONENT development)
foreach(header kv/status.h kv/bytes.h kv/store.h graph/ids.h graph/packed_ids.h graph/value.h graph/schema.h
        graph/graph.h graph/text.h graph/texts.h graph/temporal.h graph/word.h graph/spatial.h cypher/import/import_options.h
        cypher/procedures/callable.h cypher/database.h)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/loradb/${folder} COMPONENT development)
endforeach()
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/LoraDBConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/LoraDBConfig.cmake ${PROJECT_BINARY_DIR}/LoraDBConfigVersion.cmake
        DESTINATION ${lora_cmake_dir} COMPONENT development)

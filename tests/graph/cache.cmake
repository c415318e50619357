# The in-memory form.
lora_test(cache_trie_test SOURCES cache_trie_test.cpp LIBS lora_cache)
lora_test(cache_topology_test SOURCES cache_topology_test.cpp LIBS lora_cache)
lora_test(cache_entity_block_test SOURCES cache_entity_block_test.cpp LIBS lora_cache)
lora_test(cache_index_tree_test SOURCES cache_index_tree_test.cpp LIBS lora_cache)
lora_test(cache_versions_test SOURCES cache_versions_test.cpp LIBS lora_cache)
lora_test(cache_column_filter_test SOURCES cache_column_filter_test.cpp LIBS lora_cache)
lora_test(cache_column_test SOURCES cache_column_test.cpp LIBS lora_cache)
lora_test(cache_piece_pool_test SOURCES cache_piece_pool_test.cpp LIBS lora_cache)

// Kinds of property indexes. A kind says how an entity's values become an entry; where entries live (kIndexes, the hot
// tree) and when they change is the same for all. To offer a new kind: derive from IndexBehaviour in index_NAME.cpp,
// add a row to the table in index.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "graph/graph.h"
#include "graph/schema.h"
#include "graph/value.h"
#include "kv/status.h"

namespace lora::graph {

// Longest encoding of the values of one entry: kLimit ("value size") beyond.
inline constexpr size_t kIndexEntryBytesMax = 16'384;

class IndexBehaviour {
 public:
  virtual ~IndexBehaviour() = default;
  // Is this definition possible? kInvalidParams or kUnsupported otherwise.
  virtual Status check(const IndexDefinition& definition) const = 0;
  // Replaces *entry with the encoded values (without id). *indexed = false when the entity is not in the index, because
  // a value is null or of a kind that has no order (maps, vectors). `value(key)` gives the entity's property.
  virtual Status encode(const IndexInfo& index, const std::function<Value(KeyId)>& value, std::string* entry,
                        bool* indexed) const = 0;
  // The same for values that are looked for, one per key.
  enum class Lookup {
    kEntry,    // *entry is what to look for
    kNothing,  // nothing can be equal to them (null, NaN)
    kScan,     // such entities are not in the index: compare one by one
  };
  virtual Lookup encode_lookup(std::span<const Value> values, std::string* entry) const = 0;
};

// Null: known, not offered.
const IndexBehaviour* find_index_behaviour(IndexKind kind);
std::string_view index_kind_name(IndexKind kind);  // "RANGE", ...

}  // namespace lora::graph

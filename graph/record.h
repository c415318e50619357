// Records of nodes and relationships: flatbuffers (record.fbs) to and from labels and property lists.
// record.cpp alone includes the generated code. Decoding verifies first (offsets, sizes, table count), then checks what
// the schema cannot say: order, token limits, kinds against vectors, UTF-8 is left to those who made the text.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/ids.h"
#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::graph {

// Keeps its buffer from record to record. One thread.
class RecordEncoder {
 public:
  RecordEncoder();
  ~RecordEncoder();
  RecordEncoder(const RecordEncoder&) = delete;
  RecordEncoder& operator=(const RecordEncoder&) = delete;

  // Labels and keys ascending, values storable and not null. `written`: the commit, where columns are beside records.
  // The view lives until the next call. kLimit: a value is too large.
  Result<ByteView> node(std::span<const LabelId> labels, std::span<const Property> properties, uint64_t written = 0);
  Result<ByteView> relationship(RelTypeId type, NodeId start, NodeId end, std::span<const Property> properties,
                                uint64_t written = 0);
  // Bytes of the largest record so far: about what the encoder keeps for the next ones.
  size_t largest() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Tokens at or above these are damage.
struct TokenLimits {
  uint32_t labels = 0;
  uint32_t types = 0;
  uint32_t keys = 0;
};

// Of properties with ascending keys; null: none has this key.
const Property* find_property(const std::vector<Property>& properties, KeyId key);

// `written`: see layout.h; columns may hold other properties than the record does.
struct StoredNode {
  std::vector<LabelId> labels;
  std::vector<Property> properties;
  uint64_t written = 0;
};
struct StoredRelationship {
  RelTypeId type;
  NodeId start, end;
  std::vector<Property> properties;
  uint64_t written = 0;
};

// Replace *out (capacity stays). kCorruption naming `key` (of kNodes or kRelationships).
Status decode_node(ByteView key, ByteView record, const TokenLimits& limits, StoredNode* out);
Status decode_relationship(ByteView key, ByteView record, const TokenLimits& limits, StoredRelationship* out);
// The properties of a node that are among `wanted`, ascending; what the others hold is not looked at.
Status decode_node_properties(ByteView key, ByteView record, const TokenLimits& limits, std::span<const KeyId> wanted,
                              std::vector<Property>* out, uint64_t* written);

}  // namespace lora::graph

// What names stand for in a version, as entries of the store (layout.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/changes.h"
#include "graph/record.h"
#include "kv/bytes.h"
#include "kv/status.h"
#include "kv/store.h"

namespace lora::graph {

class EntryOutput {
 public:
  virtual ~EntryOutput() = default;
  virtual Status put(kv::Keyspace space, ByteView key, ByteView value) = 0;
  virtual void remove(kv::Keyspace space, ByteView key) = 0;
  // What follows is of another kind.
  virtual Status end_of_kind() { return Status(); }
};

// Memory that small commits find again.
struct EncoderBuffers {
  RecordEncoder encoder;
  std::vector<Property> properties;
  std::string bytes;
};

// One thread. Chunks must stay while it works: Versions::structure() held, or an access epoch.
class EntryEncoder {
 public:
  // What `root` lacks is removed from a store that holds `stored`. `cleared`: there is nothing of it any more.
  EntryEncoder(bool cleared, const Root& root, const StoredState& stored, EncoderBuffers& buffers, EntryOutput& out)
      : cleared_(cleared),
        root_(root),
        stored_(stored),
        out_(out),
        encoder_(buffers.encoder),
        properties_(buffers.properties),
        bytes_(buffers.bytes) {}

  // Names are sorted and unique; entries come in the order of their keys.
  Status entities(EntityKind kind, const std::vector<uint64_t>& ids);
  Status adjacency(const std::vector<DirtyBlock>& blocks);
  Status labels(const std::vector<DirtyLabel>& labels);
  Status index(const IndexInfo& info, const std::vector<std::string>& entries);
  Status whole_index(const IndexInfo& info);

 private:
  const bool cleared_;
  const Root& root_;
  const StoredState& stored_;
  EntryOutput& out_;
  RecordEncoder& encoder_;
  std::vector<Property>& properties_;
  std::string& bytes_;
};

}  // namespace lora::graph

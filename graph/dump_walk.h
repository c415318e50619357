// What both text dumps have in common: a graph's entities with names instead of tokens, in the order of dumps, and an
// output with a checksum. Included by graph/dump*.cpp only.
#pragma once

#include <xxhash.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/dump.h"

namespace lora::graph {

using NamedProperty = std::pair<std::string_view, Value>;

struct NamedNode {
  NodeId id;
  std::vector<std::string_view> labels;   // ascending
  std::vector<NamedProperty> properties;  // ascending names
};

struct NamedRelationship {
  RelId id;
  NodeId start, end;
  std::string_view type;
  std::vector<NamedProperty> properties;
};

class DumpWalk {
 public:
  DumpWalk(Reader& reader, const DumpPoll& poll);

  // Indexes that no constraint owns, and constraints, by name.
  std::vector<const IndexDefinition*> indexes() const;
  std::vector<const ConstraintDefinition*> constraints() const;
  // Each entity once, by ascending id; what `visit` gets is valid during the call.
  Status nodes(const std::function<Status(const NamedNode&)>& visit);
  Status relationships(const std::function<Status(const NamedRelationship&)>& visit);

  DumpCounts& counts() { return counts_; }

 private:
  Status finish_batch();
  void name_properties(std::vector<NamedProperty>* out);

  Reader& reader_;
  const DumpPoll& poll_;
  DumpCounts counts_;
  std::vector<Property> properties_;
  std::vector<LabelId> labels_;
};

// Collects text, passes it on in pieces, and knows the checksum of all that was written.
class DumpOutput {
 public:
  explicit DumpOutput(const ByteSink& sink);

  std::string& text() { return text_; }  // append here
  Status flush_if_large() { return text_.size() < kPieceBytes ? Status() : flush(); }
  Status flush();
  uint64_t checksum();  // of all text up to now

 private:
  static constexpr size_t kPieceBytes = 256u << 10;

  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const ByteSink& sink_;
  std::string text_;
  size_t hashed_ = 0;  // bytes of text_ that the checksum has seen
  std::unique_ptr<XXH3_state_t, FreeState> state_;
};

// The persisted word of a constraint kind: "UNIQUE", ...
std::string_view constraint_kind_name(ConstraintKind kind);

}  // namespace lora::graph

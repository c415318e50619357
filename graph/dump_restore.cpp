// Reading JSON lines.
#include <fmt/format.h>

#include <charconv>

#include "graph/dump.h"
#include "graph/dump_lines.h"
#include "graph/dump_walk.h"
#include "graph/index.h"
#include "graph/json.h"

namespace lora::graph {

namespace {

constexpr uint64_t kBatchEntities = 50'000;     // of one transaction
constexpr uint64_t kBatchBytes = 128ull << 20;  // of one transaction
constexpr uint64_t kPollEntities = 2'048;
constexpr size_t kLineLevelsMax = kNestingMax + 3;  // a value stands in the line's object and its properties

Status bad(std::string message) {
  return {ErrorCode::kParse, std::move(message)};
}

// The fields of a line's object.
class Fields {
 public:
  explicit Fields(const Value& map) : map_(map) {}

  Result<uint64_t> number(std::string_view name, uint64_t max) const {
    const Value* value = map_.map_find(name);
    if (value == nullptr || !value->is_integer() || value->as_integer() < 0 ||
        static_cast<uint64_t>(value->as_integer()) > max) {
      return bad(fmt::format("`{}` must be an integer from 0 to {}", name, max));
    }
    return static_cast<uint64_t>(value->as_integer());
  }
  Result<std::string_view> text(std::string_view name) const {
    const Value* value = map_.map_find(name);
    if (value == nullptr || !value->is_string()) {
      return bad(fmt::format("`{}` must be a string", name));
    }
    return value->as_string();
  }
  Result<std::vector<std::string_view>> texts(std::string_view name) const {
    std::vector<std::string_view> out;
    const Value* value = map_.map_find(name);
    if (value == nullptr) {
      return out;
    }
    if (!value->is_list()) {
      return bad(fmt::format("`{}` must be a list of strings", name));
    }
    for (const Value& item : value->as_list()) {
      if (!item.is_string()) {
        return bad(fmt::format("`{}` must be a list of strings", name));
      }
      out.push_back(item.as_string());
    }
    return out;
  }
  Result<Fields> object(std::string_view name) const {
    const Value* value = map_.map_find(name);
    if (value == nullptr || !value->is_map()) {
      return bad(fmt::format("`{}` must be an object", name));
    }
    return Fields(*value);
  }
  bool has(std::string_view name) const { return map_.map_find(name) != nullptr; }
  std::span<const MapEntry> entries() const { return map_.as_map(); }

 private:
  const Value& map_;
};

class Restorer {
 public:
  Restorer(Graph& graph, const ByteSource& source, const DumpPoll& poll) : graph_(graph), lines_(source), poll_(poll) {}

  Result<DumpCounts> run() {
    LORA_TRY(check_empty());
    LORA_TRY(header());
    bool done = false;
    std::string_view line;
    for (;;) {
      LORA_ASSIGN(const bool more, lines_.next(&line));
      if (!more) {
        break;
      }
      if (done) {
        return Status::corruption(fmt::format("line {}: there is something after the last line", lines_.number()));
      }
      Status status = read_line(line, &done);
      if (!status.ok()) {
        return at_line(std::move(status));
      }
    }
    if (!done) {
      return Status::corruption(
          fmt::format("the file is cut off: it ends in line {} without its last line", lines_.number()));
    }
    LORA_TRY(ready());
    LORA_TRY(transaction_->skip_ids(NodeId(next_node_), RelId(next_relationship_)));
    LORA_TRY(finish_transaction());
    if (poll_) {
      LORA_TRY(poll_(counts_));
    }
    return counts_;
  }

 private:
  enum class Part { kSchema, kNodes, kRelationships };

  Status at_line(Status status) const {
    std::string& message = status.mutable_info().message;
    message = fmt::format("line {}: {}", lines_.number(), message);
    return status;
  }

  Status check_empty() {
    const Snapshot snapshot = graph_.snapshot();
    const std::unique_ptr<Reader> reader = snapshot.reader();
    if (reader->node_count() != 0 || reader->relationship_count() != 0 || !reader->schema().indexes.empty() ||
        !reader->schema().constraints.empty()) {
      return Status::config("the graph is not empty");
    }
    return Status();
  }

  Status header() {
    std::string_view line;
    LORA_ASSIGN(const bool any, lines_.next(&line));
    if (!any || !line.starts_with(kJsonLinesStart)) {
      return bad(fmt::format("the file does not begin with `{}`", kJsonLinesStart));
    }
    Result<Value> value = from_json(line);
    if (!value.ok()) {
      return at_line(std::move(value).status());
    }
    const Fields fields(*value);
    LORA_ASSIGN(const uint64_t version, fields.number("version", UINT32_MAX));
    if (version != kJsonLinesVersion) {
      return {ErrorCode::kFormatVersion,
              fmt::format("the file is of version `{}`, this program reads `{}`; use a newer program", version,
                          kJsonLinesVersion)};
    }
    LORA_ASSIGN(counts_.nodes_total, fields.number("nodes", kIdMax + 1));
    LORA_ASSIGN(counts_.relationships_total, fields.number("relationships", kIdMax + 1));
    LORA_ASSIGN(next_node_, fields.number("nextNode", kIdMax + 1));
    LORA_ASSIGN(next_relationship_, fields.number("nextRelationship", kIdMax + 1));
    return Status();
  }

  Status read_line(std::string_view line, bool* done) {
    LORA_ASSIGN(const Value value, from_json(line, kLineLevelsMax));
    if (!value.is_map()) {
      return bad("a line must be a JSON object");
    }
    const Fields fields(value);
    if (fields.has("node")) {
      return node(fields);
    }
    if (fields.has("relationship")) {
      return relationship(fields);
    }
    if (fields.has("done")) {
      *done = true;
      LORA_ASSIGN(const Fields totals, fields.object("done"));
      return check_totals(totals);
    }
    if (fields.has("index")) {
      LORA_ASSIGN(const Fields definition, fields.object("index"));
      return index(definition);
    }
    if (fields.has("constraint")) {
      LORA_ASSIGN(const Fields definition, fields.object("constraint"));
      return constraint(definition);
    }
    return bad("a line must have `node`, `relationship`, `index`, `constraint` or `done`");
  }

  Status enter(Part part) {
    if (part < part_) {
      return bad("indexes and constraints come first, then nodes, then relationships");
    }
    part_ = part;
    return Status();
  }

  // An open transaction with an open statement.
  Status ready() {
    if (transaction_ != nullptr) {
      return Status();
    }
    LORA_ASSIGN(transaction_,
                graph_.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "restore", 0, {}));
    in_transaction_ = 0;
    return transaction_->begin_statement();
  }
  Status finish_transaction() {
    if (transaction_ == nullptr) {
      return Status();
    }
    LORA_TRY(transaction_->finish_statement());
    LORA_TRY(transaction_->commit().status());
    transaction_.reset();
    return Status();
  }
  Status entity_done() {
    ++in_transaction_;
    if (in_transaction_ >= kBatchEntities ||
        (in_transaction_ % 64 == 0 && transaction_->memory_bytes() > kBatchBytes)) {
      LORA_TRY(finish_transaction());
    }
    if (poll_ && (counts_.nodes + counts_.relationships) % kPollEntities == 0) {
      return poll_(counts_);
    }
    return Status();
  }

  template <typename Definition>
  Status read_definition(const Fields& fields, Definition* out) {
    LORA_ASSIGN(out->name, fields.text("name"));
    LORA_ASSIGN(out->label_or_type, fields.text("on"));
    LORA_ASSIGN(const std::string_view entity, fields.text("entity"));
    if (entity != "node" && entity != "relationship") {
      return bad("`entity` must be `node` or `relationship`");
    }
    out->entity = entity == "node" ? EntityKind::kNode : EntityKind::kRelationship;
    LORA_ASSIGN(const std::vector<std::string_view> keys, fields.texts("keys"));
    out->keys.assign(keys.begin(), keys.end());
    if (out->keys.empty()) {
      return bad("`keys` must name one property or more");
    }
    return Status();
  }

  Status index(const Fields& fields) {
    LORA_TRY(enter(Part::kSchema));
    IndexDefinition definition;
    LORA_TRY(read_definition(fields, &definition));
    LORA_ASSIGN(const std::string_view type, fields.text("type"));
    uint8_t kind = 0;
    while (kind <= static_cast<uint8_t>(IndexKind::kFulltext) &&
           index_kind_name(static_cast<IndexKind>(kind)) != type) {
      ++kind;
    }
    if (kind > static_cast<uint8_t>(IndexKind::kFulltext)) {
      return bad(fmt::format("`{}` is not a type of index", type));
    }
    definition.kind = static_cast<IndexKind>(kind);
    LORA_TRY(ready());
    LORA_TRY(transaction_->create_index(definition).status());
    ++counts_.indexes;
    return Status();
  }

  Status constraint(const Fields& fields) {
    LORA_TRY(enter(Part::kSchema));
    ConstraintDefinition definition;
    LORA_TRY(read_definition(fields, &definition));
    LORA_ASSIGN(const std::string_view type, fields.text("type"));
    uint8_t kind = 0;
    while (kind <= static_cast<uint8_t>(ConstraintKind::kType) &&
           constraint_kind_name(static_cast<ConstraintKind>(kind)) != type) {
      ++kind;
    }
    if (kind > static_cast<uint8_t>(ConstraintKind::kType)) {
      return bad(fmt::format("`{}` is not a type of constraint", type));
    }
    definition.kind = static_cast<ConstraintKind>(kind);
    LORA_TRY(ready());
    LORA_TRY(transaction_->create_constraint(definition));
    ++counts_.constraints;
    return Status();
  }

  Status read_properties(const Fields& fields) {
    properties_.clear();
    if (!fields.has("properties")) {
      return Status();
    }
    LORA_ASSIGN(const Fields map, fields.object("properties"));
    for (const auto& [name, value] : map.entries()) {
      LORA_ASSIGN(const KeyId key, transaction_->key(name.as_string()));
      properties_.push_back({key, value});
    }
    return Status();
  }

  Status node(const Fields& fields) {
    LORA_TRY(enter(Part::kNodes));
    LORA_ASSIGN(const uint64_t id, fields.number("node", kIdMax));
    if (id < node_floor_) {
      return bad(fmt::format("node `{}` must have a higher id than the node before it", id));
    }
    node_floor_ = id + 1;
    LORA_TRY(ready());
    LORA_ASSIGN(const std::vector<std::string_view> labels, fields.texts("labels"));
    labels_.clear();
    for (std::string_view name : labels) {
      LORA_ASSIGN(const LabelId label, transaction_->label(name));
      labels_.push_back(label);
    }
    LORA_TRY(read_properties(fields));
    LORA_TRY(transaction_->skip_ids(NodeId(id), RelId(0)));
    LORA_ASSIGN(const NodeId made, transaction_->create_node(labels_, properties_));
    if (made.value != id) {
      return Status(ErrorCode::kConfig,
                    fmt::format("node id `{}` has been given out before; the database is not new", id));
    }
    ++counts_.nodes;
    return entity_done();
  }

  Status relationship(const Fields& fields) {
    LORA_TRY(enter(Part::kRelationships));
    LORA_ASSIGN(const uint64_t id, fields.number("relationship", kIdMax));
    if (id < relationship_floor_) {
      return bad(fmt::format("relationship `{}` must have a higher id than the relationship before it", id));
    }
    relationship_floor_ = id + 1;
    LORA_ASSIGN(const uint64_t start, fields.number("start", kIdMax));
    LORA_ASSIGN(const uint64_t end, fields.number("end", kIdMax));
    LORA_ASSIGN(const std::string_view name, fields.text("type"));
    LORA_TRY(ready());
    LORA_ASSIGN(const RelTypeId type, transaction_->rel_type(name));
    LORA_TRY(read_properties(fields));
    LORA_TRY(transaction_->skip_ids(NodeId(0), RelId(id)));
    LORA_ASSIGN(const RelId made, transaction_->create_relationship(type, NodeId(start), NodeId(end), properties_));
    if (made.value != id) {
      return Status(ErrorCode::kConfig,
                    fmt::format("relationship id `{}` has been given out before; the database is not new", id));
    }
    ++counts_.relationships;
    return entity_done();
  }

  Status check_totals(const Fields& totals) {
    LORA_ASSIGN(const uint64_t nodes, totals.number("nodes", kIdMax + 1));
    LORA_ASSIGN(const uint64_t relationships, totals.number("relationships", kIdMax + 1));
    if (nodes != counts_.nodes || relationships != counts_.relationships || nodes != counts_.nodes_total ||
        relationships != counts_.relationships_total) {
      return Status::corruption(
          fmt::format("the file holds `{}` nodes and `{}` relationships, its first line says `{}` "
                      "and `{}`, its last line `{}` and `{}`",
                      counts_.nodes, counts_.relationships, counts_.nodes_total, counts_.relationships_total, nodes,
                      relationships));
    }
    if (!totals.has("xxh3")) {
      return Status();  // written by hand
    }
    LORA_ASSIGN(const std::string_view digits, totals.text("xxh3"));
    uint64_t checksum = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), checksum, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || checksum != lines_.checksum()) {
      return Status::corruption("the checksum of the file is wrong; it has been changed or damaged");
    }
    return Status();
  }

  Graph& graph_;
  DumpLines lines_;
  const DumpPoll& poll_;
  DumpCounts counts_;
  Part part_ = Part::kSchema;
  uint64_t next_node_ = 0, next_relationship_ = 0;    // counters of the file
  uint64_t node_floor_ = 0, relationship_floor_ = 0;  // one past the last id read
  std::unique_ptr<Transaction> transaction_;
  uint64_t in_transaction_ = 0;
  std::vector<LabelId> labels_;
  std::vector<Property> properties_;
};

}  // namespace

Result<DumpCounts> restore_json_lines(Graph& graph, const ByteSource& source, const DumpPoll& poll) {
  return Restorer(graph, source, poll).run();
}

}  // namespace lora::graph

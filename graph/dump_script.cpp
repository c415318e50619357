// Writing a script of Cypher statements.
//
// Constraints and indexes come first. Nodes get a label and a property of their own for as long as the script runs,
// with an index, so that relationships find their ends; both are taken away again at the end. Rows of one shape
// (labels, or relationship type) share a statement: UNWIND [...] AS row CREATE .... Entities with very deep values,
// which would not fit into the row of such a list, get a statement of their own.
#include <fmt/format.h>

#include <iterator>
#include <map>

#include "graph/dump.h"
#include "graph/dump_walk.h"
#include "graph/index.h"
#include "graph/text.h"

namespace lora::graph {

namespace {

constexpr size_t kRowsMax = 500;              // of one statement
constexpr size_t kRowsBytesMax = 256u << 10;  // then the statement is written
constexpr size_t kOpenBytesMax = 8u << 20;    // of all statements not yet written
constexpr size_t kOpenMax = 1'000;            // statements not yet written
constexpr size_t kPlainLevelsMax = 200;       // deeper values stand outside of lists of rows
constexpr uint64_t kRemovedAtOnce = 20'000;

// Statements that grow by rows, by what is written after the rows.
class RowStatements {
 public:
  explicit RowStatements(DumpOutput& output) : output_(output) {}

  // `rest` follows the list of rows.
  Status add(const std::string& rest, std::string_view row) {
    Open& open = open_[rest];
    open_bytes_ += row.size();
    open.rows += open.count++ == 0 ? "" : ",";
    open.rows += row;
    if (open.count >= kRowsMax || open.rows.size() >= kRowsBytesMax) {
      Status written = write(rest, open);
      open_.erase(rest);
      return written;
    }
    return open_bytes_ > kOpenBytesMax || open_.size() > kOpenMax ? write_all() : Status();
  }
  Status write_all() {
    for (const auto& [rest, open] : open_) {
      LORA_TRY(write(rest, open));
    }
    open_.clear();
    open_bytes_ = 0;
    return Status();
  }

 private:
  struct Open {
    std::string rows;
    size_t count = 0;
  };

  Status write(const std::string& rest, const Open& open) {
    open_bytes_ -= std::min(open_bytes_, open.rows.size());
    fmt::format_to(std::back_inserter(output_.text()), "UNWIND [{}] AS row {};\n", open.rows, rest);
    return output_.flush_if_large();
  }

  DumpOutput& output_;
  std::map<std::string, Open> open_;
  size_t open_bytes_ = 0;
};

class ScriptWriter {
 public:
  ScriptWriter(Reader& reader, const ByteSink& sink, const DumpPoll& poll)
      : reader_(reader), walk_(reader, poll), output_(sink), rows_(output_) {}

  Result<DumpCounts> run() {
    choose_marker();
    std::string& text = output_.text();
    fmt::format_to(std::back_inserter(text), "{}{}: {} nodes, {} relationships\n", kScriptStart, kScriptVersion,
                   walk_.counts().nodes_total, walk_.counts().relationships_total);
    LORA_TRY(schema());
    const bool marked = !marker_.empty();
    if (marked) {
      fmt::format_to(std::back_inserter(text), "CREATE RANGE INDEX {0} FOR (n:{0}) ON (n.{0});\n", marker_);
    }
    LORA_TRY(walk_.nodes([this](const NamedNode& node) { return add_node(node); }));
    LORA_TRY(rows_.write_all());
    LORA_TRY(walk_.relationships([this](const NamedRelationship& r) { return add_relationship(r); }));
    LORA_TRY(rows_.write_all());
    if (marked) {
      for (uint64_t left = walk_.counts().nodes; left > 0; left -= std::min(left, kRemovedAtOnce)) {
        fmt::format_to(std::back_inserter(text), "MATCH (n:{0}) WITH n LIMIT {1} REMOVE n:{0}, n.{0};\n", marker_,
                       kRemovedAtOnce);
      }
      fmt::format_to(std::back_inserter(text), "DROP INDEX {};\n", marker_);
    }
    const uint64_t checksum = output_.checksum();
    fmt::format_to(std::back_inserter(text), "// end of dump, xxh3 {:016x}\n", checksum);
    LORA_TRY(output_.flush());
    return walk_.counts();
  }

 private:
  // A name that is no label, key, index or constraint of this graph; none when there is nothing to connect.
  void choose_marker() {
    if (walk_.counts().relationships_total == 0) {
      return;
    }
    marker_ = "lora_dump_id";
    while (reader_.find_label(marker_) || reader_.find_key(marker_) ||
           reader_.schema().find_index(marker_) != nullptr || reader_.schema().find_constraint(marker_) != nullptr) {
      marker_ += '_';
    }
  }

  Status schema() {
    std::string& text = output_.text();
    for (const ConstraintDefinition* constraint : walk_.constraints()) {
      if (constraint->kind != ConstraintKind::kUnique) {
        return Status::unsupported(
            fmt::format("constraint `{}` has no statement; use another format", constraint->name));
      }
      text += "CREATE CONSTRAINT ";
      append_owner(&text, *constraint);
      text += " REQUIRE ";
      append_keys(&text, constraint->keys);
      text += " IS UNIQUE;\n";
    }
    for (const IndexDefinition* index : walk_.indexes()) {
      fmt::format_to(std::back_inserter(text), "CREATE {} INDEX ", index_kind_name(index->kind));
      append_owner(&text, *index);
      text += " ON ";
      append_keys(&text, index->keys);
      text += ";\n";
    }
    return Status();
  }

  template <typename Definition>
  static void append_owner(std::string* out, const Definition& definition) {
    append_name(out, definition.name);
    const bool node = definition.entity == EntityKind::kNode;
    *out += node ? " FOR (n:" : " FOR ()-[n:";
    append_name(out, definition.label_or_type);
    *out += node ? ")" : "]-()";
  }
  static void append_keys(std::string* out, const std::vector<std::string>& keys) {
    *out += '(';
    for (size_t i = 0; i < keys.size(); ++i) {
      *out += i == 0 ? "n." : ", n.";
      append_name(out, keys[i]);
    }
    *out += ')';
  }

  static bool deep(const std::vector<NamedProperty>& properties) {
    for (const auto& [name, value] : properties) {
      if ((value.is_list() || value.is_map()) && deeper_than(value, kPlainLevelsMax)) {
        return true;
      }
    }
    return false;
  }

  static Status append_map(std::string* out, const std::vector<NamedProperty>& properties, bool continued) {
    for (const auto& [name, value] : properties) {
      *out += continued ? ", " : "";
      continued = true;
      append_name(out, name);
      *out += ": ";
      LORA_TRY(append_literal(out, value));
    }
    return Status();
  }
  static Status append_sets(std::string* out, std::string_view variable, const std::vector<NamedProperty>& properties,
                            bool continued) {
    for (const auto& [name, value] : properties) {
      *out += continued ? ", " : " SET ";
      continued = true;
      fmt::format_to(std::back_inserter(*out), "{}.", variable);
      append_name(out, name);
      *out += " = ";
      LORA_TRY(append_literal(out, value));
    }
    return Status();
  }
  static Status check_size(std::string_view what, uint64_t id, const std::string& text) {
    if (text.size() <= kStatementBytesMax) {
      return Status();
    }
    return Status::limit("text size",
                         fmt::format("{} `{}` has properties of `{}` bytes as text, too many for a statement; "
                                     "use another format",
                                     what, id, text.size()));
  }
  Status write_statement(const std::string& statement) {
    output_.text() += statement;
    output_.text() += ";\n";
    return output_.flush_if_large();
  }

  Status add_node(const NamedNode& node) {
    std::string labels;
    if (!marker_.empty()) {
      labels += ':' + marker_;
    }
    for (std::string_view label : node.labels) {
      labels += ':';
      append_name(&labels, label);
    }
    if (deep(node.properties)) {
      std::string statement = "CREATE (n" + labels + ")";
      if (!marker_.empty()) {
        fmt::format_to(std::back_inserter(statement), " SET n.{} = {}", marker_, node.id.value);
      }
      LORA_TRY(append_sets(&statement, "n", node.properties, !marker_.empty()));
      LORA_TRY(check_size("node", node.id.value, statement));
      return write_statement(statement);
    }
    std::string row = "{";
    if (!marker_.empty()) {
      fmt::format_to(std::back_inserter(row), "{}: {}", marker_, node.id.value);
    }
    LORA_TRY(append_map(&row, node.properties, !marker_.empty()));
    row += '}';
    LORA_TRY(check_size("node", node.id.value, row));
    return rows_.add("CREATE (n" + labels + ") SET n = row", row);
  }

  Status add_relationship(const NamedRelationship& relationship) {
    std::string type;
    append_name(&type, relationship.type);
    if (deep(relationship.properties)) {
      std::string statement = fmt::format("MATCH (a:{0} {{{0}: {1}}}), (b:{0} {{{0}: {2}}}) CREATE (a)-[r:{3}]->(b)",
                                          marker_, relationship.start.value, relationship.end.value, type);
      LORA_TRY(append_sets(&statement, "r", relationship.properties, false));
      LORA_TRY(check_size("relationship", relationship.id.value, statement));
      return write_statement(statement);
    }
    std::string row = fmt::format("[{}, {}, {{", relationship.start.value, relationship.end.value);
    LORA_TRY(append_map(&row, relationship.properties, false));
    row += "}]";
    LORA_TRY(check_size("relationship", relationship.id.value, row));
    return rows_.add(fmt::format("MATCH (a:{0} {{{0}: row[0]}}), (b:{0} {{{0}: row[1]}}) CREATE (a)-[r:{1}]->(b) "
                                 "SET r = row[2]",
                                 marker_, type),
                     row);
  }

  Reader& reader_;
  DumpWalk walk_;
  DumpOutput output_;
  RowStatements rows_;
  std::string marker_;  // label, key and index at once; a plain name
};

}  // namespace

Result<DumpCounts> dump_script(Reader& reader, const ByteSink& sink, const DumpPoll& poll) {
  return ScriptWriter(reader, sink, poll).run();
}

}  // namespace lora::graph

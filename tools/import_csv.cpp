#include "tools/import_csv.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "cypher/exec/csv_reader.h"
#include "graph/bulk_load.h"
#include "tools/id_table.h"
#include "tools/import_header.h"
#include "tools/make_database.h"

namespace lora::tools {

namespace {

using graph::BulkLoad;
using Role = ImportColumn::Role;
constexpr uint64_t kRecordsBetweenPolls = 4096;

class CsvImport {
 public:
  CsvImport(BulkLoad& load, const ImportOptions& options, const graph::DumpPoll& poll)
      : load_(load), options_(options), poll_(poll) {}

  Status run() {
    for (const ImportFile& file : options_.nodes) LORA_TRY(read(file, false));
    for (const ImportFile& file : options_.relationships) LORA_TRY(read(file, true));
    return load_.finish([this] { return report(); });
  }
  ImportCounts counts() const { return {counts_, skipped_}; }

 private:
  Status report() {
    counts_.nodes = load_.node_count();
    counts_.relationships = load_.relationship_count();
    return poll_ ? poll_(counts_) : Status();
  }

  Status read(const ImportFile& file, bool relationships) {
    LORA_ASSIGN(const std::unique_ptr<cypher::CsvReader> reader,
                cypher::CsvReader::open_path(file.path, options_.separator));
    const auto at_line = [&](uint64_t line, const Status& status) {
      return Status(status.code(), "`" + file.path + "`, line `" + std::to_string(line) + "`: " + status.message());
    };
    bool more = false;
    LORA_TRY(reader->next(&fields_, &more));
    if (!more) return {ErrorCode::kParse, "`" + file.path + "` is empty; its first line names the columns"};
    auto header = parse_import_header(fields_, relationships);
    if (!header.ok()) return at_line(1, header.status());
    if (const Status status = begin(file, std::move(*header), relationships); !status.ok()) return at_line(1, status);
    for (uint64_t records = 1;; ++records) {
      const uint64_t line = reader->line();
      LORA_TRY(reader->next(&fields_, &more));
      if (!more) return report();
      if (fields_.size() != columns_.size()) {
        return at_line(line, {ErrorCode::kParse, "there are " + std::to_string(fields_.size()) + " fields for " +
                                                     std::to_string(columns_.size()) + " columns"});
      }
      if (const Status status = relationships ? relationship() : node(); !status.ok()) return at_line(line, status);
      if (records % kRecordsBetweenPolls == 0) LORA_TRY(report());
    }
  }

  // What is the same for all records of a file.
  Status begin(const ImportFile& file, std::vector<ImportColumn> columns, bool relationships) {
    columns_ = std::move(columns);
    labels_.clear();
    label_column_ = type_column_ = start_column_ = end_column_ = id_column_ = std::nullopt;
    type_ = std::nullopt;
    properties_.clear();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const ImportColumn& column = columns_[i];
      switch (column.role) {
        case Role::kId:
          id_column_ = i;
          ids_ = &groups_[column.group];
          break;
        case Role::kStart:
        case Role::kEnd: {
          const auto group = groups_.find(column.group);
          if (group == groups_.end()) {
            return {ErrorCode::kNotFound, column.group.empty()
                                              ? "no file of nodes has a column `:ID`"
                                              : "no file of nodes has a column `:ID(" + column.group + ")`"};
          }
          (column.role == Role::kStart ? start_column_ : end_column_) = i;
          (column.role == Role::kStart ? start_ids_ : end_ids_) = &group->second;
          break;
        }
        case Role::kLabel: label_column_ = i; break;
        case Role::kType: type_column_ = i; break;
        case Role::kProperty:
        case Role::kIgnore: break;
      }
      if (!column.name.empty() && column.role != Role::kIgnore) {
        LORA_ASSIGN(const KeyId key, load_.key(column.name));
        properties_.emplace_back(key, i);
      }
    }
    std::sort(properties_.begin(), properties_.end());
    if (!relationships) {
      for (const std::string& name : file.names) {
        LORA_ASSIGN(const LabelId label, load_.label(name));
        labels_.push_back(label);
      }
    } else if (!file.names.empty()) {
      LORA_ASSIGN(type_, load_.rel_type(file.names.front()));
    } else if (!type_column_) {
      return {ErrorCode::kParse, "relationships need a type: a column `:TYPE`, or TYPE= before the file's name"};
    }
    return Status();
  }

  Status values() {
    values_.clear();
    for (const auto& [key, column] : properties_) {
      Result<Value> value = parse_import_value(columns_[column], fields_[column], options_.list_separator);
      if (!value.ok()) {
        return {value.status().code(), "column `" + columns_[column].name + "`: " + value.status().message()};
      }
      if (!value->is_null()) values_.push_back({key, std::move(*value)});
    }
    return Status();
  }

  Status node() {
    LORA_TRY(values());
    const std::vector<LabelId>* labels = &labels_;
    if (label_column_ && !fields_[*label_column_].empty()) {
      some_labels_ = labels_;
      const std::string_view text = fields_[*label_column_];
      for (size_t from = 0;;) {
        const size_t to = text.find(options_.list_separator, from);
        LORA_ASSIGN(const LabelId label, load_.label(text.substr(from, to - from)));
        some_labels_.push_back(label);
        if (to == std::string_view::npos) break;
        from = to + 1;
      }
      labels = &some_labels_;
    }
    if (labels->size() > 1) {
      if (labels != &some_labels_) some_labels_ = *labels;
      std::sort(some_labels_.begin(), some_labels_.end());
      some_labels_.erase(std::unique(some_labels_.begin(), some_labels_.end()), some_labels_.end());
      labels = &some_labels_;
    }
    LORA_ASSIGN(const NodeId id, load_.add_node(*labels, values_));
    if (!id_column_) return Status();
    const std::string& text = fields_[*id_column_];
    if (text.empty()) return {ErrorCode::kParse, "the id is empty"};
    if (!ids_->add(text, static_cast<uint32_t>(id.value))) {
      return {ErrorCode::kUniqueConstraint, "another node has the id `" + text + "`"};
    }
    return Status();
  }

  Status relationship() {
    const std::string& start_text = fields_[*start_column_];
    const std::string& end_text = fields_[*end_column_];
    const std::optional<uint32_t> start = start_ids_->find(start_text);
    const std::optional<uint32_t> end = end_ids_->find(end_text);
    if (!start || !end) {
      if (options_.skip_dangling) {
        ++skipped_;
        return Status();
      }
      return {ErrorCode::kNotFound, "no node has the id `" + (start ? end_text : start_text) + "`"};
    }
    LORA_TRY(values());
    RelTypeId type;
    if (type_column_ && !fields_[*type_column_].empty()) {
      LORA_ASSIGN(type, load_.rel_type(fields_[*type_column_]));
    } else if (type_) {
      type = *type_;
    } else {
      return {ErrorCode::kParse, "the type is empty"};
    }
    return load_.add_relationship(type, NodeId(*start), NodeId(*end), values_).status();
  }

  BulkLoad& load_;
  const ImportOptions& options_;
  const graph::DumpPoll& poll_;
  graph::DumpCounts counts_;
  uint64_t skipped_ = 0;
  std::map<std::string, IdTable, std::less<>> groups_;

  // Of the file that is read.
  std::vector<ImportColumn> columns_;
  std::vector<std::pair<KeyId, size_t>> properties_;  // key and column, by key
  std::vector<LabelId> labels_;
  std::optional<RelTypeId> type_;
  std::optional<size_t> label_column_, type_column_, start_column_, end_column_, id_column_;
  IdTable* ids_ = nullptr;
  const IdTable* start_ids_ = nullptr;
  const IdTable* end_ids_ = nullptr;

  // Of the record.
  std::vector<std::string> fields_;
  std::vector<graph::Property> values_;
  std::vector<LabelId> some_labels_;
};

}  // namespace

Result<ImportCounts> import_csv(const std::string& path, const ImportOptions& options, const graph::DumpPoll& poll) {
  ImportCounts counts;
  const FillDatabase fill = [&](Database& database) -> Result<graph::DumpCounts> {
    LORA_ASSIGN(const std::unique_ptr<BulkLoad> load,
                BulkLoad::begin(database.graph(), std::chrono::steady_clock::now() + std::chrono::seconds(5), {}));
    CsvImport import(*load, options, poll);
    LORA_TRY(import.run());
    counts = import.counts();
    return counts.graph;
  };
  LORA_TRY(make_database(path, ".lora-import-", options.force, fill).status());
  return counts;
}

}  // namespace lora::tools

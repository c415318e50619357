#include "cypher/import/import_csv.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "cypher/exec/csv_reader.h"
#include "cypher/import/id_table.h"
#include "cypher/import/import_header.h"
#include "cypher/import/import_target.h"

namespace lora::cypher {

namespace {

using Role = ImportColumn::Role;
constexpr uint64_t kRecordsBetweenPolls = 4096;
constexpr size_t kRecordsAhead = 16;  // that are read before they are used, so that their ids are looked up together

class CsvImport {
 public:
  CsvImport(ImportTarget& target, const ImportOptions& options, const ImportPoll& poll)
      : target_(target), options_(options), poll_(poll) {}

  Status run() {
    for (const ImportFile& file : options_.nodes) LORA_TRY(read(file, false));
    for (const ImportFile& file : options_.relationships) LORA_TRY(read(file, true));
    return target_.finish([this] { return report(); });
  }
  const ImportCounts& counts() const { return counts_; }

 private:
  Status report() { return poll_ ? poll_(counts_) : Status(); }

  Status read(const ImportFile& file, bool relationships) {
    LORA_ASSIGN(const std::unique_ptr<cypher::CsvReader> reader,
                cypher::CsvReader::open_path(file.path, options_.separator));
    const auto at_line = [&](uint64_t line, const Status& status) {
      return Status(status.code(), "`" + file.path + "`, line `" + std::to_string(line) + "`: " + status.message());
    };
    bool more = false;
    std::vector<std::string>& names = ahead_[0].fields;
    LORA_TRY(reader->next(&names, &more));
    if (!more) return {ErrorCode::kParse, "`" + file.path + "` is empty; its first line names the columns"};
    auto header = parse_import_header(names, relationships);
    if (!header.ok()) return at_line(1, header.status());
    if (const Status status = begin(file, std::move(*header), relationships); !status.ok()) return at_line(1, status);
    for (uint64_t records = 0; more;) {
      size_t ahead = 0;
      Status read;
      for (; ahead < kRecordsAhead; ++ahead) {
        Record& record = ahead_[ahead];
        record.line = reader->line();
        read = reader->next(&record.fields, &more);
        if (!read.ok() || !more) break;
        if (relationships && record.fields.size() == columns_.size()) {
          start_ids_->expect(record.fields[*start_column_]);
          end_ids_->expect(record.fields[*end_column_]);
        }
      }
      const Record* bad = nullptr;
      if (const Status status = add(std::span(ahead_).first(ahead), relationships, &bad); !status.ok()) {
        return at_line(bad->line, status);
      }
      LORA_TRY(read);
      records += ahead;
      if (records >= kRecordsBetweenPolls) {
        LORA_TRY(report());
        records = 0;
      }
    }
    return report();
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
        LORA_ASSIGN(const KeyId key, target_.key(column.name));
        properties_.emplace_back(key, i);
      }
    }
    std::sort(properties_.begin(), properties_.end());
    if (!relationships) {
      for (const std::string& name : file.names) {
        LORA_ASSIGN(const LabelId label, target_.label(name));
        labels_.push_back(label);
      }
    } else if (!file.names.empty()) {
      LORA_ASSIGN(type_, target_.rel_type(file.names.front()));
    } else if (!type_column_) {
      return {ErrorCode::kParse, "relationships need a type: a column `:TYPE`, or TYPE= before the file's name"};
    }
    return Status();
  }

  using Fields = std::vector<std::string>;

  struct Record {
    uint64_t line = 0;
    Fields fields;
    std::vector<graph::Property> values;
  };

  // When not OK, **bad is the record that the error is about.
  Status add(std::span<Record> records, bool relationships, const Record** bad) {
    new_relationships_.clear();
    their_records_.clear();
    Status status;
    for (Record& record : records) {
      *bad = &record;
      if (record.fields.size() != columns_.size()) {
        status = {ErrorCode::kParse, "there are " + std::to_string(record.fields.size()) + " fields for " +
                                         std::to_string(columns_.size()) + " columns"};
      } else {
        status = relationships ? relationship(&record) : node(&record);
      }
      if (!status.ok()) break;
    }
    // After a bad record, too: the first error is the one to tell, and it may be with one of those before it.
    size_t added = 0;
    Status adding = target_.add_relationships(new_relationships_, &added);
    if (adding.ok()) return status;
    *bad = their_records_[added];
    return adding;
  }

  Status values(Record* record) {
    const Fields& fields = record->fields;
    record->values.clear();
    for (const auto& [key, column] : properties_) {
      Result<Value> value = parse_import_value(columns_[column], fields[column], options_.list_separator);
      if (!value.ok()) {
        return {value.status().code(), "column `" + columns_[column].name + "`: " + value.status().message()};
      }
      if (!value->is_null()) record->values.push_back({key, std::move(*value)});
    }
    return Status();
  }

  Status node(Record* record) {
    const Fields& fields = record->fields;
    LORA_TRY(values(record));
    const std::vector<LabelId>* labels = &labels_;
    if (label_column_ && !fields[*label_column_].empty()) {
      some_labels_ = labels_;
      const std::string_view text = fields[*label_column_];
      for (size_t from = 0;;) {
        const size_t to = text.find(options_.list_separator, from);
        LORA_ASSIGN(const LabelId label, target_.label(text.substr(from, to - from)));
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
    if (counts_.nodes == IdTable::kNodesMax) return Status::limit("ids", "an import is of 2^32 - 1 nodes at most");
    LORA_TRY(target_.add_node(*labels, record->values));
    const auto number = static_cast<uint32_t>(counts_.nodes++);
    if (!id_column_) return Status();
    const std::string& text = fields[*id_column_];
    if (text.empty()) return {ErrorCode::kParse, "the id is empty"};
    if (!ids_->add(text, number)) {
      return {ErrorCode::kUniqueConstraint, "another node has the id `" + text + "`"};
    }
    return Status();
  }

  Status relationship(Record* record) {
    const Fields& fields = record->fields;
    const std::string& start_text = fields[*start_column_];
    const std::string& end_text = fields[*end_column_];
    const std::optional<uint32_t> start = start_ids_->find(start_text);
    const std::optional<uint32_t> end = end_ids_->find(end_text);
    if (!start || !end) {
      if (options_.skip_dangling) {
        ++counts_.skipped;
        return Status();
      }
      return {ErrorCode::kNotFound, "no node has the id `" + (start ? end_text : start_text) + "`"};
    }
    LORA_TRY(values(record));
    RelTypeId type;
    if (type_column_ && !fields[*type_column_].empty()) {
      LORA_ASSIGN(type, target_.rel_type(fields[*type_column_]));
    } else if (type_) {
      type = *type_;
    } else {
      return {ErrorCode::kParse, "the type is empty"};
    }
    new_relationships_.push_back({type, NodeId(*start), NodeId(*end), record->values});
    their_records_.push_back(record);
    ++counts_.relationships;
    return Status();
  }

  ImportTarget& target_;
  const ImportOptions& options_;
  const ImportPoll& poll_;
  ImportCounts counts_;
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

  std::array<Record, kRecordsAhead> ahead_;
  std::vector<graph::NewRelationship> new_relationships_;  // of those
  std::vector<const Record*> their_records_;
  std::vector<LabelId> some_labels_;  // of the record
};

}  // namespace

Result<ImportCounts> import_csv(graph::Graph& graph, const ImportOptions& options, bool in_memory,
                                std::chrono::steady_clock::time_point deadline, uint64_t owner_token,
                                const ImportPoll& poll) {
  LORA_ASSIGN(const std::unique_ptr<ImportTarget> target,
              make_import_target(graph, in_memory, deadline, owner_token, [&] { return poll ? poll({}) : Status(); }));
  CsvImport import(*target, options, poll);
  LORA_TRY(import.run());
  return import.counts();
}

}  // namespace lora::cypher

#include "cypher/import/import_csv.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "cypher/exec/csv_reader.h"
#include "cypher/import/import_header.h"
#include "cypher/import/import_target.h"
#include "cypher/import/record_reader.h"
#include "kv/processors.h"

namespace lora::cypher {

namespace {

using Role = ImportColumn::Role;
constexpr uint64_t kRecordsBetweenPolls = 4096;
constexpr size_t kRelationshipsTogether = 16;  // in one call

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
    LORA_ASSIGN(const std::unique_ptr<CsvReader> csv, CsvReader::open_path(file.path, options_.separator));
    bool more = false;
    std::vector<std::string> names;
    LORA_TRY(csv->next(&names, &more));
    if (!more) return {ErrorCode::kParse, "`" + file.path + "` is empty; its first line names the columns"};
    if (const Status status = begin(file, names, relationships); !status.ok()) return at_line(file.path, 1, status);

    RecordReader reader(*csv, format_, options_, ids_, read_ahead_);
    std::unique_ptr<ImportBatch> batch;
    uint64_t records = 0;
    do {
      batch = reader.next(std::move(batch));
      const std::span<ImportRecord> added = std::span(batch->records).first(batch->count);
      LORA_TRY(relationships ? add_relationships(file.path, added) : add_nodes(file.path, added));
      counts_.skipped += batch->skipped;
      LORA_TRY(batch->status);
      records += batch->count + batch->skipped;
      if (records >= kRecordsBetweenPolls) {
        LORA_TRY(report());
        records = 0;
      }
    } while (!batch->last);
    return report();
  }

  Status begin(const ImportFile& file, const std::vector<std::string>& names, bool relationships) {
    LORA_ASSIGN(std::vector<ImportColumn> columns, parse_import_header(names, relationships));
    LORA_ASSIGN(format_, ImportFormat::of(std::move(columns), &ids_));
    labels_.clear();
    type_ = std::nullopt;
    for (size_t i = 0; i < format_.columns.size(); ++i) {
      const ImportColumn& column = format_.columns[i];
      if (column.name.empty() || column.role == Role::kIgnore) continue;
      LORA_ASSIGN(const KeyId key, target_.key(column.name));
      format_.properties.emplace_back(key, i);
    }
    std::sort(format_.properties.begin(), format_.properties.end());
    if (!relationships) {
      for (const std::string& name : file.names) {
        LORA_ASSIGN(const LabelId label, target_.label(name));
        labels_.push_back(label);
      }
      std::sort(labels_.begin(), labels_.end());
      labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
    } else if (!file.names.empty()) {
      LORA_ASSIGN(type_, target_.rel_type(file.names.front()));
    } else if (!format_.type_column) {
      return {ErrorCode::kParse, "relationships need a type: a column `:TYPE`, or TYPE= before the file's name"};
    }
    return Status();
  }

  Status add_nodes(const std::string& path, std::span<const ImportRecord> records) {
    for (const ImportRecord& record : records) {
      if (const Status status = add_node(record); !status.ok()) return at_line(path, record.line, status);
    }
    return Status();
  }

  Status add_node(const ImportRecord& record) {
    const std::vector<LabelId>* labels = &labels_;
    if (format_.label_column && !record.fields[*format_.label_column].empty()) {
      some_labels_ = labels_;
      const std::string_view text = record.fields[*format_.label_column];
      for (size_t from = 0;;) {
        const size_t to = text.find(options_.list_separator, from);
        LORA_ASSIGN(const LabelId label, target_.label(text.substr(from, to - from)));
        some_labels_.push_back(label);
        if (to == std::string_view::npos) break;
        from = to + 1;
      }
      std::sort(some_labels_.begin(), some_labels_.end());
      some_labels_.erase(std::unique(some_labels_.begin(), some_labels_.end()), some_labels_.end());
      labels = &some_labels_;
    }
    LORA_TRY(target_.add_node(*labels, record.values));
    ++counts_.nodes;
    return Status();
  }

  Status add_relationships(const std::string& path, std::span<const ImportRecord> records) {
    while (!records.empty()) {
      const auto some = records.first(std::min(records.size(), kRelationshipsTogether));
      records = records.subspan(some.size());
      together_.clear();
      Status status;
      for (const ImportRecord& record : some) {
        auto type = type_of(record);
        if (!type.ok()) {
          status = type.status();
          break;
        }
        together_.push_back({*type, NodeId(record.start), NodeId(record.end), record.values});
      }
      // After a bad record, too: the first error is the one to tell, and it may be with one of those before it.
      size_t added = 0;
      if (Status adding = target_.add_relationships(together_, &added); !adding.ok()) status = std::move(adding);
      counts_.relationships += added;
      if (!status.ok()) return at_line(path, some[added].line, status);
    }
    return Status();
  }

  Result<RelTypeId> type_of(const ImportRecord& record) {
    if (format_.type_column && !record.fields[*format_.type_column].empty()) {
      return target_.rel_type(record.fields[*format_.type_column]);
    }
    if (!type_) return Status(ErrorCode::kParse, "the type is empty");
    return *type_;
  }

  ImportTarget& target_;
  const ImportOptions& options_;
  const ImportPoll& poll_;
  ImportCounts counts_;
  ImportIds ids_;
  const bool read_ahead_ = usable_processors() > 1;

  // Of the file that is read.
  ImportFormat format_;
  std::vector<LabelId> labels_;  // ascending, once each
  std::optional<RelTypeId> type_;

  std::vector<graph::NewRelationship> together_;
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

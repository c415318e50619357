#include "cypher/import/record_reader.h"

#include <algorithm>
#include <system_error>

#include "kv/check.h"
#include "kv/contain.h"

namespace lora::cypher {

namespace {

using Role = ImportColumn::Role;
constexpr size_t kBatchRecords = 256;    // a batch stays in a core's cache on its way to the other one
constexpr size_t kBatchBytes = 1 << 20;  // or so many, if records are large
constexpr size_t kKeptBytes = 4096;      // of a record whose memory serves the next one
constexpr size_t kBatches = 4;           // of a file, in all
constexpr size_t kTogether = 16;         // records whose ids are looked up together

}  // namespace

Status at_line(const std::string& path, uint64_t line, const Status& status) {
  return {status.code(), "`" + path + "`, line `" + std::to_string(line) + "`: " + status.message()};
}

Result<ImportFormat> ImportFormat::of(std::vector<ImportColumn> columns, ImportIds* ids) {
  ImportFormat format;
  format.columns = std::move(columns);
  for (size_t i = 0; i < format.columns.size(); ++i) {
    const ImportColumn& column = format.columns[i];
    switch (column.role) {
      case Role::kId:
        format.id_column = i;
        format.ids = &ids->groups[column.group];
        break;
      case Role::kStart:
      case Role::kEnd: {
        const auto group = ids->groups.find(column.group);
        if (group == ids->groups.end()) {
          return Status(ErrorCode::kNotFound, column.group.empty()
                                                  ? "no file of nodes has a column `:ID`"
                                                  : "no file of nodes has a column `:ID(" + column.group + ")`");
        }
        (column.role == Role::kStart ? format.start_column : format.end_column) = i;
        (column.role == Role::kStart ? format.start_ids : format.end_ids) = &group->second;
        break;
      }
      case Role::kLabel: format.label_column = i; break;
      case Role::kType: format.type_column = i; break;
      case Role::kProperty:
      case Role::kIgnore: break;
    }
  }
  return format;
}

RecordReader::RecordReader(CsvReader& file, const ImportFormat& format, const ImportOptions& options, ImportIds& ids,
                           bool ahead)
    : file_(file), format_(format), options_(options), ids_(ids), ahead_(ahead), full_(kBatches), empty_(kBatches) {}

RecordReader::~RecordReader() {
  full_.discard();
  empty_.discard();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<ImportBatch> RecordReader::next(BatchPtr done) {
  if (thread_.joinable()) {
    empty_.push(std::move(done));
    std::optional<BatchPtr> batch = full_.pop();
    LORA_DCHECK(batch.has_value());  // the thread ends after the last one only
    return std::move(*batch);
  }
  BatchPtr batch = fill(done == nullptr ? std::make_unique<ImportBatch>() : std::move(done));
  // A small file is not worth a thread.
  if (std::exchange(ahead_, false) && !batch->last && batch->status.ok()) start_thread();
  return batch;
}

void RecordReader::start_thread() {
  for (size_t i = 1; i < kBatches; ++i) empty_.push(std::make_unique<ImportBatch>());
  try {
    thread_ = std::thread([this] {
      while (std::optional<BatchPtr> batch = empty_.pop()) {
        BatchPtr filled = fill(std::move(*batch));
        const bool more = !filled->last && filled->status.ok();
        if (!full_.push(std::move(filled)) || !more) return;
      }
    });
  } catch (const std::system_error&) {  // no thread to be had: it goes on without
  }
}

RecordReader::BatchPtr RecordReader::fill(BatchPtr batch) {
  if (std::exchange(batch->large, false)) batch->records.clear();
  batch->count = 0;
  batch->bytes = 0;
  batch->skipped = 0;
  batch->last = false;
  batch->status = contain([&] { return fill_some(batch.get()); });
  return batch;
}

Status RecordReader::fill_some(ImportBatch* batch) {
  batch->records.resize(kBatchRecords);
  for (size_t all = 0; all < kBatchRecords && batch->bytes < kBatchBytes && !batch->last; all += kTogether) {
    size_t read = 0;
    const Status reading = read_some(batch, &read);
    const size_t end = batch->count + read;
    for (size_t i = batch->count; i < end; ++i) {
      ImportRecord& record = batch->records[i];
      bool dangling = false;
      if (const Status status = resolve(&record, &dangling); !status.ok()) {
        return at_line(file_.path(), record.line, status);
      }
      if (dangling) {
        ++batch->skipped;
      } else {
        std::swap(batch->records[batch->count++], record);
      }
    }
    LORA_TRY(reading);
  }
  return Status();
}

// Some records behind those that are there, as they stand in the file, and asks for the places of their ids.
Status RecordReader::read_some(ImportBatch* batch, size_t* read) {
  for (*read = 0; *read < kTogether && batch->bytes < kBatchBytes; ++*read) {
    ImportRecord& record = batch->records[batch->count + *read];
    bool more = false;
    record.line = file_.line();
    LORA_TRY(file_.next(&record.fields, &more));
    if (!more) {
      batch->last = true;
      break;
    }
    size_t bytes = 0;
    for (const std::string& field : record.fields) bytes += field.size();
    batch->bytes += bytes;
    batch->large = batch->large || bytes > kKeptBytes;
    if (relationships() && record.fields.size() == format_.columns.size()) {
      format_.start_ids->expect(record.fields[*format_.start_column]);
      format_.end_ids->expect(record.fields[*format_.end_column]);
    }
  }
  return Status();
}

Status RecordReader::resolve(ImportRecord* record, bool* dangling) {
  const std::vector<std::string>& fields = record->fields;
  if (fields.size() != format_.columns.size()) {
    return {ErrorCode::kParse, "there are " + std::to_string(fields.size()) + " fields for " +
                                   std::to_string(format_.columns.size()) + " columns"};
  }
  if (relationships()) {
    const std::string& start_text = fields[*format_.start_column];
    const std::string& end_text = fields[*format_.end_column];
    const std::optional<uint32_t> start = format_.start_ids->find(start_text);
    const std::optional<uint32_t> end = format_.end_ids->find(end_text);
    if (!start || !end) {
      *dangling = options_.skip_dangling;
      if (*dangling) return Status();
      return {ErrorCode::kNotFound, "no node has the id `" + (start ? end_text : start_text) + "`"};
    }
    record->start = *start;
    record->end = *end;
    return parse_values(record);
  }
  LORA_TRY(parse_values(record));
  if (ids_.nodes == IdTable::kNodesMax) return Status::limit("ids", "an import is of 2^32 - 1 nodes at most");
  const uint32_t number = ids_.nodes++;
  if (!format_.id_column) return Status();
  const std::string& text = fields[*format_.id_column];
  if (text.empty()) return {ErrorCode::kParse, "the id is empty"};
  if (!format_.ids->add(text, number)) {
    return {ErrorCode::kUniqueConstraint, "another node has the id `" + text + "`"};
  }
  return Status();
}

Status RecordReader::parse_values(ImportRecord* record) const {
  record->values.clear();
  for (const auto& [key, column] : format_.properties) {
    const ImportColumn& its = format_.columns[column];
    Result<Value> value = parse_import_value(its, record->fields[column], options_.list_separator);
    if (!value.ok()) return {value.status().code(), "column `" + its.name + "`: " + value.status().message()};
    if (!value->is_null()) record->values.push_back({key, std::move(*value)});
  }
  return Status();
}

}  // namespace lora::cypher

// A CSV file's records for an import: split, their values parsed, their ids looked up.
//
// Large files are read ahead on a thread of the reader's own. Memory: what stands in some hundred records or 4 MiB of
// the file, whichever is less, twice; more only while single records are larger. Threads: one calls; while a
// RecordReader lives, nobody else may touch the ids.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cypher/exec/csv_reader.h"
#include "cypher/import/id_table.h"
#include "cypher/import/import_header.h"
#include "cypher/import/import_options.h"
#include "graph/graph.h"
#include "kv/channel.h"

namespace lora::cypher {

// What the files of nodes have told.
struct ImportIds {
  std::map<std::string, IdTable, std::less<>> groups;
  uint32_t nodes = 0;
};

// What is the same for all records of a file.
struct ImportFormat {
  std::vector<ImportColumn> columns;
  std::vector<std::pair<KeyId, size_t>> properties;  // key and column, by key
  std::optional<size_t> label_column, type_column, start_column, end_column, id_column;
  IdTable* ids = nullptr;                                  // where the column `:ID` goes
  const IdTable *start_ids = nullptr, *end_ids = nullptr;  // of a file of relationships

  // Without the properties, whose keys the graph knows. kNotFound for a group that no file of nodes has.
  static Result<ImportFormat> of(std::vector<ImportColumn> columns, ImportIds* ids);
};

struct ImportRecord {
  uint64_t line = 0;
  std::vector<std::string> fields;  // as many as columns
  std::vector<graph::Property> values;
  uint32_t start = 0, end = 0;  // of a relationship
};

struct ImportBatch {
  std::vector<ImportRecord> records;  // kept for the next batch; `count` of them are of this one
  size_t count = 0;
  size_t bytes = 0;      // of the fields of all that were read for it
  bool large = false;    // some of them were of more than is worth keeping
  uint64_t skipped = 0;  // dangling relationships
  bool last = false;     // of the file
  Status status;         // what is wrong behind the records
};

class RecordReader {
 public:
  // The rest of a file whose first line was read. All references must outlive the reader. `ahead`: on a thread, if
  // there is more than one batch and a thread is to be had.
  RecordReader(CsvReader& file, const ImportFormat& format, const ImportOptions& options, ImportIds& ids, bool ahead);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // The next records; `done`: the batch that this has returned before, null the first time. Nothing may be called after
  // the last batch or one that is not OK. kParse, kNotFound, kUniqueConstraint and what CsvReader says, naming file and
  // line.
  std::unique_ptr<ImportBatch> next(std::unique_ptr<ImportBatch> done);

 private:
  using BatchPtr = std::unique_ptr<ImportBatch>;

  BatchPtr fill(BatchPtr batch);
  Status fill_some(ImportBatch* batch);
  Status read_some(ImportBatch* batch, size_t* read);
  Status resolve(ImportRecord* record, bool* dangling);
  Status parse_values(ImportRecord* record) const;
  bool relationships() const { return format_.start_ids != nullptr; }
  void start_thread();

  CsvReader& file_;
  const ImportFormat& format_;
  const ImportOptions& options_;
  ImportIds& ids_;
  bool ahead_;  // a thread is yet to be started
  Channel<BatchPtr> full_, empty_;
  std::thread thread_;  // while it runs, it alone reads
};

// `status` at that line.
Status at_line(const std::string& path, uint64_t line, const Status& status);

}  // namespace lora::cypher

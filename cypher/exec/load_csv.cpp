// LOAD CSV: one row per record, read as the rows are asked for.
#include "cypher/exec/build.h"
#include "cypher/exec/csv_reader.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

class LoadCsvOperator final : public MultiplyingOperator {
 public:
  LoadCsvOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)), load_(*static_cast<const LoadCsv*>(op)) {}
  void close() override {
    reader_.reset();
    headers_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    reader_.reset();
    return Status();
  }

  Status produce(size_t room) override {
    Column& out = out_.columns[load_.row];
    while (row_ < in_->rows && parents_.size() < room) {
      if (reader_ == nullptr) LORA_TRY(open_file());
      bool more = reader_ != nullptr;
      if (more) LORA_TRY(reader_->next(&fields_, &more));
      if (!more) {
        reader_.reset();
        ++row_;
        continue;
      }
      if ((parents_.size() & 255) == 255) LORA_TRY(state_.tick());
      out.push(load_.headers ? record_map() : record_list());
      parents_.push_back(static_cast<uint32_t>(row_));
    }
    return Status();
  }

 private:
  Status open_file() {
    Value url;
    LORA_TRY(state_.evaluator.evaluate_row(*load_.url, *in_, row_, &url));
    if (url.is_null()) return Status();
    if (!url.is_string())
      return type_error("InvalidArgumentType", "`LOAD CSV` needs a file name, got " + describe(url));
    char separator = ',';
    if (load_.separator != nullptr) {
      Value v;
      LORA_TRY(state_.evaluator.evaluate_row(*load_.separator, *in_, row_, &v));
      if (!v.is_string() || v.as_string().size() != 1 || v.as_string() == "\"" || v.as_string() == "\n") {
        return type_error("InvalidArgumentValue", "a field terminator is one character, got " + describe(v));
      }
      separator = v.as_string()[0];
    }
    LORA_ASSIGN(reader_, CsvReader::open(state_.context.import_dir, url.as_string(), separator));
    if (!load_.headers) return Status();
    bool more = false;
    LORA_TRY(reader_->next(&fields_, &more));
    headers_.clear();
    for (const std::string& name : fields_) headers_.push_back(Value::string(name));
    return Status();
  }

  // An empty field is null, as an absent one.
  static Value field_value(const std::string& field) { return field.empty() ? Value() : Value::string(field); }

  Value record_list() const {
    List items;
    items.reserve(fields_.size());
    for (const std::string& f : fields_) items.push_back(field_value(f));
    return Value::list(std::move(items));
  }

  Value record_map() const {
    std::vector<MapEntry> entries;
    entries.reserve(headers_.size());
    for (size_t i = 0; i < headers_.size(); ++i) {
      bool repeated = false;
      for (const MapEntry& e : entries) repeated |= e.first.as_string() == headers_[i].as_string();
      if (!repeated) entries.emplace_back(headers_[i], i < fields_.size() ? field_value(fields_[i]) : Value());
    }
    return Value::map(std::move(entries));
  }

  const LoadCsv& load_;
  std::unique_ptr<CsvReader> reader_;
  List headers_;
  std::vector<std::string> fields_;
};

}  // namespace

OperatorPtr make_load_csv(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<LoadCsvOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher

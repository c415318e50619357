// Short ways to write rows whose body stands in the row, and what such bodies share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cypher/functions/families.h"

namespace lora::cypher {

using Args = std::span<const Value>;

// Makes the rows of one category. The last arguments from number `required` on are optional.
class RowMaker {
 public:
  explicit RowMaker(std::string_view category) : category_(category) {}

  // A pure function that gives null for null.
  FunctionSpec operator()(std::string_view name, std::vector<ArgSpec> args, size_t required, TypeSet result,
                          std::string_view description, std::string_view example, std::string_view gives,
                          ScalarFunction function) const {
    FunctionSpec row;
    row.name = name;
    row.max_args = static_cast<uint8_t>(args.size());
    row.args = std::move(args);
    row.min_args = static_cast<uint8_t>(required);
    row.result = result;
    row.category = category_;
    row.description = description;
    row.example = example;
    row.example_result = gives;
    row.function = function;
    return row;
  }

  static FunctionSpec with_nulls(FunctionSpec row) {
    row.null_rule = NullRule::kCalled;
    return row;
  }
  static FunctionSpec any_number(FunctionSpec row) {
    row.max_args = 255;
    return row;
  }
  static FunctionSpec as(Purity purity, FunctionSpec row) {
    row.purity = purity;
    return row;
  }
  static FunctionSpec also(std::vector<std::string_view> aliases, FunctionSpec row) {
    row.aliases = std::move(aliases);
    return row;
  }

 private:
  std::string_view category_;
};

// A list as the answer, charged to the query.
inline Status give_list(EvalContext& context, List list, Value* out) {
  LORA_TRY(context.control->charge_made(list.size() * sizeof(Value)));
  *out = Value::list(std::move(list));
  return Status();
}
inline Status give_text(EvalContext& context, std::string_view text, Value* out) {
  LORA_TRY(context.control->charge_made(text.size()));
  *out = Value::string(text);
  return Status();
}

// ArgumentError, InvalidArgumentValue: an argument of the right type that makes no sense.
inline Status bad_argument(std::string message) {
  return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue", std::move(message));
}

}  // namespace lora::cypher

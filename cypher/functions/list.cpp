// Functions of lists and sizes.
#include <algorithm>
#include <string>

#include "cypher/functions/families.h"
#include "graph/packed_list.h"

namespace lora::cypher {

namespace {

Status size(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  int64_t n = 0;
  switch (v.type()) {
    case ValueType::kList: n = static_cast<int64_t>(ListItems(v).size()); break;
    case ValueType::kMap: n = static_cast<int64_t>(v.as_map().size()); break;
    default: n = code_points(v.as_string()); break;
  }
  *out = Value::integer(n);
  return Status();
}

Status is_empty(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  *out = Value::boolean(v.is_list()  ? ListItems(v).size() == 0
                        : v.is_map() ? v.as_map().empty()
                                     : v.as_string().empty());
  return Status();
}

Status head(EvalContext&, std::span<const Value> args, Value* out) {
  const ListItems list(args[0]);
  Value box;
  *out = list.size() == 0 ? Value() : list.get(0, &box);
  return Status();
}

Status last(EvalContext&, std::span<const Value> args, Value* out) {
  const ListItems list(args[0]);
  Value box;
  *out = list.size() == 0 ? Value() : list.get(list.size() - 1, &box);
  return Status();
}

Status tail(EvalContext& context, std::span<const Value> args, Value* out) {
  const List& list = args[0].as_list();
  if (list.empty()) {
    *out = Value::list({});
    return Status();
  }
  LORA_TRY(context.control->charge_made((list.size() - 1) * sizeof(Value)));
  *out = Value::list(List(list.begin() + 1, list.end()));
  return Status();
}

Status init(EvalContext&, std::span<const Value> args, Value* out) {
  const List& list = args[0].as_list();
  *out = Value::list(list.empty() ? List() : List(list.begin(), list.end() - 1));
  return Status();
}

Status reverse(EvalContext&, std::span<const Value> args, Value* out) {
  if (args[0].is_list()) {
    List list = args[0].as_list();
    std::reverse(list.begin(), list.end());
    *out = Value::list(std::move(list));
    return Status();
  }
  // By code point: copy each sequence to its mirrored place.
  const std::string_view text = args[0].as_string();
  std::string result(text.size(), '\0');
  size_t end = text.size();
  for (size_t i = 0; i < text.size();) {
    size_t next = i + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    end -= next - i;
    text.copy(result.data() + end, next - i, i);
    i = next;
  }
  *out = Value::string(result);
  return Status();
}

Status range(EvalContext& context, std::span<const Value> args, Value* out) {
  for (const Value& v : args) {
    if (!v.is_integer()) {
      return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentType",
                             "`range()` takes integers, not a " + std::string(value_type_name(v.type())));
    }
  }
  const int64_t start = args[0].as_integer();
  const int64_t stop = args[1].as_integer();
  const int64_t step = args.size() > 2 ? args[2].as_integer() : 1;
  if (step == 0) return number_out_of_range("the step of `range()` must not be `0`");
  List list;
  if ((step > 0 && start <= stop) || (step < 0 && start >= stop)) {
    const uint64_t span = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                   : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
    const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
    const uint64_t steps = span / stride;
    if (steps >= UINT64_MAX / sizeof(Value)) return context.control->charge_made(UINT64_MAX / 2);
    LORA_TRY(context.control->charge_made((steps + 1) * sizeof(Value)));
    list.reserve(steps + 1);
    uint64_t value = static_cast<uint64_t>(start);
    for (uint64_t i = 0; i <= steps; ++i) {
      list.push_back(Value::integer(static_cast<int64_t>(value)));
      value += static_cast<uint64_t>(step);
      if ((i & 0xffff) == 0) LORA_TRY(context.control->tick());
    }
  }
  *out = Value::list(std::move(list));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> list_functions() {
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  constexpr std::string_view kCategory = "List";
  static const std::vector<FunctionSpec> table = {
      with_typed({.measure = code_points}, {"size",
                                            {"list.size", "map.size", "value.size"},
                                            {{"input", kListType | kStringType | kMapType}},
                                            1,
                                            1,
                                            kIntegerType,
                                            kPure,
                                            kNull,
                                            kCategory,
                                            "The number of elements of a list or map, or of characters of a text.",
                                            "size([1, 2, 3])",
                                            "3",
                                            size}),
      {"isEmpty",
       {"list.is_empty"},
       {{"input", kListType | kStringType | kMapType}},
       1,
       1,
       kBooleanType,
       kPure,
       kNull,
       "Predicate",
       "Whether a list, map or text is empty.",
       "isEmpty([])",
       "true",
       is_empty},
      {"head",
       {"list.first"},
       {{"list", kListType}},
       1,
       1,
       kAnyType,
       kPure,
       kNull,
       kCategory,
       "The first element of a list; null when it is empty.",
       "head([1, 2])",
       "1",
       head},
      {"last",
       {"list.last"},
       {{"list", kListType}},
       1,
       1,
       kAnyType,
       kPure,
       kNull,
       kCategory,
       "The last element of a list; null when it is empty.",
       "last([1, 2])",
       "2",
       last},
      {"tail",
       {"list.rest"},
       {{"list", kListType}},
       1,
       1,
       kListType,
       kPure,
       kNull,
       kCategory,
       "All elements but the first.",
       "tail([1, 2, 3])",
       "[2, 3]",
       tail},
      {"list.init",
       {},
       {{"list", kListType}},
       1,
       1,
       kListType,
       kPure,
       kNull,
       kCategory,
       "All elements but the last.",
       "list.init([1, 2, 3])",
       "[1, 2]",
       init},
      {"reverse",
       {"list.reverse", "string.reverse", "value.reverse"},
       {{"input", kListType | kStringType}},
       1,
       1,
       kListType | kStringType,
       kPure,
       kNull,
       kCategory,
       "A list or text from its end to its start.",
       "reverse([1, 2, 3])",
       "[3, 2, 1]",
       reverse},
      {"range",
       {"list.range"},
       {{"start"}, {"end"}, {"step"}},
       2,
       3,
       kListType,
       kPure,
       kNull,
       kCategory,
       "The integers from start to end, both included, `step` apart (default 1).",
       "range(1, 7, 3)",
       "[1, 4, 7]",
       range},
  };
  return table;
}

}  // namespace lora::cypher

#include <algorithm>
#include <cctype>
#include <string>
#include <unordered_map>

#include "cypher/functions/families.h"
#include "cypher/syntax/stack_guard.h"
#include "kv/check.h"

namespace lora::cypher {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

struct Registry {
  std::unordered_map<std::string, const FunctionSpec*> functions;
  std::unordered_map<std::string, const AggregateSpec*> aggregates;
  std::vector<const FunctionSpec*> function_list;
  std::vector<const AggregateSpec*> aggregate_list;

  void add(std::span<const FunctionSpec> family) {
    for (const FunctionSpec& spec : family) {
      function_list.push_back(&spec);
      LORA_CHECK(functions.emplace(lower(spec.name), &spec).second);
      for (std::string_view alias : spec.aliases) LORA_CHECK(functions.emplace(lower(alias), &spec).second);
    }
  }

  Registry() {
    add(bytes_functions());
    add(calendar_functions());
    add(collection_functions());
    add(conversion_functions());
    add(encoding_functions());
    add(entity_functions());
    add(list_functions());
    add(map_functions());
    add(math_functions());
    add(number_functions());
    add(spatial_functions());
    add(string_functions());
    add(temporal_functions());
    add(text_functions());
    add(value_functions());
    add(vector_functions());
    for (const AggregateSpec& spec : aggregate_functions()) {
      aggregate_list.push_back(&spec);
      LORA_CHECK(aggregates.emplace(lower(spec.name), &spec).second);
      for (std::string_view alias : spec.aliases) LORA_CHECK(aggregates.emplace(lower(alias), &spec).second);
    }
    auto by_name = [](const auto* a, const auto* b) { return a->name < b->name; };
    std::sort(function_list.begin(), function_list.end(), by_name);
    std::sort(aggregate_list.begin(), aggregate_list.end(), by_name);
  }
};

const Registry& registry() {
  static const Registry instance;
  return instance;
}

// Levenshtein distance, given up beyond `max`.
size_t edit_distance(std::string_view a, std::string_view b, size_t max) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > max) return max + 1;
  std::vector<size_t> row(a.size() + 1);
  for (size_t i = 0; i <= a.size(); ++i) row[i] = i;
  for (size_t j = 1; j <= b.size(); ++j) {
    size_t diagonal = row[0];
    row[0] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      const size_t above = row[i];
      row[i] = std::min({row[i] + 1, row[i - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[a.size()];
}

}  // namespace

const FunctionSpec* find_function(std::string_view name) {
  auto it = registry().functions.find(lower(name));
  return it == registry().functions.end() ? nullptr : it->second;
}

const AggregateSpec* find_aggregate(std::string_view name) {
  auto it = registry().aggregates.find(lower(name));
  return it == registry().aggregates.end() ? nullptr : it->second;
}

std::span<const FunctionSpec* const> all_functions() {
  return registry().function_list;
}
std::span<const AggregateSpec* const> all_aggregates() {
  return registry().aggregate_list;
}

std::string_view nearest_function(std::string_view name) {
  const std::string wanted = lower(name);
  const size_t max = wanted.size() <= 4 ? 1 : wanted.size() <= 8 ? 2 : 3;
  std::string_view best;
  size_t best_distance = max + 1;
  auto consider = [&](std::string_view candidate) {
    const size_t distance = edit_distance(wanted, lower(candidate), max);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  };
  for (const FunctionSpec* spec : registry().function_list) consider(spec->name);
  for (const AggregateSpec* spec : registry().aggregate_list) consider(spec->name);
  return best;
}

Status check_large_extent(EvalContext& context, const Value::Extent& extent) {
  if (extent.levels > kNestingMax) {
    return Status::limit("depth", "a list or map nests more than `" + std::to_string(kNestingMax) + "` levels");
  }
  constexpr size_t kWalkFrameBytes = 512;  // no walk over values needs more a level
  if (extent.levels > levels_left(kWalkFrameBytes)) {
    return Status::limit("depth", "a list or map nests too deeply for the stack of this thread");
  }
  if (context.control == nullptr) return Status();
  return context.control->check_total(std::min(extent.items, UINT64_MAX / 4 / sizeof(Value)) * sizeof(Value));
}

Status call_function(EvalContext& context, const FunctionSpec& spec, std::span<const Value> args, Value* out) {
  if (spec.body != nullptr) [[unlikely]] {
    LORA_TRY(spec.body->call(context, args, out));
    return check_extent(context, *out);
  }
  const bool null_in_null_out = spec.null_rule == NullRule::kNullIfAnyNull;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].is_null()) {
      if (null_in_null_out) {
        *out = Value();
        return Status();
      }
      continue;
    }
    const ArgSpec& arg = spec.args[std::min(i, spec.args.size() - 1)];
    if ((arg.types & type_bit(args[i].type())) == 0) [[unlikely]] {
      // A null behind it still makes the answer null.
      const auto rest = args.subspan(i);
      if (null_in_null_out && std::any_of(rest.begin(), rest.end(), [](const Value& v) { return v.is_null(); })) {
        *out = Value();
        return Status();
      }
      return argument_type_error(spec.name, args[i]);
    }
    LORA_TRY(check_extent(context, args[i]));  // it may come from a thread with a larger stack
  }
  LORA_TRY(spec.function(context, args, out));
  return check_extent(context, *out);
}

Status argument_type_error(std::string_view function, const Value& value) {
  const std::string_view type = value_type_name(value.type());
  const bool vowel = std::string_view("AEIOU").find(type.front()) != std::string_view::npos;
  return Status::runtime(
      ErrorCode::kType, "TypeError", "InvalidArgumentValue",
      "`" + std::string(function) + "()` does not take " + (vowel ? "an " : "a ") + std::string(type));
}

Status number_out_of_range(std::string message) {
  return Status::runtime(ErrorCode::kArithmetic, "ArgumentError", "NumberOutOfRange", std::move(message));
}

Status overflow_error(std::string_view operation) {
  return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "IntegerOverflow",
                         "integer overflow in `" + std::string(operation) + "`; integers have 64 bits");
}

}  // namespace lora::cypher

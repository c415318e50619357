// The functions of the namespace `list` that are not Cypher's own under another name.
//
// Equality is that of DISTINCT (null equals null); order is that of ORDER BY.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "cypher/functions/row.h"
#include "graph/text.h"
#include "kv/stoppable.h"

namespace lora::cypher {

namespace {

struct ValueHash {
  size_t operator()(const Value& v) const { return hash(v); }
};
struct ValueEqual {
  bool operator()(const Value& a, const Value& b) const { return equivalent(a, b); }
};
using Counts = std::unordered_map<Value, int64_t, ValueHash, ValueEqual>;

// Counts the values of a list; charged.
Status count_values(EvalContext& context, const List& list, Counts* out) {
  LORA_TRY(context.control->charge_made(list.size() * (sizeof(Value) + 4 * sizeof(void*))));
  for (const Value& v : list) ++(*out)[v];
  return Status();
}

bool less(const Value& a, const Value& b) {
  return order(a, b) < 0;
}

// A count or index as it can be used with `size` elements.
size_t clamp_count(int64_t n, size_t size) {
  if (n <= 0) return 0;
  return std::min(static_cast<uint64_t>(n), static_cast<uint64_t>(size));
}

// An index from the front, or, when negative, from the back; beyond the ends it is cut.
size_t clamp_index(int64_t i, size_t size) {
  if (i >= 0) return clamp_count(i, size);
  const uint64_t back = uint64_t{0} - static_cast<uint64_t>(i);
  return back >= size ? 0 : size - static_cast<size_t>(back);
}

Status give_part(EvalContext& context, const List& list, size_t from, size_t to, Value* out) {
  if (from > to) from = to;
  return give_list(context,
                   List(list.begin() + static_cast<ptrdiff_t>(from), list.begin() + static_cast<ptrdiff_t>(to)), out);
}

// --- numbers ---

// The numbers of a list, nulls left out. TypeError for anything else.
Status read_numbers(std::string_view function, const List& list, std::vector<Value>* out) {
  for (const Value& v : list) {
    if (v.is_null()) continue;
    if (!v.is_number()) return argument_type_error(function, v);
    out->push_back(v);
  }
  return Status();
}

// Integers stay integers while all are; an overflow is an error.
template <bool product>
Status fold(std::string_view function, const List& list, Value* out) {
  std::vector<Value> numbers;
  LORA_TRY(read_numbers(function, list, &numbers));
  int64_t whole = product ? 1 : 0;
  double real = product ? 1.0 : 0.0;
  bool is_real = false;
  for (const Value& v : numbers) {
    if (!is_real && v.is_float()) {
      is_real = true;
      real = static_cast<double>(whole);
    }
    if (is_real) {
      real = product ? real * v.as_number() : real + v.as_number();
    } else if (product ? __builtin_mul_overflow(whole, v.as_integer(), &whole)
                       : __builtin_add_overflow(whole, v.as_integer(), &whole)) {
      return overflow_error(function);
    }
  }
  *out = is_real ? Value::floating(real) : Value::integer(whole);
  return Status();
}

Status average(EvalContext&, Args args, Value* out) {
  std::vector<Value> numbers;
  LORA_TRY(read_numbers("list.avg", args[0].as_list(), &numbers));
  double sum = 0;
  for (const Value& v : numbers) sum += v.as_number();
  *out = numbers.empty() ? Value() : Value::floating(sum / static_cast<double>(numbers.size()));
  return Status();
}

// The standard deviation of a sample, as stDev(): 0 for fewer than two.
Status deviation(EvalContext&, Args args, Value* out) {
  std::vector<Value> numbers;
  LORA_TRY(read_numbers("list.stdev", args[0].as_list(), &numbers));
  double mean = 0, squares = 0, n = 0;
  for (const Value& v : numbers) {
    n += 1;
    const double delta = v.as_number() - mean;
    mean += delta / n;
    squares += delta * (v.as_number() - mean);
  }
  *out = Value::floating(n < 2 ? 0.0 : std::sqrt(squares / (n - 1)));
  return Status();
}

Status median(EvalContext& context, Args args, Value* out) {
  std::vector<Value> numbers;
  LORA_TRY(read_numbers("list.median", args[0].as_list(), &numbers));
  *out = Value();
  if (numbers.empty()) return Status();
  LORA_TRY(stoppable([&] { return context.control->tick(); }, less,
                     [&](auto compare) { std::sort(numbers.begin(), numbers.end(), compare); }));
  const size_t middle = numbers.size() / 2;
  *out = numbers.size() % 2 == 1 ? Value::floating(numbers[middle].as_number())
                                 : Value::floating((numbers[middle - 1].as_number() + numbers[middle].as_number()) / 2);
  return Status();
}

// The smallest or largest, nulls left out; null for none.
template <bool largest>
Status extreme(EvalContext&, Args args, Value* out) {
  *out = Value();
  for (const Value& v : args[0].as_list()) {
    if (v.is_null()) continue;
    if (out->is_null() || (largest ? order(v, *out) > 0 : order(v, *out) < 0)) *out = v;
  }
  return Status();
}

Status running_sums(EvalContext& context, Args args, Value* out) {
  List sums;
  Value sum = Value::integer(0);
  for (const Value& v : args[0].as_list()) {
    Value next;
    LORA_TRY(fold<false>("list.scan", {sum, v}, &next));
    sum = next;
    sums.push_back(std::move(next));
  }
  return give_list(context, std::move(sums), out);
}

// --- order ---

Status sort(EvalContext& context, Args args, Value* out) {
  bool descending = false;
  if (args.size() > 1) {
    const std::string_view way = args[1].as_string();
    descending = way == "desc" || way == "DESC";
    if (!descending && way != "asc" && way != "ASC") {
      return bad_argument("`list.sort()` sorts `asc` or `desc`, not `" + std::string(way) + "`");
    }
  }
  List list = args[0].as_list();
  LORA_TRY(stoppable([&] { return context.control->tick(); },
                     [&](const Value& a, const Value& b) { return descending ? order(a, b) > 0 : order(a, b) < 0; },
                     [&](auto compare) { std::stable_sort(list.begin(), list.end(), compare); }));
  return give_list(context, std::move(list), out);
}

uint64_t next_random(EvalContext& context) {
  uint64_t x = context.random_state | 1;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  context.random_state = x;
  return x * 0x2545F4914F6CDD1DULL;
}

// The first `count` of a random order.
List shuffled(EvalContext& context, List list, size_t count) {
  for (size_t i = 0; i < count && i + 1 < list.size(); ++i) {
    std::swap(list[i], list[i + next_random(context) % (list.size() - i)]);
  }
  list.resize(count);
  return list;
}

Status shuffle(EvalContext& context, Args args, Value* out) {
  return give_list(context, shuffled(context, args[0].as_list(), args[0].as_list().size()), out);
}

// Without a count one element (null of an empty list), with one a list.
Status sample(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  if (args.size() == 1) {
    *out = list.empty() ? Value() : list[next_random(context) % list.size()];
    return Status();
  }
  return give_list(context, shuffled(context, list, clamp_count(args[1].as_integer(), list.size())), out);
}

// --- sets ---

// Each value once, in the order of first sight, if `wanted` says so.
template <typename Wanted>
Status distinct(EvalContext& context, const List& list, Wanted wanted, Value* out) {
  Counts seen;
  LORA_TRY(count_values(context, {}, &seen));
  List result;
  for (const Value& v : list) {
    if (wanted(v) && seen.emplace(v, 1).second) result.push_back(v);
  }
  return give_list(context, std::move(result), out);
}

List joined(Args lists) {
  List all;
  for (const Value& list : lists) all.insert(all.end(), list.as_list().begin(), list.as_list().end());
  return all;
}

Status unique(EvalContext& context, Args args, Value* out) {
  return distinct(
      context, args[0].as_list(), [](const Value&) { return true; }, out);
}
Status set_union(EvalContext& context, Args args, Value* out) {
  return distinct(
      context, joined(args), [](const Value&) { return true; }, out);
}
Status intersect(EvalContext& context, Args args, Value* out) {
  Counts other;
  LORA_TRY(count_values(context, args[1].as_list(), &other));
  return distinct(
      context, args[0].as_list(), [&](const Value& v) { return other.count(v) > 0; }, out);
}
Status difference(EvalContext& context, Args args, Value* out) {
  Counts other;
  LORA_TRY(count_values(context, args[1].as_list(), &other));
  return distinct(
      context, args[0].as_list(), [&](const Value& v) { return other.count(v) == 0; }, out);
}
Status symmetric_difference(EvalContext& context, Args args, Value* out) {
  Counts a, b;
  LORA_TRY(count_values(context, args[0].as_list(), &a));
  LORA_TRY(count_values(context, args[1].as_list(), &b));
  return distinct(
      context, joined(args), [&](const Value& v) { return (a.count(v) > 0) != (b.count(v) > 0); }, out);
}
Status contains(EvalContext&, Args args, Value* out) {
  const List& list = args[0].as_list();
  *out = Value::boolean(std::any_of(list.begin(), list.end(), [&](const Value& v) { return equivalent(v, args[1]); }));
  return Status();
}
Status contains_all(EvalContext& context, Args args, Value* out) {
  Counts have;
  LORA_TRY(count_values(context, args[0].as_list(), &have));
  const List& wanted = args[1].as_list();
  *out = Value::boolean(std::all_of(wanted.begin(), wanted.end(), [&](const Value& v) { return have.count(v) > 0; }));
  return Status();
}
template <bool wanted>
Status repeats(EvalContext& context, Args args, Value* out) {
  Counts counts;
  LORA_TRY(count_values(context, args[0].as_list(), &counts));
  *out = Value::boolean((counts.size() < args[0].as_list().size()) == wanted);
  return Status();
}
Status equal_unordered(EvalContext& context, Args args, Value* out) {
  Counts a, b;
  LORA_TRY(count_values(context, args[0].as_list(), &a));
  LORA_TRY(count_values(context, args[1].as_list(), &b));
  bool same = a.size() == b.size();
  for (const auto& [value, count] : a) {
    const auto it = b.find(value);
    same = same && it != b.end() && it->second == count;
  }
  *out = Value::boolean(same);
  return Status();
}
Status find_duplicates(EvalContext& context, Args args, Value* out) {
  Counts counts;
  LORA_TRY(count_values(context, args[0].as_list(), &counts));
  return distinct(
      context, args[0].as_list(), [&](const Value& v) { return counts[v] > 1; }, out);
}
Status count_by(EvalContext& context, Args args, Value* out) {
  Counts counts;
  LORA_TRY(count_values(context, args[0].as_list(), &counts));
  std::vector<MapEntry> entries;
  std::unordered_map<std::string, size_t> place;
  for (const Value& v : args[0].as_list()) {
    if (v.is_null()) continue;
    const std::string key = to_text(v);
    const auto [it, fresh] = place.emplace(key, entries.size());
    if (fresh) entries.emplace_back(Value::string(key), Value::integer(0));
    entries[it->second].second = Value::integer(entries[it->second].second.as_integer() + 1);
  }
  *out = Value::map(std::move(entries));
  return Status();
}

// --- places ---

Status at(EvalContext&, Args args, Value* out) {
  const List& list = args[0].as_list();
  const int64_t i = args[1].as_integer(), size = static_cast<int64_t>(list.size());
  *out = i >= -size && i < size ? list[static_cast<size_t>(i < 0 ? i + size : i)] : Value();
  return Status();
}
Status slice(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  const size_t to = args.size() > 2 ? clamp_index(args[2].as_integer(), list.size()) : list.size();
  return give_part(context, list, clamp_index(args[1].as_integer(), list.size()), to, out);
}
Status index_of(EvalContext&, Args args, Value* out) {
  const List& list = args[0].as_list();
  *out = Value();
  for (size_t i = 0; i < list.size(); ++i) {
    if (!equivalent(list[i], args[1])) continue;
    *out = Value::integer(static_cast<int64_t>(i));
    break;
  }
  return Status();
}
Status indexes_of(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  List result;
  for (size_t i = 0; i < list.size(); ++i) {
    if (equivalent(list[i], args[1])) result.push_back(Value::integer(static_cast<int64_t>(i)));
  }
  return give_list(context, std::move(result), out);
}
Status take(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  return give_part(context, list, 0, clamp_count(args[1].as_integer(), list.size()), out);
}
Status drop(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  return give_part(context, list, clamp_count(args[1].as_integer(), list.size()), list.size(), out);
}
Status take_last(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  return give_part(context, list, list.size() - clamp_count(args[1].as_integer(), list.size()), list.size(), out);
}
Status drop_last(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  return give_part(context, list, 0, list.size() - clamp_count(args[1].as_integer(), list.size()), out);
}
Status insert(EvalContext& context, Args args, Value* out) {
  if (args[0].is_null() || args[1].is_null()) {
    *out = Value();
    return Status();
  }
  List list = args[0].as_list();
  list.insert(list.begin() + static_cast<ptrdiff_t>(clamp_index(args[1].as_integer(), list.size())), args[2]);
  return give_list(context, std::move(list), out);
}
Status remove(EvalContext& context, Args args, Value* out) {
  List list = args[0].as_list();
  const int64_t i = args[1].as_integer(), size = static_cast<int64_t>(list.size());
  if (i >= -size && i < size) list.erase(list.begin() + static_cast<ptrdiff_t>(i < 0 ? i + size : i));
  return give_list(context, std::move(list), out);
}
template <bool front>
Status add(EvalContext& context, Args args, Value* out) {
  if (args[0].is_null()) {
    *out = Value();
    return Status();
  }
  List list = args[0].as_list();
  list.insert(front ? list.begin() : list.end(), args[1]);
  return give_list(context, std::move(list), out);
}
Status concat(EvalContext& context, Args args, Value* out) {
  return give_list(context, joined(args), out);
}
Status compact(EvalContext& context, Args args, Value* out) {
  List list = args[0].as_list();
  std::erase_if(list, [](const Value& v) { return v.is_null(); });
  return give_list(context, std::move(list), out);
}

// --- shapes ---

Status positive(std::string_view function, const Value& n) {
  if (n.as_integer() > 0) return Status();
  return number_out_of_range("the size that `" + std::string(function) + "()` takes must be at least `1`");
}

Status windows(EvalContext& context, Args args, Value* out) {
  LORA_TRY(positive("list.windows", args[1]));
  if (args.size() > 2) LORA_TRY(positive("list.windows", args[2]));
  const List& list = args[0].as_list();
  const auto size = static_cast<uint64_t>(args[1].as_integer());
  const auto step = static_cast<uint64_t>(args.size() > 2 ? args[2].as_integer() : 1);
  List result;
  for (uint64_t i = 0; size <= list.size() && i <= list.size() - size; i += std::min<uint64_t>(step, list.size() + 1)) {
    Value window;
    LORA_TRY(give_part(context, list, i, i + size, &window));
    result.push_back(std::move(window));
  }
  return give_list(context, std::move(result), out);
}
Status chunks(EvalContext& context, Args args, Value* out) {
  LORA_TRY(positive("list.chunks", args[1]));
  const List& list = args[0].as_list();
  const auto size = std::min<uint64_t>(static_cast<uint64_t>(args[1].as_integer()), list.size() + 1);
  List result;
  for (uint64_t i = 0; i < list.size(); i += size) {
    Value chunk;
    LORA_TRY(give_part(context, list, i, std::min<uint64_t>(i + size, list.size()), &chunk));
    result.push_back(std::move(chunk));
  }
  return give_list(context, std::move(result), out);
}
Status split_by(EvalContext& context, Args args, Value* out) {
  if (args[0].is_null()) {
    *out = Value();
    return Status();
  }
  List result, part;
  for (const Value& v : args[0].as_list()) {
    if (!equivalent(v, args[1])) {
      part.push_back(v);
      continue;
    }
    result.push_back(Value::list(std::exchange(part, {})));
  }
  result.push_back(Value::list(std::move(part)));
  LORA_TRY(context.control->charge_made(args[0].as_list().size() * sizeof(Value)));
  return give_list(context, std::move(result), out);
}
Status zip(EvalContext& context, Args args, Value* out) {
  const List &a = args[0].as_list(), &b = args[1].as_list();
  List result;
  LORA_TRY(context.control->charge_made(std::min(a.size(), b.size()) * 4 * sizeof(Value)));
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) result.push_back(Value::list({a[i], b[i]}));
  return give_list(context, std::move(result), out);
}
Status repeat(EvalContext& context, Args args, Value* out) {
  if (args[1].is_null()) {
    *out = Value();
    return Status();
  }
  const int64_t n = std::max<int64_t>(args[1].as_integer(), 0);
  constexpr int64_t kMax = INT64_MAX / static_cast<int64_t>(sizeof(Value));
  LORA_TRY(context.control->charge_made(static_cast<uint64_t>(std::min(n, kMax)) * sizeof(Value)));
  *out = Value::list(List(static_cast<size_t>(n), args[0]));
  return Status();
}
void flatten_into(const List& list, int64_t levels, List* out) {
  for (const Value& v : list) {
    if (v.is_list() && levels > 0) {
      flatten_into(v.as_list(), levels - 1, out);
    } else {
      out->push_back(v);
    }
  }
}
Status flatten(EvalContext& context, Args args, Value* out) {
  List result;
  const int64_t levels = args.size() > 1 ? args[1].as_integer() : 1;
  flatten_into(args[0].as_list(), std::min<int64_t>(levels, kNestingMax), &result);
  return give_list(context, std::move(result), out);
}
// All choices of k elements, in order of place.
Status combinations(EvalContext& context, Args args, Value* out) {
  const List& list = args[0].as_list();
  const int64_t k = args[1].as_integer();
  List result;
  if (k < 0 || static_cast<uint64_t>(k) > list.size()) return give_list(context, {}, out);
  std::vector<size_t> chosen(static_cast<size_t>(k));
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  for (;;) {
    LORA_TRY(context.control->charge_made((chosen.size() + 2) * sizeof(Value)));
    LORA_TRY(context.control->tick());
    List one;
    for (size_t i : chosen) one.push_back(list[i]);
    result.push_back(Value::list(std::move(one)));
    size_t i = chosen.size();
    while (i > 0 && chosen[i - 1] == list.size() - chosen.size() + i - 1) --i;
    if (i == 0) break;
    ++chosen[i - 1];
    for (size_t j = i; j < chosen.size(); ++j) chosen[j] = chosen[j - 1] + 1;
  }
  *out = Value::list(std::move(result));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> collection_functions() {
  const RowMaker row("List");
  const ArgSpec list{"list", kListType}, other{"other", kListType}, value{"value"}, index{"index", kIntegerType},
      count{"count", kIntegerType};
  constexpr TypeSet kNullable = type_bit(ValueType::kNull);
  static const std::vector<FunctionSpec> table = {
      row("list.sum", {list}, 1, kNumberTypes, "The sum of the numbers, 0 for none.", "list.sum([1, 2, 3])", "6",
          [](EvalContext&, Args a, Value* out) { return fold<false>("list.sum", a[0].as_list(), out); }),
      row("list.product", {list}, 1, kNumberTypes, "The product of the numbers, 1 for none.", "list.product([2, 3, 4])",
          "24", [](EvalContext&, Args a, Value* out) { return fold<true>("list.product", a[0].as_list(), out); }),
      row("list.avg", {list}, 1, kFloatType | kNullable, "The mean of the numbers, null for none.",
          "list.avg([1, 2, 3])", "2.0", average),
      row("list.stdev", {list}, 1, kFloatType, "The standard deviation of the numbers, as a sample.",
          "list.stdev([1, 3])", "sqrt(2)", deviation),
      row("list.median", {list}, 1, kFloatType | kNullable, "The middle number, null for none.",
          "list.median([4, 1, 2])", "2.0", median),
      row("list.min", {list}, 1, kAnyType, "The smallest element.", "list.min([3, 1, 2])", "1", extreme<false>),
      row("list.max", {list}, 1, kAnyType, "The largest element.", "list.max([3, 1, 2])", "3", extreme<true>),
      row("list.scan", {list}, 1, kListType, "The running sums.", "list.scan([1, 2, 3])", "[1, 3, 6]", running_sums),
      row("list.sort", {list, {"direction", kStringType}}, 1, kListType, "The elements in order, `asc` or `desc`.",
          "list.sort([3, 1, 2], 'desc')", "[3, 2, 1]", sort),
      RowMaker::as(Purity::kVolatile, row("list.shuffle", {list}, 1, kListType, "The elements in a random order.",
                                          "list.sort(list.shuffle([1, 2, 3]))", "[1, 2, 3]", shuffle)),
      RowMaker::as(Purity::kVolatile, row("list.sample", {list, count}, 1, kAnyType,
                                          "A random element; with a count, a list of so many different ones.",
                                          "size(list.sample([1, 2, 3], 2))", "2", sample)),
      row("list.unique", {list}, 1, kListType, "Each element once, in order of first sight.", "list.unique([1, 2, 1])",
          "[1, 2]", unique),
      row("list.union", {list, other}, 2, kListType, "What is in one of the lists, each once.",
          "list.union([1, 2], [2, 3])", "[1, 2, 3]", set_union),
      row("list.intersect", {list, other}, 2, kListType, "What is in both lists, each once.",
          "list.intersect([1, 2, 3], [3, 2])", "[2, 3]", intersect),
      row("list.diff", {list, other}, 2, kListType, "What is in the first list only, each once.",
          "list.diff([1, 2, 3], [2])", "[1, 3]", difference),
      row("list.symmetric_diff", {list, other}, 2, kListType, "What is in exactly one of the lists, each once.",
          "list.symmetric_diff([1, 2], [2, 3])", "[1, 3]", symmetric_difference),
      RowMaker::with_nulls(row("list.contains", {list, value}, 2, kBooleanType | kNullable,
                               "Whether the value is an element; null is one like others.",
                               "list.contains([1, null], null)", "true",
                               [](EvalContext& c, Args a, Value* out) {
                                 if (a[0].is_null()) {
                                   *out = Value();
                                   return Status();
                                 }
                                 return contains(c, a, out);
                               })),
      row("list.contains_all", {list, other}, 2, kBooleanType, "Whether all of the other list are elements.",
          "list.contains_all([1, 2, 3], [3, 1])", "true", contains_all),
      row("list.has_duplicates", {list}, 1, kBooleanType, "Whether an element stands there twice.",
          "list.has_duplicates([1, 2, 1])", "true", repeats<true>),
      row("list.all_distinct", {list}, 1, kBooleanType, "Whether no element stands there twice.",
          "list.all_distinct([1, 2, 3])", "true", repeats<false>),
      row("list.equal_unordered", {list, other}, 2, kBooleanType, "Whether both have the same elements as often.",
          "list.equal_unordered([1, 2, 2], [2, 1, 2])", "true", equal_unordered),
      row("list.find_duplicates", {list}, 1, kListType, "What stands there more than once, each once.",
          "list.find_duplicates([1, 2, 1, 3, 2])", "[1, 2]", find_duplicates),
      row("list.count_by", {list}, 1, kMapType, "How often each element is there, by its text.",
          "list.count_by(['a', 'b', 'a'])", "{a: 2, b: 1}", count_by),
      row("list.at", {list, index}, 2, kAnyType, "The element at an index, negative from the end; null beyond.",
          "list.at([1, 2, 3], -1)", "3", at),
      row("list.slice", {list, {"from", kIntegerType}, {"to", kIntegerType}}, 2, kListType,
          "The elements from an index up to, not including, another; negative from the end.",
          "list.slice([1, 2, 3, 4], 1, -1)", "[2, 3]", slice),
      row("list.index_of", {list, value}, 2, kIntegerType | kNullable,
          "The first index of a value; null: it is not there.", "list.index_of(['a', 'b'], 'b')", "1", index_of),
      row("list.indexes_of", {list, value}, 2, kListType, "All indexes of a value.",
          "list.indexes_of(['a', 'b', 'a'], 'a')", "[0, 2]", indexes_of),
      row("list.take", {list, count}, 2, kListType, "The first elements.", "list.take([1, 2, 3], 2)", "[1, 2]", take),
      row("list.drop", {list, count}, 2, kListType, "All but the first elements.", "list.drop([1, 2, 3], 2)", "[3]",
          drop),
      row("list.take_last", {list, count}, 2, kListType, "The last elements.", "list.take_last([1, 2, 3], 2)", "[2, 3]",
          take_last),
      row("list.drop_last", {list, count}, 2, kListType, "All but the last elements.", "list.drop_last([1, 2, 3], 2)",
          "[1]", drop_last),
      RowMaker::with_nulls(row("list.insert", {list, index, value}, 3, kListType | kNullable,
                               "The list with a value put before an index.", "list.insert([1, 3], 1, 2)", "[1, 2, 3]",
                               insert)),
      row("list.remove", {list, index}, 2, kListType, "The list without the element at an index.",
          "list.remove([1, 2, 3], 1)", "[1, 3]", remove),
      RowMaker::with_nulls(row("list.append", {list, value}, 2, kListType | kNullable,
                               "The list with a value at its end.", "list.append([1], 2)", "[1, 2]", add<false>)),
      RowMaker::with_nulls(row("list.prepend", {list, value}, 2, kListType | kNullable,
                               "The list with a value at its start.", "list.prepend([1], 2)", "[2, 1]", add<true>)),
      RowMaker::any_number(row("list.concat", {list, other}, 2, kListType, "The lists one after the other.",
                               "list.concat([1], [2, 3], [4])", "[1, 2, 3, 4]", concat)),
      row("list.compact", {list}, 1, kListType, "The list without nulls.", "list.compact([1, null, 2])", "[1, 2]",
          compact),
      row("list.zip", {list, other}, 2, kListType, "Pairs of the elements at the same index, up to the shorter end.",
          "list.zip([1, 2], ['a', 'b'])", "[[1, 'a'], [2, 'b']]", zip),
      row("list.chunks", {list, {"size", kIntegerType}}, 2, kListType, "The list in pieces of a size.",
          "list.chunks([1, 2, 3], 2)", "[[1, 2], [3]]", chunks),
      RowMaker::with_nulls(row("list.split_by", {list, value}, 2, kListType | kNullable,
                               "The pieces between the places of a value.", "list.split_by([1, 0, 2], 0)", "[[1], [2]]",
                               split_by)),
      row("list.windows", {list, {"size", kIntegerType}, {"step", kIntegerType}}, 2, kListType,
          "All neighbours of a size, each a step further.", "list.windows([1, 2, 3], 2)", "[[1, 2], [2, 3]]", windows),
      RowMaker::with_nulls(row("list.repeat", {value, count}, 2, kListType | kNullable, "A value so many times.",
                               "list.repeat('a', 3)", "['a', 'a', 'a']", repeat)),
      row("list.flatten", {list, {"levels", kIntegerType}}, 1, kListType,
          "The list with inner lists, of one level or more, replaced by their elements.",
          "list.flatten([1, [2, [3]]], 2)", "[1, 2, 3]", flatten),
      row("list.combinations", {list, count}, 2, kListType, "All choices of so many elements.",
          "list.combinations([1, 2, 3], 2)", "[[1, 2], [1, 3], [2, 3]]", combinations),
  };
  return table;
}

}  // namespace lora::cypher

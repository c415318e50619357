#include <algorithm>

#include "cypher/expr/operations.h"
#include "graph/packed_list.h"

namespace lora::cypher {

namespace {

// The detail of a wrong index of a list, and of a value that shows at run time to have no elements: the TCK leaves it
// open (`*`, List1 [7] to [9]), but for one case that cannot be told from these (InvalidArgumentType, Map2 [8]).
constexpr std::string_view kNoWord;

}  // namespace

Status in_list(const Value& x, const Value& list, Value* out) {
  *out = Value();
  if (list.is_null()) return Status();
  if (!list.is_list()) {
    return type_error("InvalidArgumentType", "`IN` needs a list on its right, got " + describe(list));
  }
  if (const std::string_view packed = list.packed(); !packed.empty()) {
    *out = to_value(PackedList(packed).contains(x));
    return Status();
  }
  bool unknown = false;
  for (const Value& item : list.as_list()) {
    const Ternary t = equals(x, item);
    if (t == Ternary::kTrue) {
      *out = Value::boolean(true);
      return Status();
    }
    unknown |= t == Ternary::kNull;
  }
  if (!unknown) *out = Value::boolean(false);
  return Status();
}

Status element_at(EvalContext& context, const Value& object, const Value& index, Value* out) {
  *out = Value();
  if (object.is_null() || index.is_null()) return Status();
  if (object.is_list()) {
    if (!index.is_integer()) {
      return type_error(kNoWord, "a list is indexed with an integer, got " + describe(index));
    }
    const ListItems items(object);
    const auto size = static_cast<int64_t>(items.size());
    int64_t i = index.as_integer();
    if (i < 0) i += size;
    if (i >= 0 && i < size) {
      Value box;
      Value item = items.get(static_cast<size_t>(i), &box);  // *out may be what holds the list
      *out = std::move(item);
    }
    return Status();
  }
  if (object.is_map() || object.is_node() || object.is_relationship()) {
    if (!index.is_string()) {
      return type_error("MapElementAccessByNonString",
                        "the key of a map, node or relationship is a string, got " + describe(index));
    }
    return property_by_name(context, object, index.as_string(), out);
  }
  return type_error(kNoWord, "only lists, maps, nodes and relationships can be indexed, got " + describe(object));
}

Status slice(const Value& list, const Value* from, const Value* to, Value* out) {
  *out = Value();
  if (list.is_null() || (from != nullptr && from->is_null()) || (to != nullptr && to->is_null())) return Status();
  if (!list.is_list()) {
    return type_error("InvalidArgumentType", "only lists can be sliced, got " + describe(list));
  }
  for (const Value* bound : {from, to}) {
    if (bound != nullptr && !bound->is_integer()) {
      return type_error(kNoWord, "bounds of a slice are integers, got " + describe(*bound));
    }
  }
  const List& items = list.as_list();
  const auto size = static_cast<int64_t>(items.size());
  int64_t begin = from == nullptr ? 0 : from->as_integer();
  int64_t end = to == nullptr ? size : to->as_integer();
  if (begin < 0) begin = begin < -size ? 0 : begin + size;
  if (end < 0) end = end < -size ? 0 : end + size;
  begin = std::min(begin, size);
  end = std::min(end, size);
  if (begin >= end) {
    *out = Value::list({});
    return Status();
  }
  if (begin == 0 && end == size) {
    *out = list;
    return Status();
  }
  *out = Value::list(List(items.begin() + begin, items.begin() + end));
  return Status();
}

}  // namespace lora::cypher

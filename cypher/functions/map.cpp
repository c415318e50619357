// The functions of the namespace `map`. A map keeps the order of its keys. A path into nested maps is a list of keys,
// or text with dots between them.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "cypher/functions/row.h"
#include "graph/text.h"

namespace lora::cypher {

namespace {

using Entries = std::vector<MapEntry>;

Entries entries_of(const Value& map) {
  return Entries(map.as_map().begin(), map.as_map().end());
}

Status give_map(EvalContext& context, Entries entries, Value* out) {
  LORA_TRY(context.control->charge_made(entries.size() * sizeof(MapEntry)));
  *out = Value::map(std::move(entries));
  return Status();
}

Entries::iterator find(Entries* entries, std::string_view key) {
  return std::find_if(entries->begin(), entries->end(), [&](const MapEntry& e) { return e.first.as_string() == key; });
}

void put(Entries* entries, std::string_view key, Value value) {
  const auto it = find(entries, key);
  if (it != entries->end()) {
    it->second = std::move(value);
  } else {
    entries->emplace_back(Value::string(key), std::move(value));
  }
}

// Many entries into one map: a later one of the same key wins.
class MapBuilder {
 public:
  void put(std::string_view key, Value value) {
    const auto [it, fresh] = places_.emplace(std::string(key), entries_.size());
    if (fresh) {
      entries_.emplace_back(Value::string(key), std::move(value));
    } else {
      entries_[it->second].second = std::move(value);
    }
  }
  Value* find(std::string_view key) {
    const auto it = places_.find(std::string(key));
    return it == places_.end() ? nullptr : &entries_[it->second].second;
  }
  Entries take() { return std::move(entries_); }

 private:
  Entries entries_;
  std::unordered_map<std::string, size_t> places_;
};

// The keys that an argument names: one text or a list of texts.
Status read_keys(std::string_view function, const Value& v, std::vector<std::string>* out) {
  if (v.is_string()) {
    out->emplace_back(v.as_string());
    return Status();
  }
  for (const Value& key : v.as_list()) {
    if (!key.is_string()) return argument_type_error(function, key);
    out->emplace_back(key.as_string());
  }
  return Status();
}

Status read_path(std::string_view function, const Value& v, std::vector<std::string>* out) {
  if (!v.is_string()) return read_keys(function, v, out);
  std::string_view text = v.as_string();
  for (;;) {
    const size_t dot = text.find('.');
    out->emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return Status();
    text.remove_prefix(dot + 1);
  }
}

// from([[k, v], ...]), from([{key:, value:}, ...]), from(keys, values)
Status from(EvalContext& context, Args args, Value* out) {
  MapBuilder map;
  const List& list = args[0].as_list();
  for (size_t i = 0; i < list.size(); ++i) {
    const Value* key = &list[i];
    const Value* value = nullptr;
    static const Value null;
    if (args.size() > 1) {
      const List& values = args[1].as_list();
      value = i < values.size() ? &values[i] : &null;
    } else if (list[i].is_list() && list[i].as_list().size() == 2) {
      key = &list[i].as_list()[0];
      value = &list[i].as_list()[1];
    } else if (list[i].is_map() && list[i].map_find("key") != nullptr) {
      key = list[i].map_find("key");
      value = list[i].map_find("value");
      if (value == nullptr) value = &null;
    } else {
      return bad_argument("`map.from()` takes pairs `[key, value]`, maps `{key, value}`, or keys and values");
    }
    if (!key->is_string()) return argument_type_error("map.from", *key);
    map.put(key->as_string(), *value);
  }
  return give_map(context, map.take(), out);
}

Status set(EvalContext& context, Args args, Value* out) {
  *out = Value();
  if (args[0].is_null() || args[1].is_null()) return Status();
  Entries entries = entries_of(args[0]);
  put(&entries, args[1].as_string(), args[2]);
  return give_map(context, std::move(entries), out);
}

template <bool kept>
Status choose(EvalContext& context, Args args, Value* out) {
  std::vector<std::string> keys;
  LORA_TRY(read_keys(kept ? "map.pick" : "map.remove", args[1], &keys));
  std::sort(keys.begin(), keys.end());
  Entries entries = entries_of(args[0]);
  std::erase_if(entries, [&](const MapEntry& e) {
    return std::binary_search(keys.begin(), keys.end(), e.first.as_string()) != kept;
  });
  return give_map(context, std::move(entries), out);
}

Status merge(EvalContext& context, Args args, Value* out) {
  MapBuilder map;
  for (const Value& part : args) {
    for (const MapEntry& e : part.as_map()) map.put(e.first.as_string(), e.second);
  }
  return give_map(context, map.take(), out);
}

Value merged_deep(const Value& a, const Value& b) {
  if (!a.is_map() || !b.is_map()) return b;
  MapBuilder map;
  for (const MapEntry& e : a.as_map()) map.put(e.first.as_string(), e.second);
  for (const MapEntry& e : b.as_map()) {
    const Value* old = map.find(e.first.as_string());
    map.put(e.first.as_string(), old != nullptr ? merged_deep(*old, e.second) : e.second);
  }
  return Value::map(map.take());
}

Status deep_merge(EvalContext& context, Args args, Value* out) {
  Value all = args[0];
  for (size_t i = 1; i < args.size(); ++i) all = merged_deep(all, args[i]);
  LORA_TRY(context.control->charge_made(all.heap_bytes()));
  *out = std::move(all);
  return Status();
}

Status compact(EvalContext& context, Args args, Value* out) {
  Entries entries = entries_of(args[0]);
  std::erase_if(entries, [](const MapEntry& e) { return e.second.is_null(); });
  return give_map(context, std::move(entries), out);
}

// The maps of a list by the text of a property; without it or null: left out.
template <bool groups>
Status by_key(EvalContext& context, Args args, Value* out) {
  MapBuilder map;
  std::unordered_map<std::string, List> lists;
  for (const Value& item : args[0].as_list()) {
    if (!item.is_map()) {
      if (item.is_null()) continue;
      return argument_type_error(groups ? "map.group_by" : "map.index_by", item);
    }
    const Value* v = item.map_find(args[1].as_string());
    if (v == nullptr || v->is_null()) continue;
    const std::string key = to_text(*v);
    if (groups) {
      lists[key].push_back(item);
      map.put(key, Value());
    } else {
      map.put(key, item);
    }
  }
  Entries entries = map.take();
  if (groups) {
    LORA_TRY(context.control->charge_made(args[0].as_list().size() * sizeof(Value)));
    for (MapEntry& e : entries) e.second = Value::list(std::move(lists[std::string(e.first.as_string())]));
  }
  return give_map(context, std::move(entries), out);
}

void flatten_into(const Value& map, const std::string& prefix, std::string_view separator, MapBuilder* out) {
  for (const MapEntry& e : map.as_map()) {
    const std::string key = prefix + std::string(e.first.as_string());
    if (e.second.is_map() && !e.second.as_map().empty()) {
      flatten_into(e.second, key + std::string(separator), separator, out);
    } else {
      out->put(key, e.second);
    }
  }
}

Status flatten(EvalContext& context, Args args, Value* out) {
  MapBuilder map;
  flatten_into(args[0], "", args.size() > 1 ? args[1].as_string() : ".", &map);
  return give_map(context, map.take(), out);
}

Value with_path(const Value& map, std::span<const std::string> path, const Value& value) {
  Entries entries = map.is_map() ? entries_of(map) : Entries();
  const auto it = find(&entries, path[0]);
  const Value old = it != entries.end() ? it->second : Value();
  put(&entries, path[0], path.size() == 1 ? value : with_path(old, path.subspan(1), value));
  return Value::map(std::move(entries));
}

Status check_path(const std::vector<std::string>& path) {
  if (path.empty()) return bad_argument("the path into a map must not be empty");
  if (path.size() > kNestingMax) return Status::limit("depth", "the path has more than 1000 keys");
  return Status();
}

Status unflatten(EvalContext& context, Args args, Value* out) {
  const std::string_view separator = args.size() > 1 ? args[1].as_string() : ".";
  if (separator.empty()) return bad_argument("the separator of `map.unflatten()` must not be empty");
  Value map = Value::map({});
  for (const MapEntry& e : args[0].as_map()) {
    std::vector<std::string> path;
    std::string_view key = e.first.as_string();
    for (;;) {
      const size_t end = key.find(separator);
      path.emplace_back(key.substr(0, end));
      if (end == std::string_view::npos) break;
      key.remove_prefix(end + separator.size());
    }
    LORA_TRY(check_path(path));
    LORA_TRY(context.control->tick());
    map = with_path(map, path, e.second);
  }
  LORA_TRY(context.control->charge_made(map.heap_bytes()));
  *out = std::move(map);
  return Status();
}

Status get_path(EvalContext&, Args args, Value* out) {
  *out = Value();
  if (args[0].is_null() || args[1].is_null()) return Status();
  std::vector<std::string> path;
  LORA_TRY(read_path("map.get_path", args[1], &path));
  const Value* at = &args[0];
  for (const std::string& key : path) {
    at = at->is_map() ? at->map_find(key) : nullptr;
    if (at == nullptr) break;
  }
  if (at != nullptr) {
    *out = *at;
  } else if (args.size() > 2) {
    *out = args[2];
  }
  return Status();
}

Status set_path(EvalContext& context, Args args, Value* out) {
  *out = Value();
  if (args[0].is_null() || args[1].is_null()) return Status();
  std::vector<std::string> path;
  LORA_TRY(read_path("map.set_path", args[1], &path));
  LORA_TRY(check_path(path));
  *out = with_path(args[0], path, args[2]);
  return context.control->charge_made(args[0].as_map().size() * sizeof(MapEntry));
}

Value without_path(const Value& map, std::span<const std::string> path) {
  if (!map.is_map()) return map;
  Entries entries = entries_of(map);
  const auto it = find(&entries, path[0]);
  if (it == entries.end()) return map;
  if (path.size() == 1) {
    entries.erase(it);
  } else {
    it->second = without_path(it->second, path.subspan(1));
  }
  return Value::map(std::move(entries));
}

Status remove_path(EvalContext&, Args args, Value* out) {
  std::vector<std::string> path;
  LORA_TRY(read_path("map.remove_path", args[1], &path));
  LORA_TRY(check_path(path));
  *out = without_path(args[0], path);
  return Status();
}

// All keys, or those that the second argument names, in its order; missing ones give null.
Status chosen_entries(std::string_view function, Args args, Entries* out) {
  if (args.size() == 1) {
    *out = entries_of(args[0]);
    return Status();
  }
  std::vector<std::string> keys;
  LORA_TRY(read_keys(function, args[1], &keys));
  for (const std::string& key : keys) {
    const Value* v = args[0].map_find(key);
    out->emplace_back(Value::string(key), v != nullptr ? *v : Value());
  }
  return Status();
}

Status values(EvalContext& context, Args args, Value* out) {
  Entries chosen;
  LORA_TRY(chosen_entries("map.values", args, &chosen));
  List list;
  for (MapEntry& e : chosen) list.push_back(std::move(e.second));
  return give_list(context, std::move(list), out);
}

Status pairs(EvalContext& context, Args args, Value* out) {
  Entries chosen;
  LORA_TRY(chosen_entries("map.entries", args, &chosen));
  LORA_TRY(context.control->charge_made(chosen.size() * 4 * sizeof(Value)));
  List list;
  for (MapEntry& e : chosen) list.push_back(Value::list({std::move(e.first), std::move(e.second)}));
  return give_list(context, std::move(list), out);
}

Status has_key(EvalContext&, Args args, Value* out) {
  *out = Value::boolean(args[0].map_find(args[1].as_string()) != nullptr);
  return Status();
}

Status rename(EvalContext& context, Args args, Value* out) {
  Entries entries = entries_of(args[0]);
  const auto it = find(&entries, args[1].as_string());
  if (it != entries.end() && args[1].as_string() != args[2].as_string()) {
    it->first = args[2];
    const auto place = it - entries.begin();
    // An entry that has the new name already gives way.
    for (size_t i = 0; i < entries.size(); ++i) {
      if (static_cast<ptrdiff_t>(i) == place || entries[i].first.as_string() != args[2].as_string()) continue;
      entries.erase(entries.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
  }
  return give_map(context, std::move(entries), out);
}

Status invert(EvalContext& context, Args args, Value* out) {
  MapBuilder map;
  for (const MapEntry& e : args[0].as_map()) {
    if (!e.second.is_null()) map.put(to_text(e.second), e.first);
  }
  return give_map(context, map.take(), out);
}

Status get(EvalContext&, Args args, Value* out) {
  *out = Value();
  if (args[0].is_null() || args[1].is_null()) return Status();
  const Value* v = args[0].map_find(args[1].as_string());
  if (v != nullptr) {
    *out = *v;
  } else if (args.size() > 2) {
    *out = args[2];
  }
  return Status();
}

}  // namespace

std::span<const FunctionSpec> map_functions() {
  const RowMaker row("Map");
  const ArgSpec map{"map", kMapType}, key{"key", kStringType}, keys{"keys", kStringType | kListType}, value{"value"},
      path{"path", kStringType | kListType}, other{"other", kMapType}, list{"list", kListType},
      separator{"separator", kStringType}, fallback{"default"};
  constexpr TypeSet kNullable = type_bit(ValueType::kNull);
  static const std::vector<FunctionSpec> table = {
      row("map.from", {list, {"values", kListType}}, 1, kMapType, "A map of pairs, or of keys and values.",
          "map.from(['a', 'b'], [1, 2])", "{a: 1, b: 2}", from),
      RowMaker::with_nulls(row("map.set", {map, key, value}, 3, kMapType | kNullable, "The map with a key set.",
                               "map.set({a: 1}, 'b', 2)", "{a: 1, b: 2}", set)),
      row("map.remove", {map, keys}, 2, kMapType, "The map without a key, or without those of a list.",
          "map.remove({a: 1, b: 2}, 'a')", "{b: 2}", choose<false>),
      row("map.pick", {map, keys}, 2, kMapType, "The map with only these keys.",
          "map.pick({a: 1, b: 2, c: 3}, ['a', 'c'])", "{a: 1, c: 3}", choose<true>),
      row("map.merge", {map, other, {"third", kMapType}}, 2, kMapType, "The maps in one; later ones win.",
          "map.merge({a: 1, b: 1}, {b: 2})", "{a: 1, b: 2}", merge),
      row("map.deep_merge", {map, other, {"third", kMapType}}, 2, kMapType,
          "The maps in one, inner maps too; later ones win.", "map.deep_merge({a: {x: 1}}, {a: {y: 2}})",
          "{a: {x: 1, y: 2}}", deep_merge),
      row("map.compact", {map}, 1, kMapType, "The map without keys whose value is null.",
          "map.compact({a: 1, b: null})", "{a: 1}", compact),
      row("map.group_by", {list, key}, 2, kMapType, "Lists of the maps that agree in a key, by its text.",
          "map.group_by([{k: 'x', v: 1}, {k: 'x', v: 2}], 'k')", "{x: [{k: 'x', v: 1}, {k: 'x', v: 2}]}", by_key<true>),
      row("map.index_by", {list, key}, 2, kMapType, "The last map with each value of a key, by its text.",
          "map.index_by([{id: 1, v: 'a'}, {id: 2, v: 'b'}], 'id')", "{`1`: {id: 1, v: 'a'}, `2`: {id: 2, v: 'b'}}",
          by_key<false>),
      row("map.flatten", {map, separator}, 1, kMapType, "Inner maps as keys with a separator, `.` unless given.",
          "map.flatten({a: {b: 1}, c: 2})", "{`a.b`: 1, c: 2}", flatten),
      row("map.unflatten", {map, separator}, 1, kMapType, "Keys with a separator as inner maps.",
          "map.unflatten({`a.b`: 1, c: 2})", "{a: {b: 1}, c: 2}", unflatten),
      RowMaker::with_nulls(row("map.get_path", {map, path, fallback}, 2, kAnyType,
                               "The value at a path of keys; null, or the default, when there is none.",
                               "map.get_path({a: {b: 1}}, 'a.b')", "1", get_path)),
      RowMaker::with_nulls(row("map.set_path", {map, path, value}, 3, kMapType | kNullable,
                               "The map with the value at a path set.", "map.set_path({a: {b: 1}}, ['a', 'c'], 2)",
                               "{a: {b: 1, c: 2}}", set_path)),
      row("map.remove_path", {map, path}, 2, kMapType, "The map without what is at a path.",
          "map.remove_path({a: {b: 1, c: 2}}, 'a.b')", "{a: {c: 2}}", remove_path),
      row("map.entries", {map, {"keys", kListType}}, 1, kListType, "Pairs of key and value, of all keys or of some.",
          "map.entries({a: 1, b: 2})", "[['a', 1], ['b', 2]]", pairs),
      row("map.values", {map, {"keys", kListType}}, 1, kListType, "The values, of all keys or of some.",
          "map.values({a: 1, b: 2})", "[1, 2]", values),
      row("map.has_key", {map, key}, 2, kBooleanType, "Whether the map has a key, also one whose value is null.",
          "map.has_key({a: null}, 'a')", "true", has_key),
      row("map.rename", {map, {"from", kStringType}, {"to", kStringType}}, 3, kMapType,
          "The map with a key named otherwise.", "map.rename({a: 1, b: 2}, 'a', 'c')", "{c: 1, b: 2}", rename),
      row("map.invert", {map}, 1, kMapType, "The keys by the text of their values.", "map.invert({a: 'x', b: 'y'})",
          "{x: 'a', y: 'b'}", invert),
      RowMaker::with_nulls(row("map.get", {map, key, fallback}, 2, kAnyType,
                               "The value of a key; null, or the default, when it is not there.",
                               "map.get({a: 1}, 'b', 0)", "0", get)),
  };
  return table;
}

}  // namespace lora::cypher

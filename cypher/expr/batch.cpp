#include "cypher/expr/batch.h"

#include <algorithm>
#include <numeric>

namespace lora::cypher {

size_t Column::size() const {
  switch (kind) {
    case Kind::kEmpty: return 0;
    case Kind::kValues: return values.size();
    case Kind::kNodes:
    case Kind::kRelationships: return ids.size();
    case Kind::kIntegers:
    case Kind::kWords: return integers.size();
    case Kind::kFloats: return floats.size();
    case Kind::kStrings:
    case Kind::kLists: return texts.size();
  }
  return 0;
}

bool Column::is_null(size_t row) const {
  switch (kind) {
    case Kind::kEmpty: return true;
    case Kind::kValues: return values[row].is_null();
    case Kind::kNodes:
    case Kind::kRelationships: return ids[row] == kNoId;
    case Kind::kIntegers:
    case Kind::kWords:
    case Kind::kFloats:
    case Kind::kStrings:
    case Kind::kLists: return !nulls.empty() && nulls[row] != 0;
  }
  return true;
}

Value Column::get(size_t row) const {
  switch (kind) {
    case Kind::kEmpty: return Value();
    case Kind::kValues: return values[row];
    case Kind::kNodes: return ids[row] == kNoId ? Value() : Value::node(NodeId(ids[row]));
    case Kind::kRelationships: return ids[row] == kNoId ? Value() : Value::relationship(RelId(ids[row]));
    case Kind::kIntegers: return is_null(row) ? Value() : Value::integer(integers[row]);
    case Kind::kWords: return is_null(row) ? Value() : from_word(word_type, integers[row]);
    case Kind::kFloats: return is_null(row) ? Value() : Value::floating(floats[row]);
    case Kind::kStrings: return is_null(row) ? Value() : Value::string(texts[row]);
    case Kind::kLists: return is_null(row) ? Value() : Value::packed_list(texts[row]);
  }
  return Value();
}

void Column::clear() {
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: values.clear(); break;
    case Kind::kNodes:
    case Kind::kRelationships: ids.clear(); break;
    case Kind::kIntegers:
    case Kind::kWords:
      integers.clear();
      nulls.clear();
      break;
    case Kind::kFloats:
      floats.clear();
      nulls.clear();
      break;
    case Kind::kStrings:
    case Kind::kLists:
      texts.clear();
      nulls.clear();
      break;
  }
  kind = Kind::kEmpty;
}

void Column::push_null_flags(size_t count, bool null) {
  if (!null && nulls.empty()) return;
  nulls.resize(size(), 0);
  nulls.resize(size() + count, null ? 1 : 0);
}

void Column::push_nulls(size_t count) {
  if (kind == Kind::kEmpty) kind = Kind::kValues;
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: values.resize(values.size() + count); return;
    case Kind::kNodes:
    case Kind::kRelationships: ids.resize(ids.size() + count, kNoId); return;
    case Kind::kIntegers:
    case Kind::kWords:
      push_null_flags(count, true);
      integers.resize(integers.size() + count);
      return;
    case Kind::kFloats:
      push_null_flags(count, true);
      floats.resize(floats.size() + count);
      return;
    case Kind::kStrings:
    case Kind::kLists:
      push_null_flags(count, true);
      texts.entries.resize(texts.size() + count);
      return;
  }
}

void Column::trim() {
  clear();
  const auto drop = [](auto& items) {
    if (items.capacity() > kBatchRowsMax) items = {};
  };
  drop(values);
  drop(ids);
  drop(integers);
  drop(floats);
  drop(nulls);
  if (texts.entries.capacity() > kBatchRowsMax || texts.capacity_bytes() > kBatchRowsMax * 16) texts.release();
}

void Column::reset(Kind k) {
  clear();
  kind = k;
}

void Column::reset_words(WordType type) {
  reset(Kind::kWords);
  word_type = type;
}

namespace {

Column::Kind kind_for(const Value& v) {
  switch (v.type()) {
    case ValueType::kInteger: return Column::Kind::kIntegers;
    case ValueType::kFloat: return Column::Kind::kFloats;
    case ValueType::kNode: return v.is_hydrated() ? Column::Kind::kValues : Column::Kind::kNodes;
    case ValueType::kRelationship: return v.is_hydrated() ? Column::Kind::kValues : Column::Kind::kRelationships;
    default: return Column::Kind::kValues;
  }
}

}  // namespace

void Column::push(const Value& v) {
  if (kind == Kind::kEmpty) kind = kind_for(v);
  if (kind == Kind::kValues) {
    values.push_back(v);
    return;
  }
  if (v.is_null()) {
    push_nulls(1);
    return;
  }
  if (kind == Kind::kStrings && v.is_string()) {
    push_null_flags(1, false);
    if (texts.push(v.as_string())) return;
    if (!nulls.empty()) nulls.pop_back();
  } else if (kind == Kind::kWords) {
    WordType type;
    int64_t word = 0;
    if (to_word(v, &type, &word) && type == word_type) {
      push_null_flags(1, false);
      integers.push_back(word);
      return;
    }
  } else if (kind_for(v) == kind) {
    switch (kind) {
      case Kind::kNodes: ids.push_back(v.node_id().value); return;
      case Kind::kRelationships: ids.push_back(v.relationship_id().value); return;
      case Kind::kIntegers:
        push_null_flags(1, false);
        integers.push_back(v.as_integer());
        return;
      case Kind::kFloats:
        push_null_flags(1, false);
        floats.push_back(v.as_float());
        return;
      default: break;
    }
  }
  to_values();
  values.push_back(v);
}

void Column::push_from(const Column& other, size_t row) {
  if (kind == Kind::kEmpty) {
    kind = other.kind == Kind::kEmpty ? Kind::kValues : other.kind;
    word_type = other.word_type;
  }
  if (!is_like(other)) {
    push(other.get(row));
    return;
  }
  const bool null = other.is_null(row);
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: values.push_back(other.values[row]); return;
    case Kind::kNodes:
    case Kind::kRelationships: ids.push_back(other.ids[row]); return;
    case Kind::kIntegers:
    case Kind::kWords:
      push_null_flags(1, null);
      integers.push_back(other.integers[row]);
      return;
    case Kind::kFloats:
      push_null_flags(1, null);
      floats.push_back(other.floats[row]);
      return;
    case Kind::kStrings:
    case Kind::kLists: {
      const auto place = static_cast<uint32_t>(row);
      push_null_flags(1, null);
      if (texts.append_from(other.texts, &place, 1)) return;
      if (!nulls.empty()) nulls.pop_back();
      to_values();
      values.push_back(other.get(row));
      return;
    }
  }
}

void Column::to_values() {
  if (kind == Kind::kValues) return;
  const size_t n = size();
  values.clear();
  values.reserve(n);
  const auto again = [this](size_t i) {
    return i > 0 && kind == Kind::kLists && !is_null(i) && !is_null(i - 1) && texts.entries[i] == texts.entries[i - 1];
  };
  for (size_t i = 0; i < n; ++i) values.push_back(again(i) ? values.back() : get(i));
  ids.clear();
  integers.clear();
  floats.clear();
  texts.clear();
  nulls.clear();
  kind = Kind::kValues;
}

void Column::truncate(size_t rows) {
  if (rows >= size()) return;
  switch (kind) {
    case Kind::kEmpty: break;
    case Kind::kValues: values.resize(rows); break;
    case Kind::kNodes:
    case Kind::kRelationships: ids.resize(rows); break;
    case Kind::kIntegers:
    case Kind::kWords: integers.resize(rows); break;
    case Kind::kFloats: floats.resize(rows); break;
    case Kind::kStrings:
    case Kind::kLists: texts.entries.resize(rows); break;
  }
  if (nulls.size() > rows) nulls.resize(rows);
}

namespace {

// In place when rows ascend, through a copy otherwise.
template <typename T>
void gather_in_place(std::vector<T>& items, const std::vector<uint32_t>& rows) {
  bool ascending = true;
  for (size_t i = 1; i < rows.size(); ++i) ascending &= rows[i] > rows[i - 1];
  if (ascending) {
    size_t first = 0;
    while (first < rows.size() && rows[first] == first) ++first;
    for (size_t i = first; i < rows.size(); ++i) items[i] = std::move(items[rows[i]]);
    items.resize(rows.size());
    return;
  }
  std::vector<T> out;
  out.reserve(rows.size());
  for (uint32_t r : rows) out.push_back(items[r]);
  items = std::move(out);
}

void gather_append(std::vector<Value>& to, const std::vector<Value>& from, const std::vector<uint32_t>& rows) {
  const size_t wanted = to.size() + rows.size();
  if (to.capacity() < wanted) to.reserve(std::max(wanted, 2 * to.capacity()));
  for (uint32_t row : rows) to.push_back(from[row]);
}

template <typename T>
void gather_append(std::vector<T>& to, const std::vector<T>& from, const std::vector<uint32_t>& rows) {
  const size_t base = to.size();
  to.resize(base + rows.size());
  T* out = to.data() + base;
  const T* in = from.data();
  for (size_t i = 0; i < rows.size(); ++i) out[i] = in[rows[i]];
}

}  // namespace

void Column::gather(const std::vector<uint32_t>& rows) {
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: gather_in_place(values, rows); return;
    case Kind::kNodes:
    case Kind::kRelationships: gather_in_place(ids, rows); return;
    case Kind::kIntegers:
    case Kind::kWords: gather_in_place(integers, rows); break;
    case Kind::kFloats: gather_in_place(floats, rows); break;
    case Kind::kStrings:
    case Kind::kLists:
      gather_in_place(texts.entries, rows);
      texts.tidy();
      break;
  }
  if (!nulls.empty()) gather_in_place(nulls, rows);
}

void Column::gather_from(const Column& other, const std::vector<uint32_t>& rows) {
  if (kind == Kind::kEmpty) {
    kind = other.kind;
    word_type = other.word_type;
  }
  if (other.kind == Kind::kEmpty) {
    if (kind != Kind::kEmpty) {
      for (size_t i = 0; i < rows.size(); ++i) push(Value());
    }
    return;
  }
  if (!is_like(other)) {
    for (uint32_t r : rows) push(other.get(r));
    return;
  }
  const size_t before = size();
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: gather_append(values, other.values, rows); return;
    case Kind::kNodes:
    case Kind::kRelationships: gather_append(ids, other.ids, rows); return;
    case Kind::kIntegers:
    case Kind::kWords: gather_append(integers, other.integers, rows); break;
    case Kind::kFloats: gather_append(floats, other.floats, rows); break;
    case Kind::kStrings:
    case Kind::kLists:
      if (!texts.append_from(other.texts, rows.data(), rows.size())) {
        to_values();
        for (uint32_t r : rows) values.push_back(other.get(r));
        return;
      }
      break;
  }
  if (!other.nulls.empty()) {
    nulls.resize(before, 0);
    gather_append(nulls, other.nulls, rows);
  } else if (!nulls.empty()) {
    nulls.resize(before + rows.size(), 0);
  }
}

void Column::append(const Column& other) {
  if (other.kind == Kind::kEmpty) return;
  if (kind == Kind::kEmpty) {
    kind = other.kind;
    word_type = other.word_type;
  }
  const size_t n = other.size();
  if (!is_like(other)) {
    for (size_t i = 0; i < n; ++i) push(other.get(i));
    return;
  }
  const size_t before = size();
  switch (kind) {
    case Kind::kEmpty: return;
    case Kind::kValues: values.insert(values.end(), other.values.begin(), other.values.end()); return;
    case Kind::kNodes:
    case Kind::kRelationships: ids.insert(ids.end(), other.ids.begin(), other.ids.end()); return;
    case Kind::kIntegers:
    case Kind::kWords: integers.insert(integers.end(), other.integers.begin(), other.integers.end()); break;
    case Kind::kFloats: floats.insert(floats.end(), other.floats.begin(), other.floats.end()); break;
    case Kind::kStrings:
    case Kind::kLists:
      if (!texts.append(other.texts)) {
        to_values();
        for (size_t i = 0; i < n; ++i) values.push_back(other.get(i));
        return;
      }
      break;
  }
  if (!other.nulls.empty()) {
    nulls.resize(before, 0);
    nulls.insert(nulls.end(), other.nulls.begin(), other.nulls.end());
  } else if (!nulls.empty()) {
    nulls.resize(before + n, 0);
  }
}

void Column::append_rows(const Column& other, size_t from, size_t count) {
  if (from == 0 && count == other.size()) return append(other);
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(from));
  gather_from(other, rows);
}

size_t Column::heap_bytes() const {
  size_t bytes = ids.capacity() * sizeof(uint64_t) + integers.capacity() * sizeof(int64_t) +
                 floats.capacity() * sizeof(double) + nulls.capacity() + values.capacity() * sizeof(Value) +
                 texts.heap_bytes();
  for (const Value& v : values) bytes += v.heap_bytes();
  return bytes;
}

size_t Column::word_heap_bytes() const {
  static const size_t kDateTime = Value::date_time({}).heap_bytes();
  return word_type.type == ValueType::kDateTime ? kDateTime : 0;
}

void Batch::gather(const std::vector<uint32_t>& rows_kept) {
  for (Column& c : columns) c.gather(rows_kept);
  rows = rows_kept.size();
}

}  // namespace lora::cypher

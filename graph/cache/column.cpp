#include "graph/cache/column.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <type_traits>

#include "graph/cache/versions.h"
#include "graph/packed_list.h"
#include "kv/check.h"

namespace lora::graph::cache {

namespace {

constexpr uint32_t kRowsMax = 256;

size_t row_bytes(Column::Kind kind, uint8_t integer_width) {
  switch (kind) {
    case Column::Kind::kIntegers:
    case Column::Kind::kWords: return integer_width;
    case Column::Kind::kFloats: return 8;
    case Column::Kind::kStrings:
    case Column::Kind::kLists: return 4;
    case Column::Kind::kValues: return sizeof(Value);
    case Column::Kind::kBooleans: return 0;
  }
  return 0;
}

// f(U* distances), as Column::with_integers.
template <typename F>
void with_own_integers(Column* c, F&& f) {
  c->with_integers([&](const auto* stored) {
    f(const_cast<std::remove_const_t<std::remove_pointer_t<decltype(stored)>>*>(stored));
  });
}
bool has_integers(Column::Kind kind) {
  return kind == Column::Kind::kIntegers || kind == Column::Kind::kWords;
}
double* floats(Column* c) {
  return reinterpret_cast<double*>(c + 1);
}
TextPlace* strings(Column* c) {
  return reinterpret_cast<TextPlace*>(c + 1);
}
Value* values(Column* c) {
  return reinterpret_cast<Value*>(c + 1);
}

StringArena* make_arena(uint32_t capacity) {
  auto* arena = new (allocate(nullptr, sizeof(StringArena) + capacity)) StringArena;
  arena->capacity = capacity;
  return arena;
}

void drop_arena(StringArena* arena) {
  if (arena != nullptr && arena->references.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(arena);
}

// An object of a loader has no context and belongs to it alone.
bool owned(WriteContext* context, const Object* object) {
  return context == nullptr || context->mine(object);
}

void grew(WriteContext* context, Column* column, int64_t bytes) {
  if (context != nullptr) {
    context->grew(column, bytes);
  } else {
    column->bytes = static_cast<uint32_t>(column->bytes + bytes);
  }
}

// `column` is no longer in the block; `by` is, when it took its place.
void replace(WriteContext* context, Column* column, Column* by) {
  if (context == nullptr) {
    free_object(column);
  } else if (by != nullptr && context->mine(column)) {
    context->replaced(column, by);
  } else {
    context->retire(column);
  }
}

// How a column holds integers or words: see column.h.
struct IntegerLayout {
  int64_t base = 0;
  uint8_t width = 8;
  WordType word_type;

  static IntegerLayout of(int64_t min, int64_t max, WordType word_type) {
    IntegerLayout layout = of(min, max);
    layout.word_type = word_type;
    return layout;
  }
  static IntegerLayout of(int64_t min, int64_t max) {
    const uint64_t apart = static_cast<uint64_t>(max) - static_cast<uint64_t>(min);
    const uint8_t width = apart <= UINT8_MAX ? 1 : apart <= UINT16_MAX ? 2 : apart <= UINT32_MAX ? 4 : 8;
    if (width == 8) return {};
    const auto below = static_cast<int64_t>((reach(width) - apart) / 2);
    constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
    return {min < kMin + below ? kMin : min - below, width, {}};
  }
  bool holds(int64_t value) const {
    return width == 8 || (value >= base && static_cast<uint64_t>(value) - static_cast<uint64_t>(base) <= reach(width));
  }
  static uint64_t reach(uint8_t width) { return ~uint64_t{0} >> (64 - 8 * width); }
};

IntegerLayout layout_of(const Column* column) {
  return {column->integers.base, column->integers.width, column->word_type()};
}

void put_integer(Column* column, uint32_t row, int64_t value) {
  const uint64_t distance = static_cast<uint64_t>(value) - static_cast<uint64_t>(column->integers.base);
  with_own_integers(
      column, [&](auto* stored) { stored[row] = static_cast<std::remove_reference_t<decltype(*stored)>>(distance); });
  column->integers.min = std::min(column->integers.min, value);
  column->integers.max = std::max(column->integers.max, value);
}

Column* make_column(WriteContext* context, Column::Kind kind, uint32_t capacity, IntegerLayout layout = {}) {
  const size_t bytes = sizeof(Column) + row_bytes(kind, layout.width) * capacity;
  auto* column = new (allocate(context, bytes)) Column(kind);
  column->capacity = static_cast<uint16_t>(kind == Column::Kind::kBooleans ? kRowsMax : capacity);
  switch (kind) {
    case Column::Kind::kIntegers:
    case Column::Kind::kWords:
      column->integers = {std::numeric_limits<int64_t>::max(),
                          std::numeric_limits<int64_t>::min(),
                          layout.base,
                          layout.width,
                          layout.word_type.type,
                          layout.word_type.offset_seconds};
      break;
    case Column::Kind::kFloats:
      column->floats = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
      break;
    case Column::Kind::kBooleans: std::memset(column->boolean_bits, 0, sizeof column->boolean_bits); break;
    case Column::Kind::kStrings:
    case Column::Kind::kLists: column->strings = {nullptr, 0}; break;
    case Column::Kind::kValues:
      column->value_bytes = 0;
      for (uint32_t i = 0; i < capacity; ++i) new (values(column) + i) Value();
      break;
  }
  register_object(context, column, bytes);
  return column;
}

// A column of integers or words with room for `capacity` rows in which row `row`, which is about to be set, can be
// `value`.
Column* lay_out(WriteContext* context, const Column* column, uint32_t capacity, uint32_t row, int64_t value) {
  int64_t min = value, max = value;
  for (uint32_t i = 0; i < column->rows; ++i) {
    if (i == row || !column->valid(i)) continue;
    const int64_t other = column->integer(i);
    min = std::min(min, other);
    max = std::max(max, other);
  }
  Column* made = make_column(context, column->column_kind, capacity, IntegerLayout::of(min, max, column->word_type()));
  made->rows = column->rows;
  made->present = column->present;
  std::memcpy(made->valid_bits, column->valid_bits, sizeof made->valid_bits);
  made->integers.min = min;
  made->integers.max = max;
  // Absent rows get something, too; it is never read.
  const uint64_t shift = static_cast<uint64_t>(column->integers.base) - static_cast<uint64_t>(made->integers.base);
  column->with_integers([&](const auto* from) {
    with_own_integers(made, [&](auto* to) {
      for (uint32_t i = 0; i < column->rows; ++i) {
        to[i] = static_cast<std::remove_reference_t<decltype(*to)>>(from[i] + shift);
      }
    });
  });
  return made;
}

// The same values with room for `capacity` rows; shares the arena.
Column* copy_column(WriteContext* context, Column* column, uint32_t capacity) {
  Column* copy = make_column(context, column->column_kind, capacity,
                             has_integers(column->column_kind) ? layout_of(column) : IntegerLayout());
  copy->rows = column->rows;
  copy->present = column->present;
  copy->shared_strings = column->shared_strings;
  std::memcpy(copy->valid_bits, column->valid_bits, sizeof copy->valid_bits);
  switch (column->column_kind) {
    case Column::Kind::kIntegers:
    case Column::Kind::kWords:
      copy->integers = column->integers;
      std::memcpy(static_cast<void*>(copy + 1), static_cast<const void*>(column + 1),
                  size_t{column->rows} * column->integers.width);
      break;
    case Column::Kind::kFloats:
      copy->floats = column->floats;
      std::memcpy(floats(copy), floats(column), size_t{column->rows} * 8);
      break;
    case Column::Kind::kBooleans: std::memcpy(copy->boolean_bits, column->boolean_bits, 32); break;
    case Column::Kind::kStrings:
    case Column::Kind::kLists:
      copy->strings = column->strings;
      if (copy->strings.arena != nullptr) copy->strings.arena->references.fetch_add(1, std::memory_order_relaxed);
      std::memcpy(strings(copy), strings(column), size_t{column->rows} * 4);
      grew(context, copy, column->strings.arena_used);
      break;
    case Column::Kind::kValues:
      copy->value_bytes = column->value_bytes;
      for (uint32_t i = 0; i < column->rows; ++i) values(copy)[i] = values(column)[i];
      grew(context, copy, static_cast<int64_t>(column->value_bytes));
      break;
  }
  return copy;
}

Column* to_values(WriteContext* context, Column* column, uint32_t capacity) {
  Column* copy = make_column(context, Column::Kind::kValues, std::max<uint32_t>(capacity, column->rows));
  Loaded<Column> owner = own_loaded(context, copy);
  copy->rows = column->rows;
  copy->present = column->present;
  std::memcpy(copy->valid_bits, column->valid_bits, sizeof copy->valid_bits);
  uint64_t heap = 0;
  for (uint32_t i = 0; i < column->rows; ++i) {
    if (!column->valid(i)) continue;
    values(copy)[i] = column->get(i);
    heap += values(copy)[i].heap_bytes();
  }
  copy->value_bytes = heap;
  grew(context, copy, static_cast<int64_t>(heap));
  static_cast<void>(owner.release());
  return copy;
}

// A new arena with the bytes that rows still use and room for `extra` more; places are pointed to it.
void repack(WriteContext* context, Column* column, uint32_t extra) {
  static constexpr TextPlace kNowhere{~uint32_t{0}};
  struct Moved {
    TextPlace from = kNowhere, to = kNowhere;
  };
  Moved moved[512];  // at most 256 of them
  uint32_t used = 0;
  TextPlace* places = strings(column);
  StringArena* old = column->strings.arena;
  const uint32_t rows = column->rows;
  const auto find = [&moved](TextPlace from) {
    uint32_t at = (from.entry * 2654435761u) >> 23;
    while (moved[at].from != kNowhere && moved[at].from != from) at = (at + 1) & 511;
    return at;
  };
  for (uint32_t i = 0; i < rows; ++i) {
    if (!column->valid(i)) continue;
    Moved& move = moved[find(places[i])];
    if (move.from != kNowhere) continue;
    move = {places[i], TextPlace::of(used, places[i].length())};
    used += places[i].length();
  }
  // Room for half as much again, or for what the rows still to come will bring if they are as those that are there.
  constexpr uint32_t kRows = 256;
  const uint32_t more =
      rows == 0 || rows == kRows ? used / 2 : std::min(used / 2, used * (kRows - rows) / rows + used / 16);
  StringArena* arena = make_arena(used + more + extra + 64);
  for (const Moved& move : moved) {
    if (move.from == kNowhere) continue;
    std::memcpy(arena->data() + move.to.offset(), old->data() + move.from.offset(), move.from.length());
  }
  for (uint32_t i = 0; i < rows; ++i) {
    if (column->valid(i)) places[i] = moved[find(places[i])].to;
  }
  arena->end = used;
  grew(context, column, static_cast<int64_t>(used) - static_cast<int64_t>(column->strings.arena_used));
  column->strings.arena = arena;
  column->strings.arena_used = used;
  drop_arena(old);
}

// The same for a loader, which sets each row once: all bytes are in use, and stay where they are.
void move_arena(Column* column, uint32_t extra, bool exact) {
  StringArena* old = column->strings.arena;
  const uint32_t used = column->strings.arena_used, rows = column->rows;
  // Room for what the rows still to come will bring if they are as those that are there.
  const uint32_t more = rows == 0 ? used : used * (kRowsMax - rows) / rows + used / 16;
  StringArena* arena = make_arena(exact ? used : used + more + extra + 64);
  std::memcpy(arena->data(), old->data(), used);
  arena->end = used;
  column->strings.arena = arena;
  drop_arena(old);
}

void put_string(WriteContext* context, Column* column, uint32_t row, std::string_view text) {
  TextPlace* places = strings(column);
  const auto length = static_cast<uint32_t>(text.size());
  // Equal strings share bytes. Columns without repetition stop looking after the first 32 rows.
  if (column->rows <= 32 || column->shared_strings > column->present / 8) {
    const char* bytes = column->strings.arena == nullptr ? nullptr : column->strings.arena->data();
    for (uint32_t i = 0; i < column->rows; ++i) {
      const TextPlace place = places[i];
      if (column->valid(i) && place.length() == length &&
          (length == 0 || (bytes != nullptr && std::memcmp(bytes + place.offset(), text.data(), length) == 0))) {
        places[row] = place;
        ++column->shared_strings;
        return;
      }
    }
  }
  StringArena* arena = column->strings.arena;
  const bool newest = arena != nullptr && arena->end == column->strings.arena_used;
  if (!newest || arena->end + length > arena->capacity) {
    if (arena == nullptr) {
      column->strings.arena = make_arena(context == nullptr ? 2048 : std::max<uint32_t>(64, length * 2));
    } else if (context == nullptr) {
      move_arena(column, length, false);
    } else {
      repack(context, column, length);
    }
    arena = column->strings.arena;
  }
  const uint32_t offset = arena->end;
  std::memcpy(arena->data() + offset, text.data(), length);
  arena->end = offset + length;
  column->strings.arena_used = arena->end;
  places[row] = TextPlace::of(offset, length);
  grew(context, column, length);
}

}  // namespace

void release_column(Column* column) {
  if (Column::has_texts(column->column_kind)) {
    drop_arena(column->strings.arena);
  } else if (column->column_kind == Column::Kind::kValues) {
    for (uint32_t i = 0; i < column->capacity; ++i) values(column)[i].~Value();
  }
}

Value Column::get(uint32_t row) const {
  if (!valid(row)) return Value();
  switch (column_kind) {
    case Kind::kIntegers: return Value::integer(integer(row));
    case Kind::kWords: return from_word(word_type(), integer(row));
    case Kind::kFloats: return Value::floating(float_array()[row]);
    case Kind::kBooleans: return Value::boolean(boolean(row));
    case Kind::kStrings: return Value::string(string(row));
    case Kind::kLists: return Value::packed_list(string(row));
    case Kind::kValues: return value_array()[row];
  }
  return Value();
}

namespace {

// A value as a column of its kind keeps it.
struct Entry {
  Column::Kind kind = Column::Kind::kValues;
  WordType word_type;
  int64_t integer = 0;    // of integers and words
  std::string_view text;  // of strings and lists

  explicit Entry(const Value& value) {
    switch (value.type()) {
      case ValueType::kInteger:
        kind = Column::Kind::kIntegers;
        integer = value.as_integer();
        return;
      case ValueType::kFloat: kind = Column::Kind::kFloats; return;
      case ValueType::kBoolean: kind = Column::Kind::kBooleans; return;
      case ValueType::kString:
        text = value.as_string();
        if (text.size() <= Column::kStringMax) kind = Column::Kind::kStrings;
        return;
      case ValueType::kList:
        if (PackedList::pack(value, Column::kStringMax, &packed_)) kind = Column::Kind::kLists;
        text = packed_;
        return;
      default:
        if (to_word(value, &word_type, &integer)) kind = Column::Kind::kWords;
        return;
    }
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  std::string packed_;
};

}  // namespace

Column* Column::set(WriteContext* context, Column* column, uint32_t row, const Value& value) {
  LORA_DCHECK(row < kRowsMax);
  const uint64_t bit = uint64_t{1} << (row & 63);
  if (value.is_null()) {
    if (column == nullptr || !column->valid(row)) return column;
    if (column->present == 1) {
      replace(context, column, nullptr);
      return nullptr;
    }
    if (!owned(context, column)) {
      Column* copy = copy_column(context, column, column->rows);
      replace(context, column, copy);
      column = copy;
    }
    if (column->column_kind == Kind::kValues) {
      Value& old = cache::values(column)[row];
      const auto heap = static_cast<int64_t>(old.heap_bytes());
      column->value_bytes -= static_cast<uint64_t>(heap);
      grew(context, column, -heap);
      old = Value();
    }
    column->valid_bits[row >> 6] &= ~bit;
    --column->present;
    return column;
  }

  const Entry entry(value);
  const WordType word_type = entry.word_type;
  const int64_t integer = entry.integer;
  Kind kind = entry.kind;
  if (has_texts(kind) && column != nullptr && column->column_kind == kind && entry.text.size() > kStringMeanMax &&
      !suits_strings(column->strings.arena_used + entry.text.size(), column->present + 1u)) {
    kind = Kind::kValues;
  }
  // A column that is made is the block's, and takes the place of the old one, once it holds the value.
  Column* const old = column;
  Column* fresh = nullptr;
  if (column == nullptr) {
    const uint32_t capacity = context == nullptr ? kRowsMax : std::min<uint32_t>(kRowsMax, (row + 8) & ~7u);
    column = fresh = make_column(context, kind, capacity,
                                 has_integers(kind) ? IntegerLayout::of(integer, integer, word_type) : IntegerLayout());
  } else {
    const bool mine = owned(context, column);
    const bool fits =
        (column->column_kind == kind && column->word_type() == word_type) || column->column_kind == Kind::kValues;
    const bool laid_out = !fits || !has_integers(column->column_kind) || layout_of(column).holds(integer);
    if (!mine || !fits || !laid_out || row >= column->capacity) {
      uint32_t capacity = std::max<uint32_t>(column->rows, row + 1);
      capacity = mine && context != nullptr ? capacity + capacity / 2 + 8 : capacity;
      if (context == nullptr) capacity = kRowsMax;
      capacity = std::min<uint32_t>(kRowsMax, (capacity + 7) & ~7u);
      fresh = !fits       ? to_values(context, column, capacity)
              : !laid_out ? lay_out(context, column, capacity, row, integer)
                          : copy_column(context, column, capacity);
      column = fresh;
    }
  }
  Loaded<Column> made = own_loaded(context, fresh);
  const bool was_valid = column->valid(row);
  switch (column->column_kind) {
    case Kind::kIntegers:
    case Kind::kWords: put_integer(column, row, integer); break;
    case Kind::kFloats: {
      const double v = value.as_float();
      cache::floats(column)[row] = v;
      if (v < column->floats.min) column->floats.min = v;
      if (v > column->floats.max) column->floats.max = v;
      break;
    }
    case Kind::kBooleans:
      if (value.as_boolean()) {
        column->boolean_bits[row >> 6] |= bit;
      } else {
        column->boolean_bits[row >> 6] &= ~bit;
      }
      break;
    case Kind::kStrings:
    case Kind::kLists:
      // The old text of the row no longer counts.
      column->valid_bits[row >> 6] &= ~bit;
      put_string(context, column, row, entry.text);
      break;
    case Kind::kValues: {
      Value& place = cache::values(column)[row];
      const auto delta = static_cast<int64_t>(value.heap_bytes()) - static_cast<int64_t>(place.heap_bytes());
      place = value;
      column->value_bytes += static_cast<uint64_t>(delta);
      grew(context, column, delta);
      break;
    }
  }
  // Rows between the old end and this one are absent: their bits are clear, their entries are never read.
  if (row >= column->rows) column->rows = static_cast<uint16_t>(row + 1);
  if (!was_valid) ++column->present;
  column->valid_bits[row >> 6] |= bit;
  if (old != nullptr && fresh != nullptr) replace(context, old, column);
  static_cast<void>(made.release());
  return column;
}

Column* Column::shrink(Column* column) {
  if (has_texts(column->column_kind) && column->strings.arena != nullptr &&
      column->strings.arena->capacity > column->strings.arena_used + 16) {
    move_arena(column, 0, true);
  }
  if (column->column_kind == Kind::kBooleans || column->capacity <= column->rows + 7u) return column;
  Column* copy = copy_column(nullptr, column, column->rows);
  free_object(column);
  return copy;
}

namespace {

Loaded<Column> make_loaded(Column::Kind kind, const uint64_t* valid, IntegerLayout layout = {}) {
  uint32_t rows = 0, present = 0;
  for (uint32_t w = 0; w < kRowsMax / 64; ++w) {
    if (valid[w] != 0) rows = w * 64 + 64 - static_cast<uint32_t>(std::countl_zero(valid[w]));
    present += static_cast<uint32_t>(std::popcount(valid[w]));
  }
  Loaded<Column> column(make_column(nullptr, kind, (rows + 7) & ~7u, layout));
  column->rows = static_cast<uint16_t>(rows);
  column->present = static_cast<uint16_t>(present);
  std::memcpy(column->valid_bits, valid, sizeof column->valid_bits);
  return column;
}

}  // namespace

namespace {

Loaded<Column> integers_or_words(Column::Kind kind, WordType word_type, const uint64_t* valid, const int64_t* values) {
  int64_t min = std::numeric_limits<int64_t>::max(), max = std::numeric_limits<int64_t>::min();
  for_each_row(valid, [&](uint32_t row) {
    min = std::min(min, values[row]);
    max = std::max(max, values[row]);
  });
  Loaded<Column> column = make_loaded(kind, valid, IntegerLayout::of(min, max, word_type));
  column->integers.min = min;
  column->integers.max = max;
  const auto base = static_cast<uint64_t>(column->integers.base);
  with_own_integers(column.get(), [&](auto* stored) {
    for_each_row(valid, [&](uint32_t row) {
      stored[row] = static_cast<std::remove_reference_t<decltype(*stored)>>(static_cast<uint64_t>(values[row]) - base);
    });
  });
  return column;
}

}  // namespace

Loaded<Column> Column::of_integers(const uint64_t* valid, const int64_t* values) {
  return integers_or_words(Kind::kIntegers, {}, valid, values);
}

Loaded<Column> Column::of_words(WordType type, const uint64_t* valid, const int64_t* words) {
  return integers_or_words(Kind::kWords, type, valid, words);
}

Loaded<Column> Column::of_floats(const uint64_t* valid, const double* values) {
  Loaded<Column> column = make_loaded(Kind::kFloats, valid);
  for_each_row(valid, [&](uint32_t row) {
    const double v = values[row];
    cache::floats(column.get())[row] = v;
    if (v < column->floats.min) column->floats.min = v;
    if (v > column->floats.max) column->floats.max = v;
  });
  return column;
}

Loaded<Column> Column::of_booleans(const uint64_t* valid, const uint64_t* bits) {
  Loaded<Column> column = make_loaded(Kind::kBooleans, valid);
  for (uint32_t w = 0; w < kRowsMax / 64; ++w) column->boolean_bits[w] = bits[w] & valid[w];
  return column;
}

Loaded<Column> Column::of_strings(const uint64_t* valid, std::span<const std::string_view> texts,
                                  const uint8_t* places) {
  Loaded<Column> column = make_loaded(Kind::kStrings, valid);
  TextPlace in_arena[kRowsMax];
  size_t used = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    in_arena[i] = TextPlace::of(used, texts[i].size());
    used += texts[i].size();
  }
  StringArena* arena = make_arena(static_cast<uint32_t>(used));
  column->strings = {arena, static_cast<uint32_t>(used)};
  arena->end = static_cast<uint32_t>(used);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::memcpy(arena->data() + in_arena[i].offset(), texts[i].data(), texts[i].size());
  }
  for_each_row(valid, [&](uint32_t row) { cache::strings(column.get())[row] = in_arena[places[row]]; });
  column->shared_strings = static_cast<uint16_t>(column->present - std::min<size_t>(column->present, texts.size()));
  grew(nullptr, column.get(), static_cast<int64_t>(used));
  return column;
}

}  // namespace lora::graph::cache

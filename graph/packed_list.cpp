#include "graph/packed_list.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace lora {

namespace {

constexpr uint8_t kEmpty = 0;
constexpr uint8_t kWordForms = 16;  // and their width
constexpr uint8_t kFloats = 32;
constexpr uint8_t kStrings = 33;
constexpr size_t kWordTypeBytes = 5;

template <typename T>
bool holds(int64_t min, int64_t max) {
  return min >= std::numeric_limits<T>::min() && max <= std::numeric_limits<T>::max();
}

uint8_t width_for(int64_t min, int64_t max) {
  return holds<int8_t>(min, max) ? 1 : holds<int16_t>(min, max) ? 2 : holds<int32_t>(min, max) ? 4 : 8;
}

template <typename T>
void append(T v, std::string* out) {
  out->append(reinterpret_cast<const char*>(&v), sizeof v);
}

void append_integer(int64_t v, uint8_t width, std::string* out) {
  switch (width) {
    case 1: return append(static_cast<int8_t>(v), out);
    case 2: return append(static_cast<int16_t>(v), out);
    case 4: return append(static_cast<int32_t>(v), out);
    default: return append(v, out);
  }
}

// Integers, or words of `type`; get(item, &v) is false for what is none of them.
template <typename Get>
bool pack_integers(const List& items, size_t bytes_max, WordType type, Get get, std::string* out) {
  int64_t min = std::numeric_limits<int64_t>::max(), max = std::numeric_limits<int64_t>::min(), v = 0;
  for (const Value& item : items) {
    if (!get(item, &v)) return false;
    min = std::min(min, v);
    max = std::max(max, v);
  }
  const uint8_t width = width_for(min, max);
  const bool words = type.type != ValueType::kNull;
  if (1 + (words ? kWordTypeBytes : 0) + items.size() * width > bytes_max) return false;
  out->push_back(static_cast<char>(words ? kWordForms + width : width));
  if (words) {
    out->push_back(static_cast<char>(type.type));
    append(type.offset_seconds, out);
  }
  for (const Value& item : items) {
    get(item, &v);
    append_integer(v, width, out);
  }
  return true;
}

bool pack_floats(const List& items, size_t bytes_max, std::string* out) {
  if (1 + items.size() * sizeof(double) > bytes_max) return false;
  out->push_back(static_cast<char>(kFloats));
  for (const Value& item : items) {
    if (!item.is_float()) return false;
    append(item.as_float(), out);
  }
  return true;
}

bool pack_strings(const List& items, size_t bytes_max, std::string* out) {
  size_t bytes = 1 + sizeof(uint16_t) * (1 + items.size());
  if (bytes > bytes_max) return false;
  out->push_back(static_cast<char>(kStrings));
  append(static_cast<uint16_t>(items.size()), out);
  size_t end = 0;
  for (const Value& item : items) {
    if (!item.is_string()) return false;
    end += item.as_string().size();
    if (bytes + end > bytes_max) return false;
    append(static_cast<uint16_t>(end), out);
  }
  for (const Value& item : items) out->append(item.as_string());
  return true;
}

bool pack_items(const List& items, size_t bytes_max, std::string* out) {
  if (items.empty()) {
    out->push_back(static_cast<char>(kEmpty));
    return true;
  }
  switch (items.front().type()) {
    case ValueType::kFloat: return pack_floats(items, bytes_max, out);
    case ValueType::kString: return pack_strings(items, bytes_max, out);
    case ValueType::kInteger:
      return pack_integers(
          items, bytes_max, {},
          [](const Value& item, int64_t* v) {
            if (!item.is_integer()) return false;
            *v = item.as_integer();
            return true;
          },
          out);
    default: break;
  }
  WordType type;
  int64_t word = 0;
  return to_word(items.front(), &type, &word) && pack_integers(
                                                     items, bytes_max, type,
                                                     [type](const Value& item, int64_t* v) {
                                                       WordType own;
                                                       return to_word(item, &own, v) && own == type;
                                                     },
                                                     out);
}

}  // namespace

bool PackedList::pack(const Value& list, size_t bytes_max, std::string* out) {
  out->clear();
  return list.is_list() && list.as_list().size() <= bytes_max && pack_items(list.as_list(), bytes_max, out);
}

PackedList::PackedList(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto form = static_cast<uint8_t>(bytes.front());
  const char* const data = bytes.data() + 1;
  const size_t left = bytes.size() - 1;
  switch (form) {
    case kEmpty: return;
    case kFloats:
      items_ = Items::kFloats;
      size_ = static_cast<uint32_t>(left / sizeof(double));
      data_ = data;
      return;
    case kStrings: {
      uint16_t count;
      std::memcpy(&count, data, sizeof count);
      items_ = Items::kStrings;
      size_ = count;
      data_ = data + sizeof count;
      return;
    }
    default: break;
  }
  if (form < kWordForms) {
    items_ = Items::kIntegers;
    width_ = form;
    size_ = static_cast<uint32_t>(left / width_);
    data_ = data;
    return;
  }
  items_ = Items::kWords;
  width_ = form - kWordForms;
  word_type_.type = static_cast<ValueType>(data[0]);
  std::memcpy(&word_type_.offset_seconds, data + 1, sizeof word_type_.offset_seconds);
  size_ = static_cast<uint32_t>((left - kWordTypeBytes) / width_);
  data_ = data + kWordTypeBytes;
}

int64_t PackedList::integer(size_t i) const {
  const char* const at = data_ + i * width_;
  const auto read = [at](auto v) {
    std::memcpy(&v, at, sizeof v);
    return static_cast<int64_t>(v);
  };
  switch (width_) {
    case 1: return read(int8_t{});
    case 2: return read(int16_t{});
    case 4: return read(int32_t{});
    default: return read(int64_t{});
  }
}

Value PackedList::get(size_t i) const {
  switch (items_) {
    case Items::kNone: break;
    case Items::kIntegers: return Value::integer(integer(i));
    case Items::kWords: return from_word(word_type_, integer(i));
    case Items::kFloats: return Value::floating(floating(i));
    case Items::kStrings: return Value::string(string(i));
  }
  return Value();
}

Ternary PackedList::contains(const Value& x) const {
  if (size_ == 0) return Ternary::kFalse;
  if (x.is_null()) return Ternary::kNull;
  bool found = false;
  const auto find_integer = [&](int64_t number) { each_integer([&](auto v) { found |= int64_t{v} == number; }); };
  switch (items_) {
    case Items::kNone: break;
    case Items::kStrings:
      for (size_t i = 0; x.is_string() && i < size_ && !found; ++i) found = string(i) == x.as_string();
      break;
    case Items::kIntegers:
      if (x.is_integer()) {
        find_integer(x.as_integer());
      } else if (x.is_float() && !std::isnan(x.as_float())) {
        each_integer([&](auto v) { found |= compare_exact(int64_t{v}, x.as_float()) == 0; });
      }
      break;
    case Items::kFloats:
      for (size_t i = 0; x.is_number() && i < size_ && !found; ++i) {
        found = equals(Value::floating(floating(i)), x) == Ternary::kTrue;
      }
      break;
    case Items::kWords:
      if (int64_t word = 0; x.type() != word_type_.type) {
        break;
      } else if (word_of(x, &word)) {
        find_integer(word);
      } else {
        for (size_t i = 0; i < size_ && !found; ++i) found = equals(get(i), x) == Ternary::kTrue;
      }
      break;
  }
  return ternary(found);
}

List PackedList::unpack() const {
  List items;
  items.reserve(size_);
  for (size_t i = 0; i < size_; ++i) items.push_back(get(i));
  return items;
}

}  // namespace lora

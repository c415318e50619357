#include "graph/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "graph/spatial.h"
#include "graph/temporal.h"
#include "graph/text.h"
#include "graph/vector.h"

namespace lora {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kKind = "kind";

struct KindName {
  ValueType type;
  std::string_view name;
};
constexpr std::array<KindName, 6> kTemporalKinds = {{{ValueType::kDate, "date"},
                                                     {ValueType::kLocalTime, "localtime"},
                                                     {ValueType::kTime, "time"},
                                                     {ValueType::kLocalDateTime, "localdatetime"},
                                                     {ValueType::kDateTime, "datetime"},
                                                     {ValueType::kDuration, "duration"}}};

Status too_deep() {
  return Status::limit("depth", "the value nests more than `" + std::to_string(kNestingMax) + "` levels");
}

void append_number(std::string* out, double value) {
  if (std::isfinite(value)) {
    append_float(out, value);
    return;
  }
  *out += "{\"kind\":\"float\",\"value\":\"";
  append_float(out, value);
  *out += "\"}";
}

void append_point(std::string* out, const Point& point) {
  *out += "{\"kind\":\"point\",\"srid\":";
  *out += std::to_string(static_cast<int>(point.crs));
  *out += ",\"x\":";
  append_float(out, point.x);
  *out += ",\"y\":";
  append_float(out, point.y);
  if (point.is_3d()) {
    *out += ",\"z\":";
    append_float(out, point.z);
  }
  *out += '}';
}

void append_vector(std::string* out, const VectorValue& vector) {
  *out += "{\"kind\":\"vector\",\"coordinateType\":\"";
  *out += vectors::type_name(vector.type);
  *out += "\",\"values\":[";
  for (size_t i = 0; i < vector.dimension(); ++i) {
    if (i > 0) {
      *out += ',';
    }
    if (vector.type <= VectorType::kFloat32) {
      append_float(out, vector.floats[i]);
    } else {
      *out += std::to_string(vector.integers[i]);
    }
  }
  *out += "]}";
}

void append_binary(std::string* out, const Binary& binary) {
  *out += "{\"kind\":\"binary\",\"segments\":[";
  for (size_t i = 0; i < binary.segments.size(); ++i) {
    *out += i > 0 ? ",\"" : "\"";
    for (const char c : binary.segments[i]) {
      *out += kHex[static_cast<unsigned char>(c) >> 4];
      *out += kHex[c & 15];
    }
    *out += '"';
  }
  *out += "]}";
}

Status write(std::string* out, const Value& value, size_t depth);

Status write_list(std::string* out, const List& items, size_t depth) {
  if (depth > kNestingMax) {
    return too_deep();
  }
  *out += '[';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) {
      *out += ',';
    }
    LORA_TRY(write(out, items[i], depth));
  }
  *out += ']';
  return Status();
}

Status write_map(std::string* out, const Value& map, size_t depth) {
  if (depth > kNestingMax) {
    return too_deep();
  }
  const bool pairs = map.map_find(kKind) != nullptr;
  *out += pairs ? "{\"kind\":\"map\",\"entries\":[" : "{";
  bool first = true;
  for (const auto& [key, value] : map.as_map()) {
    if (!first) {
      *out += ',';
    }
    first = false;
    if (pairs) {
      *out += '[';
    }
    append_json_string(out, key.as_string());
    *out += pairs ? ',' : ':';
    LORA_TRY(write(out, value, depth));
    if (pairs) {
      *out += ']';
    }
  }
  *out += pairs ? "]}" : "}";
  return Status();
}

Status write(std::string* out, const Value& value, size_t depth) {
  switch (value.type()) {
    case ValueType::kNull: *out += "null"; return Status();
    case ValueType::kBoolean: *out += value.as_boolean() ? "true" : "false"; return Status();
    case ValueType::kInteger: *out += std::to_string(value.as_integer()); return Status();
    case ValueType::kFloat: append_number(out, value.as_float()); return Status();
    case ValueType::kString: append_json_string(out, value.as_string()); return Status();
    case ValueType::kList: return write_list(out, value.as_list(), depth + 1);
    case ValueType::kMap: return write_map(out, value, depth + 1);
    case ValueType::kPoint: append_point(out, value.as_point()); return Status();
    case ValueType::kVector: append_vector(out, value.as_vector()); return Status();
    case ValueType::kBinary: append_binary(out, value.as_binary()); return Status();
    case ValueType::kNode:
    case ValueType::kRelationship:
    case ValueType::kPath:
      return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentType",
                             "a value of type " + std::string(value_type_name(value.type())) + " has no JSON form");
    default: break;
  }
  for (const auto& [type, name] : kTemporalKinds) {
    if (type == value.type()) {
      *out += "{\"kind\":\"";
      *out += name;
      *out += "\",\"iso\":\"";
      temporal::append_text(out, value);
      *out += "\"}";
    }
  }
  return Status();
}

// --- reading ---

Status bad(std::string message) {
  return Status(ErrorCode::kParse, std::move(message));
}

// The entries of an object with a "kind", known to be strings where text() is asked.
class Tagged {
 public:
  explicit Tagged(const Value& map) : map_(map) {}

  Result<Value> read() const {
    LORA_ASSIGN(const std::string kind, text(kKind));
    for (const auto& [type, name] : kTemporalKinds) {
      if (name == kind) {
        LORA_ASSIGN(const std::string iso, text("iso"));
        return temporal::parse(type, iso);
      }
    }
    if (kind == "point") return point();
    if (kind == "vector") return vector();
    if (kind == "binary") return binary();
    if (kind == "float") return special_float();
    if (kind == "map") return entries();
    return bad("`" + kind + "` is not a kind of value");
  }

 private:
  Result<const Value*> find(std::string_view key) const {
    const Value* value = map_.map_find(key);
    if (value == nullptr) {
      return bad("an object with a `kind` lacks `" + std::string(key) + "`");
    }
    return value;
  }
  Result<std::string> text(std::string_view key) const {
    LORA_ASSIGN(const Value* value, find(key));
    if (!value->is_string()) {
      return bad("`" + std::string(key) + "` must be a string");
    }
    return std::string(value->as_string());
  }
  Result<double> number(std::string_view key) const {
    LORA_ASSIGN(const Value* value, find(key));
    if (!value->is_number()) {
      return bad("`" + std::string(key) + "` must be a number");
    }
    return value->as_number();
  }
  Result<const List*> list(std::string_view key) const {
    LORA_ASSIGN(const Value* value, find(key));
    if (!value->is_list()) {
      return bad("`" + std::string(key) + "` must be a list");
    }
    return &value->as_list();
  }

  Result<Value> point() const {
    LORA_ASSIGN(const Value* srid, find("srid"));
    const auto crs = srid->is_integer() ? spatial::find_crs(srid->as_integer()) : std::nullopt;
    if (!crs) {
      return bad("`srid` is not a coordinate system; use 7203, 9157, 4326 or 4979");
    }
    LORA_ASSIGN(const double x, number("x"));
    LORA_ASSIGN(const double y, number("y"));
    double z = 0;
    if (Point{*crs}.is_3d()) {
      LORA_ASSIGN(z, number("z"));
    }
    return spatial::make_point(*crs, x, y, z);
  }
  Result<Value> vector() const {
    LORA_ASSIGN(const std::string name, text("coordinateType"));
    const auto type = vectors::find_type(name);
    if (!type) {
      return bad("`" + name + "` is not a coordinate type");
    }
    LORA_ASSIGN(const Value* values, find("values"));
    if (!values->is_list()) {
      return bad("`values` must be a list");
    }
    return vectors::make(*values, std::nullopt, *type);
  }
  Result<Value> binary() const {
    LORA_ASSIGN(const List* segments, list("segments"));
    Binary result;
    for (const Value& segment : *segments) {
      std::string bytes;
      if (!segment.is_string() || !read_hex(segment.as_string(), &bytes)) {
        return bad("a segment of a binary value must be a string of hexadecimal digits");
      }
      result.segments.push_back(std::move(bytes));
    }
    return Value::binary(std::move(result));
  }
  static bool read_hex(std::string_view digits, std::string* bytes) {
    if (digits.size() % 2 != 0) {
      return false;
    }
    for (size_t i = 0; i < digits.size(); i += 2) {
      const size_t high = std::string_view(kHex).find(digits[i]);
      const size_t low = std::string_view(kHex).find(digits[i + 1]);
      if (high == std::string_view::npos || low == std::string_view::npos) {
        return false;
      }
      *bytes += static_cast<char>(high << 4 | low);
    }
    return true;
  }
  Result<Value> special_float() const {
    LORA_ASSIGN(const std::string name, text("value"));
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (name == "NaN") return Value::floating(std::numeric_limits<double>::quiet_NaN());
    if (name == "Infinity") return Value::floating(kInfinity);
    if (name == "-Infinity") return Value::floating(-kInfinity);
    return bad("`" + name + "` is not NaN, Infinity or -Infinity");
  }
  Result<Value> entries() const {
    LORA_ASSIGN(const List* pairs, list("entries"));
    std::vector<MapEntry> result;
    for (const Value& pair : *pairs) {
      if (!pair.is_list() || pair.as_list().size() != 2 || !pair.as_list()[0].is_string()) {
        return bad("`entries` must be a list of pairs of a string and a value");
      }
      result.emplace_back(pair.as_list()[0], pair.as_list()[1]);
    }
    return unique_map(std::move(result));
  }

 public:
  // The last of entries with one key counts, in the place of the first.
  static Value unique_map(std::vector<MapEntry> entries) {
    std::vector<size_t> by_key(entries.size());
    std::iota(by_key.begin(), by_key.end(), size_t{0});
    std::stable_sort(by_key.begin(), by_key.end(), [&entries](size_t a, size_t b) {
      return entries[a].first.as_string() < entries[b].first.as_string();
    });
    std::vector<bool> dropped(entries.size());
    bool any = false;
    for (size_t i = 1; i < by_key.size(); ++i) {
      const size_t first = by_key[i - 1], next = by_key[i];
      if (entries[first].first.as_string() == entries[next].first.as_string()) {
        entries[first].second = std::move(entries[next].second);
        dropped[next] = any = true;
        by_key[i] = first;
      }
    }
    if (any) {
      size_t kept = 0;
      for (size_t i = 0; i < entries.size(); ++i) {
        if (!dropped[i]) {
          std::swap(entries[kept++], entries[i]);
        }
      }
      entries.resize(kept);
    }
    return Value::map(std::move(entries));
  }

 private:
  const Value& map_;
};

// Builds the value while the text is read; open lists and objects stand on a stack of our own.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(size_t levels_max) : levels_max_(levels_max) {}

  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(Value::boolean(value)); }
  bool number_integer(number_integer_t value) override { return add(Value::integer(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return fail(bad("integer `" + std::to_string(value) + "` does not fit into 64 bits"));
    }
    return add(Value::integer(static_cast<int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) {
      return fail(bad("integer `" + text.substr(0, 40) + "` does not fit into 64 bits"));
    }
    return add(Value::floating(value));
  }
  bool string(string_t& value) override { return add(Value::string(value)); }
  bool binary(binary_t&) override { return fail(bad("there is no binary JSON here")); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool key(string_t& value) override {
    stack_.back().key = Value::string(value);
    return true;
  }
  bool end_object() override {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Value map = Tagged::unique_map(std::move(frame.entries));
    if (map.map_find(kKind) == nullptr) {
      return add(std::move(map));
    }
    Result<Value> value = Tagged(map).read();
    return value.ok() ? add(std::move(*value)) : fail(value.status());
  }
  bool end_array() override {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    return add(Value::list(std::move(frame.items)));
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    if (status_.ok()) {
      status_ = bad("not JSON at byte `" + std::to_string(position) + "`: " + plain(error.what()));
      status_.mutable_info().offset = static_cast<int64_t>(position);
    }
    return false;
  }

  Status& status() { return status_; }
  Value& result() { return result_; }

 private:
  struct Frame {
    bool object = false;
    List items;
    std::vector<MapEntry> entries;
    Value key;
  };

  // Without the library's "[json.exception...] parse error at line 1, column 2: ".
  static std::string plain(std::string_view text) {
    const size_t at = text.find("; last read");
    const size_t start = text.find(": ");
    const size_t from = start == std::string_view::npos ? 0 : start + 2;
    return std::string(text.substr(from, at == std::string_view::npos || at < from ? at : at - from));
  }
  bool fail(Status status) {
    status_ = std::move(status);
    return false;
  }
  bool open(bool object) {
    // A tagged map takes two more levels of JSON for each of its own.
    if (stack_.size() >= levels_max_ * 3 + 3) {
      return fail(too_deep());
    }
    stack_.emplace_back();
    stack_.back().object = object;
    return true;
  }
  bool add(Value value) {
    if (stack_.empty()) {
      result_ = std::move(value);
    } else if (stack_.back().object) {
      stack_.back().entries.emplace_back(std::move(stack_.back().key), std::move(value));
    } else {
      stack_.back().items.push_back(std::move(value));
    }
    return true;
  }

  size_t levels_max_;
  std::vector<Frame> stack_;
  Value result_;
  Status status_;
};

}  // namespace

void append_json_string(std::string* out, std::string_view text) {
  *out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': *out += "\\\""; break;
      case '\\': *out += "\\\\"; break;
      case '\n': *out += "\\n"; break;
      case '\r': *out += "\\r"; break;
      case '\t': *out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += "\\u00";
          *out += kHex[static_cast<unsigned char>(c) >> 4];
          *out += kHex[c & 15];
        } else {
          *out += c;
        }
    }
  }
  *out += '"';
}

Status append_json(std::string* out, const Value& value) {
  return write(out, value, 0);
}

Result<std::string> to_json(const Value& value) {
  std::string text;
  LORA_TRY(append_json(&text, value));
  return text;
}

Result<Value> from_json(std::string_view text, size_t levels_max) {
  Builder builder(levels_max);
  const bool complete = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  if (!builder.status().ok()) {
    return std::move(builder.status());
  }
  if (!complete) {
    return bad("the text is not JSON");
  }
  if (deeper_than(builder.result(), levels_max)) {
    return too_deep();
  }
  return std::move(builder.result());
}

}  // namespace lora

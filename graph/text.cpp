#include "graph/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "graph/spatial.h"
#include "graph/temporal.h"
#include "graph/vector.h"

namespace lora {

void append_float(std::string* out, double value) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    *out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (std::signbit(value)) {
    *out += '-';
    value = -value;
  }
  if (value == 0) {
    *out += "0.0";
    return;
  }
  // Shortest digits as d.ddde+XX, then laid out.
  std::array<char, 40> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.find('e');
  int exponent = 0;
  const char* digits_of_exponent = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, end, exponent);
  std::string digits(1, text[0]);
  if (e > 2) {
    digits += text.substr(2, e - 2);
  }
  const auto count = static_cast<int>(digits.size());
  if (exponent < -3 || exponent >= 7) {
    *out += digits[0];
    *out += '.';
    *out += count > 1 ? std::string_view(digits).substr(1) : "0";
    *out += 'E';
    *out += std::to_string(exponent);
  } else if (exponent < 0) {
    *out += "0.";
    out->append(static_cast<size_t>(-exponent - 1), '0');
    *out += digits;
  } else {
    const int whole = exponent + 1;
    if (count <= whole) {
      *out += digits;
      out->append(static_cast<size_t>(whole - count), '0');
      *out += ".0";
    } else {
      out->append(digits, 0, static_cast<size_t>(whole));
      *out += '.';
      out->append(digits, static_cast<size_t>(whole));
    }
  }
}

bool is_ascii(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080ull;
  const auto word = [&](size_t at) {
    uint64_t eight;
    std::memcpy(&eight, bytes.data() + at, 8);
    return eight;
  };
  uint64_t seen = 0;
  if (bytes.size() >= 8) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) seen |= word(at);
    return ((seen | word(bytes.size() - 8)) & kHighBits) == 0;
  }
  for (const char c : bytes) seen |= static_cast<unsigned char>(c);
  return seen < 0x80;
}

bool is_utf8(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at < end) {
    if (uint64_t eight; end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080ull) == 0)) {
      at += 8;
      continue;
    }
    const unsigned char first = *at++;
    if (first < 0x80) continue;
    // How many bytes follow, and between which limits the first of them lies (Unicode, table 3-7).
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || end - at < more) return false;
    const unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (*at < least || *at > most) return false;
    for (int i = 1; i < more; ++i) {
      if ((at[i] & 0xC0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}

void append_quoted(std::string* out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += '\'';
  for (const char c : text) {
    switch (c) {
      case '\'': *out += "\\'"; break;
      case '\\': *out += "\\\\"; break;
      case '\n': *out += "\\n"; break;
      case '\r': *out += "\\r"; break;
      case '\t': *out += "\\t"; break;
      case '\b': *out += "\\b"; break;
      case '\f': *out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          *out += "\\u00";
          *out += kHex[static_cast<unsigned char>(c) >> 4];
          *out += kHex[c & 15];
        } else {
          *out += c;
        }
    }
  }
  *out += '\'';
}

void append_name(std::string* out, std::string_view name) {
  const auto letter = [](char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'; };
  bool plain = !name.empty() && letter(name[0]);
  for (const char c : name) {
    plain = plain && (letter(c) || (c >= '0' && c <= '9'));
  }
  if (plain) {
    *out += name;
    return;
  }
  *out += '`';
  for (const char c : name) {
    *out += c;
    if (c == '`') {
      *out += c;
    }
  }
  *out += '`';
}

namespace {

void append_hex(std::string* out, const Binary& binary) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const std::string& segment : binary.segments) {
    for (const char c : segment) {
      *out += kHex[static_cast<unsigned char>(c) >> 4];
      *out += kHex[c & 15];
    }
  }
}

void append_point(std::string* out, const Point& point) {
  *out += "point({x: ";
  append_float(out, point.x);
  *out += ", y: ";
  append_float(out, point.y);
  if (point.is_3d()) {
    *out += ", z: ";
    append_float(out, point.z);
  }
  *out += ", crs: '";
  *out += spatial::crs_name(point.crs);
  *out += "'})";
}

void append_vector(std::string* out, const VectorValue& vector) {
  *out += "vector([";
  for (size_t i = 0; i < vector.dimension(); ++i) {
    if (i > 0) {
      *out += ", ";
    }
    if (vector.type <= VectorType::kFloat32) {
      append_float(out, vector.floats[i]);
    } else {
      *out += std::to_string(vector.integers[i]);
    }
  }
  *out += "], ";
  *out += std::to_string(vector.dimension());
  *out += ", ";
  *out += vectors::type_name(vector.type);
  *out += ')';
}

// Text for people and, with kLiteral, text for the parser.
enum class Form : uint8_t { kReadable, kLiteral };

class Writer {
 public:
  Writer(std::string* out, Form form) : out_(*out), form_(form) {}

  // False when the value has no text in this form; status() says why.
  bool write(const Value& value, size_t depth) {
    switch (value.type()) {
      case ValueType::kNull: out_ += "null"; return true;
      case ValueType::kBoolean: out_ += value.as_boolean() ? "true" : "false"; return true;
      case ValueType::kInteger: out_ += std::to_string(value.as_integer()); return true;
      case ValueType::kFloat: number(value.as_float()); return true;
      case ValueType::kString: append_quoted(&out_, value.as_string()); return true;
      case ValueType::kPoint: append_point(&out_, value.as_point()); return true;
      case ValueType::kVector: append_vector(&out_, value.as_vector()); return true;
      case ValueType::kBinary:
        out_ += "bytes.hex_decode('";
        append_hex(&out_, value.as_binary());
        out_ += "')";
        return true;
      case ValueType::kDate: return temporal("date", value);
      case ValueType::kLocalTime: return temporal("localtime", value);
      case ValueType::kTime: return temporal("time", value);
      case ValueType::kLocalDateTime: return temporal("localdatetime", value);
      case ValueType::kDateTime: return temporal("datetime", value);
      case ValueType::kDuration: return temporal("duration", value);
      case ValueType::kList: return list(value.as_list(), depth + 1);
      case ValueType::kMap: return entries(value.as_map(), depth + 1);
      case ValueType::kNode:
      case ValueType::kRelationship:
      case ValueType::kPath: return entity(value, depth);
    }
    return false;
  }
  Status status() const { return status_; }

 private:
  void number(double value) {
    if (form_ == Form::kReadable || std::isfinite(value)) {
      append_float(&out_, value);
    } else {
      out_ += std::isnan(value) ? "(0.0 / 0.0)" : value < 0 ? "(-1.0 / 0.0)" : "(1.0 / 0.0)";
    }
  }

  bool temporal(std::string_view function, const Value& value) {
    if (form_ == Form::kReadable) {
      lora::temporal::append_text(&out_, value);
      return true;
    }
    out_ += function;
    out_ += "('";
    lora::temporal::append_text(&out_, value);
    out_ += "')";
    return true;
  }

  bool too_deep(size_t depth) {
    if (depth <= kNestingMax) {
      return false;
    }
    if (form_ == Form::kReadable) {
      out_ += "...";
    } else {
      status_ = Status::limit("depth", "the value nests more than `" + std::to_string(kNestingMax) + "` levels");
    }
    return true;
  }

  bool list(const List& items, size_t depth) {
    if (too_deep(depth)) {
      return form_ == Form::kReadable;
    }
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) {
        out_ += ", ";
      }
      if (!write(items[i], depth)) {
        return false;
      }
    }
    out_ += ']';
    return true;
  }

  bool entries(std::span<const MapEntry> entries, size_t depth) {
    if (too_deep(depth)) {
      return form_ == Form::kReadable;
    }
    out_ += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) {
        out_ += ", ";
      }
      append_name(&out_, entries[i].first.as_string());
      out_ += ": ";
      if (!write(entries[i].second, depth)) {
        return false;
      }
    }
    out_ += '}';
    return true;
  }

  bool entity(const Value& value, size_t depth) {
    if (form_ == Form::kLiteral) {
      status_ = Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentType",
                                "a value of type " + std::string(value_type_name(value.type())) + " has no literal");
      return false;
    }
    if (!value.is_hydrated()) {
      bare(value);
    } else if (value.is_node()) {
      node(value.as_node(), depth);
    } else if (value.is_relationship()) {
      relationship(value.as_relationship(), depth);
    } else {
      path(value.as_path(), depth);
    }
    return true;
  }

  void bare(const Value& value) {
    if (value.is_node()) {
      out_ += "(" + std::to_string(value.node_id().value) + ")";
    } else if (value.is_relationship()) {
      out_ += "[" + std::to_string(value.relationship_id().value) + "]";
    } else {
      const PathIds& path = value.path_ids();
      for (size_t i = 0; i < path.nodes.size(); ++i) {
        if (i > 0) {
          out_ += "-[" + std::to_string(path.rels[i - 1].value) + "]-";
        }
        out_ += "(" + std::to_string(path.nodes[i].value) + ")";
      }
    }
  }

  void properties(const std::vector<MapEntry>& properties, bool space, size_t depth) {
    if (!properties.empty()) {
      if (space) {
        out_ += ' ';
      }
      entries(properties, depth + 1);
    }
  }
  void node(const Node& node, size_t depth) {
    out_ += '(';
    for (const std::string& label : node.labels) {
      out_ += ':';
      append_name(&out_, label);
    }
    properties(node.properties, !node.labels.empty(), depth);
    out_ += ')';
  }
  void relationship(const Relationship& relationship, size_t depth) {
    out_ += "[:";
    append_name(&out_, relationship.type);
    properties(relationship.properties, true, depth);
    out_ += ']';
  }
  void path(const Path& path, size_t depth) {
    for (size_t i = 0; i < path.nodes.size(); ++i) {
      if (i > 0) {
        const bool forward = path.rels[i - 1].start == path.nodes[i - 1].id;
        out_ += forward ? "-" : "<-";
        relationship(path.rels[i - 1], depth);
        out_ += forward ? "->" : "-";
      }
      node(path.nodes[i], depth);
    }
  }

  std::string& out_;
  Form form_;
  Status status_;
};

}  // namespace

void append_text(std::string* out, const Value& value) {
  if (value.is_string()) {
    *out += value.as_string();
    return;
  }
  Writer(out, Form::kReadable).write(value, 0);
}

std::string to_text(const Value& value) {
  std::string text;
  append_text(&text, value);
  return text;
}

Status append_literal(std::string* out, const Value& value) {
  Writer writer(out, Form::kLiteral);
  return writer.write(value, 0) ? Status() : writer.status();
}

Result<std::string> to_literal(const Value& value) {
  std::string text;
  LORA_TRY(append_literal(&text, value));
  return text;
}

}  // namespace lora

// The namespaces `json`, `uuid` and `crypto`, and what `bytes` does to whole values: text, compression.
#include <sodium.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include "cypher/functions/row.h"
#include "graph/json.h"
#include "graph/text.h"

namespace lora::cypher {

namespace {

std::string bytes_of(const Value& v) {
  if (v.is_string()) return std::string(v.as_string());
  std::string all;
  for (const std::string& segment : v.as_binary().segments) all += segment;
  return all;
}

Value binary(std::string bytes) {
  Binary b;
  b.segments.push_back(std::move(bytes));
  return Value::binary(std::move(b));
}

std::string hex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (uint8_t b : bytes) out += {kDigits[b >> 4], kDigits[b & 15]};
  return out;
}

// --- JSON as the world knows it ---

void append_plain_json(std::string* out, const Value& v, int indent, int depth);

void new_line(std::string* out, int indent, int depth) {
  if (indent <= 0) return;
  *out += '\n';
  out->append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
}

void append_object(std::string* out, std::span<const MapEntry> entries, int indent, int depth) {
  *out += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) *out += ',';
    new_line(out, indent, depth + 1);
    append_json_string(out, entries[i].first.as_string());
    *out += indent > 0 ? ": " : ":";
    append_plain_json(out, entries[i].second, indent, depth + 1);
  }
  if (!entries.empty()) new_line(out, indent, depth);
  *out += '}';
}

// What JSON has no form for is text: temporal values, points; numbers that are none are null.
void append_plain_json(std::string* out, const Value& v, int indent, int depth) {
  switch (v.type()) {
    case ValueType::kNull: *out += "null"; return;
    case ValueType::kBoolean: *out += v.as_boolean() ? "true" : "false"; return;
    case ValueType::kInteger: *out += std::to_string(v.as_integer()); return;
    case ValueType::kFloat:
      if (v.as_float() - v.as_float() != 0) {
        *out += "null";
      } else {
        append_float(out, v.as_float());
      }
      return;
    case ValueType::kList: {
      const List& list = v.as_list();
      *out += '[';
      for (size_t i = 0; i < list.size(); ++i) {
        if (i > 0) *out += ',';
        new_line(out, indent, depth + 1);
        append_plain_json(out, list[i], indent, depth + 1);
      }
      if (!list.empty()) new_line(out, indent, depth);
      *out += ']';
      return;
    }
    case ValueType::kMap: append_object(out, v.as_map(), indent, depth); return;
    case ValueType::kNode: append_object(out, v.as_node().properties, indent, depth); return;
    case ValueType::kRelationship: append_object(out, v.as_relationship().properties, indent, depth); return;
    default: append_json_string(out, to_text(v)); return;
  }
}

Status json_encode(EvalContext& context, Args args, Value* out) {
  constexpr int64_t kIndentMax = 16;
  const int64_t indent = args.size() > 1 ? args[1].as_integer() : 0;
  if (indent < 0 || indent > kIndentMax) return number_out_of_range("the indent of `json.encode()` must be 0 to 16");
  // Nodes and relationships are written as their properties.
  const Value whole = context.reader != nullptr ? context.reader->hydrate(args[0]) : args[0];
  LORA_TRY(context.control->check_total(whole.heap_bytes()));  // one large text may be in it many times
  std::string text;
  append_plain_json(&text, whole, static_cast<int>(indent), 0);
  return give_text(context, text, out);
}

// Reads any JSON: an object is a map whatever its keys are.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool read(Value* out) {
    if (!value(out, 0)) return false;
    space();
    return at_ == text_.size();
  }
  size_t place() const { return at_; }

 private:
  void space() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) != nullptr && text_[at_] != '\0') ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view w, Value v, Value* out) {
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    *out = std::move(v);
    return true;
  }
  bool value(Value* out, size_t depth) {
    space();
    if (at_ >= text_.size() || depth > kNestingMax) return false;
    switch (text_[at_]) {
      case '{': return object(out, depth);
      case '[': return array(out, depth);
      case 't': return word("true", Value::boolean(true), out);
      case 'f': return word("false", Value::boolean(false), out);
      case 'n': return word("null", Value(), out);
      default: return scalar(out);
    }
  }
  // Strings and numbers have one form here and in lossless JSON.
  bool scalar(Value* out) {
    const size_t start = at_;
    if (text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\') ++at_;
      }
      if (at_ >= text_.size()) return false;
      ++at_;
    } else {
      while (at_ < text_.size() && text_[at_] != '\0' && std::strchr("+-.0123456789eE", text_[at_]) != nullptr) ++at_;
    }
    if (at_ == start) return false;
    Result<Value> read = from_json(text_.substr(start, at_ - start));
    if (!read.ok()) {
      at_ = start;
      return false;
    }
    *out = std::move(*read);
    return true;
  }
  bool array(Value* out, size_t depth) {
    take('[');
    List list;
    if (!take(']')) {
      do {
        list.emplace_back();
        if (!value(&list.back(), depth + 1)) return false;
      } while (take(','));
      if (!take(']')) return false;
    }
    *out = Value::list(std::move(list));
    return true;
  }
  bool object(Value* out, size_t depth) {
    take('{');
    std::vector<MapEntry> entries;
    std::unordered_map<std::string, size_t> places;
    if (!take('}')) {
      do {
        space();
        Value key, v;
        if (at_ >= text_.size() || text_[at_] != '"' || !scalar(&key) || !take(':') || !value(&v, depth + 1)) {
          return false;
        }
        // Of a repeated key the last one counts.
        const auto [place, fresh] = places.emplace(key.as_string(), entries.size());
        if (fresh) {
          entries.emplace_back(std::move(key), std::move(v));
        } else {
          entries[place->second].second = std::move(v);
        }
      } while (take(','));
      if (!take('}')) return false;
    }
    *out = Value::map(std::move(entries));
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

Status decode_json(EvalContext& context, std::string_view text, Value* out) {
  LORA_TRY(context.control->charge_made(text.size()));
  JsonReader reader(text);
  if (reader.read(out)) return Status();
  return bad_argument("the text is no JSON; the fault is near byte `" + std::to_string(reader.place()) + "`");
}

Status json_decode(EvalContext& context, Args args, Value* out) {
  return decode_json(context, args[0].as_string(), out);
}

// "$.a.b[0]", "a.b[0]" or a list of keys and indexes, in a map, a list or JSON text.
Status json_path(EvalContext& context, Args args, Value* out) {
  Value at = args[0];
  if (at.is_string()) LORA_TRY(decode_json(context, args[0].as_string(), &at));
  List steps;
  if (args[1].is_list()) {
    steps = args[1].as_list();
  } else {
    std::string_view path = args[1].as_string();
    if (path.starts_with('$')) path.remove_prefix(1);
    while (!path.empty()) {
      if (path.front() == '[') {
        const size_t close = path.find(']');
        const std::string index(path.substr(1, close == std::string_view::npos ? 0 : close - 1));
        char* end = nullptr;
        const long long n = std::strtoll(index.c_str(), &end, 10);
        if (index.empty() || *end != '\0') {
          return bad_argument("`" + std::string(args[1].as_string()) + "` is no path; write `$.key[0]`");
        }
        steps.push_back(Value::integer(n));
        path.remove_prefix(close + 1);
      } else {
        if (path.front() == '.') path.remove_prefix(1);
        const size_t end = std::min(path.find_first_of(".["), path.size());
        if (end == 0) return bad_argument("`" + std::string(args[1].as_string()) + "` is no path; write `$.key[0]`");
        steps.push_back(Value::string(path.substr(0, end)));
        path.remove_prefix(end);
      }
    }
  }
  for (const Value& step : steps) {
    Value next;
    if (step.is_string() && at.is_map()) {
      const Value* v = at.map_find(step.as_string());
      if (v != nullptr) next = *v;
    } else if (step.is_integer() && at.is_list()) {
      const auto size = static_cast<int64_t>(at.as_list().size());
      const int64_t i = step.as_integer() < 0 ? step.as_integer() + size : step.as_integer();
      if (i >= 0 && i < size) next = at.as_list()[static_cast<size_t>(i)];
    } else if (!step.is_string() && !step.is_integer()) {
      return argument_type_error("json.path", step);
    }
    at = std::move(next);
  }
  *out = std::move(at);
  return Status();
}

// --- UUIDs ---

std::string random_uuid() {
  std::array<uint8_t, 16> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);  // RFC 4122 variant
  const std::string h = hex(bytes);
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" + h.substr(20);
}

Status uuid_new(EvalContext&, Args, Value* out) {
  *out = Value::string(random_uuid());
  return Status();
}

// With or without hyphens, in braces or after `urn:uuid:`; empty when it is none.
std::string canonical_uuid(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  if (text.starts_with(kUrn)) text.remove_prefix(kUrn.size());
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') text = text.substr(1, text.size() - 2);
  const bool hyphens = text.size() == 36;
  if (!hyphens && text.size() != 32) return {};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (c != '-') return {};
      continue;
    }
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return {};
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (size_t place : {20, 16, 12, 8}) out.insert(place, 1, '-');
  return out;
}

Status uuid_from_string(EvalContext&, Args args, Value* out) {
  const std::string uuid = canonical_uuid(args[0].as_string());
  if (uuid.empty()) return bad_argument("`" + std::string(args[0].as_string()) + "` is no UUID");
  *out = Value::string(uuid);
  return Status();
}

Status uuid_is_valid(EvalContext&, Args args, Value* out) {
  *out = Value::boolean(!canonical_uuid(args[0].as_string()).empty());
  return Status();
}

// --- BLAKE3, with the default length of 32 bytes ---

class Blake3 {
 public:
  static std::array<uint8_t, 32> hash(std::string_view input) {
    Blake3 h;
    size_t at = 0;
    // The last chunk, also an empty one, is finished apart.
    while (input.size() - at > kChunkBytes) {
      h.add_chunk(chunk(input.substr(at, kChunkBytes), h.chunks_, 0));
      at += kChunkBytes;
    }
    const bool only = h.chunks_ == 0;
    Words value = chunk(input.substr(at), h.chunks_, only ? kRoot : 0);
    for (size_t i = h.stack_.size(); i > 0; --i) value = parent(h.stack_[i - 1], value, i == 1 ? kRoot : 0);
    std::array<uint8_t, 32> out;
    for (size_t i = 0; i < 32; ++i) out[i] = static_cast<uint8_t>(value[i / 4] >> (8 * (i % 4)));
    return out;
  }

 private:
  using Words = std::array<uint32_t, 8>;
  using Block = std::array<uint32_t, 16>;
  static constexpr size_t kBlockBytes = 64, kChunkBytes = 1024;
  static constexpr uint32_t kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8;
  static constexpr Words kInitial = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                     0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
  static constexpr std::array<uint8_t, 16> kPermutation = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

  static uint32_t rotated(uint32_t v, int by) { return (v >> by) | (v << (32 - by)); }

  static Words compress(const Words& value, const Block& block, uint64_t counter, uint32_t length, uint32_t flags) {
    Block s = {value[0],
               value[1],
               value[2],
               value[3],
               value[4],
               value[5],
               value[6],
               value[7],
               kInitial[0],
               kInitial[1],
               kInitial[2],
               kInitial[3],
               static_cast<uint32_t>(counter),
               static_cast<uint32_t>(counter >> 32),
               length,
               flags};
    Block m = block;
    const auto mix = [&](size_t a, size_t b, size_t c, size_t d, uint32_t x, uint32_t y) {
      s[a] = s[a] + s[b] + x;
      s[d] = rotated(s[d] ^ s[a], 16);
      s[c] = s[c] + s[d];
      s[b] = rotated(s[b] ^ s[c], 12);
      s[a] = s[a] + s[b] + y;
      s[d] = rotated(s[d] ^ s[a], 8);
      s[c] = s[c] + s[d];
      s[b] = rotated(s[b] ^ s[c], 7);
    };
    constexpr int kRounds = 7;
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < 4; ++i) mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1]);
      for (size_t i = 0; i < 4; ++i) {
        mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i]);
      }
      Block moved;
      for (size_t i = 0; i < 16; ++i) moved[i] = m[kPermutation[i]];
      m = moved;
    }
    Words out;
    for (size_t i = 0; i < 8; ++i) out[i] = s[i] ^ s[i + 8];
    return out;
  }

  static Words chunk(std::string_view bytes, uint64_t counter, uint32_t root) {
    Words value = kInitial;
    size_t at = 0;
    do {
      const size_t length = std::min(kBlockBytes, bytes.size() - at);
      Block block = {};
      for (size_t i = 0; i < length; ++i) {
        block[i / 4] |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * (i % 4));
      }
      const bool last = at + length == bytes.size();
      const uint32_t flags = (at == 0 ? kChunkStart : 0) | (last ? kChunkEnd | root : 0);
      value = compress(value, block, counter, static_cast<uint32_t>(length), flags);
      at += length;
    } while (at < bytes.size());
    return value;
  }

  static Words parent(const Words& left, const Words& right, uint32_t root) {
    Block block;
    for (size_t i = 0; i < 8; ++i) {
      block[i] = left[i];
      block[i + 8] = right[i];
    }
    return compress(kInitial, block, 0, kBlockBytes, kParent | root);
  }

  // Whole subtrees are joined as soon as they are there.
  void add_chunk(Words value) {
    ++chunks_;
    for (uint64_t n = chunks_; (n & 1) == 0; n >>= 1) {
      value = parent(stack_.back(), value, 0);
      stack_.pop_back();
    }
    stack_.push_back(value);
  }

  std::vector<Words> stack_;
  uint64_t chunks_ = 0;
};

Status blake3(EvalContext&, Args args, Value* out) {
  *out = Value::string(hex(Blake3::hash(bytes_of(args[0]))));
  return Status();
}

Status checksum(EvalContext&, Args args, Value* out) {
  const std::string bytes = bytes_of(args[0]);
  *out = Value::integer(static_cast<int64_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size())));
  return Status();
}

// --- bytes ---

Status to_text(EvalContext& context, Args args, Value* out) {
  const std::string bytes = bytes_of(args[0]);
  if (!is_utf8(bytes)) return bad_argument("the bytes are no UTF-8 text");
  return give_text(context, bytes, out);
}

Status compress(EvalContext& context, Args args, Value* out) {
  const std::string bytes = bytes_of(args[0]);
  uLongf size = compressBound(bytes.size());
  LORA_TRY(context.control->charge_made(size));
  std::string packed(size, '\0');
  if (::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                 bytes.size()) != Z_OK) {
    return Status::internal("zlib could not compress");
  }
  packed.resize(size);
  *out = binary(std::move(packed));
  return Status();
}

Status decompress(EvalContext& context, Args args, Value* out) {
  const std::string packed = bytes_of(args[0]);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return Status::internal("zlib could not start");
  struct End {
    z_stream* s;
    ~End() { inflateEnd(s); }
  } end{&stream};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  int state = Z_OK;
  while (state == Z_OK) {
    constexpr size_t kStep = 64 << 10;
    LORA_TRY(context.control->charge_made(kStep));
    LORA_TRY(context.control->tick());
    const size_t before = bytes.size();
    bytes.resize(before + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + before);
    stream.avail_out = kStep;
    state = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(bytes.size() - stream.avail_out);
  }
  if (state != Z_STREAM_END || stream.avail_in != 0)
    return bad_argument("the bytes are not what `bytes.compress()` gives");
  *out = binary(std::move(bytes));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> encoding_functions() {
  const RowMaker json("JSON"), uuid("UUID"), crypto("Crypto"), bytes("Bytes");
  constexpr TypeSet kBinaryType = type_bit(ValueType::kBinary);
  const ArgSpec text{"text", kStringType}, data{"data", kBinaryType | kStringType}, binary_data{"bytes", kBinaryType};
  static const std::vector<FunctionSpec> table = {
      RowMaker::as(Purity::kReadsGraph,
                   RowMaker::with_nulls(json("json.encode", {{"value"}, {"indent", kIntegerType}}, 1, kStringType,
                                             "A value as JSON, entities as their properties; with an indent, on lines.",
                                             "json.encode({a: [1, null]})", "'{\"a\":[1,null]}'",
                                             [](EvalContext& c, Args a, Value* out) {
                                               if (a.size() > 1 && a[1].is_null()) a = a.first(1);
                                               return json_encode(c, a, out);
                                             }))),
      json("json.decode", {text}, 1, kAnyType, "The value that a JSON text stands for.",
           "json.decode('{\"a\": [1, 2.5]}')", "{a: [1, 2.5]}", json_decode),
      json("json.path", {{"value", kStringType | kMapType | kListType}, {"path", kStringType | kListType}}, 2, kAnyType,
           "What is at a path like `$.a[0]` in a map, a list or JSON text; null: nothing.",
           "json.path('{\"a\": [1, 2]}', '$.a[1]')", "2", json_path),
      RowMaker::as(Purity::kVolatile,
                   RowMaker::also({"uuid.new"}, uuid("randomUUID", {}, 0, kStringType, "A new random UUID.",
                                                     "size(randomUUID())", "36", uuid_new))),
      uuid("uuid.from_string", {text}, 1, kStringType, "A UUID in its usual spelling.",
           "uuid.from_string('{123E4567E89B12D3A456426614174000}')", "'123e4567-e89b-12d3-a456-426614174000'",
           uuid_from_string),
      uuid("uuid.is_valid", {text}, 1, kBooleanType, "Whether a text is a UUID.", "uuid.is_valid('x')", "false",
           uuid_is_valid),
      crypto("crypto.blake3", {data}, 1, kStringType, "The BLAKE3 hash of a text or bytes, as hexadecimal digits.",
             "crypto.blake3('abc')", "'6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85'", blake3),
      crypto("crypto.crc32", {data}, 1, kIntegerType, "The CRC-32 checksum of a text or bytes.",
             "crypto.crc32('123456789')", "3421780262", checksum),
      bytes("bytes.to_string", {binary_data}, 1, kStringType, "The text that UTF-8 bytes stand for.",
            "bytes.to_string(bytes.from_string('é'))", "'é'", to_text),
      bytes("bytes.compress", {data}, 1, kBinaryType, "The bytes compressed, in zlib's format.",
            "bytes.size(bytes.compress(string.repeat('a', 1000))) < 100", "true", compress),
      bytes("bytes.decompress", {binary_data}, 1, kBinaryType, "The bytes that were compressed.",
            "bytes.to_string(bytes.decompress(bytes.compress('abc')))", "'abc'", decompress),
  };
  return table;
}

}  // namespace lora::cypher

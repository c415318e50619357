#include "graph/record.h"

#include <algorithm>

#include "graph/layout.h"
#include "graph/record_generated.h"
#include "graph/value_codec.h"

namespace lora::graph {

namespace {

using stored::Kind;

Kind kind_of(const Value& value) {
  switch (value.type()) {
    case ValueType::kBoolean: return value.as_boolean() ? Kind::kTrue : Kind::kFalse;
    case ValueType::kInteger: return Kind::kInteger;
    case ValueType::kFloat: return Kind::kFloat;
    case ValueType::kString: return Kind::kString;
    default: return Kind::kOther;
  }
}

}  // namespace

struct RecordEncoder::Impl {
  flatbuffers::FlatBufferBuilder builder{1024};
  std::vector<uint32_t> keys;
  std::vector<Kind> kinds;
  std::vector<int64_t> integers;
  std::vector<double> floats;
  std::vector<flatbuffers::Offset<flatbuffers::String>> strings;
  std::vector<flatbuffers::Offset<stored::Other>> others;
  std::string bytes;
  size_t largest = 0;

  struct Vectors {
    flatbuffers::Offset<flatbuffers::Vector<uint32_t>> keys;
    flatbuffers::Offset<flatbuffers::Vector<Kind>> kinds;
    flatbuffers::Offset<flatbuffers::Vector<int64_t>> integers;
    flatbuffers::Offset<flatbuffers::Vector<double>> floats;
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> strings;
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<stored::Other>>> others;
  };

  Status build(std::span<const Property> properties, Vectors* out) {
    builder.Clear();
    keys.clear();
    kinds.clear();
    integers.clear();
    floats.clear();
    strings.clear();
    others.clear();
    for (const Property& property : properties) {
      const Kind kind = kind_of(property.value);
      keys.push_back(property.key.value);
      kinds.push_back(kind);
      if (kind == Kind::kInteger) {
        integers.push_back(property.value.as_integer());
      } else if (kind == Kind::kFloat) {
        floats.push_back(property.value.as_float());
      } else if (kind == Kind::kString) {
        const std::string_view text = property.value.as_string();
        strings.push_back(builder.CreateString(text.data(), text.size()));
      } else if (kind == Kind::kOther) {
        bytes.clear();
        LORA_TRY(encode_value(property.value, &bytes));
        others.push_back(stored::CreateOther(
            builder, builder.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())));
      }
    }
    if (!keys.empty()) {
      out->keys = builder.CreateVector(keys);
      out->kinds = builder.CreateVector(kinds.data(), kinds.size());
    }
    if (!integers.empty()) out->integers = builder.CreateVector(integers);
    if (!floats.empty()) out->floats = builder.CreateVector(floats);
    if (!strings.empty()) out->strings = builder.CreateVector(strings);
    if (!others.empty()) out->others = builder.CreateVector(others);
    return Status();
  }

  template <typename Table>
  void add(Table& table, const Vectors& v) {
    if (!v.keys.IsNull()) {
      table.add_keys(v.keys);
      table.add_kinds(v.kinds);
    }
    if (!v.integers.IsNull()) table.add_integers(v.integers);
    if (!v.floats.IsNull()) table.add_floats(v.floats);
    if (!v.strings.IsNull()) table.add_strings(v.strings);
    if (!v.others.IsNull()) table.add_others(v.others);
  }

  ByteView view() {
    largest = std::max<size_t>(largest, builder.GetSize());
    return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
  }
};

RecordEncoder::RecordEncoder() : impl_(std::make_unique<Impl>()) {}
RecordEncoder::~RecordEncoder() = default;

size_t RecordEncoder::largest() const {
  return impl_->largest;
}

Result<ByteView> RecordEncoder::node(std::span<const LabelId> labels, std::span<const Property> properties,
                                     uint64_t written) {
  Impl& in = *impl_;
  Impl::Vectors vectors;
  LORA_TRY(in.build(properties, &vectors));
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> label_vector;
  if (!labels.empty()) {
    uint32_t* to = nullptr;
    label_vector = in.builder.CreateUninitializedVector<uint32_t>(labels.size(), &to);
    for (size_t i = 0; i < labels.size(); ++i) {
      flatbuffers::WriteScalar(to + i, labels[i].value);
    }
  }
  stored::NodeRecordBuilder table(in.builder);
  if (!label_vector.IsNull()) {
    table.add_labels(label_vector);
  }
  in.add(table, vectors);
  table.add_written(written);
  in.builder.Finish(table.Finish());
  return in.view();
}

Result<ByteView> RecordEncoder::relationship(RelTypeId type, NodeId start, NodeId end,
                                             std::span<const Property> properties, uint64_t written) {
  Impl& in = *impl_;
  Impl::Vectors vectors;
  LORA_TRY(in.build(properties, &vectors));
  stored::RelationshipRecordBuilder table(in.builder);
  in.add(table, vectors);
  table.add_end(end.value);
  table.add_start(start.value);
  table.add_type(type.value);
  table.add_written(written);
  in.builder.Finish(table.Finish());
  return in.view();
}

namespace {

template <typename Vector>
size_t length(const Vector* vector) {
  return vector == nullptr ? 0 : vector->size();
}

constexpr auto kAll = [](KeyId) { return true; };

// Are the elements where their type may be read? The verifier looks at the place of a vector's length only.
template <typename T>
bool is_aligned(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr || reinterpret_cast<uintptr_t>(vector->Data()) % sizeof(T) == 0;
}

// Null when sound, else what is wrong. Of properties for which wanted(key) is false nothing is decoded.
template <typename Record, typename Wanted>
const char* decode_properties(const Record& record, uint32_t key_limit, Wanted wanted, std::vector<Property>* out) {
  out->clear();
  const auto* keys = record.keys();
  const auto* kinds = record.kinds();
  const size_t count = length(keys);
  if (count != length(kinds)) {
    return "has property keys without kinds";
  }
  if (!is_aligned(record.integers()) || !is_aligned(record.floats())) {
    return "has misplaced numbers";
  }
  out->reserve(count);
  size_t integers = 0;
  size_t floats = 0;
  size_t strings = 0;
  size_t others = 0;
  uint32_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<flatbuffers::uoffset_t>(i);
    const uint32_t key = keys->Get(at);
    if (key >= key_limit || (i != 0 && key <= last)) {
      return "has an unknown or misplaced property key";
    }
    last = key;
    if (!wanted(KeyId(key))) {
      switch (static_cast<Kind>(kinds->Get(at))) {
        case Kind::kInteger: ++integers; break;
        case Kind::kFloat: ++floats; break;
        case Kind::kString: ++strings; break;
        case Kind::kOther: ++others; break;
        default: break;
      }
      continue;
    }
    Value value;
    switch (static_cast<Kind>(kinds->Get(at))) {
      case Kind::kFalse: value = Value::boolean(false); break;
      case Kind::kTrue: value = Value::boolean(true); break;
      case Kind::kInteger:
        if (integers >= length(record.integers())) return "lacks an integer";
        value = Value::integer(record.integers()->Get(static_cast<flatbuffers::uoffset_t>(integers++)));
        break;
      case Kind::kFloat:
        if (floats >= length(record.floats())) return "lacks a float";
        value = Value::floating(record.floats()->Get(static_cast<flatbuffers::uoffset_t>(floats++)));
        break;
      case Kind::kString: {
        if (strings >= length(record.strings())) return "lacks a string";
        const flatbuffers::String* text = record.strings()->Get(static_cast<flatbuffers::uoffset_t>(strings++));
        value = Value::string({text->data(), text->size()});
        break;
      }
      case Kind::kOther: {
        if (others >= length(record.others())) return "lacks a value";
        const auto* bytes = record.others()->Get(static_cast<flatbuffers::uoffset_t>(others++))->bytes();
        if (bytes == nullptr) return "lacks a value's bytes";
        Result<Value> decoded = decode_value({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
        if (!decoded.ok() || decoded->is_null() || kind_of(*decoded) != Kind::kOther || !is_storable(*decoded)) {
          return "holds a value that cannot be decoded";
        }
        value = std::move(*decoded);
        break;
      }
      default: return "has an unknown kind of property";
    }
    out->push_back({KeyId(key), std::move(value)});
  }
  if (integers != length(record.integers()) || floats != length(record.floats()) ||
      strings != length(record.strings()) || others != length(record.others())) {
    return "has more values than property keys";
  }
  return nullptr;
}

template <typename Record>
const Record* verify(ByteView bytes) {
  // Two levels of tables; every property takes more than eight bytes, so their number is bounded by the size.
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), 4,
                                 static_cast<flatbuffers::uoffset_t>(bytes.size() / 8 + 1), true);
  if (bytes.size() < 8 || bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE || !verifier.VerifyBuffer<Record>(nullptr)) {
    return nullptr;
  }
  return flatbuffers::GetRoot<Record>(bytes.data());
}

// The flatbuffer needs eight-byte alignment; bytes from the store may lie anywhere.
class Aligned {
 public:
  explicit Aligned(ByteView bytes) : view_(bytes) {
    if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) {
      uint64_t* copy = few_;
      if (bytes.size() > sizeof few_) {
        many_.resize(bytes.size() / 8 + 1);
        copy = many_.data();
      }
      std::memcpy(copy, bytes.data(), bytes.size());
      view_ = {reinterpret_cast<const char*>(copy), bytes.size()};
    }
  }
  ByteView view() const { return view_; }

 private:
  uint64_t few_[64];  // most records are this small
  std::vector<uint64_t> many_;
  ByteView view_;
};

}  // namespace

const Property* find_property(const std::vector<Property>& properties, KeyId key) {
  const auto it =
      std::lower_bound(properties.begin(), properties.end(), key, [](const Property& p, KeyId k) { return p.key < k; });
  return it != properties.end() && it->key == key ? &*it : nullptr;
}

Status decode_node_properties(ByteView key, ByteView bytes, const TokenLimits& limits, std::span<const KeyId> wanted,
                              std::vector<Property>* out, uint64_t* written) {
  const Aligned aligned(bytes);
  const auto* record = verify<stored::NodeRecord>(aligned.view());
  if (record == nullptr) {
    return damaged(kv::Keyspace::kNodes, key, "is not a node record");
  }
  const auto is_wanted = [&](KeyId k) { return std::find(wanted.begin(), wanted.end(), k) != wanted.end(); };
  if (const char* fault = decode_properties(*record, limits.keys, is_wanted, out)) {
    return damaged(kv::Keyspace::kNodes, key, fault);
  }
  *written = record->written();
  return Status();
}

Status decode_node(ByteView key, ByteView bytes, const TokenLimits& limits, StoredNode* out) {
  const Aligned aligned(bytes);
  const auto* record = verify<stored::NodeRecord>(aligned.view());
  if (record == nullptr) {
    return damaged(kv::Keyspace::kNodes, key, "is not a node record");
  }
  out->labels.clear();
  for (size_t i = 0; i < length(record->labels()); ++i) {
    const uint32_t label = record->labels()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (label >= limits.labels || (i != 0 && label <= out->labels.back().value)) {
      return damaged(kv::Keyspace::kNodes, key, "has an unknown or misplaced label");
    }
    out->labels.push_back(LabelId(label));
  }
  if (const char* fault = decode_properties(*record, limits.keys, kAll, &out->properties)) {
    return damaged(kv::Keyspace::kNodes, key, fault);
  }
  out->written = record->written();
  return Status();
}

Status decode_relationship(ByteView key, ByteView bytes, const TokenLimits& limits, StoredRelationship* out) {
  const Aligned aligned(bytes);
  const auto* record = verify<stored::RelationshipRecord>(aligned.view());
  if (record == nullptr) {
    return damaged(kv::Keyspace::kRelationships, key, "is not a relationship record");
  }
  if (record->type() >= limits.types || record->start() > kIdMax || record->end() > kIdMax) {
    return damaged(kv::Keyspace::kRelationships, key, "has an unknown type or impossible ends");
  }
  out->type = RelTypeId(record->type());
  out->start = NodeId(record->start());
  out->end = NodeId(record->end());
  if (const char* fault = decode_properties(*record, limits.keys, kAll, &out->properties)) {
    return damaged(kv::Keyspace::kRelationships, key, fault);
  }
  out->written = record->written();
  return Status();
}

}  // namespace lora::graph

// Indexes and constraints come and go inside a transaction; an index is built at once over the data that is there.
//
// The texts of schema errors begin with a GQL status: 22N70 an equivalent one exists, 22N71 the name is taken, 22N73 in
// conflict with, or owned by, another, 22N79 not unique (constraint.cpp), 42N51 there is none of this name.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>
#include <functional>

#include "graph/constraint.h"
#include "graph/transaction_impl.h"
#include "kv/encode.h"
#include "kv/stoppable.h"

namespace lora::graph {

void Transaction::Impl::set_schema(std::shared_ptr<Schema> schema) {
  schema->version += 1;
  root().schema_version = schema->version;
  root().schema = std::move(schema);
}

namespace {

bool name_taken(const Schema& schema, std::string_view name) {
  return schema.find_index(name) != nullptr || schema.find_constraint(name) != nullptr;
}

std::string made_name(const Schema& schema, std::string_view kind, std::string_view owner,
                      const std::vector<std::string>& keys) {
  std::string name(kind);
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  name += fmt::format("_{}", owner);
  for (const std::string& key : keys) {
    name += "_" + key;
  }
  if (name.size() > 200) {
    name.resize(200);
    while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xc0) == 0x80) {
      name.pop_back();
    }
  }
  std::string unique = name;
  for (int i = 2; name_taken(schema, unique); ++i) {
    unique = fmt::format("{}_{}", name, i);
  }
  return unique;
}

}  // namespace

Result<IndexInfo> Transaction::Impl::prepare_definition(const IndexDefinition& definition, bool for_constraint) {
  const IndexBehaviour* behaviour = find_index_behaviour(definition.kind);
  if (behaviour == nullptr) {
    return Status::unsupported(
        fmt::format("{} indexes are not offered; use a RANGE index", index_kind_name(definition.kind)));
  }
  LORA_TRY(behaviour->check(definition));
  const Schema& schema = *root().schema;
  if (!definition.name.empty() && name_taken(schema, definition.name)) {
    return Status(ErrorCode::kConstraint,
                  fmt::format("22N71: an index or constraint named `{}` already exists", definition.name));
  }
  if (definition.name.size() > kNameBytesMax) {
    return Status::limit("name", fmt::format("a name has at most {} bytes", kNameBytesMax));
  }
  IndexInfo info;
  info.definition = definition;
  LORA_ASSIGN(info.label_or_type,
              token(definition.entity == EntityKind::kNode ? TokenKind::kLabel : TokenKind::kRelType,
                    definition.label_or_type));
  for (const std::string& name : definition.keys) {
    LORA_ASSIGN(const uint32_t key, token(TokenKind::kKey, name));
    if (std::find(info.keys.begin(), info.keys.end(), KeyId(key)) != info.keys.end()) {
      return Status(ErrorCode::kConstraint, fmt::format("property `{}` is named twice", name));
    }
    info.keys.push_back(KeyId(key));
  }
  for (const IndexInfo& other : schema.indexes) {
    if (other.definition.kind == definition.kind && other.definition.entity == definition.entity &&
        other.label_or_type == info.label_or_type && other.keys == info.keys) {
      const bool owned = !other.owning_constraint.empty();
      const char* owner = definition.entity == EntityKind::kNode ? "label" : "type";
      return Status(ErrorCode::kConstraint,
                    owned ? fmt::format("{}: constraint `{}` already has an index on this {} and these properties",
                                        for_constraint ? "22N70" : "22N73", other.owning_constraint, owner)
                          : fmt::format("{}: index `{}` already covers this {} and these properties; drop it first",
                                        for_constraint ? "22N73" : "22N70", other.definition.name, owner));
    }
  }
  if (info.definition.name.empty()) {
    info.definition.name =
        made_name(schema, index_kind_name(definition.kind), definition.label_or_type, definition.keys);
  }
  info.id = IndexId(schema.next_index);
  return info;
}

namespace {

// The entries of an index that is being built, to be put in order: one piece of memory for all their bytes, and
// sixteen bytes for each.
class NewEntries {
 public:
  void add(ByteView entry) {
    const auto length = static_cast<uint32_t>(entry.size());
    if (items_.empty()) {
      first_ = kv::leading_u64(entry);
    } else {
      different_ |= kv::leading_u64(entry) ^ first_;
    }
    shortest_ = std::min(shortest_, entry.size());
    items_.push_back({0, bytes_.size()});
    bytes_.append(reinterpret_cast<const char*>(&length), sizeof length).append(entry);
  }
  uint64_t memory_bytes() const { return bytes_.capacity() + items_.capacity() * sizeof(Item); }
  size_t size() const { return items_.size(); }
  ByteView operator[](size_t i) const { return at(items_[i].offset); }

  template <typename Tick>
  Status sort(const Tick& tick) {
    // Eight bytes behind those that all begin with decide most comparisons.
    const size_t common = different_ == 0 ? 8 : static_cast<size_t>(std::countl_zero(different_)) / 8;
    const size_t skip = std::min(common, shortest_);
    for (Item& item : items_) item.head = kv::leading_u64(at(item.offset).substr(skip));
    const auto less = [this](const Item& a, const Item& b) {
      return a.head != b.head ? a.head < b.head : at(a.offset) < at(b.offset);
    };
    bool sorted = false;  // as the entities were made, often
    LORA_TRY(stoppable(tick, less, [&](auto l) { sorted = std::is_sorted(items_.begin(), items_.end(), l); }));
    return sorted ? Status() : stoppable(tick, less, [&](auto l) { std::sort(items_.begin(), items_.end(), l); });
  }

 private:
  struct Item {
    uint64_t head;
    uint64_t offset;  // of the length, which is in front of the entry
  };
  ByteView at(uint64_t offset) const {
    uint32_t length;
    std::memcpy(&length, bytes_.data() + offset, sizeof length);
    return ByteView(bytes_).substr(offset + sizeof length, length);
  }

  std::string bytes_;
  std::vector<Item> items_;
  uint64_t first_ = 0, different_ = 0;  // first bytes of the first one; bits in which others differ from it
  size_t shortest_ = SIZE_MAX;
};

}  // namespace

Status Transaction::Impl::build_index(const IndexInfo& info, const Poll& poll) {
  const IndexBehaviour& behaviour = *find_index_behaviour(info.definition.kind);
  const bool nodes = info.definition.entity == EntityKind::kNode;
  EntityScan scan = nodes ? reader->scan_nodes(LabelId(info.label_or_type))
                          : reader->scan_relationships(RelTypeId(info.label_or_type));
  const auto tick = [&poll] { return poll ? poll() : Status(); };
  NewEntries entries;
  // Nodes that are not in memory are read as they are stored: loading them would drive out what is.
  const auto has_loaded = [&](uint64_t id) {
    const cache::EntityBlock* block = root().find_block(EntityKind::kNode, cache::EntityBlock::index_of(id));
    return block != nullptr && std::ranges::all_of(info.keys, [block](KeyId key) { return block->has_loaded(key); });
  };
  StoredNodes stored(shared->store.get(), root(), info.keys);
  std::vector<Property> properties;
  uint64_t ids[1024];
  for (size_t count = 0; (count = scan.next(ids, std::size(ids))) != 0;) {
    LORA_TRY(tick());
    for (size_t i = 0; i < count; ++i) {
      bool indexed = false;
      const bool in_memory = !nodes || has_loaded(ids[i]);
      if (!in_memory) {
        LORA_TRY(stored.properties(NodeId(ids[i]), &properties));
      }
      const auto value = [&](KeyId key) {
        if (!in_memory) {
          const Property* property = find_property(properties, key);
          return property == nullptr ? Value() : property->value;
        }
        return nodes ? reader->node_property(NodeId(ids[i]), key) : reader->relationship_property(RelId(ids[i]), key);
      };
      LORA_TRY(behaviour.encode(info, value, &entry, &indexed));
      if (indexed) {
        const size_t values = entry.size();
        entry.resize(values + kIdBytes);
        store_id(entry.data() + values, ids[i]);
        entries.add(entry);
      }
    }
    reader->unpin_batch();
    if (entries.memory_bytes() + memory_bytes() > shared->options.transaction_bytes_max) {
      return Status::limit("transaction size", "the index does not fit into one transaction");
    }
  }
  LORA_TRY(reader->status());
  LORA_TRY(entries.sort(tick));
  const Scope scope(*this);
  cache::IndexTreeBuilder builder(context.get());
  DistinctSketch sketch;
  ByteView last;
  Status status;
  for (size_t i = 0; i < entries.size(); ++i) {
    const ByteView e = entries[i];
    const ByteView values = e.substr(0, e.size() - kIdBytes);
    if (info.unique && !last.empty() && last == values && status.ok()) {
      status = duplicate_error(shared->catalog(), info, values, load_id(entries[i - 1].data() + values.size()));
    }
    if (last != values) {
      sketch.add(values);
    }
    last = values;
    builder.add(e);
  }
  root().put_index(*context, info.id, builder.finish());
  LORA_TRY(status);
  shared->statistics.set_sketch(info.id, sketch, false);
  return Status();
}

Result<IndexId> Transaction::create_index(const IndexDefinition& definition, const Poll& poll) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_ASSIGN(IndexInfo info, in.prepare_definition(definition, false));
  LORA_TRY(in.build_index(info, poll));
  auto schema = std::make_shared<Schema>(*in.root().schema);
  schema->next_index = info.id.value + 1;
  schema->indexes.push_back(info);
  in.set_schema(std::move(schema));
  return info.id;
}

Status Transaction::drop_index(std::string_view name) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const IndexInfo* info = in.root().schema->find_index(name);
  if (info == nullptr) {
    return {ErrorCode::kNotFound, fmt::format("42N51: there is no index named `{}`", name)};
  }
  if (!info->owning_constraint.empty()) {
    return {ErrorCode::kConstraint, fmt::format("22N73: index `{}` belongs to constraint `{}`; drop the constraint",
                                                name, info->owning_constraint)};
  }
  const IndexId id = info->id;
  auto schema = std::make_shared<Schema>(*in.root().schema);
  std::erase_if(schema->indexes, [&](const IndexInfo& i) { return i.id == id; });
  const Impl::Scope scope(in);
  in.root().put_index(*in.context, id, nullptr);
  in.set_schema(std::move(schema));
  return Status();
}

Status Transaction::create_constraint(const ConstraintDefinition& definition, const Poll& poll) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  if (definition.kind != ConstraintKind::kUnique) {
    return Status::unsupported("only uniqueness constraints are offered");
  }
  IndexDefinition index;
  index.entity = definition.entity;
  index.label_or_type = definition.label_or_type;
  index.keys = definition.keys;
  index.name = definition.name.empty()
                   ? made_name(*in.root().schema, "constraint", definition.label_or_type, definition.keys)
                   : definition.name;
  LORA_ASSIGN(IndexInfo info, in.prepare_definition(index, true));
  info.unique = true;
  info.owning_constraint = index.name;
  LORA_TRY(in.build_index(info, poll));
  auto schema = std::make_shared<Schema>(*in.root().schema);
  ConstraintInfo constraint;
  constraint.definition = definition;
  constraint.definition.name = index.name;
  constraint.owned_index = info.id;
  constraint.number = schema->next_constraint;
  constraint.label_or_type = info.label_or_type;
  constraint.keys = info.keys;
  schema->next_index = info.id.value + 1;
  schema->next_constraint += 1;
  schema->indexes.push_back(std::move(info));
  schema->constraints.push_back(std::move(constraint));
  in.set_schema(std::move(schema));
  return Status();
}

Status Transaction::drop_constraint(std::string_view name) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const ConstraintInfo* info = in.root().schema->find_constraint(name);
  if (info == nullptr) {
    return {ErrorCode::kNotFound, fmt::format("42N51: there is no constraint named `{}`", name)};
  }
  const IndexId id = info->owned_index;
  const uint32_t number = info->number;
  auto schema = std::make_shared<Schema>(*in.root().schema);
  std::erase_if(schema->indexes, [&](const IndexInfo& i) { return i.id == id; });
  std::erase_if(schema->constraints, [&](const ConstraintInfo& c) { return c.number == number; });
  const Impl::Scope scope(in);
  if (id.valid()) {
    in.root().put_index(*in.context, id, nullptr);
  }
  in.set_schema(std::move(schema));
  return Status();
}

}  // namespace lora::graph

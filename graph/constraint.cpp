// Index entries follow every write; unique ones are checked on the way in.
#include "graph/constraint.h"

#include <fmt/format.h>

#include "graph/text.h"
#include "graph/transaction_impl.h"
#include "graph/value_codec.h"

namespace lora::graph {

using cache::EntityBlock;

Status duplicate_error(const Catalog& catalog, const IndexInfo& index, ByteView values, uint64_t existing_id) {
  const bool node = index.definition.entity == EntityKind::kNode;
  const TokenTable& owner = node ? catalog.labels() : catalog.types();
  std::string keys;
  for (KeyId key : index.keys) {
    keys += keys.empty() ? "" : ", ";
    keys += catalog.keys().name(key.value);
  }
  constexpr size_t kShown = 200;
  std::string shown;
  kv::Decoder in(values);
  Value value;
  while (!in.done() && decode_ordered(&in, &value)) {
    shown += shown.empty() ? "" : ", ";
    append_text(&shown, value);
  }
  if (shown.size() > kShown) {
    shown.resize(kShown);
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xc0) == 0x80) {
      shown.pop_back();
    }
    shown += "...";
  }
  return Status::runtime(
      ErrorCode::kUniqueConstraint, "ConstraintValidationFailed", "",
      fmt::format("22N79: {} `{}` already exists with {} `{}` and {} = `{}`; constraint `{}` allows it once",
                  node ? "node" : "relationship", existing_id, node ? "label" : "type", owner.name(index.label_or_type),
                  keys, shown, index.owning_constraint.empty() ? index.definition.name : index.owning_constraint));
}

Status Transaction::Impl::prepare_index(const IndexInfo& info) {
  Root& r = root();
  if (r.find_index(info.id) != nullptr) [[likely]] {
    return Status();
  }
  LORA_ASSIGN(cache::Loaded<cache::IndexTree> loaded, reader->impl_->loader.index(base(), info));
  r.publish_index(context.get(), info.id, std::move(loaded));
  shared->budget->loaded(true);
  return Status();
}

Status Transaction::Impl::change_entry(const IndexInfo& info, ByteView values, uint64_t id, bool put) {
  cache::IndexTree* tree = root().edit_index(*context, info.id);
  if (tree == nullptr) {
    LORA_TRY(prepare_index(info));
    tree = root().edit_index(*context, info.id);
    if (tree == nullptr) {
      return Status::internal("index tree is not loaded");
    }
  }
  std::string key(values);
  key.resize(values.size() + kIdBytes);
  store_id(key.data() + values.size(), id);
  if (put && info.unique) {
    const uint64_t there = tree->lookup_first(values);
    if (there != kNoId && there != id) {
      return duplicate_error(shared->catalog(), info, values, there);
    }
  }
  const bool changed = put ? tree->insert(*context, key) : tree->erase(*context, key);
  if (!changed) {
    if (put) {
      return Status();
    }
    return damaged(kv::Keyspace::kIndexes, index_prefix(info.id).string() + key,
                   "is missing: an entity's index entry is not there");
  }
  changes.add_entry(info.id.value, std::move(key));
  return Status();
}

Status Transaction::Impl::index_entity(const IndexInfo& info, uint64_t id, const std::function<Value(KeyId)>& value,
                                       bool put) {
  bool indexed = false;
  LORA_TRY(find_index_behaviour(info.definition.kind)->encode(info, value, &entry, &indexed));
  return indexed ? change_entry(info, entry, id, put) : Status();
}

Status Transaction::Impl::index_all(EntityKind kind, uint64_t id, const EntityBlock* block, bool put) {
  const std::shared_ptr<const Schema> schema = root().schema;
  const uint32_t row = EntityBlock::row_of(id);
  for (const IndexInfo& info : schema->indexes) {
    if (info.definition.entity == kind &&
        (kind == EntityKind::kNode ? block->has_label(row, LabelId(info.label_or_type))
                                   : block->type(row).value == info.label_or_type)) {
      LORA_TRY(index_entity(
          info, id, [=](KeyId key) { return block->get(row, key); }, put));
    }
  }
  return Status();
}

Status Transaction::Impl::index_label(uint64_t id, const EntityBlock* block, LabelId label, bool put) {
  const std::shared_ptr<const Schema> schema = root().schema;
  const uint32_t row = EntityBlock::row_of(id);
  for (const IndexInfo& info : schema->indexes) {
    if (info.definition.entity == EntityKind::kNode && info.label_or_type == label.value) {
      LORA_TRY(index_entity(
          info, id, [=](KeyId key) { return block->get(row, key); }, put));
    }
  }
  return Status();
}

Status Transaction::Impl::index_key(EntityKind kind, uint64_t id, const EntityBlock* block, KeyId key, bool put) {
  const std::shared_ptr<const Schema> schema = root().schema;
  const uint32_t row = EntityBlock::row_of(id);
  for (const IndexInfo& info : schema->indexes) {
    if (info.definition.entity == kind && std::find(info.keys.begin(), info.keys.end(), key) != info.keys.end() &&
        (kind == EntityKind::kNode ? block->has_label(row, LabelId(info.label_or_type))
                                   : block->type(row).value == info.label_or_type)) {
      LORA_TRY(index_entity(
          info, id, [=](KeyId k) { return block->get(row, k); }, put));
    }
  }
  return Status();
}

}  // namespace lora::graph

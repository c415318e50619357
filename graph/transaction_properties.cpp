// Properties and labels of a transaction's entities.
#include <fmt/format.h>

#include <algorithm>

#include "graph/transaction_impl.h"

namespace lora::graph {

using cache::EntityBlock;

namespace {

constexpr size_t kValueBytesMax = 256ull << 20;
constexpr size_t kRecordBytesMax = 1ull << 30;

}  // namespace

// --- values ---

Status Transaction::Impl::check_value(KeyId key, const Value& value) {
  const ValueType type = value.type();
  if (type <= ValueType::kFloat) [[likely]] {
    return Status();
  }
  if (type == ValueType::kString) {
    if (value.as_string().size() > kValueBytesMax) [[unlikely]] {
      return Status::limit("value size", fmt::format("property `{}` is longer than `{}` bytes",
                                                     shared->catalog().keys().name(key.value), kValueBytesMax));
    }
    return Status();
  }
  if ((type == ValueType::kList || type == ValueType::kMap) && deeper_than(value, kNestingMax)) {
    return Status::limit("depth", fmt::format("property `{}` nests more than `{}` levels",
                                              shared->catalog().keys().name(key.value), kNestingMax));
  }
  if (!is_storable(value)) {
    return Status::runtime(ErrorCode::kType, "TypeError", "InvalidPropertyType",
                           fmt::format("property `{}` cannot hold a value of type {}; nodes, relationships, paths and "
                                       "lists of maps cannot be stored",
                                       shared->catalog().keys().name(key.value), value_type_name(type)));
  }
  if (value.heap_bytes() > kValueBytesMax) {
    return Status::limit("value size", fmt::format("property `{}` is larger than `{}` bytes",
                                                   shared->catalog().keys().name(key.value), kValueBytesMax));
  }
  return Status();
}

Result<std::span<const Property>> Transaction::Impl::clean_properties(std::span<const Property> in) {
  bool clean = true;
  size_t bytes = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    LORA_TRY(check_value(in[i].key, in[i].value));
    clean = clean && !in[i].value.is_null() && (i == 0 || in[i - 1].key < in[i].key);
    if (in[i].value.type() > ValueType::kFloat) {
      bytes += in[i].value.heap_bytes();
    }
  }
  if (bytes > kRecordBytesMax) {
    return Status::limit("value size",
                         fmt::format("the properties of one entity take more than `{}` bytes", kRecordBytesMax));
  }
  if (clean) [[likely]] {
    return in;
  }
  properties.assign(in.begin(), in.end());
  std::stable_sort(properties.begin(), properties.end(),
                   [](const Property& a, const Property& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < properties.size(); ++i) {
    if (i + 1 < properties.size() && properties[i + 1].key == properties[i].key) {
      continue;  // the last of a key wins
    }
    if (!properties[i].value.is_null()) {
      if (kept != i) {
        properties[kept] = std::move(properties[i]);
      }
      ++kept;
    }
  }
  properties.resize(kept);
  return std::span<const Property>(properties);
}

// --- properties ---

Status Transaction::Impl::set_property(EntityKind kind, uint64_t id, KeyId key, const Value& value) {
  LORA_TRY(check_open());
  LORA_TRY(check_size());
  LORA_TRY(check_value(key, value));
  if (key.value >= root().key_tokens) {
    return Status::internal("unknown property key");
  }
  const Scope scope(*this);
  LORA_ASSIGN(const EntityBlock* before, existing(kind, id));
  const uint32_t row = EntityBlock::row_of(id);
  if (value.type() > ValueType::kFloat && value.heap_bytes() > (1u << 20)) {
    old_properties.clear();
    before->properties(row, &old_properties);
    size_t bytes = value.heap_bytes();
    for (const Property& property : old_properties) {
      bytes += property.key == key ? 0 : property.value.heap_bytes();
    }
    if (bytes > kRecordBytesMax) {
      return Status::limit("value size",
                           fmt::format("the properties of one entity take more than `{}` bytes", kRecordBytesMax));
    }
  }
  if (value.is_null()) {
    const cache::Column* column = before->column(key);
    if (column == nullptr || row >= column->rows || !column->valid(row)) {
      return Status();
    }
  }
  const bool indexed = !root().schema->indexes.empty();
  if (indexed) {
    LORA_TRY(index_key(kind, id, before, key, false));
  }
  if (!root().edit_set_property(*context, kind, id, key, value)) {
    return Status::internal("entity block is not loaded");
  }
  (kind == EntityKind::kNode ? changes.nodes : changes.relationships).add(id);
  if (kind == EntityKind::kNode && shared->hashes->wanted()) [[unlikely]] {
    shared->hashes->add(key, value, id);
  }
  if (indexed) {
    LORA_TRY(index_key(kind, id, root().find_block(kind, EntityBlock::index_of(id)), key, true));
  }
  counts.properties_set += 1;
  return Status();
}

Status Transaction::Impl::replace_properties(EntityKind kind, uint64_t id, std::span<const Property> in) {
  LORA_TRY(check_open());
  LORA_ASSIGN(const std::span<const Property> clean, clean_properties(in));
  std::vector<Property> wanted(clean.begin(), clean.end());
  std::vector<Property> before;
  {
    const Scope scope(*this);
    LORA_ASSIGN(const EntityBlock* found, existing(kind, id));
    found->properties(EntityBlock::row_of(id), &before);
  }
  for (const Property& old : before) {
    const bool kept = std::any_of(wanted.begin(), wanted.end(), [&](const Property& p) { return p.key == old.key; });
    if (!kept) {
      LORA_TRY(set_property(kind, id, old.key, Value()));
    }
  }
  for (const Property& property : wanted) {
    LORA_TRY(set_property(kind, id, property.key, property.value));
  }
  return Status();
}

Status Transaction::set_node_property(NodeId id, KeyId key, const Value& value) {
  return impl_->set_property(EntityKind::kNode, id.value, key, value);
}

Status Transaction::set_relationship_property(RelId id, KeyId key, const Value& value) {
  return impl_->set_property(EntityKind::kRelationship, id.value, key, value);
}

Status Transaction::replace_node_properties(NodeId id, std::span<const Property> properties) {
  return impl_->replace_properties(EntityKind::kNode, id.value, properties);
}

Status Transaction::replace_relationship_properties(RelId id, std::span<const Property> properties) {
  return impl_->replace_properties(EntityKind::kRelationship, id.value, properties);
}

// --- labels ---

Result<bool> Transaction::add_label(NodeId id, LabelId label) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_TRY(in.check_size());
  if (label.value >= in.root().label_tokens) {
    return Status::internal("unknown label");
  }
  const Impl::Scope scope(in);
  LORA_ASSIGN(const EntityBlock* before, in.existing(EntityKind::kNode, id.value));
  const uint32_t row = EntityBlock::row_of(id.value);
  if (before->has_label(row, label)) {
    return false;
  }
  const auto old = before->labels(row);
  if (old.size() >= kLabelsMax) {
    return Status::limit("labels", fmt::format("a node has at most {} labels", kLabelsMax));
  }
  in.label_list.assign(old.begin(), old.end());
  LORA_TRY(in.lists_of(id, in.label_list));
  in.label_list.insert(std::lower_bound(in.label_list.begin(), in.label_list.end(), label), label);
  if (!in.root().edit_set_labels(*in.context, id, in.label_list)) {
    return Status::internal("node block is not loaded");
  }
  in.changes.nodes.add(id.value);
  LORA_TRY(in.put_label(id, label, true));
  in.count_label_of_lists(label, 1);
  LORA_TRY(
      in.index_label(id.value, in.root().find_block(EntityKind::kNode, EntityBlock::index_of(id.value)), label, true));
  in.counts.labels_added += 1;
  return true;
}

Result<bool> Transaction::remove_label(NodeId id, LabelId label) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_TRY(in.check_size());
  const Impl::Scope scope(in);
  LORA_ASSIGN(const EntityBlock* before, in.existing(EntityKind::kNode, id.value));
  const uint32_t row = EntityBlock::row_of(id.value);
  if (!before->has_label(row, label)) {
    return false;
  }
  LORA_TRY(in.index_label(id.value, before, label, false));
  const auto old = before->labels(row);
  in.label_list.assign(old.begin(), old.end());
  LORA_TRY(in.lists_of(id, in.label_list));
  in.label_list.erase(std::find(in.label_list.begin(), in.label_list.end(), label));
  if (!in.root().edit_set_labels(*in.context, id, in.label_list)) {
    return Status::internal("node block is not loaded");
  }
  in.changes.nodes.add(id.value);
  LORA_TRY(in.put_label(id, label, false));
  in.count_label_of_lists(label, -1);
  in.counts.labels_removed += 1;
  return true;
}

}  // namespace lora::graph

#include "graph/dump_walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace lora::graph {

namespace {

constexpr size_t kBatch = 2'048;

}  // namespace

std::string_view constraint_kind_name(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::kUnique: return "UNIQUE";
    case ConstraintKind::kNotNull: return "NOT NULL";
    case ConstraintKind::kKey: return "KEY";
    case ConstraintKind::kType: return "TYPE";
  }
  return "";
}

DumpWalk::DumpWalk(Reader& reader, const DumpPoll& poll) : reader_(reader), poll_(poll) {
  counts_.nodes_total = reader.node_count();
  counts_.relationships_total = reader.relationship_count();
  counts_.indexes = indexes().size();
  counts_.constraints = reader.schema().constraints.size();
}

std::vector<const IndexDefinition*> DumpWalk::indexes() const {
  std::vector<const IndexDefinition*> out;
  for (const IndexInfo& index : reader_.schema().indexes) {
    if (index.owning_constraint.empty()) {
      out.push_back(&index.definition);
    }
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return out;
}

std::vector<const ConstraintDefinition*> DumpWalk::constraints() const {
  std::vector<const ConstraintDefinition*> out;
  for (const ConstraintInfo& constraint : reader_.schema().constraints) {
    out.push_back(&constraint.definition);
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return out;
}

void DumpWalk::name_properties(std::vector<NamedProperty>* out) {
  out->clear();
  for (const Property& property : properties_) {
    out->emplace_back(reader_.key_name(property.key), property.value);
  }
  std::sort(out->begin(), out->end(), [](const auto& a, const auto& b) { return a.first < b.first; });
}

Status DumpWalk::finish_batch() {
  reader_.unpin_batch();
  LORA_TRY(reader_.status());
  return poll_ ? poll_(counts_) : Status();
}

Status DumpWalk::nodes(const std::function<Status(const NamedNode&)>& visit) {
  NamedNode node;
  uint64_t ids[kBatch];
  EntityScan scan = reader_.scan_nodes(std::nullopt);
  for (size_t count = 0; (count = scan.next(ids, kBatch)) != 0;) {
    for (size_t i = 0; i < count; ++i) {
      node.id = NodeId(ids[i]);
      reader_.labels(node.id, &labels_);
      node.labels.clear();
      for (LabelId label : labels_) {
        node.labels.push_back(reader_.label_name(label));
      }
      std::sort(node.labels.begin(), node.labels.end());
      reader_.node_properties(node.id, &properties_);
      name_properties(&node.properties);
      LORA_TRY(reader_.status());
      ++counts_.nodes;
      LORA_TRY(visit(node));
    }
    LORA_TRY(finish_batch());
  }
  LORA_TRY(reader_.status());
  if (counts_.nodes != counts_.nodes_total) {
    return Status::corruption(
        fmt::format("the database counts `{}` nodes and holds `{}`", counts_.nodes_total, counts_.nodes));
  }
  return Status();
}

Status DumpWalk::relationships(const std::function<Status(const NamedRelationship&)>& visit) {
  NamedRelationship relationship;
  uint64_t ids[kBatch];
  EntityScan scan = reader_.scan_relationships(std::nullopt);
  for (size_t count = 0; (count = scan.next(ids, kBatch)) != 0;) {
    for (size_t i = 0; i < count; ++i) {
      relationship.id = RelId(ids[i]);
      const std::optional<RelationshipRecord> record = reader_.relationship(relationship.id);
      LORA_TRY(reader_.status());
      if (!record || !reader_.node_exists(record->start) || !reader_.node_exists(record->end)) {
        LORA_TRY(reader_.status());
        return Status::corruption(fmt::format("relationship `{}` lacks its record or an end", ids[i]));
      }
      relationship.start = record->start;
      relationship.end = record->end;
      relationship.type = reader_.rel_type_name(record->type);
      reader_.relationship_properties(relationship.id, &properties_);
      name_properties(&relationship.properties);
      LORA_TRY(reader_.status());
      ++counts_.relationships;
      LORA_TRY(visit(relationship));
    }
    LORA_TRY(finish_batch());
  }
  LORA_TRY(reader_.status());
  if (counts_.relationships != counts_.relationships_total) {
    return Status::corruption(fmt::format("the database counts `{}` relationships and holds `{}`",
                                          counts_.relationships_total, counts_.relationships));
  }
  return Status();
}

DumpOutput::DumpOutput(const ByteSink& sink) : sink_(sink), state_(XXH3_createState()) {
  XXH3_64bits_reset(state_.get());
}

uint64_t DumpOutput::checksum() {
  XXH3_64bits_update(state_.get(), text_.data() + hashed_, text_.size() - hashed_);
  hashed_ = text_.size();
  return XXH3_64bits_digest(state_.get());
}

Status DumpOutput::flush() {
  XXH3_64bits_update(state_.get(), text_.data() + hashed_, text_.size() - hashed_);
  hashed_ = 0;
  Status status = text_.empty() ? Status() : sink_(text_);
  text_.clear();
  return status;
}

}  // namespace lora::graph

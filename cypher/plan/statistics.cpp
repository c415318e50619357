#include "cypher/plan/statistics.h"

#include <algorithm>

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {
constexpr double kCountFloor = 10;
constexpr double kEqualitySelectivity = 0.1;
constexpr double kRangeSelectivity = 0.3;
constexpr double kDefaultSelectivity = 0.5;
constexpr double kUnknownListSize = 10;
}  // namespace

double Statistics::node_count() const {
  return std::max<double>(static_cast<double>(reader_.node_count()), kCountFloor);
}

double Statistics::label_count(const NameRef* label) const {
  const auto id = resolve_label(reader_, *label);
  return std::max(id ? static_cast<double>(reader_.node_count(*id)) : 0.0, 1.0);
}

double Statistics::label_selectivity(std::span<const NameRef* const> labels) const {
  double s = 1;
  for (const NameRef* l : labels) s *= std::min(1.0, label_count(l) / node_count());
  return s;
}

double Statistics::nodes_with(std::span<const NameRef* const> labels) const {
  return std::max(node_count() * label_selectivity(labels), 1.0);
}

double Statistics::counted(const NameRef* label, const NameRef* type, Direction direction) const {
  std::optional<LabelId> l;
  std::optional<RelTypeId> t;
  if (label != nullptr) {
    l = resolve_label(reader_, *label);
    if (!l) return 0;
  }
  if (type != nullptr) {
    t = resolve_rel_type(reader_, *type);
    if (!t) return 0;
  }
  if (!l) {
    return static_cast<double>(t ? reader_.relationship_count(*t) : reader_.relationship_count());
  }
  return static_cast<double>(reader_.relationship_count(l, t, direction));
}

double Statistics::relationship_count(std::span<const NameRef* const> types) const {
  if (types.empty()) return counted(nullptr, nullptr, Direction::kOut);
  double sum = 0;
  for (const NameRef* t : types) sum += counted(nullptr, t, Direction::kOut);
  return sum;
}

double Statistics::degree(std::span<const NameRef* const> labels, std::span<const NameRef* const> types,
                          Direction direction) const {
  if (direction == Direction::kBoth) {
    return degree(labels, types, Direction::kOut) + degree(labels, types, Direction::kIn);
  }
  // The label with the fewest nodes says most about the node.
  const NameRef* best = nullptr;
  for (const NameRef* l : labels) {
    if (best == nullptr || label_count(l) < label_count(best)) best = l;
  }
  double sum = 0;
  if (types.empty()) {
    sum = counted(best, nullptr, direction);
  } else {
    for (const NameRef* t : types) sum += counted(best, t, direction);
  }
  return sum / (best != nullptr ? label_count(best) : node_count());
}

std::optional<LabelId> Statistics::implied_label(const NameRef* type, Direction direction) const {
  constexpr size_t kLabelsMax = 64;  // each costs a look at a counter for each pattern planned
  const auto id = resolve_rel_type(reader_, *type);
  if (!id || reader_.label_token_count() > kLabelsMax) return std::nullopt;
  const uint64_t all = reader_.relationship_count(*id);
  if (all == 0) return std::nullopt;
  std::optional<LabelId> best;
  for (uint32_t l = 0; l < reader_.label_token_count(); ++l) {
    if (reader_.relationship_count(LabelId(l), *id, direction) != all) continue;
    if (!best || reader_.node_count(LabelId(l)) < reader_.node_count(*best)) best = LabelId(l);
  }
  return best;
}

double Statistics::degree(LabelId label, std::span<const NameRef* const> types, Direction direction) const {
  if (direction == Direction::kBoth)
    return degree(label, types, Direction::kOut) + degree(label, types, Direction::kIn);
  double sum = 0;
  if (types.empty()) {
    sum = static_cast<double>(reader_.relationship_count(label, std::nullopt, direction));
  } else {
    for (const NameRef* t : types) {
      const auto id = resolve_rel_type(reader_, *t);
      if (id) sum += static_cast<double>(reader_.relationship_count(label, *id, direction));
    }
  }
  return sum / std::max(1.0, static_cast<double>(reader_.node_count(label)));
}

double Statistics::end_selectivity(std::span<const NameRef* const> end_labels, std::span<const NameRef* const> types,
                                   Direction direction) const {
  if (end_labels.empty()) return 1;
  double s = 1;
  for (const NameRef* l : end_labels) {
    double with = 0, all = 0;
    const auto add = [&](const NameRef* type, Direction d) {
      with += counted(l, type, reverse(d));
      all += counted(nullptr, type, d);
    };
    const auto add_type = [&](const NameRef* type) {
      if (direction != Direction::kIn) add(type, Direction::kOut);
      if (direction != Direction::kOut) add(type, Direction::kIn);
    };
    if (types.empty()) {
      add_type(nullptr);
    } else {
      for (const NameRef* t : types) add_type(t);
    }
    s *= all > 0 ? std::min(1.0, std::max(with, 0.1) / all) : 1.0;
  }
  return s;
}

double Statistics::index_entries(const graph::IndexInfo& index) const {
  return std::max<double>(static_cast<double>(reader_.index_entry_count(index.id)), 1);
}

double Statistics::index_matches(const graph::IndexInfo& index) const {
  if (index.unique) return 1;
  const auto distinct = static_cast<double>(reader_.index_distinct_count(index.id));
  const double entries = index_entries(index);
  return distinct > 0 ? std::max(1.0, entries / distinct) : std::max(1.0, entries * 0.01);
}

double Statistics::list_size(const Expr& list) const {
  if (list.kind == ExprKind::kList) return static_cast<double>(list.children.size());
  if (list.kind == ExprKind::kConstant && list.value != nullptr && list.value->is_list()) {
    return static_cast<double>(list.value->as_list().size());
  }
  if (list.kind == ExprKind::kFunction && list.function->name == "range" && list.children.size() >= 2) {
    const Expr* a = list.children[0];
    const Expr* b = list.children[1];
    if (a->kind == ExprKind::kConstant && b->kind == ExprKind::kConstant && a->value->is_integer() &&
        b->value->is_integer()) {
      return std::clamp(static_cast<double>(b->value->as_integer()) - static_cast<double>(a->value->as_integer()) + 1,
                        0.0, 1e12);
    }
  }
  return kUnknownListSize;
}

double Statistics::selectivity(const Expr& p) const {
  switch (p.kind) {
    case ExprKind::kConstant: return p.value != nullptr && p.value->is_boolean() && p.value->as_boolean() ? 1.0 : 0.0;
    case ExprKind::kAnd: {
      double s = 1;
      for (const Expr* c : p.children) s *= selectivity(*c);
      return s;
    }
    case ExprKind::kOr: {
      double none = 1;
      for (const Expr* c : p.children) none *= 1 - selectivity(*c);
      return 1 - none;
    }
    case ExprKind::kNot: return 1 - std::min(0.99, selectivity(*p.children[0]));
    case ExprKind::kCompare: {
      double s = 1;
      for (size_t i = 0; i < p.ops.size(); ++i) {
        switch (p.ops[i]) {
          case '=': {
            double one = kEqualitySelectivity;
            for (const Expr* side : {p.children[i], p.children[i + 1]}) {
              if (side->kind != ExprKind::kProperty || side->children[0]->kind != ExprKind::kSlot) continue;
              const auto labels = labels_.find(side->children[0]->slot);
              const auto key = resolve_key(reader_, *side->names[0]);
              if (labels == labels_.end() || !key) continue;
              for (const NameRef* l : labels->second) {
                const auto id = resolve_label(reader_, *l);
                if (!id) continue;
                const auto* index = reader_.schema().find_range_index(graph::EntityKind::kNode, id->value, *key);
                if (index != nullptr && index->keys.size() == 1) {
                  one = std::min(one, index_matches(*index) / label_count(l));
                }
              }
            }
            s *= one;
            break;
          }
          case '!': s *= 1 - kEqualitySelectivity; break;
          default: s *= kRangeSelectivity;
        }
      }
      return s;
    }
    case ExprKind::kIn: return std::min(1.0, list_size(*p.children[1]) * kEqualitySelectivity * 0.5);
    case ExprKind::kStartsWith: return 0.1;
    case ExprKind::kEndsWith:
    case ExprKind::kContains:
    case ExprKind::kRegex: return 0.2;
    case ExprKind::kIsNull: return 0.1;
    case ExprKind::kIsNotNull: return 0.9;
    case ExprKind::kHasLabels:
      if (p.labels != nullptr && p.labels->kind == LabelExpr::Kind::kLeaf) {
        return label_selectivity(std::span(&p.labels->name, 1));
      }
      return kDefaultSelectivity;
    default: return kDefaultSelectivity;
  }
}

}  // namespace lora::cypher

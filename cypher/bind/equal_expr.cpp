// Structural questions about expressions.
#include <algorithm>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

// Locals that correspond to each other: `[x IN l | x]` equals `[y IN l | y]`.
using LocalPairs = std::vector<std::pair<Slot, Slot>>;

bool same_labels(const LabelExpr* a, const LabelExpr* b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->kind != b->kind || a->children.size() != b->children.size()) return false;
  if (a->kind == LabelExpr::Kind::kLeaf && a->name->name != b->name->name) return false;
  for (size_t i = 0; i < a->children.size(); ++i) {
    if (!same_labels(a->children[i], b->children[i])) return false;
  }
  return true;
}

bool same_slot(Slot a, Slot b, const LocalPairs& locals) {
  for (auto it = locals.rbegin(); it != locals.rend(); ++it) {
    if (it->first == a || it->second == b) return it->first == a && it->second == b;
  }
  return a == b;
}

bool same_value(const Value* a, const Value* b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  // equivalent() takes 1 for 1.0; as expressions they differ.
  return a->type() == b->type() && equivalent(*a, *b);
}

bool same(const Expr& a, const Expr& b, LocalPairs& locals) {
  if (stack_low()) return false;
  if (a.kind != b.kind || a.flag != b.flag || a.op != b.op || a.ops != b.ops || a.index != b.index ||
      a.text != b.text || a.function != b.function || a.aggregate != b.aggregate ||
      a.children.size() != b.children.size() || a.names.size() != b.names.size()) {
    return false;
  }
  switch (a.kind) {
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: return &a == &b;
    case ExprKind::kFunction:
      if (a.function->purity == Purity::kVolatile) return false;
      break;
    case ExprKind::kSlot: return same_slot(a.slot, b.slot, locals);
    default: break;
  }
  if (!same_value(a.value, b.value) || !same_labels(a.labels, b.labels)) return false;
  if ((a.type == nullptr) != (b.type == nullptr) || (a.type != nullptr && a.type->text != b.type->text)) return false;
  for (size_t i = 0; i < a.names.size(); ++i) {
    if (a.names[i]->name != b.names[i]->name) return false;
  }
  const size_t depth = locals.size();
  if (a.slot != kNoSlot) locals.emplace_back(a.slot, b.slot);
  if (a.slot2 != kNoSlot) locals.emplace_back(a.slot2, b.slot2);
  bool equal = true;
  for (size_t i = 0; equal && i < a.children.size(); ++i) {
    const Expr* x = a.children[i];
    const Expr* y = b.children[i];
    equal = x == nullptr || y == nullptr ? x == y : same(*x, *y, locals);
  }
  locals.resize(depth);
  return equal;
}

}  // namespace

bool same_expr(const Expr& a, const Expr& b) {
  LocalPairs locals;
  return same(a, b, locals);
}

namespace {

size_t mix(size_t h, size_t v) {
  return (h ^ v) * 0x9e3779b97f4a7c15ull + (h >> 29);
}

size_t hash_in(const Expr& e, std::vector<Slot>& locals) {
  if (stack_low()) return 0;
  const std::hash<std::string_view> text;
  size_t h = mix(static_cast<size_t>(e.kind), e.index + (e.flag ? 1 : 0));
  h = mix(h, text(e.ops) + static_cast<size_t>(e.op));
  h = mix(h, text(e.text));
  h = mix(h, reinterpret_cast<size_t>(e.function) ^ reinterpret_cast<size_t>(e.aggregate));
  if (e.value != nullptr) h = mix(h, hash(*e.value));
  if (e.kind == ExprKind::kSlot) {
    // Locals have no number of their own: see same_expr().
    const bool local = std::find(locals.begin(), locals.end(), e.slot) != locals.end();
    return mix(h, local ? 0 : e.slot + size_t{1});
  }
  for (const NameRef* name : e.names) h = mix(h, text(name->name));
  const size_t depth = locals.size();
  if (e.slot != kNoSlot) locals.push_back(e.slot);
  if (e.slot2 != kNoSlot) locals.push_back(e.slot2);
  for (const Expr* child : e.children) h = mix(h, child == nullptr ? 7 : hash_in(*child, locals));
  locals.resize(depth);
  return h;
}

}  // namespace

size_t hash_expr(const Expr& e) {
  std::vector<Slot> locals;
  return hash_in(e, locals);
}

Slot ExprSlots::find(const Expr& e) const {
  const size_t hash = hash_expr(e);
  const auto fits = [&](const Entry& x) { return x.hash == hash && same_expr(*x.expr, e); };
  if (by_hash_.empty()) {
    const auto found = std::find_if(slots_.begin(), slots_.end(), fits);
    return found == slots_.end() ? kNoSlot : found->slot;
  }
  auto [from, to] = by_hash_.equal_range(hash);
  for (auto it = from; it != to; ++it) {
    if (fits(slots_[it->second])) return slots_[it->second].slot;
  }
  return kNoSlot;
}

void ExprSlots::add(Slot slot, Expr* e) {
  slots_.push_back({hash_expr(*e), slot, e});
  if (slots_.size() <= kLinearMax) return;
  for (size_t i = by_hash_.size(); i < slots_.size(); ++i) by_hash_.emplace(slots_[i].hash, i);
}

bool has_random(const Expr& e) {
  if (e.kind == ExprKind::kFunction && e.function->purity == Purity::kVolatile && e.function->body == nullptr)
    return true;
  for (const Expr* child : e.children) {
    if (child != nullptr && has_random(*child)) return true;
  }
  return false;
}

}  // namespace lora::cypher

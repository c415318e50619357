// WITH and RETURN: columns, grouping, ORDER BY, SKIP, LIMIT, WHERE.
//
// Items are bound first; those that use an aggregate get their grouping parts replaced by key slots afterwards, when
// all keys are known. ORDER BY and WHERE see the new columns before the old variables; after grouping or DISTINCT the
// old variables are hidden, and an expression may use them only where it repeats a projected one.
#include <algorithm>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

// What an expression after grouping (or DISTINCT) may be made of.
struct Binder::View {
  ExprSlots projected;        // projected expressions
  SlotSet hidden;             // variables of before, not visible
  SlotSet in_complex_keys;    // those of `hidden` that are read by richer keys
  bool complex_keys = false;  // any projected expression may be repeated, not only simple ones
  bool items = false;         // checking items: the error is always an ambiguous one
  bool aggregated = false;    // the expression uses an aggregate
};

namespace {

// What openCypher lets stand beside an aggregate: a variable, or a property or constant element of a simple expression.
bool simple(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kSlot: return true;
    case ExprKind::kProperty: return simple(*e.children[0]);
    case ExprKind::kIndex: {
      const ExprKind index = e.children[1]->kind;
      return simple(*e.children[0]) && (index == ExprKind::kConstant || index == ExprKind::kLiteral);
    }
    default: return false;
  }
}

VariableKind kind_of(const Expr& e) {
  if (surely(e.types, kNodeType)) return VariableKind::kNode;
  if (surely(e.types, kRelationshipType)) return VariableKind::kRelationship;
  if (surely(e.types, kPathType)) return VariableKind::kPath;
  return VariableKind::kValue;
}

}  // namespace

Status Binder::refuse_hidden(const Expr& e, const View& view) const {
  const ast::Span span{e.offset, e.length};
  const std::string text(text_of(span));
  if (view.items || (view.aggregated && view.in_complex_keys.has(e.slot))) {
    return error("AmbiguousAggregationExpression",
                 "`" + text +
                     "` is used beside an aggregate, but is no grouping key; return it as a column too, or project it "
                     "in a WITH before",
                 span);
  }
  return error("UndefinedVariable",
               "`" + text + "` is not visible here; after DISTINCT or an aggregate only the projected columns are",
               span);
}

// Replaces, top down, what a key holds by the key's slot; what then still reads a hidden variable is an error.
Status Binder::rewrite_grouped(Expr** place, const View& view) {
  if (stack_low()) return depth_error();
  Expr* e = *place;
  if (e->kind != ExprKind::kConstant && (view.complex_keys || simple(*e))) {
    const Slot held = view.projected.empty() ? kNoSlot : view.projected.find(*e);
    if (held != kNoSlot) {
      Expr* slot = slot_expr(held, e->types, {e->offset, e->length});
      set_elements(slot, elements_of(*e));
      *place = slot;
      return Status();
    }
  }
  if (e->kind == ExprKind::kSlot && view.hidden.has(e->slot)) return refuse_hidden(*e, view);
  // Children of subquery expressions only list what the subquery reads: they cannot become other slots.
  const bool subquery = e->kind == ExprKind::kExists || e->kind == ExprKind::kCount || e->kind == ExprKind::kCollect;
  for (Expr* const& child : e->children) {
    if (child == nullptr) continue;
    Expr* rewritten = child;
    if (subquery) {
      if (view.hidden.has(child->slot)) LORA_TRY(refuse_hidden(*child, view));
      continue;
    }
    LORA_TRY(rewrite_grouped(&rewritten, view));
    const_cast<Expr*&>(child) = rewritten;  // arena memory of this very tree
  }
  return Status();
}

Result<Expr*> Binder::bind_row_count(const ast::Expr& e, std::string_view word) {
  Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
  LORA_ASSIGN(Expr * count, bind_expr(e));
  std::vector<Slot> slots;
  collect_slots(*count, &slots);
  if (!slots.empty()) {
    return error("NonConstantExpression", quoted(word) + " cannot depend on variables", e.span);
  }
  if (never(count->types, kIntegerType)) {
    return error("InvalidArgumentType", quoted(word) + " takes an integer", e.span);
  }
  const bool negative_constant =
      count->kind == ExprKind::kConstant && count->value->is_integer() && count->value->as_integer() < 0;
  const bool negated_literal = count->kind == ExprKind::kNegate && count->children[0]->kind == ExprKind::kLiteral;
  if (negative_constant || negated_literal) {
    return error("NegativeIntegerArgument", quoted(word) + " takes a non-negative integer", e.span);
  }
  return count;
}

Status Binder::bind_sort(const ast::SortItem& item, View& view, AggregateSink* sink, BoundSortKey* key) {
  Restore<AggregateSink*> aggregates(aggregates_, sink);
  if (sink != nullptr) sink->used = false;
  LORA_ASSIGN(key->expr, bind_expr(*item.expr));
  key->ascending = !item.descending;
  view.aggregated = sink != nullptr && sink->used;
  view.complex_keys = !view.aggregated;
  return rewrite_grouped(&key->expr, view);
}

Status Binder::bind_projection(const ast::Projection& p, bool is_return, BoundPart* part,
                               std::vector<Variable>* columns) {
  auto out = std::make_unique<BoundProjection>();
  out->offset = p.span.offset;
  out->length = p.span.length;
  out->is_return = is_return;
  out->distinct = p.distinct;
  const size_t imports_before = frame_->imports.size();

  struct Item {
    std::string_view name;
    Expr* expr = nullptr;
    ast::Span span;
    const Variable* variable = nullptr;  // the item is just this one
    bool aggregated = false;
  };
  std::vector<Item> items;
  items.reserve(p.items.size());
  Scope* input = scope_;

  // --- items ---
  if (p.star) {
    std::vector<Variable> all = input->variables();
    std::sort(all.begin(), all.end(), [](const Variable& a, const Variable& b) { return a.name < b.name; });
    if (all.empty() && is_return) {
      return error("NoVariablesInScope", "`RETURN *` needs at least one variable in scope", p.span);
    }
    for (const Variable& v : all) {
      Item item;
      item.name = v.name;
      item.span = p.span;
      item.variable = input->find_here(v.name);
      item.expr = slot_expr(v, p.span);
      items.push_back(item);
    }
  }
  AggregateSink sink;
  ExprSlots known_aggregates;
  sink.list = &out->aggregates;
  sink.known = &known_aggregates;
  for (const ast::ProjectionItem& syntax : p.items) {
    Item item;
    item.span = syntax.span;
    const auto* plain = ast::find<ast::Variable>(syntax.expr);
    if (syntax.alias) {
      item.name = arena_.text(syntax.alias.text);
    } else if (plain != nullptr) {
      item.name = arena_.text(plain->name);
    } else if (is_return && !frame_->names_required) {
      item.name = arena_.text(syntax.text);
    } else {
      return error("NoExpressionAlias", quoted(syntax.text) + " needs a name; add AS and a name", syntax.span);
    }
    sink.used = false;
    {
      Restore<AggregateSink*> aggregates(aggregates_, &sink);
      LORA_ASSIGN(item.expr, bind_expr(*syntax.expr));
    }
    item.aggregated = sink.used;
    if (item.expr->kind == ExprKind::kSlot && !item.aggregated && plain != nullptr) item.variable = find(plain->name);
    out->aggregating = out->aggregating || item.aggregated;
    items.push_back(item);
  }
  Scope* result = new_scope(frame_outer_, frame_, items.size());
  for (const Item& item : items) {
    if (result->find_here(item.name) != nullptr) {
      return error("ColumnNameConflict", "two columns are named " + quoted(item.name) + "; rename one with AS",
                   item.span);
    }
    Variable named;
    named.name = item.name;
    result->add(named);  // what else there is to say of it comes below
  }

  // --- keys, aggregates, plain assignments ---
  View view;
  std::vector<Variable> variables(items.size());
  auto describe = [&](size_t i, Slot slot) {
    Variable& v = variables[i];
    if (items[i].variable != nullptr) v = *items[i].variable;
    v.name = items[i].name;
    v.slot = slot;
    if (items[i].variable == nullptr) {
      v.kind = kind_of(*items[i].expr);
      v.types = items[i].expr->types;
      v.elements = elements_of(*items[i].expr);
    }
  };
  SlotSet key_slots;
  for (size_t i = 0; i < items.size(); ++i) {
    Item& item = items[i];
    if (item.aggregated) continue;
    const bool same_slot = item.expr->kind == ExprKind::kSlot;
    const Slot slot = same_slot ? item.expr->slot : new_slot();
    if (out->aggregating) {
      if (!key_slots.has(slot)) out->keys.push_back({slot, item.expr});
      key_slots.add(slot);
    } else if (!same_slot) {
      out->items.push_back({slot, item.expr});
    }
    view.projected.add(slot, item.expr);
    describe(i, slot);
  }
  if (out->aggregating) {
    for (const Variable& v : input->variables()) view.hidden.add(v.slot);
    view.hidden.remove(key_slots);
  }
  if (out->aggregating) {
    for (const BoundAssignment& key : out->keys) {
      if (simple(*key.expr)) continue;
      std::vector<Slot> read;
      collect_slots(*key.expr, &read);
      for (Slot slot : read) view.in_complex_keys.add(slot);
    }
    view.items = true;
    for (size_t i = 0; i < items.size(); ++i) {
      Item& item = items[i];
      if (!item.aggregated) continue;
      LORA_TRY(rewrite_grouped(&item.expr, view));
      const bool same_slot = item.expr->kind == ExprKind::kSlot;
      const Slot slot = same_slot ? item.expr->slot : new_slot();
      if (!same_slot) out->items.push_back({slot, item.expr});
      describe(i, slot);
    }
    view.items = false;
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    const Variable& v = variables[i];
    result->add(v);
    out->columns.push_back({v.name, v.slot});
    if (items[i].expr->kind == ExprKind::kSlot && !items[i].aggregated) continue;
    out->introduces.push_back({v.name, v.slot, v.kind, v.types, v.nullable});
  }

  // --- ORDER BY, SKIP, LIMIT, WHERE ---
  const bool restricted = out->aggregating || out->distinct;
  if (out->distinct) {
    for (const Variable& v : input->variables()) view.hidden.add(v.slot);
    for (const BoundAssignment& a : out->aggregates) view.hidden.add(a.slot);
    view.hidden.add(key_slots);
    for (const Variable& v : variables) view.hidden.remove(v.slot);
  }
  for (const Item& item : items) {
    if (item.aggregated && item.expr->kind != ExprKind::kSlot)
      view.projected.add(variables[&item - items.data()].slot, item.expr);
  }
  AggregateSink frozen;
  frozen.list = &out->aggregates;
  frozen.known = &known_aggregates;
  frozen.frozen = true;
  frozen.argument_scope = input;
  frozen.hidden = &view.hidden;
  if (!p.order_by.empty() || p.skip != nullptr || p.limit != nullptr || p.where != nullptr) {
    Scope* both = new_scope(input, frame_, variables.size());
    for (const Variable& v : variables) both->add(v);
    Restore<Scope*> scope(scope_, both);
    for (const ast::SortItem& item : p.order_by) {
      BoundSortKey key;
      LORA_TRY(bind_sort(item, view, out->aggregating ? &frozen : nullptr, &key));
      out->order_by.push_back(key);
    }
    if (p.skip != nullptr) {
      LORA_ASSIGN(out->skip, bind_row_count(*p.skip, "SKIP"));
    }
    if (p.limit != nullptr) {
      LORA_ASSIGN(out->limit, bind_row_count(*p.limit, "LIMIT"));
    }
    if (p.where != nullptr) {
      Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
      LORA_ASSIGN(Expr * where, bind_condition(*p.where));
      view.aggregated = false;
      view.complex_keys = true;
      if (restricted || !out->items.empty()) LORA_TRY(rewrite_grouped(&where, view));
      split_conjuncts(where, &out->where);
    }
  }
  if (!is_return) frame_->left.push_back(input);
  scope_ = result;
  if (frame_->outer != nullptr && restricted) {
    carried_.push_back({out.get(), frame_, imports_before});  // completed when all later uses are known
  }
  if (is_return) {
    part->has_result = true;
    for (const BoundColumn& column : out->columns) part->result.push_back(column.slot);
    *columns = variables;
  }
  part->clauses.push_back(std::move(out));
  return Status();
}

}  // namespace lora::cypher

// What the steps of planning share: the arena, statistics, new slots, and Stream, a plan under construction.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cypher/plan/logical.h"
#include "cypher/plan/op_traits.h"
#include "cypher/plan/planner.h"
#include "cypher/plan/statistics.h"

namespace lora::cypher {

// A plan under construction: its top operator and what is known of its rows.
struct Stream {
  LogicalOp* op = nullptr;  // null: the one empty row at the start of a statement
  double rows = 1;          // estimate
  SlotSet slots;            // in the output
  bool writes = false;      // an updating operator is somewhere below
};

class PlanBuilder {
 public:
  // The statement must outlive it.
  PlanBuilder(LogicalPlan* plan, const PlannerInput& input, const BoundStatement& statement)
      : input_(input),
        plan_(*plan),
        statistics_(input.reader, &labels_),
        next_slot_(statement.slot_count),
        properties_of_(statement.properties_of) {}

  PlanArena& arena() { return plan_.arena; }
  LogicalPlan& plan() { return plan_; }
  const PlannerInput& input() const { return input_; }
  const Statistics& statistics() const { return statistics_; }
  // An expression somewhere in the statement reads a property of it.
  bool reads_property_of(Slot slot) const { return properties_of_.has(slot); }
  LabelsBySlot& labels() { return labels_; }

  Slot new_slot() { return next_slot_++; }
  Slot slot_count() const { return next_slot_; }
  uint32_t op_count() const { return op_count_; }  // pushed so far
  void name_slot(Slot slot, std::string_view name) {
    if (slot == kNoSlot || name.empty()) return;
    if (slot >= names_.size()) names_.resize(slot + 1);
    if (names_[slot].empty()) names_[slot] = plan_.arena.text(name);
  }
  std::vector<std::string_view> take_names() { return std::move(names_); }

  template <typename T>
  T* make() {
    return plan_.arena.make<T>();
  }
  LogicalOp* make_argument() { return plan_.arena.make<LogicalOp>(OpKind::kArgument); }
  template <typename T>
  std::span<T> array(const std::vector<T>& items) {
    return plan_.arena.array(items);
  }
  std::span<const Expr* const> exprs(const std::vector<Expr*>& items) {
    std::vector<const Expr*> list(items.begin(), items.end());
    return plan_.arena.array(list);
  }
  std::span<LogicalOp* const> inputs(std::initializer_list<LogicalOp*> ops) {
    return plan_.arena.array(std::span<LogicalOp* const>(ops.begin(), ops.size()));
  }
  std::span<const Slot> slots(const SlotSet& set) {
    slots_.clear();
    set.for_each([&](Slot s) { slots_.push_back(s); });
    return plan_.arena.array(slots_);
  }
  // Puts `input` in place of one of the operator's inputs.
  void set_input(LogicalOp* op, size_t at, LogicalOp* input) {
    if (op->inputs[at] == input) return;
    LogicalOp* all[] = {op->inputs[0], op->inputs.back()};  // no operator has more than two
    all[at] = input;
    op->inputs = plan_.arena.array(std::span<LogicalOp* const>(all, op->inputs.size()));
  }

  // The stream of a right-hand side: an Argument that gives one row with these slots.
  Stream argument(const SlotSet& slots) {
    Stream s;
    s.op = make_argument();
    s.slots = slots;
    return s;
  }

  // Puts `op` on top of the stream. Leaf-like operators (see leaf()) may stand without an input at the start.
  void push(Stream* stream, LogicalOp* op, double rows) {
    if (stream->op == nullptr && op_inputs(op->kind).min > 0) {
      stream->op = make_argument();
    }
    if (stream->op != nullptr && op_inputs(op->kind).max > 0) {
      op->inputs = inputs({stream->op});
    }
    finish(stream, op, rows);
  }
  // A binary operator with the stream as its left input.
  void push(Stream* stream, LogicalOp* op, const Stream& right, double rows) {
    if (stream->op == nullptr) stream->op = make_argument();
    op->inputs = inputs({stream->op, right.op});
    stream->writes |= right.writes;
    finish(stream, op, rows);
  }

  void filter(Stream* stream, const std::vector<const Expr*>& predicates) {
    if (predicates.empty()) return;
    auto* op = make<Filter>();
    op->predicates = array(predicates);
    double rows = stream->rows;
    for (const Expr* p : predicates) rows *= statistics_.selectivity(*p);
    push(stream, op, rows);
  }

  // Assigns in order; items may read those before them.
  void project(Stream* stream, const std::vector<BoundAssignment>& assignments) {
    std::vector<Assignment> items;
    SlotSet assigned;
    auto flush = [&] {
      if (items.empty()) return;
      auto* op = make<Projection>();
      op->items = array(items);
      push(stream, op, stream->rows);
      items.clear();
      assigned = SlotSet();
    };
    for (const BoundAssignment& a : assignments) {
      SlotSet reads;
      expr_reads(a.expr, &reads);
      if (reads.intersects(assigned)) flush();
      items.push_back({a.slot, a.expr});
      assigned.add(a.slot);
    }
    flush();
  }

  // --- expressions made by the planner ---
  Expr* slot_expr(Slot slot) {
    auto* e = plan_.arena.make<Expr>();
    e->kind = ExprKind::kSlot;
    e->slot = slot;
    return e;
  }
  Expr* expr(ExprKind kind, const std::vector<Expr*>& children) {
    auto* e = plan_.arena.make<Expr>();
    e->kind = kind;
    e->children = plan_.arena.array(children);
    e->types = type_bit(ValueType::kBoolean);
    return e;
  }
  Expr* boolean(bool value) {
    auto* e = plan_.arena.make<Expr>();
    e->kind = ExprKind::kConstant;
    e->value = plan_.arena.value(Value::boolean(value));
    e->types = type_bit(ValueType::kBoolean);
    return e;
  }
  Expr* compare(Expr* left, char op, Expr* right) {
    Expr* e = expr(ExprKind::kCompare, {left, right});
    e->ops = plan_.arena.text(std::string_view(&op, 1));
    return e;
  }
  // slot carries all (any: any) of these labels, or is of one of these types.
  Expr* has_labels(Slot slot, std::span<const NameRef* const> names, bool any = false) {
    std::vector<LabelExpr*> leaves;
    for (const NameRef* n : names) {
      auto* leaf = plan_.arena.make<LabelExpr>();
      leaf->name = n;
      leaves.push_back(leaf);
    }
    LabelExpr* labels = leaves.front();
    if (leaves.size() > 1) {
      labels = plan_.arena.make<LabelExpr>();
      labels->kind = any ? LabelExpr::Kind::kOr : LabelExpr::Kind::kAnd;
      labels->children = plan_.arena.array(leaves);
    }
    Expr* e = expr(ExprKind::kHasLabels, {slot_expr(slot)});
    e->labels = labels;
    return e;
  }

 private:
  void finish(Stream* stream, LogicalOp* op, double rows) {
    ++op_count_;
    op->estimated_rows = rows;
    OpUse use;
    op_use(*op, &use);
    if (narrows(op->kind)) stream->slots = SlotSet();
    for (Slot s : use.adds) stream->slots.add(s);
    stream->writes |= is_write(op->kind);
    stream->op = op;
    stream->rows = rows;
  }

  PlannerInput input_;
  LogicalPlan& plan_;
  LabelsBySlot labels_;
  Statistics statistics_;
  Slot next_slot_;
  const SlotSet& properties_of_;
  uint32_t op_count_ = 0;
  std::vector<std::string_view> names_;
  std::vector<Slot> slots_;  // of slots(), to keep its memory
};

}  // namespace lora::cypher

#include "cypher/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cypher/plan/passes.h"
#include "cypher/plan/pattern_planner.h"
#include "cypher/plan/rules/rules.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

constexpr uint32_t kSlotsMax = 65'535;
constexpr uint32_t kOpsMax = 4'000;  // the passes recurse along the plan, and so do open() and close() of operators

template <typename T>
T& as(BoundClause& clause) {
  return static_cast<T&>(clause);
}

class StatementPlanner {
 public:
  StatementPlanner(PlanBuilder& builder) : b_(builder) {}

  Status run(BoundStatement& statement) {
    writes_ = statement.writes || statement.schema_command;
    for (BoundSubquery& sub : statement.subqueries) LORA_TRY(plan_expression_subquery(sub));
    BoundQuery& query = statement.query;
    Stream stream;
    LORA_TRY(plan_query(query, SlotSet(), &stream));
    auto* produce = b_.make<ProduceResults>();
    produce->names = b_.array(query.columns);
    produce->slots = b_.array(query.output);
    b_.push(&stream, produce, query.columns.empty() ? 0 : stream.rows);
    SlotSet top;
    for (Slot s : query.output) top.add(s);
    LogicalOp* root = stream.op;
    LORA_TRY(finish(&root, SlotSet(), top));
    LogicalPlan& plan = b_.plan();
    plan.root = root;
    plan.columns.assign(query.columns.begin(), query.columns.end());
    return Status();
  }

 private:
  static Status stack_error() {
    return Status::limit("depth", "the plan has too many steps for the stack of this thread; split the query");
  }

  // No plan is deeper, whatever its form: see plan_depth().
  size_t depth_at_most() const { return kInnerSteps * (size_t{b_.op_count()} + 2); }

  // Rules, barriers, live slots: the same for the statement and for every subquery of an expression.
  Status finish(LogicalOp** root, const SlotSet& argument, const SlotSet& top) {
    // The passes recurse: no frame of theirs is larger.
    constexpr size_t kPassFrameBytes = 1'100;
    const size_t levels = levels_left(kPassFrameBytes);
    if (depth_at_most() > levels && plan_depth(*root) > levels) return stack_error();
    *root = restore_arguments(b_, *root, argument, top);
#ifndef NDEBUG
    LORA_TRY(validate(*root, argument, b_.slot_count()));
#endif
    LORA_TRY(apply_rules(b_, argument, top, root));
    if (writes_) *root = insert_barriers(b_, *root, slot_types_);
    LORA_TRY(validate(*root, argument, b_.slot_count()));
    set_live(b_, *root, top);
    return Status();
  }

  Status plan_expression_subquery(BoundSubquery& sub) {
    SlotSet argument;
    for (Slot s : sub.query->imports) argument.add(s);
    Stream stream = b_.argument(argument);
    LORA_TRY(plan_query(*sub.query, argument, &stream));
    SlotSet top;
    if (sub.expr->kind == ExprKind::kCollect) top.add(sub.expr->slot);
    LogicalOp* root = stream.op;
    LORA_TRY(finish(&root, argument, top));
    sub.expr->subplan = root;
    return Status();
  }

  // --- queries ---

  // `stream` holds what the query starts from: nothing at the top, an Argument in a subquery.
  Status plan_query(BoundQuery& query, const SlotSet& argument, Stream* stream) {
    if (query.parts.size() == 1) return plan_part(query.parts[0], argument, stream);
    Stream result;
    for (size_t i = 0; i < query.parts.size(); ++i) {
      Stream part;
      if (stream->op != nullptr) part = b_.argument(argument);
      LORA_TRY(plan_part(query.parts[i], argument, &part));
      if (part.op == nullptr) part.op = b_.make_argument();
      if (i == 0) {
        result = std::move(part);
        continue;
      }
      auto* op = b_.make<Union>();
      op->left = b_.array(i == 1 ? query.parts[0].result : query.output);
      op->right = b_.array(query.parts[i].result);
      op->output = b_.array(query.output);
      op->all = query.union_all;
      b_.push(&result, op, part, result.rows + part.rows);
    }
    if (!query.union_all && !query.output.empty()) distinct(query.output, &result);
    *stream = std::move(result);
    return Status();
  }

  Status plan_part(BoundPart& part, const SlotSet& argument, Stream* stream) {
    return plan_clauses(part.clauses, argument, stream);
  }

  Status plan_clauses(BoundClauses& clauses, const SlotSet& argument, Stream* stream) {
    if (stack_low()) return stack_error();
    for (const std::unique_ptr<BoundClause>& clause : clauses) LORA_TRY(plan_clause(*clause, argument, stream));
    return Status();
  }

  Status plan_clause(BoundClause& clause, const SlotSet& argument, Stream* stream) {
    for (const BoundVariable& v : clause.introduces) {
      if (v.slot == kNoSlot) continue;
      b_.name_slot(v.slot, v.name);
      if (v.slot >= slot_types_.size()) slot_types_.resize(v.slot + 1, kAnyType);
      slot_types_[v.slot] = v.types;
    }
    if (b_.slot_count() > kSlotsMax) {
      return Status::limit("variables", "the statement has more than `" + std::to_string(kSlotsMax) + "` variables");
    }
    if (b_.op_count() > kOpsMax) return too_many_steps();
    switch (clause.kind) {
      case ClauseKind::kMatch: return match(as<BoundMatch>(clause), argument, stream);
      case ClauseKind::kUnwind: return unwind(as<BoundUnwind>(clause), stream);
      case ClauseKind::kProjection: return projection(as<BoundProjection>(clause), stream);
      case ClauseKind::kCreate: return create(as<BoundCreate>(clause), stream);
      case ClauseKind::kMerge: return merge(as<BoundMerge>(clause), stream);
      case ClauseKind::kSet: {
        auto* op = b_.make<SetProperties>();
        op->items = set_items(as<BoundSet>(clause).items);
        b_.push(stream, op, stream->rows);
        return Status();
      }
      case ClauseKind::kRemove: {
        auto* op = b_.make<Remove>();
        op->items = set_items(as<BoundRemove>(clause).items);
        b_.push(stream, op, stream->rows);
        return Status();
      }
      case ClauseKind::kDelete: {
        auto* op = b_.make<Delete>();
        op->targets = b_.exprs(as<BoundDelete>(clause).targets);
        op->detach = as<BoundDelete>(clause).detach;
        b_.push(stream, op, stream->rows);
        return Status();
      }
      case ClauseKind::kForeach: return foreach (as<BoundForeach>(clause), stream);
      case ClauseKind::kProcedureCall: return procedure_call(as<BoundProcedureCall>(clause), stream);
      case ClauseKind::kCallSubquery: return call_subquery(as<BoundCallSubquery>(clause), stream);
      case ClauseKind::kLoadCsv: {
        auto& c = as<BoundLoadCsv>(clause);
        auto* op = b_.make<LoadCsv>();
        op->url = c.url;
        op->row = c.row;
        op->headers = c.headers;
        op->separator = c.separator;
        b_.push(stream, op, stream->rows * 1000);
        return Status();
      }
      case ClauseKind::kSchemaCommand: return schema_command(as<BoundSchemaCommand>(clause), stream);
      case ClauseKind::kShow: {
        auto& c = as<BoundShow>(clause);
        auto* op = b_.make<Show>();
        switch (c.what) {
          case BoundShow::What::kIndexes: op->what = Show::What::kIndexes; break;
          case BoundShow::What::kConstraints: op->what = Show::What::kConstraints; break;
          case BoundShow::What::kFunctions: op->what = Show::What::kFunctions; break;
          case BoundShow::What::kProcedures: op->what = Show::What::kProcedures; break;
        }
        op->kind_filter = c.kind_filter;
        op->columns = b_.array(c.columns);
        b_.push(stream, op, 10);
        return Status();
      }
    }
    return Status::internal("unknown clause");
  }

  // --- reading ---

  static Status too_many_steps() {
    return Status::limit("depth", "the statement needs more than `" + std::to_string(kOpsMax) + "` steps; split it");
  }

  Status match(BoundMatch& m, const SlotSet& argument, Stream* stream) {
    // Known before the work of ordering them, which grows with their square.
    if (m.pattern.relationships.size() > kOpsMax) return too_many_steps();
    if (!m.optional) return plan_pattern(b_, m.pattern, argument, stream);
    Stream right = b_.argument(stream->slots);
    LORA_TRY(plan_pattern(b_, m.pattern, stream->slots, &right));
    auto* op = b_.make<Apply>();
    op->optional = true;
    std::vector<Slot> nulls;
    SlotSet right_slots = right.slots;
    for (Slot s : right.slots.to_vector()) {
      if (!stream->slots.has(s)) nulls.push_back(s);
    }
    op->nulls = b_.array(nulls);
    apply(stream, op, right, stream->rows * std::max(1.0, right.rows));
    return Status();
  }

  // Pushes an applied operator whose right side's slots stay in the row.
  void apply(Stream* stream, LogicalOp* op, const Stream& right, double rows) {
    SlotSet slots = right.slots;
    b_.push(stream, op, right, rows);
    stream->slots.add(slots);
  }

  Status unwind(BoundUnwind& u, Stream* stream) {
    auto* op = b_.make<Unwind>();
    op->list = u.list;
    op->element = u.element;
    b_.push(stream, op, stream->rows * b_.statistics().list_size(*u.list));
    return Status();
  }

  void distinct(const std::vector<Slot>& slots, Stream* stream) {
    auto* op = b_.make<Distinct>();
    std::vector<Slot> once;
    for (Slot s : slots) {
      if (std::find(once.begin(), once.end(), s) == once.end()) once.push_back(s);
    }
    op->slots = b_.array(once);
    b_.push(stream, op, std::max(1.0, stream->rows * 0.5));
  }

  Status projection(BoundProjection& p, Stream* stream) {
    if (p.aggregating) {
      auto* op = b_.make<Aggregate>();
      op->keys = assignments(p.keys);
      op->aggregates = assignments(p.aggregates);
      b_.push(stream, op, p.keys.empty() ? 1 : std::max(1.0, std::sqrt(stream->rows)));
    }
    if (!p.items.empty()) {
      auto* op = b_.make<Projection>();
      op->items = assignments(p.items);
      b_.push(stream, op, stream->rows);
    }
    for (const BoundColumn& c : p.columns) b_.name_slot(c.slot, c.name);
    if (p.distinct) {
      std::vector<Slot> slots;
      for (const BoundColumn& c : p.columns) slots.push_back(c.slot);
      distinct(slots, stream);
    }
    if (!p.order_by.empty()) {
      auto* op = b_.make<Sort>();
      std::vector<SortKey> keys;
      for (const BoundSortKey& k : p.order_by) keys.push_back({k.expr, k.ascending});
      op->keys = b_.array(keys);
      op->skip = p.limit != nullptr ? p.skip : nullptr;
      op->limit = p.limit;
      b_.push(stream, op, p.limit != nullptr ? limited(p.limit, stream->rows) : stream->rows);
    }
    if (p.skip != nullptr) {
      auto* op = b_.make<Skip>();
      op->count = p.skip;
      b_.push(stream, op, stream->rows);
    }
    if (p.limit != nullptr) {
      auto* op = b_.make<Limit>();
      op->count = p.limit;
      b_.push(stream, op, limited(p.limit, stream->rows));
    }
    std::vector<const Expr*> where;
    for (const BoundPredicate& w : p.where) where.push_back(w.expr);
    b_.filter(stream, where);
    return Status();
  }

  static double limited(const Expr* limit, double rows) {
    constexpr double kUnknownLimit = 10;
    double n = kUnknownLimit;
    if (limit->kind == ExprKind::kConstant && limit->value->is_integer())
      n = static_cast<double>(limit->value->as_integer());
    return std::min(rows, std::max(0.0, n));
  }

  std::span<const Assignment> assignments(const std::vector<BoundAssignment>& items) {
    std::vector<Assignment> out;
    for (const BoundAssignment& a : items) out.push_back({a.slot, a.expr});
    return b_.array(out);
  }

  // --- writing ---

  std::span<const SetItem> set_items(const std::vector<BoundSetItem>& items) {
    std::vector<SetItem> out;
    for (const BoundSetItem& i : items) {
      SetItem item;
      switch (i.kind) {
        case BoundSetItem::Kind::kProperty: item.kind = SetItem::Kind::kProperty; break;
        case BoundSetItem::Kind::kDynamicProperty: item.kind = SetItem::Kind::kDynamicProperty; break;
        case BoundSetItem::Kind::kReplace: item.kind = SetItem::Kind::kReplace; break;
        case BoundSetItem::Kind::kAdd: item.kind = SetItem::Kind::kAdd; break;
        case BoundSetItem::Kind::kLabels: item.kind = SetItem::Kind::kLabels; break;
      }
      item.target = i.target;
      item.key = i.key;
      item.dynamic_key = i.dynamic_key;
      item.value = i.value;
      item.labels = b_.array(i.labels);
      item.dynamic_labels = b_.exprs(i.dynamic_labels);
      out.push_back(item);
    }
    return b_.array(out);
  }

  CreatePattern create_pattern(const BoundCreatePattern& p) {
    CreatePattern out;
    std::vector<CreateNode> nodes;
    for (const BoundCreateNode& n : p.nodes) {
      nodes.push_back({n.slot, b_.array(n.labels), b_.exprs(n.dynamic_labels), n.properties});
      b_.name_slot(n.slot, n.name);
      if (!n.labels.empty()) b_.labels()[n.slot] = n.labels;
    }
    std::vector<CreateRelationship> relationships;
    for (const BoundCreateRelationship& r : p.relationships) {
      relationships.push_back({r.slot, r.from, r.to, r.type, r.dynamic_type, r.properties});
      b_.name_slot(r.slot, r.name);
    }
    out.nodes = b_.array(nodes);
    out.relationships = b_.array(relationships);
    return out;
  }

  Status create(BoundCreate& c, Stream* stream) {
    auto* op = b_.make<Create>();
    op->pattern = create_pattern(c.pattern);
    b_.push(stream, op, stream->rows);
    b_.project(stream, c.pattern.derived);
    return Status();
  }

  Status merge(BoundMerge& m, Stream* stream) {
    // Path variables are computed from what was found or made, above the operator.
    const std::vector<BoundAssignment> derived = std::move(m.pattern.derived);
    m.pattern.derived.clear();
    Stream right = b_.argument(stream->slots);
    LORA_TRY(plan_pattern(b_, m.pattern, stream->slots, &right));
    auto* op = b_.make<Merge>();
    op->pattern = create_pattern(m.create);
    op->on_create = set_items(m.on_create);
    op->on_match = set_items(m.on_match);
    apply(stream, op, right, stream->rows * std::max(1.0, right.rows));
    b_.project(stream, derived);
    return Status();
  }

  Status foreach (BoundForeach& f, Stream * stream) {
    SlotSet inner = stream->slots;
    inner.add(f.element);
    Stream right = b_.argument(inner);
    right.rows = b_.statistics().list_size(*f.list);
    LORA_TRY(plan_clauses(f.body, inner, &right));
    auto* op = b_.make<Foreach>();
    op->list = f.list;
    op->element = f.element;
    b_.push(stream, op, right, stream->rows);
    return Status();
  }

  // --- calls ---

  Status procedure_call(BoundProcedureCall& c, Stream* stream) {
    Stream right;
    Stream* target = stream;
    if (c.optional) {
      right = b_.argument(stream->slots);
      target = &right;
    }
    auto* op = b_.make<ProcedureCall>();
    op->procedure = c.procedure;
    op->writes = c.procedure->writes;
    op->args = b_.exprs(c.args);
    std::vector<ProcedureCall::Yield> yields;
    for (const BoundProcedureCall::Yield& y : c.yields) yields.push_back({y.column, y.slot});
    op->yields = b_.array(yields);
    op->unit = c.procedure->columns.empty();
    b_.push(target, op, op->unit ? target->rows : target->rows * 10);
    target->writes |= op->writes;
    std::vector<const Expr*> where;
    for (const BoundPredicate& w : c.where) where.push_back(w.expr);
    b_.filter(target, where);
    if (c.optional) optional_apply(stream, right);
    return Status();
  }

  void optional_apply(Stream* stream, const Stream& right) {
    auto* op = b_.make<Apply>();
    op->optional = true;
    std::vector<Slot> nulls;
    for (Slot s : right.slots.to_vector()) {
      if (!stream->slots.has(s)) nulls.push_back(s);
    }
    op->nulls = b_.array(nulls);
    apply(stream, op, right, stream->rows * std::max(1.0, right.rows));
  }

  Status call_subquery(BoundCallSubquery& c, Stream* stream) {
    Stream right = b_.argument(stream->slots);
    const SlotSet argument = stream->slots;
    LORA_TRY(plan_query(*c.query, argument, &right));
    if (!c.unit && !c.in_transactions && (c.optional || !c.query->writes)) {
      if (c.optional) {
        optional_apply(stream, right);
      } else {
        apply(stream, b_.make<Apply>(), right, stream->rows * right.rows);
      }
      return Status();
    }
    auto* op = b_.make<CallSubquery>();
    op->unit = c.unit;
    op->in_transactions = c.in_transactions;
    op->batch_rows = c.batch_rows;
    if (c.unit) {
      b_.push(stream, op, right, stream->rows);
    } else {
      apply(stream, op, right, stream->rows * right.rows);
    }
    return Status();
  }

  // --- schema ---

  Status schema_command(BoundSchemaCommand& c, Stream* stream) {
    auto* op = b_.make<SchemaCommand>();
    switch (c.action) {
      case BoundSchemaCommand::Action::kCreateIndex: op->action = SchemaCommand::Action::kCreateIndex; break;
      case BoundSchemaCommand::Action::kDropIndex: op->action = SchemaCommand::Action::kDropIndex; break;
      case BoundSchemaCommand::Action::kCreateConstraint: op->action = SchemaCommand::Action::kCreateConstraint; break;
      case BoundSchemaCommand::Action::kDropConstraint: op->action = SchemaCommand::Action::kDropConstraint; break;
    }
    op->index = c.index;
    op->constraint = c.constraint;
    op->name = c.name;
    op->if_exists_flag = c.if_exists_flag;
    b_.push(stream, op, 0);
    return Status();
  }

  PlanBuilder& b_;
  std::vector<TypeSet> slot_types_;
  bool writes_ = false;  // the statement, somewhere: without, there is nothing to put barriers between
};

// Ids in pre-order, subplans of an operator's expressions before its inputs; and what else shows on the way.
void number(LogicalOp* op, size_t depth, LogicalPlan* plan) {
  plan->depth = std::max(plan->depth, depth);
  op->id = plan->op_count++;
  OpUse use;
  op_use(*op, &use);
  plan->calls = plan->calls || op->kind == OpKind::kProcedureCall || op->kind == OpKind::kLoadCsv ||
                op->kind == OpKind::kShow || op->kind == OpKind::kSchemaCommand;
  for (const Expr* e : use.exprs) {
    for_each_expr(e, [&](const Expr& x) {
      plan->calls =
          plan->calls || x.kind == ExprKind::kFunction || x.kind == ExprKind::kCast || x.kind == ExprKind::kTryCast;
      if (x.subplan == nullptr) return true;
      plan->has_subplans = true;
      number(const_cast<LogicalOp*>(x.subplan), depth + kInnerSteps, plan);
      return true;
    });
  }
  for (size_t i = 0; i < op->inputs.size(); ++i) number(op->inputs[i], depth + (i == 0 ? 1 : kInnerSteps), plan);
}

}  // namespace

Result<std::shared_ptr<const LogicalPlan>> make_plan(BoundStatement&& statement, std::shared_ptr<LogicalPlan> plan,
                                                     const PlannerInput& input) {
  PlanBuilder builder(plan.get(), input, statement);
  StatementPlanner planner(builder);
  LORA_TRY(planner.run(statement));
  number(plan->root, 1, plan.get());
  plan->slot_count = builder.slot_count();
  plan->slot_names = builder.take_names();
  plan->writes = statement.writes || statement.schema_command;
  plan->schema_command = statement.schema_command;
  plan->in_transactions = statement.in_transactions;
  plan->parameters = std::move(statement.parameters);
  switch (statement.mode) {
    case BoundStatement::Mode::kRun: plan->mode = LogicalPlan::Mode::kRun; break;
    case BoundStatement::Mode::kExplain: plan->mode = LogicalPlan::Mode::kExplain; break;
    case BoundStatement::Mode::kProfile: plan->mode = LogicalPlan::Mode::kProfile; break;
  }
  plan->schema_version = input.reader->schema_version();
  plan->statistics_epoch = input.statistics_epoch;
  return std::shared_ptr<const LogicalPlan>(std::move(plan));
}

}  // namespace lora::cypher

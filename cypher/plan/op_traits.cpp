#include "cypher/plan/op_traits.h"

#include <algorithm>

#include "kv/check.h"

namespace lora::cypher {

namespace {

template <typename T>
const T& as(const LogicalOp& op) {
  return static_cast<const T&>(op);
}

}  // namespace

std::string_view op_name(const LogicalOp& op) {
  switch (op.kind) {
    case OpKind::kArgument: return "Argument";
    case OpKind::kAllNodesScan: return "AllNodesScan";
    case OpKind::kLabelScan: return "NodeByLabelScan";
    case OpKind::kNodeByIdSeek: return "NodeByIdSeek";
    case OpKind::kIndexSeek: return as<IndexSeek>(op).from == kNoSlot ? "NodeIndexSeek" : "RelationshipIndexSeek";
    case OpKind::kIndexRangeScan: return "NodeIndexSeekByRange";
    case OpKind::kRelationshipScan:
      return as<RelationshipScan>(op).both_directions
                 ? (as<RelationshipScan>(op).types.names.empty() ? "UndirectedAllRelationshipsScan"
                                                                 : "UndirectedRelationshipTypeScan")
                 : (as<RelationshipScan>(op).types.names.empty() ? "DirectedAllRelationshipsScan"
                                                                 : "DirectedRelationshipTypeScan");
    case OpKind::kRelationshipByIdSeek:
      return as<RelationshipByIdSeek>(op).both_directions ? "UndirectedRelationshipByIdSeek"
                                                          : "DirectedRelationshipByIdSeek";
    case OpKind::kExpand: return as<Expand>(op).into ? "Expand(Into)" : "Expand(All)";
    case OpKind::kVarExpand:
      return as<VarExpand>(op).into            ? "VarLengthExpand(Into)"
             : as<VarExpand>(op).distinct_ends ? "VarLengthExpand(Pruning)"
                                               : "VarLengthExpand(All)";
    case OpKind::kShortestPath: return "ShortestPath";
    case OpKind::kPathSelection: return "PathSelection";
    case OpKind::kFilter: return "Filter";
    case OpKind::kProjection: return "Projection";
    case OpKind::kAggregate: return "EagerAggregation";
    case OpKind::kDistinct: return "Distinct";
    case OpKind::kSort: return as<Sort>(op).limit != nullptr ? "Top" : "Sort";
    case OpKind::kSkip: return "Skip";
    case OpKind::kLimit: return "Limit";
    case OpKind::kUnwind: return "Unwind";
    case OpKind::kEager: return "Eager";
    case OpKind::kApply: return as<Apply>(op).optional ? "OptionalApply" : "Apply";
    case OpKind::kSemiApply: return as<SemiApply>(op).anti ? "AntiSemiApply" : "SemiApply";
    case OpKind::kHashJoin: return as<HashJoin>(op).left_keys.empty() ? "CartesianProduct" : "ValueHashJoin";
    case OpKind::kUnion: return "Union";
    case OpKind::kCreate: return "Create";
    case OpKind::kMerge: return "Merge";
    case OpKind::kSetProperties: return "SetProperties";
    case OpKind::kRemove: return "Remove";
    case OpKind::kDelete: return as<Delete>(op).detach ? "DetachDelete" : "Delete";
    case OpKind::kForeach: return "Foreach";
    case OpKind::kProcedureCall: return "ProcedureCall";
    case OpKind::kLoadCsv: return "LoadCSV";
    case OpKind::kCallSubquery: return as<CallSubquery>(op).in_transactions ? "TransactionApply" : "CallSubquery";
    case OpKind::kSchemaCommand: {
      switch (as<SchemaCommand>(op).action) {
        case SchemaCommand::Action::kCreateIndex: return "CreateIndex";
        case SchemaCommand::Action::kDropIndex: return "DropIndex";
        case SchemaCommand::Action::kCreateConstraint: return "CreateConstraint";
        case SchemaCommand::Action::kDropConstraint: return "DropConstraint";
      }
      break;
    }
    case OpKind::kShow: {
      switch (as<Show>(op).what) {
        case Show::What::kIndexes: return "ShowIndexes";
        case Show::What::kConstraints: return "ShowConstraints";
        case Show::What::kFunctions: return "ShowFunctions";
        case Show::What::kProcedures: return "ShowProcedures";
      }
      break;
    }
    case OpKind::kProduceResults: return "ProduceResults";
    case OpKind::kCountStore:
      return as<CountStore>(op).relationships ? "RelationshipCountFromCountStore" : "NodeCountFromCountStore";
    case OpKind::kDegree: return "Degree";
    case OpKind::kIntersect: return "Expand(Intersect)";
    case OpKind::kRepeat: return as<Repeat>(op).into ? "Repeat(Into)" : "Repeat(Trail)";
  }
  return "Unknown";
}

InputRange op_inputs(OpKind kind) {
  switch (kind) {
    case OpKind::kArgument:
    case OpKind::kSchemaCommand:
    case OpKind::kCountStore: return {0, 0};
    case OpKind::kShow:
    case OpKind::kAllNodesScan:
    case OpKind::kLabelScan:
    case OpKind::kNodeByIdSeek:
    case OpKind::kIndexSeek:
    case OpKind::kIndexRangeScan:
    case OpKind::kRelationshipScan:
    case OpKind::kRelationshipByIdSeek: return {0, 1};
    case OpKind::kApply:
    case OpKind::kSemiApply:
    case OpKind::kHashJoin:
    case OpKind::kUnion:
    case OpKind::kMerge:
    case OpKind::kForeach:
    case OpKind::kRepeat:
    case OpKind::kCallSubquery: return {2, 2};
    default: return {1, 1};
  }
}

bool right_is_applied(OpKind kind) {
  return kind == OpKind::kApply || kind == OpKind::kSemiApply || kind == OpKind::kMerge || kind == OpKind::kForeach ||
         kind == OpKind::kCallSubquery || kind == OpKind::kRepeat;
}

bool is_row_wise_step(OpKind kind) {
  switch (kind) {
    case OpKind::kArgument:
    case OpKind::kAllNodesScan:
    case OpKind::kLabelScan:
    case OpKind::kNodeByIdSeek:
    case OpKind::kIndexSeek:
    case OpKind::kIndexRangeScan:
    case OpKind::kRelationshipScan:
    case OpKind::kRelationshipByIdSeek:
    case OpKind::kCountStore:
    case OpKind::kDegree:
    case OpKind::kExpand:
    case OpKind::kIntersect:
    case OpKind::kVarExpand:
    case OpKind::kShortestPath:
    case OpKind::kFilter:
    case OpKind::kProjection:
    case OpKind::kUnwind:
    case OpKind::kApply:
    case OpKind::kSemiApply: return true;
    default: return false;
  }
}

Slot argument_extra(const LogicalOp& op) {
  if (op.kind == OpKind::kForeach) return as<Foreach>(op).element;
  if (op.kind == OpKind::kRepeat) return as<Repeat>(op).inner_from;
  return kNoSlot;
}

bool narrows(OpKind kind) {
  return kind == OpKind::kAggregate || kind == OpKind::kDistinct || kind == OpKind::kUnion;
}

bool is_write(OpKind kind) {
  switch (kind) {
    case OpKind::kCreate:
    case OpKind::kMerge:
    case OpKind::kSetProperties:
    case OpKind::kRemove:
    case OpKind::kDelete:
    case OpKind::kSchemaCommand: return true;
    default: return false;
  }
}

void op_use(const LogicalOp& op, OpUse* use) {
  auto expr = [&](const Expr* e) {
    if (e != nullptr) use->exprs.push_back(e);
  };
  auto exprs = [&](std::span<const Expr* const> list) {
    for (const Expr* e : list) expr(e);
  };
  auto read = [&](Slot s) {
    if (s != kNoSlot) use->reads.push_back(s);
  };
  auto reads = [&](std::span<const Slot> list) {
    for (Slot s : list) read(s);
  };
  auto add = [&](Slot s) {
    if (s != kNoSlot) use->adds.push_back(s);
  };
  auto local = [&](Slot s) {
    if (s != kNoSlot) use->locals.push_back(s);
  };
  auto items = [&](std::span<const SetItem> list) {
    for (const SetItem& item : list) {
      expr(item.target);
      expr(item.dynamic_key);
      expr(item.value);
      exprs(item.dynamic_labels);
    }
  };
  auto pattern = [&](const CreatePattern& p) {
    for (const CreateNode& n : p.nodes) {
      exprs(n.dynamic_labels);
      expr(n.properties);
      add(n.slot);
    }
    for (const CreateRelationship& r : p.relationships) {
      expr(r.dynamic_type);
      expr(r.properties);
      for (Slot end : {r.from, r.to}) {
        bool made = false;
        for (const CreateNode& n : p.nodes) made |= n.slot == end;
        if (!made) read(end);
      }
      add(r.slot);
    }
  };
  switch (op.kind) {
    case OpKind::kArgument: break;
    case OpKind::kAllNodesScan:
      expr(as<AllNodesScan>(op).hint.value);
      add(as<AllNodesScan>(op).node);
      break;
    case OpKind::kLabelScan:
      expr(as<LabelScan>(op).hint.value);
      add(as<LabelScan>(op).node);
      break;
    case OpKind::kNodeByIdSeek: {
      const auto& o = as<NodeByIdSeek>(op);
      expr(o.id);
      add(o.node);
      break;
    }
    case OpKind::kIndexSeek: {
      const auto& o = as<IndexSeek>(op);
      exprs(o.values);
      add(o.node);
      add(o.from);
      add(o.to);
      break;
    }
    case OpKind::kIndexRangeScan: {
      const auto& o = as<IndexRangeScan>(op);
      expr(o.lower);
      expr(o.upper);
      expr(o.prefix);
      add(o.node);
      break;
    }
    case OpKind::kRelationshipScan: {
      const auto& o = as<RelationshipScan>(op);
      add(o.relationship);
      add(o.from);
      add(o.to);
      break;
    }
    case OpKind::kRelationshipByIdSeek: {
      const auto& o = as<RelationshipByIdSeek>(op);
      expr(o.id);
      add(o.relationship);
      add(o.from);
      add(o.to);
      break;
    }
    case OpKind::kExpand: {
      const auto& o = as<Expand>(op);
      read(o.from);
      if (o.relationship_bound) {
        read(o.relationship);
      } else {
        add(o.relationship);
      }
      if (o.into) {
        read(o.to);
      } else {
        add(o.to);
      }
      reads(o.differ_from);
      break;
    }
    case OpKind::kVarExpand: {
      const auto& o = as<VarExpand>(op);
      read(o.from);
      if (o.relationships_bound) {
        read(o.relationships);
      } else {
        add(o.relationships);
      }
      if (o.into) {
        read(o.to);
      } else {
        add(o.to);
      }
      reads(o.differ_from);
      expr(o.hop_predicate);
      local(o.hop_relationship);
      local(o.hop_from);
      local(o.hop_to);
      break;
    }
    case OpKind::kShortestPath: {
      const auto& o = as<ShortestPath>(op);
      read(o.from);
      read(o.to);
      add(o.relationships);
      add(o.path);
      expr(o.hop_predicate);
      local(o.hop_relationship);
      local(o.hop_from);
      local(o.hop_to);
      local(o.relationships);
      for (const Assignment& a : o.derived) {
        expr(a.expr);
        local(a.slot);
      }
      exprs(o.conditions);
      expr(o.count);
      break;
    }
    case OpKind::kPathSelection: {
      const auto& o = as<PathSelection>(op);
      expr(o.count);
      read(o.first);
      read(o.last);
      read(o.path);
      break;
    }
    case OpKind::kFilter: exprs(as<Filter>(op).predicates); break;
    case OpKind::kProjection:
      for (const Assignment& a : as<Projection>(op).items) {
        expr(a.expr);
        add(a.slot);
      }
      break;
    case OpKind::kAggregate:
      for (const Assignment& a : as<Aggregate>(op).keys) {
        expr(a.expr);
        add(a.slot);
      }
      for (const Assignment& a : as<Aggregate>(op).aggregates) {
        expr(a.expr);
        add(a.slot);
      }
      break;
    case OpKind::kDistinct:
      reads(as<Distinct>(op).slots);
      for (Slot s : as<Distinct>(op).slots) add(s);
      break;
    case OpKind::kSort: {
      const auto& o = as<Sort>(op);
      for (const SortKey& k : o.keys) expr(k.expr);
      expr(o.skip);
      expr(o.limit);
      break;
    }
    case OpKind::kSkip: expr(as<Skip>(op).count); break;
    case OpKind::kLimit: expr(as<Limit>(op).count); break;
    case OpKind::kUnwind:
      expr(as<Unwind>(op).list);
      add(as<Unwind>(op).element);
      break;
    case OpKind::kEager: break;
    case OpKind::kApply: break;
    case OpKind::kSemiApply: break;
    case OpKind::kHashJoin:
      exprs(as<HashJoin>(op).left_keys);
      exprs(as<HashJoin>(op).right_keys);
      break;
    case OpKind::kUnion: {
      const auto& o = as<Union>(op);
      reads(o.left);
      reads(o.right);
      for (Slot s : o.output) add(s);
      break;
    }
    case OpKind::kCreate: pattern(as<Create>(op).pattern); break;
    case OpKind::kMerge: {
      const auto& o = as<Merge>(op);
      pattern(o.pattern);
      items(o.on_create);
      items(o.on_match);
      break;
    }
    case OpKind::kSetProperties: items(as<SetProperties>(op).items); break;
    case OpKind::kRemove: items(as<Remove>(op).items); break;
    case OpKind::kDelete: exprs(as<Delete>(op).targets); break;
    case OpKind::kForeach:
      expr(as<Foreach>(op).list);
      local(as<Foreach>(op).element);
      break;
    case OpKind::kProcedureCall: {
      const auto& o = as<ProcedureCall>(op);
      exprs(o.args);
      for (const ProcedureCall::Yield& y : o.yields) add(y.slot);
      break;
    }
    case OpKind::kLoadCsv: {
      const auto& o = as<LoadCsv>(op);
      expr(o.url);
      expr(o.separator);
      add(o.row);
      break;
    }
    case OpKind::kCallSubquery: expr(as<CallSubquery>(op).batch_rows); break;
    case OpKind::kSchemaCommand: break;
    case OpKind::kShow:
      for (Slot s : as<Show>(op).columns) add(s);
      break;
    case OpKind::kProduceResults: reads(as<ProduceResults>(op).slots); break;
    case OpKind::kRepeat: {
      const auto& o = as<Repeat>(op);
      read(o.from);
      if (o.into) {
        read(o.to);
      } else {
        add(o.to);
      }
      reads(o.differ_from);
      add(o.relationships);
      for (const Repeat::Group& g : o.groups) add(g.outer);
      local(o.inner_from);
      break;
    }
    case OpKind::kCountStore: add(as<CountStore>(op).count); break;
    case OpKind::kDegree: {
      const auto& o = as<Degree>(op);
      read(o.from);
      reads(o.differ_from);
      reads(o.differ_ends);
      add(o.degree);
      break;
    }
    case OpKind::kIntersect: {
      const auto& o = as<Intersect>(op);
      read(o.from);
      read(o.other);
      for (const Intersect::Side* side : {&o.first, &o.second}) {
        reads(side->differ_from);
        add(side->relationship);
      }
      add(o.to);
      break;
    }
  }
}

void for_each_expr(const Expr* expr, FunctionRef<bool(const Expr&)> visit) {
  if (expr == nullptr || !visit(*expr)) return;
  for (const Expr* child : expr->children) for_each_expr(child, visit);
}

OpKinds kinds_below(const LogicalOp* op) {
  OpKinds kinds = kind_bit(op->kind);
  for (const LogicalOp* input : op->inputs) kinds |= kinds_below(input);
  return kinds;
}

void for_each_op(const LogicalOp* op, FunctionRef<bool(const LogicalOp&)> visit, bool subplans) {
  if (op == nullptr || !visit(*op)) return;
  if (subplans) {
    OpUse use;
    op_use(*op, &use);
    for (const Expr* e : use.exprs) {
      for_each_expr(e, [&](const Expr& x) {
        if (x.subplan != nullptr) for_each_op(x.subplan, visit, true);
        return true;
      });
    }
  }
  for (const LogicalOp* input : op->inputs) for_each_op(input, visit, subplans);
}

size_t plan_depth(const LogicalOp* op) {
  size_t deepest = 0;
  std::vector<std::pair<const LogicalOp*, size_t>> todo{{op, 1}};
  while (!todo.empty()) {
    const auto [next, depth] = todo.back();
    todo.pop_back();
    deepest = std::max(deepest, depth);
    OpUse use;
    op_use(*next, &use);
    for (const Expr* e : use.exprs) {
      for_each_expr(e, [&todo, depth = depth](const Expr& x) {
        if (x.subplan != nullptr) todo.emplace_back(x.subplan, depth + kInnerSteps);
        return true;
      });
    }
    for (size_t i = 0; i < next->inputs.size(); ++i)
      todo.emplace_back(next->inputs[i], depth + (i == 0 ? 1 : kInnerSteps));
  }
  return deepest;
}

void expr_reads(const Expr* expr, SlotSet* out) {
  if (expr == nullptr) return;
  switch (expr->kind) {
    case ExprKind::kSlot: out->add(expr->slot); break;
    case ExprKind::kLet:
    case ExprKind::kListComprehension:
    case ExprKind::kQuantifier:
    case ExprKind::kReduce: {
      SlotSet inner;
      for (const Expr* child : expr->children) expr_reads(child, &inner);
      inner.remove(expr->slot);
      if (expr->kind == ExprKind::kReduce) inner.remove(expr->slot2);
      out->add(inner);
      break;
    }
    default:
      for (const Expr* child : expr->children) expr_reads(child, out);
  }
  if (expr->subplan != nullptr) subtree_reads(expr->subplan, out);
}

void own_reads(const LogicalOp& op, SlotSet* out) {
  OpUse use;
  op_use(op, &use);
  own_reads(op, use, out);
}

void own_reads(const LogicalOp& op, const OpUse& use, SlotSet* out) {
  SlotSet reads;
  for (Slot s : use.reads) reads.add(s);
  for (const Expr* e : use.exprs) expr_reads(e, &reads);
  for (Slot s : use.locals) reads.remove(s);
  if (op.kind == OpKind::kCreate || op.kind == OpKind::kMerge) {
    for (Slot s : use.adds) reads.remove(s);
  }
  out->add(reads);
}

namespace {

// Adds to *reads what `op` and its inputs read and nothing in front of the reader adds. *adds: what is added in front
// of `op`, then also what it and its inputs add. A grouping key may come out in the slot that it is read from: what an
// operator adds does not answer its own reads.
void collect_reads(const LogicalOp* op, SlotSet* reads, SlotSet* adds) {
  const SlotSet front = *adds;
  adds->add(argument_extra(*op));
  for (size_t i = 0; i < op->inputs.size(); ++i) {
    if (i == 0 || right_is_applied(op->kind)) {
      collect_reads(op->inputs[i], reads, adds);
      continue;
    }
    SlotSet right = front;
    collect_reads(op->inputs[i], reads, &right);
    adds->add(right);
  }
  OpUse use;
  op_use(*op, &use);
  SlotSet own;
  own_reads(*op, use, &own);
  own.remove(*adds);
  reads->add(own);
  for (Slot s : use.locals) adds->add(s);
  for (Slot s : use.adds) adds->add(s);
}

}  // namespace

void subtree_reads(const LogicalOp* op, SlotSet* out) {
  SlotSet adds;
  collect_reads(op, out, &adds);
}

void op_output(const LogicalOp& op, const OpUse& use, const SlotSet& argument, const SlotSet& left,
               const SlotSet& right, SlotSet* out) {
  SlotSet result;
  if (!narrows(op.kind)) {
    if (op.kind == OpKind::kArgument) result = argument;
    result.add(left);
    const bool right_stays = op.inputs.size() == 2 && op.kind != OpKind::kSemiApply && op.kind != OpKind::kForeach &&
                             op.kind != OpKind::kRepeat &&
                             !(op.kind == OpKind::kCallSubquery && as<CallSubquery>(op).unit);
    if (right_stays) result.add(right);
  }
  for (Slot s : use.adds) result.add(s);
  out->add(result);
}

bool is_deterministic(const Expr* expr) {
  bool yes = true;
  for_each_expr(expr, [&](const Expr& e) {
    if (e.function != nullptr && e.function->purity == Purity::kVolatile) yes = false;
    if (e.subplan != nullptr) {
      for_each_op(
          e.subplan,
          [&](const LogicalOp& op) {
            OpUse use;
            op_use(op, &use);
            for (const Expr* x : use.exprs) {
              if (yes && !is_deterministic(x)) yes = false;
            }
            return yes;
          },
          false);
    }
    return yes;
  });
  return yes;
}

bool is_row_independent(const Expr* expr) {
  SlotSet reads;
  expr_reads(expr, &reads);
  if (!reads.empty()) return false;
  bool yes = true;
  for_each_expr(expr, [&](const Expr& e) {
    if (e.subplan != nullptr || e.kind == ExprKind::kAggregate) yes = false;
    return yes;
  });
  return yes && is_deterministic(expr);
}

}  // namespace lora::cypher

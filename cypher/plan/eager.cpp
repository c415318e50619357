// Barriers against a statement seeing its own writes too early, or too late.
//
// Clauses mean: all rows of one clause, then all rows of the next. Operators stream instead. That differs only where
// one of them writes what another one, still running, reads:
//   * an operator below a write goes on reading after the first rows have been written (a scan that meets new nodes);
//   * an operator above a write reads before the last rows have been written;
//   * two operators set the same thing of what may be the same entity, or one deletes what the other changes.
// An Eager just below the later of the two settles both. Walking a pipeline from its start, `active` holds the reads
// and writes since the last point where all rows had been made (Eager, Sort, Aggregate); the operator that would
// collide with them gets an Eager below it. While a pipeline has at most one row, each operator has done all it ever
// does before the next one starts, so nothing is active then. A LIMIT above writes gets one too: the limit cuts rows,
// not effects.
#include <algorithm>
#include <string_view>

#include "cypher/plan/op_traits.h"
#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

using Names = std::vector<std::string_view>;

bool meet(const Names& a, const Names& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](std::string_view x) { return std::find(b.begin(), b.end(), x) != b.end(); });
}

struct Effects {
  // Reads. Names in lists add to each other; the flags mean any name.
  bool reads_graph = false;  // anything at all that a deletion could change
  bool scans_all = false;
  Names scanned_labels;
  bool reads_all_relationships = false;
  Names types;
  bool reads_all_properties = false;
  Names keys;
  bool reads_all_labels = false;
  Names tested_labels;
  // Writes.
  bool creates_nodes = false, created_any_label = false;
  Names created_labels;
  bool creates_relationships = false, created_any_type = false;
  Names created_types;
  bool sets_all_properties = false;
  Names set_keys;
  bool sets_all_labels = false;
  Names set_labels;
  bool deletes = false;
  bool schema = false;

  bool writes() const {
    return creates_nodes || creates_relationships || sets_all_properties || !set_keys.empty() || sets_all_labels ||
           !set_labels.empty() || deletes || schema;
  }
  void add(const Effects& o) {
    auto join = [](Names* a, const Names& b) { a->insert(a->end(), b.begin(), b.end()); };
    reads_graph |= o.reads_graph;
    scans_all |= o.scans_all;
    join(&scanned_labels, o.scanned_labels);
    reads_all_relationships |= o.reads_all_relationships;
    join(&types, o.types);
    reads_all_properties |= o.reads_all_properties;
    join(&keys, o.keys);
    reads_all_labels |= o.reads_all_labels;
    join(&tested_labels, o.tested_labels);
    creates_nodes |= o.creates_nodes;
    created_any_label |= o.created_any_label;
    join(&created_labels, o.created_labels);
    creates_relationships |= o.creates_relationships;
    created_any_type |= o.created_any_type;
    join(&created_types, o.created_types);
    sets_all_properties |= o.sets_all_properties;
    join(&set_keys, o.set_keys);
    sets_all_labels |= o.sets_all_labels;
    join(&set_labels, o.set_labels);
    deletes |= o.deletes;
    schema |= o.schema;
  }
  void reads_everything() {
    reads_graph = scans_all = reads_all_relationships = reads_all_properties = reads_all_labels = true;
  }
};

bool collide(const Effects& read, const Effects& write) {
  if (!read.reads_graph) return false;
  if (write.deletes || write.schema) return true;
  if (write.creates_nodes) {
    if (read.scans_all) return true;
    if (!read.scanned_labels.empty() && (write.created_any_label || meet(read.scanned_labels, write.created_labels)))
      return true;
  }
  if (write.creates_relationships) {
    if (read.reads_all_relationships) return true;
    if (!read.types.empty() && (write.created_any_type || meet(read.types, write.created_types))) return true;
  }
  const bool reads_properties = read.reads_all_properties || !read.keys.empty();
  if (write.sets_all_properties && reads_properties) return true;
  if (!write.set_keys.empty() && (read.reads_all_properties || meet(read.keys, write.set_keys))) return true;
  const bool reads_labels = read.reads_all_labels || !read.tested_labels.empty() || !read.scanned_labels.empty();
  if (write.sets_all_labels && reads_labels) return true;
  if (!write.set_labels.empty() && (read.reads_all_labels || meet(read.tested_labels, write.set_labels) ||
                                    meet(read.scanned_labels, write.set_labels))) {
    return true;
  }
  return false;
}

// Two writes whose order matters: both set the same thing, or one changes or connects what the other deletes.
bool overwrite(const Effects& a, const Effects& b) {
  const auto sets = [](const Effects& e) { return e.sets_all_properties || !e.set_keys.empty(); };
  const auto labels = [](const Effects& e) { return e.sets_all_labels || !e.set_labels.empty(); };
  const auto needs_entities = [&](const Effects& e) { return sets(e) || labels(e) || e.creates_relationships; };
  if ((a.deletes && needs_entities(b)) || (b.deletes && needs_entities(a))) return true;
  if ((a.sets_all_properties && sets(b)) || (b.sets_all_properties && sets(a)) || meet(a.set_keys, b.set_keys)) {
    return true;
  }
  return (a.sets_all_labels && labels(b)) || (b.sets_all_labels && labels(a)) || meet(a.set_labels, b.set_labels);
}

void label_names(const LabelExpr* labels, Names* out) {
  if (labels == nullptr) return;
  if (labels->name != nullptr) out->push_back(labels->name->name);
  for (const LabelExpr* c : labels->children) label_names(c, out);
}

// `%`: any label at all.
bool has_unnamed(const LabelExpr& labels) {
  if (labels.name == nullptr && labels.children.empty()) return true;
  return std::any_of(labels.children.begin(), labels.children.end(),
                     [](const LabelExpr* c) { return has_unnamed(*c); });
}

class Barriers {
 public:
  Barriers(PlanBuilder& builder, const std::vector<TypeSet>& slot_types) : b_(builder), slot_types_(slot_types) {}

  struct Pipeline {
    LogicalOp* op = nullptr;
    bool single = true;  // at most one row
    Effects active;
    // The whole pipeline so far is one scan or seek of this node, once, and filters that look only at it.
    Slot only_node = kNoSlot;
  };

  // Recursive for right inputs only; what is on the left may be a long chain.
  Pipeline walk(LogicalOp* op, const Pipeline& argument) {
    std::vector<LogicalOp*> chain;
    for (; !op->inputs.empty(); op = op->inputs[0]) chain.push_back(op);
    Pipeline p;
    if (op->kind == OpKind::kArgument) {
      p = argument;
      p.op = op;
    } else {
      p = unary(op, std::move(p));
    }
    for (auto next = chain.rbegin(); next != chain.rend(); ++next) {
      p = (*next)->inputs.size() == 2 ? binary(*next, std::move(p), argument) : unary(*next, std::move(p));
    }
    return p;
  }

 private:
  // --- effects of one operator, without those of its inputs ---

  void expr_effects(const Expr* expr, Effects* out) {
    for_each_expr(expr, [&](const Expr& e) {
      switch (e.kind) {
        case ExprKind::kProperty:
          out->reads_graph = true;
          out->keys.push_back(e.names[0]->name);
          break;
        case ExprKind::kIndex:
          if ((e.children[0]->types & kEntityTypes) != 0) {
            out->reads_graph = out->reads_all_properties = true;
          }
          break;
        case ExprKind::kMapProjection:
          out->reads_graph = true;
          if (e.flag) out->reads_all_properties = true;
          for (const NameRef* n : e.names) out->keys.push_back(n->name);
          break;
        case ExprKind::kHasLabels:
          out->reads_graph = true;
          label_names(e.labels, &out->tested_labels);
          if (e.labels == nullptr || has_unnamed(*e.labels)) out->reads_all_labels = true;
          break;
        case ExprKind::kFunction: function_effects(*e.function, out); break;
        default: break;
      }
      if (e.subplan != nullptr) subtree_effects(e.subplan, out);
      return true;
    });
  }

  static void function_effects(const FunctionSpec& f, Effects* out) {
    if (f.body != nullptr) out->reads_everything();
    if (f.purity != Purity::kReadsGraph) return;
    out->reads_graph = true;
    const std::string_view n = f.name;
    if (n == "id" || n == "elementId" || n == "type" || n == "startNode" || n == "endNode" || n == "nodes" ||
        n == "relationships" || n == "length") {
      return;
    }
    if (n == "labels") {
      out->reads_all_labels = true;
    } else if (n == "keys" || n == "properties") {
      out->reads_all_properties = true;
    } else {
      out->reads_everything();
    }
  }

  void subtree_effects(const LogicalOp* op, Effects* out) {
    for (const LogicalOp* input : op->inputs) subtree_effects(input, out);
    op_effects(*op, out);
  }

  void types_read(const TypeSelection& types, Effects* out) {
    out->reads_graph = true;
    if (types.names.empty()) out->reads_all_relationships = true;
    for (const NameRef* n : types.names) out->types.push_back(n->name);
  }

  void map_keys(const Expr* properties, Effects* out) {
    if (properties == nullptr) return;
    if (properties->kind == ExprKind::kMap) {
      for (const NameRef* n : properties->names) out->set_keys.push_back(n->name);
    } else {
      out->sets_all_properties = true;
    }
  }

  void set_effects(std::span<const SetItem> items, Effects* out) {
    for (const SetItem& item : items) {
      switch (item.kind) {
        case SetItem::Kind::kProperty: out->set_keys.push_back(item.key->name); break;
        case SetItem::Kind::kAdd: map_keys(item.value, out); break;
        case SetItem::Kind::kDynamicProperty:
        case SetItem::Kind::kReplace: out->sets_all_properties = true; break;
        case SetItem::Kind::kLabels:
          for (const NameRef* n : item.labels) out->set_labels.push_back(n->name);
          if (!item.dynamic_labels.empty()) out->sets_all_labels = true;
          break;
      }
    }
  }

  static void create_effects(const CreatePattern& p, Effects* out) {
    for (const CreateNode& n : p.nodes) {
      out->creates_nodes = true;
      for (const NameRef* l : n.labels) out->created_labels.push_back(l->name);
      if (!n.dynamic_labels.empty()) out->created_any_label = true;
    }
    for (const CreateRelationship& r : p.relationships) {
      out->creates_relationships = true;
      if (r.type != nullptr) {
        out->created_types.push_back(r.type->name);
      } else {
        out->created_any_type = true;
      }
    }
  }

  void index_read(IndexId id, Effects* out) {
    out->reads_graph = true;
    const graph::IndexInfo* index = b_.input().reader->schema().find_index(id);
    if (index == nullptr) {
      out->reads_everything();
      return;
    }
    if (index->definition.entity == graph::EntityKind::kNode) {
      out->scanned_labels.push_back(b_.arena().text(index->definition.label_or_type));
    } else {
      out->types.push_back(b_.arena().text(index->definition.label_or_type));
    }
    for (const std::string& key : index->definition.keys) out->keys.push_back(b_.arena().text(key));
  }

  void op_effects(const LogicalOp& op, Effects* out) {
    OpUse use;
    op_use(op, &use);
    for (const Expr* e : use.exprs) expr_effects(e, out);
    switch (op.kind) {
      case OpKind::kAllNodesScan: out->reads_graph = out->scans_all = true; break;
      case OpKind::kLabelScan:
        out->reads_graph = true;
        out->scanned_labels.push_back(static_cast<const LabelScan&>(op).label->name);
        break;
      case OpKind::kNodeByIdSeek: out->reads_graph = out->scans_all = true; break;
      case OpKind::kIndexSeek: index_read(static_cast<const IndexSeek&>(op).index, out); break;
      case OpKind::kIndexRangeScan: index_read(static_cast<const IndexRangeScan&>(op).index, out); break;
      case OpKind::kRelationshipScan: types_read(static_cast<const RelationshipScan&>(op).types, out); break;
      case OpKind::kRelationshipByIdSeek: out->reads_graph = out->reads_all_relationships = true; break;
      case OpKind::kExpand: {
        const auto& e = static_cast<const Expand&>(op);
        types_read(e.types, out);
        if (e.to_label != nullptr) out->tested_labels.push_back(e.to_label->name);
        break;
      }
      case OpKind::kVarExpand: types_read(static_cast<const VarExpand&>(op).types, out); break;
      case OpKind::kShortestPath: types_read(static_cast<const ShortestPath&>(op).types, out); break;
      case OpKind::kDegree: {
        const auto& d = static_cast<const Degree&>(op);
        types_read(d.types, out);
        if (d.to_label != nullptr) out->tested_labels.push_back(d.to_label->name);
        break;
      }
      case OpKind::kIntersect: {
        const auto& i = static_cast<const Intersect&>(op);
        types_read(i.first.types, out);
        types_read(i.second.types, out);
        if (i.to_label != nullptr) out->tested_labels.push_back(i.to_label->name);
        break;
      }
      case OpKind::kCountStore: {
        const auto& c = static_cast<const CountStore&>(op);
        out->reads_graph = true;
        if (c.relationships) {
          types_read(c.types, out);
          if (c.label != nullptr) out->tested_labels.push_back(c.label->name);
        } else if (c.label != nullptr) {
          out->scanned_labels.push_back(c.label->name);
        } else {
          out->scans_all = true;
        }
        break;
      }
      case OpKind::kProcedureCall: {
        out->reads_everything();
        const auto& call = static_cast<const ProcedureCall&>(op);
        if (call.writes) {
          out->creates_nodes = out->created_any_label = out->creates_relationships = out->created_any_type = true;
          out->sets_all_properties = out->sets_all_labels = out->deletes = true;
        }
        break;
      }
      case OpKind::kCreate: create_effects(static_cast<const Create&>(op).pattern, out); break;
      case OpKind::kMerge: {
        const auto& m = static_cast<const Merge&>(op);
        create_effects(m.pattern, out);
        set_effects(m.on_create, out);
        set_effects(m.on_match, out);
        break;
      }
      case OpKind::kSetProperties: set_effects(static_cast<const SetProperties&>(op).items, out); break;
      case OpKind::kRemove: set_effects(static_cast<const Remove&>(op).items, out); break;
      case OpKind::kDelete: out->deletes = true; break;
      case OpKind::kSchemaCommand: out->schema = true; break;
      case OpKind::kProduceResults:
        // Entities leave with all they hold.
        for (Slot s : static_cast<const ProduceResults&>(op).slots) {
          const TypeSet types = s < slot_types_.size() ? slot_types_[s] : kAnyType;
          constexpr TypeSet kHolders =
              kEntityTypes | type_bit(ValueType::kPath) | type_bit(ValueType::kList) | type_bit(ValueType::kMap);
          if ((types & kHolders) != 0) {
            out->reads_graph = out->reads_all_properties = out->reads_all_labels = true;
          }
        }
        break;
      default: break;
    }
  }

  // --- the walk ---

  // All rows of `p` have been made before anything above starts.
  void settle(Pipeline* p) {
    p->active = Effects();
    p->only_node = kNoSlot;
  }

  void barrier(Pipeline* p) {
    auto* eager = b_.make<Eager>();
    if (p->op == nullptr) p->op = b_.make_argument();
    eager->inputs = b_.inputs({p->op});
    eager->estimated_rows = p->op->estimated_rows;
    p->op = eager;
    settle(p);
  }

  // SET or REMOVE on the one node that the pipeline has looked at so far, each node once: what was read of a node was
  // read before it is changed, and nothing else was read.
  bool touches_only(const LogicalOp& op, Slot node) const {
    if (node == kNoSlot) return false;
    std::span<const SetItem> items;
    if (op.kind == OpKind::kSetProperties) {
      items = static_cast<const SetProperties&>(op).items;
    } else if (op.kind == OpKind::kRemove) {
      items = static_cast<const Remove&>(op).items;
    } else {
      return false;
    }
    return std::all_of(items.begin(), items.end(),
                       [&](const SetItem& i) { return i.target->kind == ExprKind::kSlot && i.target->slot == node; });
  }

  void track_only_node(const LogicalOp& op, bool single_before, Pipeline* p) {
    switch (op.kind) {
      case OpKind::kAllNodesScan:
        p->only_node = single_before ? static_cast<const AllNodesScan&>(op).node : kNoSlot;
        return;
      case OpKind::kLabelScan: p->only_node = single_before ? static_cast<const LabelScan&>(op).node : kNoSlot; return;
      case OpKind::kIndexSeek: {
        const auto& s = static_cast<const IndexSeek&>(op);
        p->only_node = single_before && s.from == kNoSlot && !s.many ? s.node : kNoSlot;
        return;
      }
      case OpKind::kFilter: {
        SlotSet reads;
        for (const Expr* e : static_cast<const Filter&>(op).predicates) {
          expr_reads(e, &reads);
          for_each_expr(e, [&](const Expr& x) {
            if (x.subplan != nullptr) p->only_node = kNoSlot;
            return true;
          });
        }
        reads.remove(p->only_node);
        if (!reads.empty()) p->only_node = kNoSlot;
        return;
      }
      case OpKind::kSetProperties:
      case OpKind::kRemove: return;
      default: p->only_node = kNoSlot;
    }
  }

  Pipeline unary(LogicalOp* op, Pipeline p) {
    if (p.single) settle(&p);
    Effects own;
    op_effects(*op, &own);
    const bool single_before = p.single;
    // A LIMIT (also within a sort) must not keep writes below it from being done.
    const bool cuts = op->kind == OpKind::kLimit;
    if (cuts && p.active.writes()) {
      barrier(&p);
    } else if (own.writes() && (collide(p.active, own) || overwrite(p.active, own)) &&
               !touches_only(*op, p.only_node)) {
      barrier(&p);
    } else if (collide(own, p.active)) {
      barrier(&p);
    }
    if (!op->inputs.empty()) b_.set_input(op, 0, p.op);
    p.op = op;
    track_only_node(*op, single_before, &p);
    switch (op->kind) {
      case OpKind::kEager:
      case OpKind::kSort: settle(&p); break;
      case OpKind::kAggregate:
        settle(&p);
        if (static_cast<const Aggregate*>(op)->keys.empty()) p.single = true;
        break;
      default: p.active.add(own);
    }
    p.single = single_after(*op, p.single);
    return p;
  }

  bool single_after(const LogicalOp& op, bool before) const {
    switch (op.kind) {
      case OpKind::kAggregate: return before || static_cast<const Aggregate&>(op).keys.empty();
      case OpKind::kCountStore: return true;
      case OpKind::kNodeByIdSeek: return before && !static_cast<const NodeByIdSeek&>(op).many;
      case OpKind::kRelationshipByIdSeek:
        return before && !static_cast<const RelationshipByIdSeek&>(op).many &&
               !static_cast<const RelationshipByIdSeek&>(op).both_directions;
      case OpKind::kIndexSeek: {
        const auto& s = static_cast<const IndexSeek&>(op);
        const graph::IndexInfo* index = b_.input().reader->schema().find_index(s.index);
        return before && !s.many && index != nullptr && index->unique;
      }
      case OpKind::kLimit: {
        const Expr* n = static_cast<const Limit&>(op).count;
        return before || (n->kind == ExprKind::kConstant && n->value->is_integer() && n->value->as_integer() <= 1);
      }
      case OpKind::kFilter:
      case OpKind::kProjection:
      case OpKind::kDistinct:
      case OpKind::kSort:
      case OpKind::kSkip:
      case OpKind::kEager:
      case OpKind::kCreate:
      case OpKind::kSetProperties:
      case OpKind::kRemove:
      case OpKind::kDelete:
      case OpKind::kDegree:
      case OpKind::kProduceResults:
      case OpKind::kArgument:
      case OpKind::kSchemaCommand: return before;
      default: return false;
    }
  }

  Pipeline binary(LogicalOp* op, Pipeline left, const Pipeline& argument) {
    if (left.single) settle(&left);
    Effects own;
    op_effects(*op, &own);
    switch (op->kind) {
      case OpKind::kUnion: {
        // The left branch is finished before the right one starts.
        Pipeline right = walk(op->inputs[1], argument);
        b_.set_input(op, 0, left.op);
        b_.set_input(op, 1, right.op);
        left.active.add(right.active);
        left.op = op;
        left.single = false;
        left.only_node = kNoSlot;
        return left;
      }
      case OpKind::kHashJoin: {
        // Planned only over inputs without writes; the right one is read to its end first.
        Pipeline right = walk(op->inputs[1], argument);
        b_.set_input(op, 0, left.op);
        b_.set_input(op, 1, right.op);
        left.active.add(own);
        left.op = op;
        left.single = false;
        left.only_node = kNoSlot;
        return left;
      }
      default: break;
    }
    // Applied sides: whatever they do they do while the left side goes on.
    Effects right_all;
    subtree_effects(op->inputs[1], &right_all);
    right_all.add(own);
    if ((right_all.writes() && (collide(left.active, right_all) || overwrite(left.active, right_all))) ||
        collide(right_all, left.active)) {
      barrier(&left);
    }
    Pipeline start;
    start.single = true;
    Pipeline right = walk(op->inputs[1], start);
    b_.set_input(op, 0, left.op);
    b_.set_input(op, 1, right.op);
    if (op->kind == OpKind::kCallSubquery) {
      auto* call = static_cast<CallSubquery*>(op);
      call->rows_independent = call->unit && rows_independent(op->inputs[1]);
    }
    const bool rows_kept = op->kind == OpKind::kSemiApply || op->kind == OpKind::kForeach ||
                           (op->kind == OpKind::kCallSubquery && static_cast<const CallSubquery*>(op)->unit);
    left.single = left.single && (rows_kept || right.single);
    left.active.add(right_all);
    left.only_node = kNoSlot;
    left.op = op;
    return left;
  }

  // The body of a subquery, with its barriers: a chain of operators that take one row after the other, none of which
  // reads or overwrites what another one writes. (What an operator itself has written for one row it sees at the next.)
  bool rows_independent(const LogicalOp* body) {
    std::vector<const LogicalOp*> chain;
    size_t writing = 0, volatile_steps = 0;
    bool only_makes = true;
    for (const LogicalOp* op = body;; op = op->inputs[0]) {
      const bool makes = op->kind == OpKind::kCreate || op->kind == OpKind::kMerge;
      const bool writes = makes || op->kind == OpKind::kSetProperties || op->kind == OpKind::kRemove ||
                          op->kind == OpKind::kDelete || op->kind == OpKind::kForeach;
      if (!writes && !is_row_wise_step(op->kind)) return false;
      writing += writes;
      only_makes = only_makes && (makes || !writes);
      volatile_steps += !is_deterministic_step(*op);
      chain.push_back(op);
      if (op->inputs.empty()) break;
    }
    // A unique constraint looks at what other steps may have taken away or changed.
    if (writing > 1 && !only_makes && !b_.input().reader->schema().constraints.empty()) return false;
    // Functions of the program are called in the order of the rows.
    if (volatile_steps > 1) return false;
    Effects below;
    for (size_t i = chain.size(); i-- > 0;) {
      Effects own;
      op_effects(*chain[i], &own);
      for (size_t input = 1; input < chain[i]->inputs.size(); ++input) subtree_effects(chain[i]->inputs[input], &own);
      if (collide(below, own) || collide(own, below) || overwrite(below, own)) return false;
      below.add(own);
    }
    return true;
  }

  // With its right sides.
  static bool is_deterministic_step(const LogicalOp& op) {
    OpUse use;
    op_use(op, &use);
    for (const Expr* e : use.exprs) {
      if (!is_deterministic(e)) return false;
    }
    bool yes = true;
    for (size_t i = 1; i < op.inputs.size(); ++i) {
      for_each_op(op.inputs[i], [&](const LogicalOp& below) {
        OpUse inner;
        op_use(below, &inner);
        for (const Expr* e : inner.exprs) yes = yes && is_deterministic(e);
        return yes;
      });
    }
    return yes;
  }

  PlanBuilder& b_;
  const std::vector<TypeSet>& slot_types_;
};

}  // namespace

LogicalOp* insert_barriers(PlanBuilder& builder, LogicalOp* root, const std::vector<TypeSet>& slot_types) {
  Barriers::Pipeline start;
  return Barriers(builder, slot_types).walk(root, start).op;
}

}  // namespace lora::cypher

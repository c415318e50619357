// GCC 12 warns about `"text" + std::string()` as such (bug 105651).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wrestrict"
#endif

#include "cypher/plan/explain.h"

#include <cmath>

#include "cypher/plan/op_traits.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

constexpr size_t kDetailsMax = 400;

std::string print_value(const Value& v) {
  switch (v.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kBoolean: return v.as_boolean() ? "true" : "false";
    case ValueType::kInteger: return std::to_string(v.as_integer());
    case ValueType::kFloat: {
      char text[32];
      std::snprintf(text, sizeof text, "%.15g", v.as_float());
      return text;
    }
    case ValueType::kString: return "'" + std::string(v.as_string()) + "'";
    case ValueType::kList: {
      std::string out = "[";
      for (const Value& x : v.as_list()) {
        if (out.size() > kDetailsMax) return out + " ...]";
        if (out.size() > 1) out += ", ";
        out += print_value(x);
      }
      return out + "]";
    }
    case ValueType::kMap: {
      std::string out = "{";
      for (const MapEntry& e : v.as_map()) {
        if (out.size() > kDetailsMax) return out + " ...}";
        if (out.size() > 1) out += ", ";
        out += std::string(e.first.as_string()) + ": " + print_value(e.second);
      }
      return out + "}";
    }
    default: return std::string(value_type_name(v.type()));
  }
}

class Printer {
 public:
  explicit Printer(std::span<const std::string_view> names) : names_(names) {}

  std::string slot(Slot s) const {
    if (s == kNoSlot) return "";
    if (s < names_.size() && !names_[s].empty()) return std::string(names_[s]);
    return "_" + std::to_string(s);
  }
  // Empty for variables without a name: as patterns are written.
  std::string pattern_slot(Slot s) const {
    if (s == kNoSlot || s >= names_.size()) return "";
    return std::string(names_[s]);
  }

  std::string join(std::span<Expr* const> items, const char* between = ", ") const {
    std::string out;
    for (const Expr* e : items) {
      if (!out.empty()) out += between;
      out += print(e);
    }
    return out;
  }

  static std::string labels(const LabelExpr* l) {
    if (l == nullptr) return "";
    switch (l->kind) {
      case LabelExpr::Kind::kLeaf: return std::string(l->name->name);
      case LabelExpr::Kind::kWildcard: return "%";
      case LabelExpr::Kind::kNot: return "!" + labels(l->children[0]);
      case LabelExpr::Kind::kAnd:
      case LabelExpr::Kind::kOr: {
        std::string out;
        for (const LabelExpr* c : l->children) {
          if (!out.empty()) out += l->kind == LabelExpr::Kind::kAnd ? "&" : "|";
          const bool nested = !c->children.empty() && c->kind != LabelExpr::Kind::kNot;
          out += nested ? "(" + labels(c) + ")" : labels(c);
        }
        return out;
      }
    }
    return "";
  }

  static const char* op_text(char op) {
    switch (op) {
      case '!': return "<>";
      case 'l': return "<=";
      case 'g': return ">=";
      case '&': return "||";
      case '=': return "=";
      case '<': return "<";
      case '>': return ">";
      case '+': return "+";
      case '-': return "-";
      case '*': return "*";
      case '/': return "/";
      case '%': return "%";
      case '^': return "^";
      default: return "?";
    }
  }

  std::string chain(const Expr& e) const {
    std::string out = operand(e.children[0]);
    for (size_t i = 0; i < e.ops.size(); ++i)
      out += std::string(" ") + op_text(e.ops[i]) + " " + operand(e.children[i + 1]);
    return out;
  }
  std::string operand(const Expr* e) const {
    if (e == nullptr) return "";
    switch (e->kind) {
      case ExprKind::kArithmetic:
      case ExprKind::kAnd:
      case ExprKind::kOr:
      case ExprKind::kXor:
      case ExprKind::kCompare: return "(" + print(e) + ")";
      default: return print(e);
    }
  }
  std::string infix(const Expr& e, const char* op) const {
    return operand(e.children[0]) + " " + op + " " + operand(e.children[1]);
  }
  std::string nary(const Expr& e, const char* op) const {
    std::string out;
    for (const Expr* c : e.children) {
      if (!out.empty()) out += op;
      out += operand(c);
    }
    return out;
  }

  std::string print(const Expr* expr) const {
    if (expr == nullptr) return "";
    if (stack_low()) return "...";
    const Expr& e = *expr;
    switch (e.kind) {
      case ExprKind::kConstant: return e.value != nullptr ? print_value(*e.value) : "null";
      case ExprKind::kLiteral: return "$" + std::to_string(e.index);
      case ExprKind::kParameter: return "$" + std::string(e.text);
      case ExprKind::kSlot: return slot(e.slot);
      case ExprKind::kProperty: return operand(e.children[0]) + "." + std::string(e.names[0]->name);
      case ExprKind::kIndex: return operand(e.children[0]) + "[" + print(e.children[1]) + "]";
      case ExprKind::kSlice:
        return operand(e.children[0]) + "[" + print(e.children[1]) + ".." + print(e.children[2]) + "]";
      case ExprKind::kArithmetic:
      case ExprKind::kCompare: return chain(e);
      case ExprKind::kNegate: return "-" + operand(e.children[0]);
      case ExprKind::kAnd: return nary(e, " AND ");
      case ExprKind::kOr: return nary(e, " OR ");
      case ExprKind::kXor: return nary(e, " XOR ");
      case ExprKind::kNot: return "NOT " + operand(e.children[0]);
      case ExprKind::kIsNull: return operand(e.children[0]) + " IS NULL";
      case ExprKind::kIsNotNull: return operand(e.children[0]) + " IS NOT NULL";
      case ExprKind::kIn: return infix(e, "IN");
      case ExprKind::kStartsWith: return infix(e, "STARTS WITH");
      case ExprKind::kEndsWith: return infix(e, "ENDS WITH");
      case ExprKind::kContains: return infix(e, "CONTAINS");
      case ExprKind::kRegex: return infix(e, "=~");
      case ExprKind::kHasLabels: return operand(e.children[0]) + ":" + labels(e.labels);
      case ExprKind::kIsType: return operand(e.children[0]) + " IS :: " + std::string(e.type->text);
      case ExprKind::kIsNotType: return operand(e.children[0]) + " IS NOT :: " + std::string(e.type->text);
      case ExprKind::kCast: return "CAST(" + print(e.children[0]) + " AS " + std::string(e.type->text) + ")";
      case ExprKind::kTryCast: return "TRY_CAST(" + print(e.children[0]) + " AS " + std::string(e.type->text) + ")";
      case ExprKind::kList: return "[" + join(e.children) + "]";
      case ExprKind::kMap: {
        std::string out = "{";
        for (size_t i = 0; i < e.children.size(); ++i) {
          if (i != 0) out += ", ";
          out += std::string(e.names[i]->name) + ": " + print(e.children[i]);
        }
        return out + "}";
      }
      case ExprKind::kMapProjection: return print(e.children[0]) + "{...}";
      case ExprKind::kCase: return "CASE ... END";
      case ExprKind::kLet: return print(e.children[1]);
      case ExprKind::kFunction: return std::string(e.function->name) + "(" + join(e.children) + ")";
      case ExprKind::kListComprehension:
        return "[" + slot(e.slot) + " IN " + print(e.children[0]) +
               (e.children[1] != nullptr ? " WHERE " + print(e.children[1]) : "") +
               (e.children[2] != nullptr ? " | " + print(e.children[2]) : "") + "]";
      case ExprKind::kQuantifier: {
        const char* name = e.op == 'a' ? "all" : e.op == 'y' ? "any" : e.op == 'n' ? "none" : "single";
        return std::string(name) + "(" + slot(e.slot) + " IN " + print(e.children[0]) + " WHERE " +
               print(e.children[1]) + ")";
      }
      case ExprKind::kReduce:
        return "reduce(" + slot(e.slot2) + " = " + print(e.children[0]) + ", " + slot(e.slot) + " IN " +
               print(e.children[1]) + " | " + print(e.children[2]) + ")";
      case ExprKind::kPath: return "path(" + join(e.children) + ")";
      case ExprKind::kExists: return "EXISTS { ... }";
      case ExprKind::kCount: return "COUNT { ... }";
      case ExprKind::kCollect: return "COLLECT { ... }";
      case ExprKind::kAggregate:
        return std::string(e.aggregate->name) + "(" + (e.flag ? "DISTINCT " : "") +
               (e.children.empty() ? "*" : join(e.children)) + ")";
    }
    return "";
  }

  static std::string types(const TypeSelection& t) {
    std::string out;
    for (const NameRef* n : t.names) out += (out.empty() ? ":" : "|") + std::string(n->name);
    return out;
  }
  std::string arrow(Slot from, Slot rel, const std::string& inside, Direction d, Slot to,
                    const NameRef* to_label = nullptr) const {
    return "(" + pattern_slot(from) + ")" + (d == Direction::kIn ? "<-" : "-") + "[" + pattern_slot(rel) + inside +
           "]" + (d == Direction::kOut ? "->" : "-") + "(" + pattern_slot(to) +
           (to_label != nullptr ? ":" + std::string(to_label->name) : "") + ")";
  }
  static std::string hops(uint32_t min, uint32_t max) {
    std::string out = "*" + std::to_string(min) + "..";
    if (max != UINT32_MAX) out += std::to_string(max);
    return out;
  }
  std::string slots(std::span<const Slot> list) const {
    std::string out;
    for (Slot s : list) out += (out.empty() ? "" : ", ") + slot(s);
    return out;
  }
  std::string assignments(std::span<const Assignment> items) const {
    std::string out;
    for (const Assignment& a : items) {
      if (!out.empty()) out += ", ";
      const std::string value = print(a.expr), name = slot(a.slot);
      out += value;
      if (value != name) out.append(" AS ").append(name);
    }
    return out;
  }
  std::string exprs(std::span<const Expr* const> list, const char* between) const {
    std::string out;
    for (const Expr* e : list) out += (out.empty() ? "" : between) + (list.size() > 1 ? operand(e) : print(e));
    return out;
  }
  std::string created(const CreatePattern& p) const {
    std::string out;
    for (const CreateNode& n : p.nodes) {
      if (!out.empty()) out += ", ";
      out += "(" + pattern_slot(n.slot);
      for (const NameRef* l : n.labels) out += ":" + std::string(l->name);
      out += ")";
    }
    for (const CreateRelationship& r : p.relationships) {
      if (!out.empty()) out += ", ";
      out +=
          arrow(r.from, r.slot, r.type != nullptr ? ":" + std::string(r.type->name) : ":$(...)", Direction::kOut, r.to);
    }
    return out;
  }
  std::string set_items(std::span<const SetItem> items) const {
    std::string out;
    for (const SetItem& i : items) {
      if (!out.empty()) out += ", ";
      out += operand(i.target);
      switch (i.kind) {
        case SetItem::Kind::kProperty: out += "." + std::string(i.key->name); break;
        case SetItem::Kind::kDynamicProperty: out += "[" + print(i.dynamic_key) + "]"; break;
        case SetItem::Kind::kLabels:
          for (const NameRef* l : i.labels) out += ":" + std::string(l->name);
          for (const Expr* e : i.dynamic_labels) out += ":$(" + print(e) + ")";
          break;
        default: break;
      }
      if (i.value != nullptr) out += (i.kind == SetItem::Kind::kAdd ? " += " : " = ") + print(i.value);
    }
    return out;
  }

 private:
  std::span<const std::string_view> names_;
};

template <typename T>
const T& as(const LogicalOp& op) {
  return static_cast<const T&>(op);
}

std::string details(const LogicalOp& op, const Printer& p, const graph::Reader& reader) {
  switch (op.kind) {
    case OpKind::kAllNodesScan: return p.slot(as<AllNodesScan>(op).node);
    case OpKind::kLabelScan: return p.slot(as<LabelScan>(op).node) + ":" + std::string(as<LabelScan>(op).label->name);
    case OpKind::kNodeByIdSeek: {
      const auto& o = as<NodeByIdSeek>(op);
      return p.slot(o.node) + " WHERE id(" + p.slot(o.node) + ")" + (o.many ? " IN " : " = ") + p.print(o.id);
    }
    case OpKind::kIndexSeek: {
      const auto& o = as<IndexSeek>(op);
      const graph::IndexInfo* index = reader.schema().find_index(o.index);
      std::string out = o.from == kNoSlot ? p.slot(o.node)
                                          : "(" + p.slot(o.from) + ")-[" + p.slot(o.node) + "]->(" + p.slot(o.to) + ")";
      if (index == nullptr) return out;
      out += ":" + index->definition.label_or_type + "(";
      for (size_t i = 0; i < o.values.size() && i < index->definition.keys.size(); ++i) {
        out += (i != 0 ? ", " : "") + index->definition.keys[i] + (o.many ? " IN " : " = ") + p.print(o.values[i]);
      }
      return out + ")";
    }
    case OpKind::kIndexRangeScan: {
      const auto& o = as<IndexRangeScan>(op);
      const graph::IndexInfo* index = reader.schema().find_index(o.index);
      const std::string key = index != nullptr ? index->definition.keys[0] : "?";
      std::string out = p.slot(o.node) + ":" + (index != nullptr ? index->definition.label_or_type : "?") + "(";
      if (o.prefix != nullptr) return out + key + " STARTS WITH " + p.print(o.prefix) + ")";
      if (o.lower != nullptr) out += key + (o.lower_inclusive ? " >= " : " > ") + p.print(o.lower);
      if (o.upper != nullptr)
        out += (o.lower != nullptr ? " AND " : "") + key + (o.upper_inclusive ? " <= " : " < ") + p.print(o.upper);
      return out + ")";
    }
    case OpKind::kRelationshipScan: {
      const auto& o = as<RelationshipScan>(op);
      return p.arrow(o.from, o.relationship, Printer::types(o.types),
                     o.both_directions ? Direction::kBoth : Direction::kOut, o.to);
    }
    case OpKind::kRelationshipByIdSeek: {
      const auto& o = as<RelationshipByIdSeek>(op);
      return p.arrow(o.from, o.relationship, "", o.both_directions ? Direction::kBoth : Direction::kOut, o.to) +
             " WHERE id" + (o.many ? " IN " : " = ") + p.print(o.id);
    }
    case OpKind::kExpand: {
      const auto& o = as<Expand>(op);
      return p.arrow(o.from, o.relationship, Printer::types(o.types), o.direction, o.to, o.to_label);
    }
    case OpKind::kVarExpand: {
      const auto& o = as<VarExpand>(op);
      return p.arrow(o.from, o.relationships, Printer::types(o.types) + Printer::hops(o.min_hops, o.max_hops),
                     o.direction, o.to);
    }
    case OpKind::kShortestPath: {
      const auto& o = as<ShortestPath>(op);
      return p.arrow(o.from, o.relationships, Printer::types(o.types) + Printer::hops(o.min_hops, o.max_hops),
                     o.direction, o.to) +
             (o.count != nullptr ? ", " + p.print(o.count) + (o.all ? " groups" : "")
              : o.all && o.k > 1 ? ", " + std::to_string(o.k) + " groups"
              : o.all            ? ", all"
              : o.k > 1          ? ", " + std::to_string(o.k)
                                 : "") +
             (o.conditions.empty() ? "" : " WHERE " + p.exprs(o.conditions, " AND "));
    }
    case OpKind::kPathSelection: {
      const auto& o = as<PathSelection>(op);
      return (o.count != nullptr ? p.print(o.count) : std::to_string(o.k)) + (o.groups ? " groups" : "");
    }
    case OpKind::kFilter: return p.exprs(as<Filter>(op).predicates, " AND ");
    case OpKind::kProjection: return p.assignments(as<Projection>(op).items);
    case OpKind::kAggregate: {
      const auto& o = as<Aggregate>(op);
      const std::string keys = p.assignments(o.keys), aggregates = p.assignments(o.aggregates);
      return keys + (keys.empty() || aggregates.empty() ? "" : ", ") + aggregates;
    }
    case OpKind::kDistinct: return p.slots(as<Distinct>(op).slots);
    case OpKind::kSort: {
      const auto& o = as<Sort>(op);
      std::string out;
      for (const SortKey& k : o.keys)
        out += (out.empty() ? "" : ", ") + p.print(k.expr) + (k.ascending ? " ASC" : " DESC");
      if (o.limit != nullptr)
        out += " LIMIT " + (o.skip != nullptr ? p.operand(o.skip) + " + " : std::string()) + p.print(o.limit);
      return out;
    }
    case OpKind::kSkip: return p.print(as<Skip>(op).count);
    case OpKind::kLimit: return p.print(as<Limit>(op).count);
    case OpKind::kUnwind: return p.print(as<Unwind>(op).list) + " AS " + p.slot(as<Unwind>(op).element);
    case OpKind::kHashJoin: {
      const auto& o = as<HashJoin>(op);
      std::string out;
      for (size_t i = 0; i < o.left_keys.size(); ++i) {
        out += (out.empty() ? "" : " AND ") + p.operand(o.left_keys[i]) + " = " + p.operand(o.right_keys[i]);
      }
      return out;
    }
    case OpKind::kUnion: return p.slots(as<Union>(op).output);
    case OpKind::kCreate: return p.created(as<Create>(op).pattern);
    case OpKind::kMerge: {
      const auto& o = as<Merge>(op);
      std::string out = p.created(o.pattern);
      if (!o.on_create.empty()) out += " ON CREATE SET " + p.set_items(o.on_create);
      if (!o.on_match.empty()) out += " ON MATCH SET " + p.set_items(o.on_match);
      return out;
    }
    case OpKind::kSetProperties: return p.set_items(as<SetProperties>(op).items);
    case OpKind::kRemove: return p.set_items(as<Remove>(op).items);
    case OpKind::kDelete: return p.exprs(as<Delete>(op).targets, ", ");
    case OpKind::kForeach: return p.slot(as<Foreach>(op).element) + " IN " + p.print(as<Foreach>(op).list);
    case OpKind::kLoadCsv: return p.print(as<LoadCsv>(op).url) + " AS " + p.slot(as<LoadCsv>(op).row);
    case OpKind::kSchemaCommand: {
      const auto& o = as<SchemaCommand>(op);
      if (o.index != nullptr) return o.index->name;
      if (o.constraint != nullptr) return o.constraint->name;
      return std::string(o.name);
    }
    case OpKind::kShow: return std::string(as<Show>(op).kind_filter);
    case OpKind::kProduceResults: {
      std::string out;
      for (std::string_view n : as<ProduceResults>(op).names) out += (out.empty() ? "" : ", ") + std::string(n);
      return out;
    }
    case OpKind::kCountStore: {
      const auto& o = as<CountStore>(op);
      const std::string label = o.label != nullptr ? ":" + std::string(o.label->name) : "";
      if (!o.relationships) return "count(" + (label.empty() ? "()" : "(" + label + ")") + ")";
      const bool out = o.direction == Direction::kOut;
      return "count((" + (out ? label : "") + ")-[" + Printer::types(o.types) + "]->(" + (out ? "" : label) + "))";
    }
    case OpKind::kRepeat: {
      const auto& o = as<Repeat>(op);
      return "(" + p.pattern_slot(o.from) + ") (...){" + std::to_string(o.min_repeats) + "," +
             (o.max_repeats == UINT32_MAX ? std::string() : std::to_string(o.max_repeats)) + "} (" +
             p.pattern_slot(o.to) + ")";
    }
    case OpKind::kDegree: {
      const auto& o = as<Degree>(op);
      return p.arrow(o.from, kNoSlot, Printer::types(o.types), o.direction, o.loops ? o.from : kNoSlot, o.to_label);
    }
    case OpKind::kIntersect: {
      const auto& o = as<Intersect>(op);
      const std::string second =
          p.arrow(o.to, o.second.relationship, Printer::types(o.second.types), reverse(o.second.direction), o.other);
      return p.arrow(o.from, o.first.relationship, Printer::types(o.first.types), o.first.direction, o.to, o.to_label) +
             second.substr(second.find(')') + 1);
    }
    case OpKind::kArgument:
    case OpKind::kEager:
    case OpKind::kApply:
    case OpKind::kSemiApply:
    case OpKind::kProcedureCall: return "";
    case OpKind::kCallSubquery: return as<CallSubquery>(op).rows_independent ? "rows together" : "";
  }
  return "";
}

ExplainedOp explain_op(const LogicalOp& op, const Printer& printer, const graph::Reader& reader) {
  ExplainedOp out;
  out.id = op.id;
  out.name = op_name(op);
  out.details = details(op, printer, reader);
  if (out.details.size() > kDetailsMax) {
    size_t cut = kDetailsMax;
    while (cut > 0 && (static_cast<unsigned char>(out.details[cut]) & 0xc0) == 0x80) --cut;  // whole characters
    out.details.resize(cut);
    out.details += " ...";
  }
  out.estimated_rows = std::round(op.estimated_rows * 100) / 100;
  for (const LogicalOp* input : op.inputs) out.children.push_back(explain_op(*input, printer, reader));
  OpUse use;
  op_use(op, &use);
  for (const Expr* e : use.exprs) {
    for_each_expr(e, [&](const Expr& x) {
      if (x.subplan != nullptr) out.children.push_back(explain_op(*x.subplan, printer, reader));
      return true;
    });
  }
  return out;
}

}  // namespace

ExplainedOp explain(const LogicalPlan& plan, const graph::Reader& reader) {
  return explain_op(*plan.root, Printer(plan.slot_names), reader);
}

std::string print_expr(const Expr* expr, std::span<const std::string_view> slot_names) {
  return Printer(slot_names).print(expr);
}

}  // namespace lora::cypher

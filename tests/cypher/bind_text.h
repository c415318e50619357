// A bound statement as text, for tests: one line a clause, slots as #0, #1, ...
#pragma once

#include <string>

#include "cypher/bind/binder.h"
#include "cypher/syntax/parser.h"

namespace lora::cypher::testing {

inline std::string slot_text(Slot slot) {
  return slot == kNoSlot ? "#-" : "#" + std::to_string(slot);
}

inline std::string value_text(const Value& v) {
  switch (v.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kBoolean: return v.as_boolean() ? "true" : "false";
    case ValueType::kInteger: return std::to_string(v.as_integer());
    case ValueType::kString: return "'" + std::string(v.as_string()) + "'";
    case ValueType::kList: {
      std::string out = "[";
      for (const Value& item : v.as_list()) out += (out.size() > 1 ? ", " : "") + value_text(item);
      return out + "]";
    }
    case ValueType::kMap: {
      std::string out = "{";
      for (const auto& [key, value] : v.as_map()) {
        out += (out.size() > 1 ? ", " : "") + std::string(key.as_string()) + ": " + value_text(value);
      }
      return out + "}";
    }
    default: return std::string(value_type_name(v.type()));
  }
}

inline std::string labels_text(const LabelExpr& labels) {
  switch (labels.kind) {
    case LabelExpr::Kind::kLeaf: return std::string(labels.name->name);
    case LabelExpr::Kind::kWildcard: return "%";
    case LabelExpr::Kind::kNot: return "!" + labels_text(*labels.children[0]);
    default: break;
  }
  std::string out = "(";
  for (const LabelExpr* child : labels.children) {
    if (out.size() > 1) out += labels.kind == LabelExpr::Kind::kAnd ? "&" : "|";
    out += labels_text(*child);
  }
  return out + ")";
}

inline std::string expr_text(const Expr* e) {
  static constexpr const char* kNames[] = {"constant",
                                           "literal",
                                           "parameter",
                                           "slot",
                                           "property",
                                           "index",
                                           "slice",
                                           "arithmetic",
                                           "negate",
                                           "and",
                                           "or",
                                           "xor",
                                           "not",
                                           "compare",
                                           "is_null",
                                           "is_not_null",
                                           "in",
                                           "starts_with",
                                           "ends_with",
                                           "contains",
                                           "regex",
                                           "has_labels",
                                           "is_type",
                                           "is_not_type",
                                           "cast",
                                           "try_cast",
                                           "list",
                                           "map",
                                           "map_projection",
                                           "case",
                                           "let",
                                           "function",
                                           "list_comprehension",
                                           "quantifier",
                                           "reduce",
                                           "path",
                                           "exists",
                                           "count",
                                           "collect",
                                           "aggregate"};
  if (e == nullptr) return "-";
  auto child = [&](size_t i) { return expr_text(e->children[i]); };
  std::string out;
  switch (e->kind) {
    case ExprKind::kConstant: return value_text(*e->value);
    case ExprKind::kLiteral: return "?" + std::to_string(e->index);
    case ExprKind::kParameter: return "$" + std::string(e->text);
    case ExprKind::kSlot: return slot_text(e->slot);
    case ExprKind::kProperty: return child(0) + "." + std::string(e->names[0]->name);
    case ExprKind::kHasLabels: return child(0) + ":" + labels_text(*e->labels);
    case ExprKind::kArithmetic:
    case ExprKind::kCompare:
      out = "(" + child(0);
      for (size_t i = 1; i < e->children.size(); ++i) out += std::string(" ") + e->ops[i - 1] + " " + child(i);
      return out + ")";
    case ExprKind::kFunction: out = std::string(e->function->name); break;
    case ExprKind::kAggregate: out = std::string(e->aggregate->name) + (e->flag ? " distinct" : ""); break;
    default: out = kNames[static_cast<size_t>(e->kind)]; break;
  }
  if (e->op != 0) out += std::string(" ") + e->op;
  if (e->slot != kNoSlot) out += " " + slot_text(e->slot);
  if (e->slot2 != kNoSlot) out += " " + slot_text(e->slot2);
  if (e->type != nullptr) out += " " + std::string(e->type->text);
  std::string args;
  for (size_t i = 0; i < e->children.size(); ++i) {
    if (!args.empty()) args += ", ";
    if (e->kind == ExprKind::kMap) args += std::string(e->names[i]->name) + ": ";
    args += child(i);
  }
  return out + "(" + args + ")";
}

std::string query_text(const BoundQuery& query);

inline std::string pattern_text(const BoundPattern& p) {
  std::string out;
  auto names = [](const std::vector<const NameRef*>& list, const char* join) {
    std::string text;
    for (const NameRef* n : list) text += (text.empty() ? ":" : join) + std::string(n->name);
    return text;
  };
  for (const BoundNode& n : p.nodes) {
    out += " (" + slot_text(n.slot) + (n.bound ? "!" : "") + names(n.labels, "&") + ")";
  }
  for (const BoundRelationship& r : p.relationships) {
    out += " " + std::to_string(r.from) + (r.direction == Direction::kIn ? "<-[" : "-[") + slot_text(r.slot) +
           (r.bound ? "!" : "") + names(r.types, "|");
    if (r.variable_length) {
      out += "*" + std::to_string(r.min_hops) + ".." +
             (r.max_hops == UINT32_MAX ? std::string() : std::to_string(r.max_hops));
    }
    if (r.selector != PathSelector::kAll) out += " selector " + std::to_string(static_cast<int>(r.selector));
    if (r.hop_predicate != nullptr) {
      out += " hop " + slot_text(r.hop_relationship) + " " + slot_text(r.hop_from) + " " + slot_text(r.hop_to) + " " +
             expr_text(r.hop_predicate);
    }
    out += std::string(r.direction == Direction::kOut ? "]->" : "]-") + std::to_string(r.to);
  }
  for (const BoundQuantifiedPath& q : p.quantified) {
    out += " group " + std::to_string(q.from) + " " + std::to_string(q.to) + " {" + std::to_string(q.min_repeats) +
           "," + std::to_string(q.max_repeats) + "}[" + pattern_text(*q.inner) + " ]";
    for (const auto& g : q.groups) out += " " + slot_text(g.inner) + "->" + slot_text(g.outer);
  }
  for (const BoundAssignment& d : p.derived) out += " derive " + slot_text(d.slot) + "=" + expr_text(d.expr);
  if (p.selection != nullptr) {
    out += " select " + slot_text(p.selection->path) + " of (" + pattern_text(*p.selection->inner) + ")";
  }
  for (const BoundPredicate& w : p.predicates) out += " where " + expr_text(w.expr);
  return out;
}

inline std::string assignments_text(const std::vector<BoundAssignment>& list) {
  std::string out;
  for (const BoundAssignment& a : list) out += " " + slot_text(a.slot) + "=" + expr_text(a.expr);
  return out;
}

inline std::string create_text(const BoundCreatePattern& p) {
  std::string out;
  for (const BoundCreateNode& n : p.nodes) {
    out += " node " + slot_text(n.slot);
    for (const NameRef* label : n.labels) out += ":" + std::string(label->name);
    if (n.properties != nullptr) out += " " + expr_text(n.properties);
  }
  for (const BoundCreateRelationship& r : p.relationships) {
    out += " rel " + slot_text(r.from) + "-" + slot_text(r.slot) + "->" + slot_text(r.to);
    if (r.type != nullptr) out += ":" + std::string(r.type->name);
    if (r.properties != nullptr) out += " " + expr_text(r.properties);
  }
  for (const BoundAssignment& d : p.derived) out += " derive " + slot_text(d.slot) + "=" + expr_text(d.expr);
  return out;
}

inline std::string items_text(const std::vector<BoundSetItem>& items) {
  static constexpr const char* kKinds[] = {"property", "dynamic", "replace", "add", "labels"};
  std::string out;
  for (const BoundSetItem& i : items) {
    out += std::string(" ") + kKinds[static_cast<size_t>(i.kind)] + " " + expr_text(i.target);
    if (i.key != nullptr) out += "." + std::string(i.key->name);
    if (i.dynamic_key != nullptr) out += "[" + expr_text(i.dynamic_key) + "]";
    for (const NameRef* label : i.labels) out += ":" + std::string(label->name);
    if (i.value != nullptr) out += "=" + expr_text(i.value);
  }
  return out;
}

inline std::string clauses_text(const BoundClauses& clauses) {
  std::string out;
  for (const auto& c : clauses) {
    switch (c->kind) {
      case ClauseKind::kMatch: {
        const auto& m = static_cast<const BoundMatch&>(*c);
        out += std::string(m.optional ? "optional match" : "match") + pattern_text(m.pattern);
        break;
      }
      case ClauseKind::kUnwind: {
        const auto& u = static_cast<const BoundUnwind&>(*c);
        out += "unwind " + slot_text(u.element) + " in " + expr_text(u.list);
        break;
      }
      case ClauseKind::kProjection: {
        const auto& p = static_cast<const BoundProjection&>(*c);
        out += p.is_return ? "return" : "with";
        if (p.distinct) out += " distinct";
        if (p.aggregating)
          out += " keys[" + assignments_text(p.keys) + " ] aggregates[" + assignments_text(p.aggregates) + " ]";
        out += " items[" + assignments_text(p.items) + " ]";
        for (const BoundColumn& column : p.columns) out += " " + std::string(column.name) + slot_text(column.slot);
        for (const BoundSortKey& key : p.order_by)
          out += std::string(key.ascending ? " asc " : " desc ") + expr_text(key.expr);
        if (p.skip != nullptr) out += " skip " + expr_text(p.skip);
        if (p.limit != nullptr) out += " limit " + expr_text(p.limit);
        for (const BoundPredicate& w : p.where) out += " where " + expr_text(w.expr);
        for (Slot slot : p.carried) out += " carried " + slot_text(slot);
        break;
      }
      case ClauseKind::kCreate: out += "create" + create_text(static_cast<const BoundCreate&>(*c).pattern); break;
      case ClauseKind::kMerge: {
        const auto& m = static_cast<const BoundMerge&>(*c);
        out += "merge" + pattern_text(m.pattern) + " create" + create_text(m.create) + " on create" +
               items_text(m.on_create) + " on match" + items_text(m.on_match);
        break;
      }
      case ClauseKind::kSet: out += "set" + items_text(static_cast<const BoundSet&>(*c).items); break;
      case ClauseKind::kRemove: out += "remove" + items_text(static_cast<const BoundRemove&>(*c).items); break;
      case ClauseKind::kDelete: {
        const auto& d = static_cast<const BoundDelete&>(*c);
        out += d.detach ? "detach delete" : "delete";
        for (const Expr* e : d.targets) out += " " + expr_text(e);
        break;
      }
      case ClauseKind::kForeach: {
        const auto& f = static_cast<const BoundForeach&>(*c);
        out += "foreach " + slot_text(f.element) + " in " + expr_text(f.list) + " {\n" + clauses_text(f.body) + "}";
        break;
      }
      case ClauseKind::kProcedureCall: {
        const auto& p = static_cast<const BoundProcedureCall&>(*c);
        out += "call " + std::string(p.procedure->name);
        for (const Expr* e : p.args) out += " " + expr_text(e);
        for (const auto& y : p.yields) out += " yield " + std::to_string(y.column) + slot_text(y.slot);
        break;
      }
      case ClauseKind::kCallSubquery: {
        const auto& s = static_cast<const BoundCallSubquery&>(*c);
        out +=
            std::string("call") + (s.unit ? " unit" : "") + (s.in_transactions ? " in transactions" : "") + " imports";
        for (Slot slot : s.imports) out += " " + slot_text(slot);
        out += " {\n" + query_text(*s.query) + "}";
        break;
      }
      case ClauseKind::kLoadCsv: {
        const auto& l = static_cast<const BoundLoadCsv&>(*c);
        out += "load csv " + slot_text(l.row) + " " + expr_text(l.url);
        break;
      }
      case ClauseKind::kSchemaCommand: {
        const auto& s = static_cast<const BoundSchemaCommand&>(*c);
        out += "schema " + std::to_string(static_cast<int>(s.action)) + " " + std::string(s.name);
        if (s.index != nullptr) out += s.index->name + " " + s.index->label_or_type;
        if (s.constraint != nullptr) out += s.constraint->name + " " + s.constraint->label_or_type;
        break;
      }
      case ClauseKind::kShow: {
        const auto& s = static_cast<const BoundShow&>(*c);
        out += "show " + std::to_string(static_cast<int>(s.what));
        break;
      }
    }
    out += "\n";
  }
  return out;
}

inline std::string query_text(const BoundQuery& query) {
  std::string out;
  for (size_t i = 0; i < query.parts.size(); ++i) {
    if (i > 0) {
      out += query.union_all ? "union all\n" : "union\n";
    }
    out += clauses_text(query.parts[i].clauses);
  }
  if (query.parts.size() > 1) {
    out += "output";
    for (Slot slot : query.output) out += " " + slot_text(slot);
    out += "\n";
  }
  return out;
}

inline std::string statement_text(const BoundStatement& statement) {
  std::string out = query_text(statement.query);
  for (const BoundSubquery& s : statement.subqueries) {
    out += "subquery " + expr_text(s.expr) + ":\n" + query_text(*s.query);
  }
  return out;
}

}  // namespace lora::cypher::testing

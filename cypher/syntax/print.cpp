#include "cypher/syntax/print.h"

#include "cypher/syntax/print_impl.h"

namespace lora::cypher {

using namespace ast;

void Printer::labels(const LabelExpr& l, bool inner) {
  switch (l.kind) {
    case LabelExprKind::kName: name(l.name.text); return;
    case LabelExprKind::kWildcard: out_ += '%'; return;
    case LabelExprKind::kDynamic:
      text(l.any ? "$any(" : "$(");
      expr(*l.expr);
      out_ += ')';
      return;
    case LabelExprKind::kNot:
      out_ += '!';
      labels(*l.parts[0], true);
      return;
    default: break;
  }
  if (inner) out_ += '(';
  for (size_t i = 0; i < l.parts.size(); ++i) {
    if (i > 0) out_ += l.kind == LabelExprKind::kOr ? '|' : l.colons ? ':' : '&';
    labels(*l.parts[i], true);
  }
  if (inner) out_ += ')';
}

void Printer::repeat(const Repeat& r) {
  out_ += '{';
  if (r.min >= 0) out_ += std::to_string(r.min);
  if (r.max != r.min || r.min < 0) {
    out_ += ',';
    if (r.max >= 0) out_ += std::to_string(r.max);
  }
  out_ += '}';
}

void Printer::element(const PatternElement& e) {
  if (const auto* n = find<NodePattern>(&e)) {
    out_ += '(';
    if (n->variable) variable(n->variable);
    if (n->labels != nullptr) {
      out_ += ':';
      labels(*n->labels);
    }
    if (n->properties != nullptr) {
      if (out_.back() != '(') out_ += ' ';
      expr(*n->properties);
    }
    if (n->where != nullptr) {
      text(" WHERE ");
      expr(*n->where);
    }
    out_ += ')';
    return;
  }
  if (const auto* g = find<GroupPattern>(&e)) {
    out_ += '(';
    path(*g->pattern);
    if (g->where != nullptr) {
      text(" WHERE ");
      expr(*g->where);
    }
    out_ += ')';
    if (g->quantifier != nullptr) repeat(*g->quantifier);
    return;
  }
  const auto& r = as<RelationshipPattern>(e);
  out_ += r.direction == Direction::kIn || r.both_arrows ? "<-" : "-";
  if (r.variable || r.types != nullptr || r.properties != nullptr || r.where != nullptr || r.length != nullptr) {
    out_ += '[';
    if (r.variable) variable(r.variable);
    if (r.types != nullptr) {
      out_ += ':';
      labels(*r.types);
    }
    if (r.length != nullptr) {
      out_ += '*';
      if (r.length->min >= 0) out_ += std::to_string(r.length->min);
      if (r.length->max != r.length->min) {
        text("..");
        if (r.length->max >= 0) out_ += std::to_string(r.length->max);
      }
    }
    if (r.properties != nullptr) {
      if (out_.back() != '[') out_ += ' ';
      expr(*r.properties);
    }
    if (r.where != nullptr) {
      text(" WHERE ");
      expr(*r.where);
    }
    out_ += ']';
  }
  out_ += r.direction == Direction::kOut || r.both_arrows ? "->" : "-";
  if (r.quantifier != nullptr) repeat(*r.quantifier);
}

void Printer::path(const PathPattern& p) {
  if (p.variable) {
    variable(p.variable);
    text(" = ");
  }
  auto count = [&] {
    if (p.selector_count != nullptr) {
      out_ += ' ';
      expr(*p.selector_count);
    }
  };
  switch (p.selector) {
    case PathSelector::kNone: break;
    case PathSelector::kAll: text("ALL PATHS "); break;
    case PathSelector::kAny:
      text("ANY");
      count();
      text(" PATHS ");
      break;
    case PathSelector::kAnyShortest: text("ANY SHORTEST "); break;
    case PathSelector::kAllShortest: text("ALL SHORTEST "); break;
    case PathSelector::kShortest:
      text("SHORTEST");
      count();
      text(" PATHS ");
      break;
    case PathSelector::kShortestGroups:
      text("SHORTEST");
      count();
      text(" GROUPS ");
      break;
  }
  if (p.shortest != ShortestFunction::kNone)
    text(p.shortest == ShortestFunction::kShortestPath ? "shortestPath(" : "allShortestPaths(");
  for (size_t i = 0; i < p.elements.size(); ++i) {
    bool beside = i > 0 && p.elements[i]->kind != ElementKind::kRelationship &&
                  p.elements[i - 1]->kind != ElementKind::kRelationship;
    if (beside) out_ += ' ';
    element(*p.elements[i]);
  }
  if (p.shortest != ShortestFunction::kNone) out_ += ')';
}

void Printer::paths(const List<const PathPattern*>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text(", ");
    path(*list[i]);
  }
}

void Printer::projection_tail(const List<SortItem>& order, const Expr* skip, const Expr* limit) {
  for (size_t i = 0; i < order.size(); ++i) {
    text(i == 0 ? " ORDER BY " : ", ");
    expr(*order[i].expr);
    if (order[i].descending) text(" DESC");
  }
  if (skip != nullptr) {
    text(" SKIP ");
    expr(*skip);
  }
  if (limit != nullptr) {
    text(" LIMIT ");
    expr(*limit);
  }
}

void Printer::projection(const Projection& p) {
  text(p.kind == ClauseKind::kWith ? "WITH " : "RETURN ");
  if (p.distinct) text("DISTINCT ");
  if (p.star) out_ += '*';
  for (size_t i = 0; i < p.items.size(); ++i) {
    if (i > 0 || p.star) text(", ");
    expr(*p.items[i].expr);
    if (p.items[i].alias) {
      text(" AS ");
      name(p.items[i].alias.text);
    }
  }
  projection_tail(p.order_by, p.skip, p.limit);
  if (p.where != nullptr) {
    text(" WHERE ");
    expr(*p.where);
  }
}

// What SET and REMOVE change: only a variable stands without parentheses before its properties.
void Printer::target(const Expr& e) {
  if (const auto* p = find<Property>(&e)) {
    target(*p->base);
    out_ += '.';
    name(p->key.text);
  } else if (const auto* i = find<Index>(&e)) {
    target(*i->base);
    out_ += '[';
    expr(*i->index);
    out_ += ']';
  } else if (e.kind == ExprKind::kVariable) {
    expr(e);
  } else {
    out_ += '(';
    expr(e);
    out_ += ')';
  }
}

void Printer::set_items(const List<SetItem>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text(", ");
    const SetItem& item = items[i];
    target(*item.target);
    if (item.kind == SetKind::kLabels) {
      out_ += ':';
      labels(*item.labels);
    } else {
      text(item.kind == SetKind::kMerge ? " += " : " = ");
      expr(*item.value);
    }
  }
}

void Printer::yields(const List<YieldItem>& items, bool star) {
  text(" YIELD ");
  if (star) {
    out_ += '*';
    return;
  }
  if (items.empty()) out_ += '-';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text(", ");
    name(items[i].field.text);
    if (items[i].alias) {
      text(" AS ");
      name(items[i].alias.text);
    }
  }
}

void Printer::hint(const Hint& h) {
  text(" USING ");
  if (h.kind == HintKind::kJoin) {
    text("JOIN ON ");
    for (size_t i = 0; i < h.variables.size(); ++i) {
      if (i > 0) text(", ");
      variable(h.variables[i]);
    }
    return;
  }
  text(h.kind == HintKind::kScan ? "SCAN " : "INDEX ");
  variable(h.variables[0]);
  out_ += ':';
  name(h.label.text);
  for (size_t i = 0; i < h.properties.size(); ++i) {
    text(i == 0 ? "(" : ", ");
    name(h.properties[i].text);
  }
  if (!h.properties.empty()) out_ += ')';
}

void Printer::call_subquery(const CallSubquery& c) {
  text(c.optional ? "OPTIONAL CALL " : "CALL ");
  if (c.has_scope) {
    out_ += '(';
    if (c.scope_star) out_ += '*';
    for (size_t i = 0; i < c.scope.size(); ++i) {
      if (i > 0) text(", ");
      variable(c.scope[i]);
    }
    text(") ");
  }
  text("{ ");
  body(*c.body);
  text(" }");
  if (c.in_transactions == nullptr) return;
  const InTransactions& in = *c.in_transactions;
  text(" IN ");
  if (in.concurrency != nullptr) {
    expr(*in.concurrency);
    out_ += ' ';
  }
  text(in.concurrent ? "CONCURRENT TRANSACTIONS" : "TRANSACTIONS");
  if (in.batch_rows != nullptr) {
    text(" OF ");
    expr(*in.batch_rows);
    text(" ROWS");
  }
  if (in.on_error != OnError::kFail) text(in.on_error == OnError::kBreak ? " ON ERROR BREAK" : " ON ERROR CONTINUE");
  if (in.status_variable) {
    text(" REPORT STATUS AS ");
    name(in.status_variable.text);
  }
}

void Printer::clause(const Clause& c) {
  switch (c.kind) {
    case ClauseKind::kMatch: {
      const auto& m = as<Match>(c);
      text(m.optional ? "OPTIONAL MATCH " : "MATCH ");
      if (m.repeatable_elements) text("REPEATABLE ELEMENTS ");
      paths(m.patterns);
      for (const Hint& h : m.hints) hint(h);
      if (m.where != nullptr) {
        text(" WHERE ");
        expr(*m.where);
      }
      break;
    }
    case ClauseKind::kUnwind: {
      const auto& u = as<Unwind>(c);
      text("UNWIND ");
      expr(*u.list);
      text(" AS ");
      name(u.variable.text);
      break;
    }
    case ClauseKind::kWith:
    case ClauseKind::kReturn: projection(as<Projection>(c)); break;
    case ClauseKind::kCreate:
      text("CREATE ");
      paths(as<Create>(c).patterns);
      break;
    case ClauseKind::kMerge: {
      const auto& m = as<Merge>(c);
      text("MERGE ");
      path(*m.pattern);
      for (const MergeAction& action : m.actions) {
        text(action.on_create ? " ON CREATE SET " : " ON MATCH SET ");
        set_items(action.items);
      }
      break;
    }
    case ClauseKind::kSet:
      text("SET ");
      set_items(as<Set>(c).items);
      break;
    case ClauseKind::kRemove: {
      text("REMOVE ");
      bool first = true;
      for (const RemoveItem& item : as<Remove>(c).items) {
        if (!first) text(", ");
        first = false;
        target(*item.target);
        if (item.labels != nullptr) {
          out_ += ':';
          labels(*item.labels);
        }
      }
      break;
    }
    case ClauseKind::kDelete:
      text(as<Delete>(c).detach ? "DETACH DELETE " : "DELETE ");
      expr_list(as<Delete>(c).targets);
      break;
    case ClauseKind::kForeach: {
      const auto& f = as<Foreach>(c);
      text("FOREACH (");
      variable(f.variable);
      text(" IN ");
      expr(*f.list);
      text(" |");
      for (const Clause* inner : f.body) {
        out_ += ' ';
        clause(*inner);
      }
      out_ += ')';
      break;
    }
    case ClauseKind::kCallProcedure: {
      const auto& p = as<CallProcedure>(c);
      text(p.optional ? "OPTIONAL CALL " : "CALL ");
      std::string_view rest = p.name.text;
      while (true) {
        size_t dot = rest.find('.');
        name(rest.substr(0, dot));
        if (dot == std::string_view::npos) break;
        out_ += '.';
        rest.remove_prefix(dot + 1);
      }
      if (p.has_arguments) {
        out_ += '(';
        expr_list(p.args);
        out_ += ')';
      }
      if (p.has_yield) yields(p.yields, p.yield_star);
      if (p.where != nullptr) {
        text(" WHERE ");
        expr(*p.where);
      }
      break;
    }
    case ClauseKind::kCallSubquery: call_subquery(as<CallSubquery>(c)); break;
    case ClauseKind::kLoadCsv: {
      const auto& l = as<LoadCsv>(c);
      text(l.with_headers ? "LOAD CSV WITH HEADERS FROM " : "LOAD CSV FROM ");
      expr(*l.url);
      text(" AS ");
      name(l.variable.text);
      if (l.field_terminator != nullptr) {
        text(" FIELDTERMINATOR ");
        expr(*l.field_terminator);
      }
      break;
    }
    case ClauseKind::kFinish: text("FINISH"); break;
  }
}

void Printer::body(const QueryBody& b) {
  for (size_t i = 0; i < b.parts.size(); ++i) {
    if (i > 0) text(b.union_all ? " UNION ALL " : " UNION ");
    const SingleQuery& single = *b.parts[i];
    for (size_t k = 0; k < single.clauses.size(); ++k) {
      if (k > 0) out_ += ' ';
      clause(*single.clauses[k]);
    }
  }
}

void Printer::schema_head(const Name& given, const Expr* parameter, bool if_not_exists) {
  if (given) {
    out_ += ' ';
    print_name(given.text, out_, true);
  }
  if (parameter != nullptr) {
    out_ += ' ';
    expr(*parameter);
  }
  if (if_not_exists) text(" IF NOT EXISTS");
}

void Printer::schema_entity(const Name& v, const List<Name>& names, bool on_relationships) {
  text(on_relationships ? "()-[" : "(");
  variable(v);
  for (size_t i = 0; i < names.size(); ++i) {
    out_ += i == 0 ? ':' : '|';
    name(names[i].text);
  }
  text(on_relationships ? "]-()" : ")");
}

void Printer::create_index(const CreateIndex& c) {
  text(c.or_replace ? "CREATE OR REPLACE " : "CREATE ");
  switch (c.kind) {
    case IndexKind::kRange: text("RANGE"); break;
    case IndexKind::kText: text("TEXT"); break;
    case IndexKind::kPoint: text("POINT"); break;
    case IndexKind::kLookup: text("LOOKUP"); break;
    case IndexKind::kVector: text("VECTOR"); break;
    case IndexKind::kFulltext: text("FULLTEXT"); break;
  }
  text(" INDEX");
  schema_head(c.name, c.name_parameter, c.if_not_exists);
  text(" FOR ");
  schema_entity(c.variable, c.labels_or_types, c.on_relationships);
  text(" ON ");
  if (c.kind == IndexKind::kLookup) {
    text(c.on_relationships ? "EACH type(" : "EACH labels(");
    variable(c.variable);
    out_ += ')';
  } else {
    bool each = c.kind == IndexKind::kFulltext;
    text(each ? "EACH [" : "(");
    for (size_t i = 0; i < c.properties.size(); ++i) {
      if (i > 0) text(", ");
      variable(c.variable);
      out_ += '.';
      name(c.properties[i].text);
    }
    out_ += each ? ']' : ')';
  }
  if (c.options != nullptr) {
    text(" OPTIONS ");
    expr(*c.options);
  }
}

void Printer::create_constraint(const CreateConstraint& c) {
  text(c.or_replace ? "CREATE OR REPLACE CONSTRAINT" : "CREATE CONSTRAINT");
  schema_head(c.name, c.name_parameter, c.if_not_exists);
  text(" FOR ");
  schema_entity(c.variable, {&c.label_or_type, 1}, c.on_relationships);
  text(" REQUIRE (");
  for (size_t i = 0; i < c.properties.size(); ++i) {
    if (i > 0) text(", ");
    variable(c.variable);
    out_ += '.';
    name(c.properties[i].text);
  }
  out_ += ')';
  switch (c.kind) {
    case ConstraintKind::kUnique: text(" IS UNIQUE"); break;
    case ConstraintKind::kNotNull: text(" IS NOT NULL"); break;
    case ConstraintKind::kKey: text(c.on_relationships ? " IS RELATIONSHIP KEY" : " IS NODE KEY"); break;
    case ConstraintKind::kType:
      text(" IS :: ");
      type(*c.type);
      break;
  }
  if (c.options != nullptr) {
    text(" OPTIONS ");
    expr(*c.options);
  }
}

void Printer::show(const Show& s) {
  text("SHOW ");
  text(s.filter);
  switch (s.kind) {
    case ShowKind::kIndexes: text(" INDEXES"); break;
    case ShowKind::kConstraints: text(" CONSTRAINTS"); break;
    case ShowKind::kFunctions: text(" FUNCTIONS"); break;
    case ShowKind::kProcedures: text(" PROCEDURES"); break;
  }
  if (s.has_yield) yields(s.yields, s.yield_star);
  projection_tail(s.order_by, s.skip, s.limit);
  if (s.where != nullptr) {
    text(" WHERE ");
    expr(*s.where);
  }
  if (s.ret != nullptr) {
    out_ += ' ';
    projection(*s.ret);
  }
}

void Printer::statement(const Statement& s) {
  if (s.mode == StatementMode::kExplain) text("EXPLAIN ");
  if (s.mode == StatementMode::kProfile) text("PROFILE ");
  switch (s.kind) {
    case StatementKind::kQuery: body(*s.query); break;
    case StatementKind::kCreateIndex: create_index(*s.create_index); break;
    case StatementKind::kCreateConstraint: create_constraint(*s.create_constraint); break;
    case StatementKind::kDropIndex:
    case StatementKind::kDropConstraint:
      text(s.kind == StatementKind::kDropIndex ? "DROP INDEX" : "DROP CONSTRAINT");
      schema_head(s.drop->name, s.drop->name_parameter, false);
      if (s.drop->if_exists) text(" IF EXISTS");
      break;
    case StatementKind::kShow: show(*s.show); break;
  }
}

std::string print(const Query& query) {
  std::string out;
  Printer(out).statement(query.statement);
  return out;
}
std::string print(const QueryBody& body) {
  std::string out;
  Printer(out).body(body);
  return out;
}
std::string print(const Clause& clause) {
  std::string out;
  Printer(out).clause(clause);
  return out;
}
std::string print(const PathPattern& path) {
  std::string out;
  Printer(out).path(path);
  return out;
}
std::string print(const LabelExpr& labels) {
  std::string out;
  Printer(out).labels(labels);
  return out;
}

}  // namespace lora::cypher

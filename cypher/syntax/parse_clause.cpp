// Clauses and query bodies.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

namespace {

constexpr std::string_view kClauseWords[] = {"MATCH",  "OPTIONAL", "UNWIND", "WITH",    "RETURN",  "CREATE", "MERGE",
                                             "SET",    "REMOVE",   "DELETE", "DETACH",  "FOREACH", "CALL",   "LOAD",
                                             "FINISH", "SHOW",     "DROP",   "EXPLAIN", "PROFILE"};

bool updates(ClauseKind kind) {
  switch (kind) {
    case ClauseKind::kCreate:
    case ClauseKind::kMerge:
    case ClauseKind::kSet:
    case ClauseKind::kRemove:
    case ClauseKind::kDelete:
    case ClauseKind::kForeach: return true;
    default: return false;
  }
}

std::string_view clause_name(const Clause& clause) {
  switch (clause.kind) {
    case ClauseKind::kMatch: return "MATCH";
    case ClauseKind::kUnwind: return "UNWIND";
    case ClauseKind::kWith: return "WITH";
    case ClauseKind::kReturn: return "RETURN";
    case ClauseKind::kCreate: return "CREATE";
    case ClauseKind::kMerge: return "MERGE";
    case ClauseKind::kSet: return "SET";
    case ClauseKind::kRemove: return "REMOVE";
    case ClauseKind::kDelete: return "DELETE";
    case ClauseKind::kForeach: return "FOREACH";
    case ClauseKind::kCallProcedure:
    case ClauseKind::kCallSubquery: return "CALL";
    case ClauseKind::kLoadCsv: return "LOAD CSV";
    case ClauseKind::kFinish: return "FINISH";
  }
  return "clause";
}

}  // namespace

bool Parser::at_clause() const {
  switch (t_->keyword) {
    case Keyword::kMATCH:
    case Keyword::kOPTIONAL:
    case Keyword::kUNWIND:
    case Keyword::kWITH:
    case Keyword::kRETURN:
    case Keyword::kCREATE:
    case Keyword::kMERGE:
    case Keyword::kSET:
    case Keyword::kREMOVE:
    case Keyword::kDELETE:
    case Keyword::kDETACH:
    case Keyword::kFOREACH:
    case Keyword::kCALL:
    case Keyword::kLOAD:
    case Keyword::kFINISH: return true;
    default: return false;
  }
}

const QueryBody* Parser::parse_body(BodyContext context) {
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  uint32_t start = t_->offset;
  ListBuilder<const SingleQuery*> parts(*this);
  bool all = false;
  while (true) {
    const SingleQuery* part = parse_single(context);
    if (part == nullptr) return nullptr;
    parts.push(part);
    if (!at(Keyword::kUNION)) break;
    uint32_t offset = t_->offset;
    advance();
    bool this_all = accept(Keyword::kALL);
    if (!this_all) accept(Keyword::kDISTINCT);
    if (parts.size() > 1 && this_all != all) {
      return fail("InvalidClauseComposition", "UNION and UNION ALL cannot be mixed in one query", offset);
    }
    all = this_all;
  }
  auto* body = arena_.make<QueryBody>();
  body->parts = parts.finish();
  body->union_all = all;
  body->span = span_from(start);
  return body;
}

const SingleQuery* Parser::parse_single(BodyContext context) {
  uint32_t start = t_->offset;
  ListBuilder<const Clause*> clauses(*this);
  while (at_clause()) {
    const Clause* clause = parse_clause(context);
    if (clause == nullptr) return nullptr;
    clauses.push(clause);
  }
  if (clauses.empty()) {
    return fail_expected("a clause such as MATCH, CREATE or RETURN",
                         std::vector<std::string_view>(std::begin(kClauseWords), std::end(kClauseWords)));
  }
  if (!at(TokenKind::kEnd) && !at(TokenKind::kRightBrace) && !at(TokenKind::kSemicolon) && !at(Keyword::kUNION)) {
    const Clause& last = *clauses.get(clauses.size() - 1);
    std::string what = concat({"a clause after ", clause_name(last)});
    switch (last.kind) {
      case ClauseKind::kReturn:
        what = "`,`, `AS`, an operator, `ORDER BY`, `SKIP`, `LIMIT` or the end of the query";
        break;
      case ClauseKind::kWith: what = "`,`, `AS`, an operator, `ORDER BY`, `SKIP`, `LIMIT`, `WHERE` or a clause"; break;
      case ClauseKind::kMatch:
        what = as<Match>(last).where != nullptr ? "an operator or a clause" : "`,`, `WHERE` or a clause";
        break;
      case ClauseKind::kCreate: what = "`,` or a clause"; break;
      case ClauseKind::kMerge: what = "`ON CREATE`, `ON MATCH` or a clause"; break;
      case ClauseKind::kSet:
      case ClauseKind::kRemove:
      case ClauseKind::kDelete: what = concat({"`,`, an operator or a clause after ", clause_name(last)}); break;
      default: break;
    }
    const bool sorts = at(Keyword::kORDER) || at(Keyword::kSKIP) || at(Keyword::kLIMIT) || at(Keyword::kOFFSET);
    if (sorts && last.kind != ClauseKind::kReturn && last.kind != ClauseKind::kWith) {
      return fail_unexpected(concat(
          {"expected ", what, "; found ", found_text(), "; ORDER BY, SKIP and LIMIT belong to a WITH or RETURN"}));
    }
    return fail_after(what);
  }
  auto* single = arena_.make<SingleQuery>();
  single->clauses = clauses.finish();
  single->span = span_from(start);
  if (!check_composition(single->clauses, context)) return nullptr;
  return single;
}

bool Parser::check_composition(const List<const Clause*>& clauses, BodyContext context) {
  for (size_t i = 0; i < clauses.size(); ++i) {
    const Clause& clause = *clauses[i];
    bool last = i + 1 == clauses.size();
    if ((clause.kind == ClauseKind::kReturn || clause.kind == ClauseKind::kFinish) && !last) {
      return fail("InvalidClauseComposition",
                  concat({clause_name(clause), " must be the last clause; to go on use WITH"}),
                  clauses[i + 1]->span.offset);
    }
    if (context >= BodyContext::kExists) {
      bool in_transactions =
          clause.kind == ClauseKind::kCallSubquery && as<CallSubquery>(clause).in_transactions != nullptr;
      if (updates(clause.kind) || in_transactions) {
        std::string_view name = context == BodyContext::kExists  ? "EXISTS"
                                : context == BodyContext::kCount ? "COUNT"
                                                                 : "COLLECT";
        return fail("InvalidClauseComposition",
                    concat({clause_name(clause), " cannot be used in ", name, " { }, which only reads"}),
                    clause.span.offset);
      }
    }
    if (clause.kind == ClauseKind::kCallProcedure) {
      const auto& call = as<CallProcedure>(clause);
      bool alone = clauses.size() == 1 && context == BodyContext::kTop;
      const_cast<CallProcedure&>(call).standalone = alone;  // still ours: the query is being parsed
      if (!alone && call.yield_star) {
        return fail("UnexpectedSyntax", "`YIELD *` is for a CALL that is the whole query; name the columns",
                    call.span.offset);
      }
      if (!alone && !call.has_arguments) {
        return fail(
            "InvalidArgumentPassingMode",
            concat({"a CALL among other clauses needs its arguments in parentheses, as in `", call.name.text, "()`"}),
            call.span.offset);
      }
    }
  }
  const Clause& last = *clauses.back();
  bool complete = true;
  switch (last.kind) {
    case ClauseKind::kMatch:
    case ClauseKind::kUnwind:
    case ClauseKind::kWith:
    case ClauseKind::kLoadCsv: complete = context == BodyContext::kExists || context == BodyContext::kCount; break;
    default: break;
  }
  if (context == BodyContext::kCollect && last.kind != ClauseKind::kReturn) complete = false;
  if (complete) return true;
  return fail("InvalidClauseComposition",
              concat({"a query cannot end with ", clause_name(last),
                      (context == BodyContext::kCollect ? " in COLLECT { }; add RETURN"
                                                        : "; add RETURN or an updating clause")}),
              last.span.offset);
}

const Clause* Parser::parse_clause(BodyContext context) {
  uint32_t start = t_->offset;
  switch (t_->keyword) {
    case Keyword::kOPTIONAL:
      advance();
      if (at(Keyword::kCALL)) {
        advance();
        return parse_call(true, start);
      }
      if (!expect(Keyword::kMATCH)) return nullptr;
      return parse_match(true, start);
    case Keyword::kMATCH: advance(); return parse_match(false, start);
    case Keyword::kUNWIND: return parse_unwind();
    case Keyword::kWITH: return parse_projection(true);
    case Keyword::kRETURN: return parse_projection(false);
    case Keyword::kCREATE: return parse_create();
    case Keyword::kMERGE: return parse_merge();
    case Keyword::kSET: return parse_set();
    case Keyword::kREMOVE: return parse_remove();
    case Keyword::kDETACH:
    case Keyword::kDELETE: return parse_delete();
    case Keyword::kFOREACH: return parse_foreach();
    case Keyword::kCALL: advance(); return parse_call(false, start);
    case Keyword::kLOAD: return parse_load_csv();
    case Keyword::kFINISH: {
      advance();
      return finish_clause(node<Finish>(), start);
    }
    default: break;
  }
  (void)context;
  return fail_expected("a clause");
}

const Clause* Parser::parse_match(bool optional, uint32_t start) {
  auto* match = node<Match>();
  match->optional = optional;
  if (at(TokenKind::kWord) && peek().kind == TokenKind::kWord) {
    if (at(Keyword::kREPEATABLE)) {
      advance();
      match->repeatable_elements = true;
      if (find_keyword(token_text(*t_)) != Keyword::kELEMENTS) return fail_expected("`ELEMENTS`", {"ELEMENTS"});
      advance();
    } else if (upper_equals(token_text(*t_), "DIFFERENT")) {
      advance();
      if (!upper_equals(token_text(*t_), "RELATIONSHIPS")) return fail_expected("`RELATIONSHIPS`", {"RELATIONSHIPS"});
      advance();
    }
  }
  if (!parse_patterns(match->patterns, PatternContext::kMatch)) return nullptr;
  if (at(Keyword::kUSING)) {
    ListBuilder<Hint> hints(*this);
    while (at(Keyword::kUSING)) {
      Hint hint{};
      if (!parse_hint(hint)) return nullptr;
      hints.push(hint);
    }
    match->hints = hints.finish();
  }
  if (at(Keyword::kWHERE)) {
    match->where = parse_where();
    if (match->where == nullptr) return nullptr;
  }
  return finish_clause(match, start);
}

bool Parser::parse_hint(Hint& hint) {
  uint32_t start = t_->offset;
  advance();
  ListBuilder<Name> variables(*this);
  auto name = [&](std::string_view what, Name& out) { return parse_name(out, what); };
  if (accept(Keyword::kJOIN)) {
    hint.kind = HintKind::kJoin;
    if (!expect(Keyword::kON)) return false;
    do {
      Name variable;
      if (!name("a variable", variable)) return false;
      variables.push(variable);
    } while (accept(TokenKind::kComma));
    hint.variables = variables.finish();
    hint.span = span_from(start);
    return true;
  }
  if (accept(Keyword::kSCAN)) {
    hint.kind = HintKind::kScan;
  } else {
    hint.kind = HintKind::kIndex;
    if (at(Keyword::kRANGE) || at(Keyword::kTEXT) || at(Keyword::kPOINT) || at(Keyword::kBTREE)) advance();
    if (!at(Keyword::kINDEX))
      return fail_expected("`INDEX`, `SCAN` or `JOIN` after `USING`", {"INDEX", "SCAN", "JOIN"});
    advance();
    if (at(Keyword::kSEEK) && peek().kind != TokenKind::kColon) advance();
  }
  Name variable;
  if (!name("a variable", variable) || !expect(TokenKind::kColon, "after the variable") ||
      !name("a label or type", hint.label))
    return false;
  variables.push(variable);
  hint.variables = variables.finish();
  if (hint.kind == HintKind::kIndex) {
    uint32_t open = index();
    if (!expect(TokenKind::kLeftParen, "and the indexed properties")) return false;
    ListBuilder<Name> properties(*this);
    do {
      Name property;
      if (!name("a property name", property)) return false;
      properties.push(property);
    } while (accept(TokenKind::kComma));
    if (!expect_close(TokenKind::kRightParen, open, "`,`")) return false;
    hint.properties = properties.finish();
  }
  hint.span = span_from(start);
  return true;
}

const Clause* Parser::parse_unwind() {
  uint32_t start = t_->offset;
  advance();
  auto* unwind = node<Unwind>();
  unwind->list = parse_expr();
  if (unwind->list == nullptr || !check_value(unwind->list)) return nullptr;
  if (!expect(Keyword::kAS) || !parse_name(unwind->variable, "a variable")) return nullptr;
  return finish_clause(unwind, start);
}

const Clause* Parser::parse_projection(bool with) {
  uint32_t start = t_->offset;
  advance();
  return parse_projection_body(with, start);
}

const Projection* Parser::parse_projection_body(bool with, uint32_t start) {
  auto* projection = node<Projection>();
  projection->kind = with ? ClauseKind::kWith : ClauseKind::kReturn;
  projection->distinct = accept(Keyword::kDISTINCT);
  ListBuilder<ProjectionItem> items(*this);
  bool more = true;
  if (accept(TokenKind::kStar)) {
    projection->star = true;
    more = accept(TokenKind::kComma);
  }
  while (more) {
    ProjectionItem item{};
    uint32_t item_start = t_->offset;
    item.expr = parse_expr();
    if (item.expr == nullptr || !check_value(item.expr)) return nullptr;
    item.text = text_.substr(item_start, prev_end_ - item_start);
    if (accept(Keyword::kAS)) {
      if (!parse_name(item.alias, "a name after `AS`")) return nullptr;
    }
    item.span = span_from(item_start);
    items.push(item);
    more = accept(TokenKind::kComma);
  }
  projection->items = items.finish();
  if (at(Keyword::kORDER) && !parse_sort_items(projection->order_by)) return nullptr;
  if (!parse_page(projection->skip, projection->limit)) return nullptr;
  if (at(Keyword::kWHERE)) {
    if (!with)
      return fail_unexpected(
          "expected the end of the query after RETURN; found `WHERE`; filter before RETURN, or after WITH");
    projection->where = parse_where();
    if (projection->where == nullptr) return nullptr;
  }
  return finish_clause(projection, start);
}

bool Parser::parse_sort_items(List<SortItem>& out) {
  advance();
  if (!expect(Keyword::kBY)) return false;
  ListBuilder<SortItem> items(*this);
  do {
    SortItem item{};
    uint32_t start = t_->offset;
    item.expr = parse_expr();
    if (item.expr == nullptr || !check_value(item.expr)) return false;
    if (at(Keyword::kDESC) || at(Keyword::kDESCENDING)) {
      item.descending = true;
      advance();
    } else if (at(Keyword::kASC) || at(Keyword::kASCENDING)) {
      advance();
    }
    item.span = span_from(start);
    items.push(item);
  } while (accept(TokenKind::kComma));
  out = items.finish();
  return true;
}

bool Parser::parse_page(const Expr*& skip, const Expr*& limit) {
  if (at(Keyword::kSKIP) || at(Keyword::kOFFSET)) {
    advance();
    skip = parse_expr();
    if (skip == nullptr) return false;
  }
  if (at(Keyword::kLIMIT)) {
    advance();
    limit = parse_expr();
    if (limit == nullptr) return false;
    if (at(Keyword::kSKIP) || at(Keyword::kOFFSET)) {
      return fail_unexpected(
          concat({"expected the end of the clause; found ", found_text(), "; SKIP stands before LIMIT"}));
    }
  }
  if (at(Keyword::kORDER) && peek().keyword == Keyword::kBY) {
    if (skip != nullptr || limit != nullptr)
      return fail_unexpected("expected the end of the clause; found `ORDER`; ORDER BY stands before SKIP and LIMIT");
  }
  return true;
}

const Clause* Parser::parse_create() {
  uint32_t start = t_->offset;
  advance();
  auto* create = node<Create>();
  if (!parse_patterns(create->patterns, PatternContext::kCreate)) return nullptr;
  return finish_clause(create, start);
}

const Clause* Parser::parse_merge() {
  uint32_t start = t_->offset;
  advance();
  auto* merge = node<Merge>();
  merge->pattern = parse_path(PatternContext::kMerge);
  if (merge->pattern == nullptr) return nullptr;
  if (at(TokenKind::kComma))
    return fail_unexpected("expected `ON CREATE`, `ON MATCH` or a clause; found `,`; MERGE takes one pattern");
  ListBuilder<MergeAction> actions(*this);
  while (at(Keyword::kON)) {
    uint32_t action_start = t_->offset;
    advance();
    MergeAction action{};
    if (accept(Keyword::kCREATE)) {
      action.on_create = true;
    } else if (!accept(Keyword::kMATCH)) {
      return fail_expected("`CREATE` or `MATCH` after `ON`", {"CREATE", "MATCH"});
    }
    if (!expect(Keyword::kSET) || !parse_set_items(action.items)) return nullptr;
    action.span = span_from(action_start);
    actions.push(action);
  }
  merge->actions = actions.finish();
  return finish_clause(merge, start);
}

const Clause* Parser::parse_set() {
  uint32_t start = t_->offset;
  advance();
  auto* set = node<Set>();
  if (!parse_set_items(set->items)) return nullptr;
  return finish_clause(set, start);
}

// A variable, or an expression in parentheses, with property accesses.
const Expr* Parser::parse_target(std::string_view what) {
  uint32_t start = t_->offset;
  const Expr* base;
  if (at(TokenKind::kLeftParen)) {
    base = parse_paren();
  } else if (at_name()) {
    base = parse_variable();
  } else {
    return fail_expected(what);
  }
  if (base == nullptr || !check_value(base)) return nullptr;
  return parse_steps(base, start, true);
}

bool Parser::parse_set_items(List<SetItem>& out) {
  ListBuilder<SetItem> items(*this);
  do {
    SetItem item{};
    uint32_t start = t_->offset;
    item.target = parse_target("a variable or property to set");
    if (item.target == nullptr) return false;
    bool variable = item.target->kind == ExprKind::kVariable;
    bool property = item.target->kind == ExprKind::kProperty || item.target->kind == ExprKind::kIndex;
    if (at(TokenKind::kColon) || at(Keyword::kIS)) {
      if (!variable) return fail_unexpected("labels can only be set on a variable");
      advance();
      item.kind = SetKind::kLabels;
      item.labels = parse_labels();
      if (item.labels == nullptr || !check_plain_labels(item.labels, "SET")) return false;
    } else {
      if (!variable && !property)
        return fail_unexpected(concat({"expected a variable or a property before ", found_text()}));
      item.kind = property ? SetKind::kProperty : SetKind::kReplace;
      if (at(TokenKind::kPlusEqual)) {
        if (property)
          return fail_unexpected(
              "expected `=` after a property; found `+=`; only a whole node, relationship or map variable takes `+=`");
        item.kind = SetKind::kMerge;
        advance();
      } else if (!accept(TokenKind::kEqual)) {
        return fail_expected(property ? "`=`" : "`=`, `+=`, `:` or `.`");
      }
      item.value = parse_expr();
      if (item.value == nullptr || !check_value(item.value)) return false;
    }
    item.span = span_from(start);
    items.push(item);
  } while (accept(TokenKind::kComma));
  out = items.finish();
  return true;
}

const Clause* Parser::parse_remove() {
  uint32_t start = t_->offset;
  advance();
  auto* remove = node<Remove>();
  ListBuilder<RemoveItem> items(*this);
  do {
    RemoveItem item{};
    uint32_t item_start = t_->offset;
    item.target = parse_target("a property or label to remove");
    if (item.target == nullptr) return nullptr;
    if (at(TokenKind::kColon) || at(Keyword::kIS)) {
      if (item.target->kind != ExprKind::kVariable)
        return fail_unexpected("labels can only be removed from a variable");
      advance();
      item.labels = parse_labels();
      if (item.labels == nullptr || !check_plain_labels(item.labels, "REMOVE")) return nullptr;
    } else if (item.target->kind != ExprKind::kProperty && item.target->kind != ExprKind::kIndex) {
      return fail_expected("`.` and a property, or `:` and a label, to remove");
    }
    item.span = span_from(item_start);
    items.push(item);
  } while (accept(TokenKind::kComma));
  remove->items = items.finish();
  return finish_clause(remove, start);
}

const Clause* Parser::parse_delete() {
  uint32_t start = t_->offset;
  auto* clause = node<Delete>();
  clause->detach = accept(Keyword::kDETACH);
  if (!expect(Keyword::kDELETE)) return nullptr;
  ListBuilder<const Expr*> targets(*this);
  do {
    const Expr* target = parse_expr();
    if (target == nullptr || !check_value(target)) return nullptr;
    if (target->kind == ExprKind::kLabelTest) {
      return fail("InvalidDelete", "DELETE takes nodes, relationships and paths; labels are taken off with REMOVE",
                  target->span.offset);
    }
    targets.push(target);
  } while (accept(TokenKind::kComma));
  clause->targets = targets.finish();
  return finish_clause(clause, start);
}

const Clause* Parser::parse_foreach() {
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  uint32_t start = t_->offset;
  advance();
  uint32_t open = index();
  if (!expect(TokenKind::kLeftParen, "after FOREACH")) return nullptr;
  // The `|` before the first clause; others may stand in labels.
  uint32_t bar = 0;
  for (uint32_t i = open + 1; i < token_at(open).length_or_match; ++i) {
    ++steps_;
    const Token& t = token_at(i);
    if (t.is_bracket() && t.length_or_match > i) {
      i = t.length_or_match;
      continue;
    }
    if (t.kind != TokenKind::kPipe) continue;
    bar = i;
    switch (token_at(i + 1).keyword) {
      case Keyword::kSET:
      case Keyword::kCREATE:
      case Keyword::kMERGE:
      case Keyword::kDELETE:
      case Keyword::kDETACH:
      case Keyword::kREMOVE:
      case Keyword::kFOREACH: i = token_at(open).length_or_match; break;
      default: break;
    }
  }
  auto* clause = node<Foreach>();
  if (!parse_name(clause->variable, "a variable") || !expect(Keyword::kIN)) return nullptr;
  uint32_t outer = separator_bar_;
  separator_bar_ = bar;
  clause->list = parse_expr();
  separator_bar_ = outer;
  if (clause->list == nullptr || !check_value(clause->list)) return nullptr;
  if (!expect(TokenKind::kPipe, "and the updating clauses of FOREACH")) return nullptr;
  ListBuilder<const Clause*> body(*this);
  while (at_clause()) {
    switch (t_->keyword) {
      case Keyword::kSET:
      case Keyword::kCREATE:
      case Keyword::kMERGE:
      case Keyword::kDELETE:
      case Keyword::kDETACH:
      case Keyword::kREMOVE:
      case Keyword::kFOREACH: break;
      default:
        return fail("InvalidClauseComposition",
                    concat({keyword_text(t_->keyword),
                            " cannot be used inside FOREACH, which takes updating clauses; "
                            "use UNWIND or CALL { } instead"}),
                    t_->offset);
    }
    const Clause* inner = parse_clause(BodyContext::kCall);
    if (inner == nullptr) return nullptr;
    body.push(inner);
  }
  if (body.empty()) {
    return fail_expected("an updating clause such as SET or CREATE",
                         {"SET", "CREATE", "MERGE", "DELETE", "DETACH", "REMOVE", "FOREACH"});
  }
  if (!expect_close(TokenKind::kRightParen, open, "an updating clause")) return nullptr;
  clause->body = body.finish();
  return finish_clause(clause, start);
}

const Clause* Parser::parse_call(bool optional, uint32_t start) {
  if (at(TokenKind::kLeftBrace) || at(TokenKind::kLeftParen)) return parse_call_subquery(optional, start);
  auto* call = node<CallProcedure>();
  call->optional = optional;
  if (!parse_dotted_name(call->name, "a procedure name, `{` or `(`")) return nullptr;
  if (at(TokenKind::kLeftParen)) {
    uint32_t open = index();
    advance();
    call->has_arguments = true;
    ListBuilder<const Expr*> args(*this);
    if (!at(TokenKind::kRightParen)) {
      do {
        const Expr* argument = parse_expr();
        if (argument == nullptr || !check_value(argument)) return nullptr;
        args.push(argument);
      } while (accept(TokenKind::kComma));
    }
    if (!expect_close(TokenKind::kRightParen, open, args.empty() ? "an argument" : "`,`")) return nullptr;
    call->args = args.finish();
  }
  if (at(Keyword::kYIELD)) {
    call->has_yield = true;
    if (!parse_yield(call->yields, call->yield_star, true)) return nullptr;
    if (at(Keyword::kWHERE)) {
      call->where = parse_where();
      if (call->where == nullptr) return nullptr;
    }
  }
  return finish_clause(call, start);
}

bool Parser::parse_yield(List<YieldItem>& items, bool& star, bool dash_allowed) {
  advance();
  if (accept(TokenKind::kStar)) {
    star = true;
    return true;
  }
  if (dash_allowed && accept(TokenKind::kMinus)) return true;
  ListBuilder<YieldItem> list(*this);
  do {
    YieldItem item{};
    uint32_t start = t_->offset;
    if (!parse_name(item.field, "a result column")) return false;
    if (accept(Keyword::kAS) && !parse_name(item.alias, "a name after `AS`")) return false;
    item.span = span_from(start);
    list.push(item);
  } while (accept(TokenKind::kComma));
  items = list.finish();
  return true;
}

const Clause* Parser::parse_call_subquery(bool optional, uint32_t start) {
  auto* call = node<CallSubquery>();
  call->optional = optional;
  if (at(TokenKind::kLeftParen)) {
    uint32_t open = index();
    advance();
    call->has_scope = true;
    if (accept(TokenKind::kStar)) {
      call->scope_star = true;
    } else if (!at(TokenKind::kRightParen)) {
      ListBuilder<Name> scope(*this);
      do {
        Name name;
        if (!parse_name(name, "a variable to import, `*` or `)`")) return nullptr;
        scope.push(name);
      } while (accept(TokenKind::kComma));
      call->scope = scope.finish();
    }
    if (!expect_close(TokenKind::kRightParen, open, "`,`")) return nullptr;
  }
  uint32_t open = index();
  if (!expect(TokenKind::kLeftBrace, "and the subquery")) return nullptr;
  call->body = parse_body(BodyContext::kCall);
  if (call->body == nullptr) return nullptr;
  if (!expect_close(TokenKind::kRightBrace, open, "a clause")) return nullptr;
  if (at(Keyword::kIN) && !parse_in_transactions(call->in_transactions)) return nullptr;
  return finish_clause(call, start);
}

bool Parser::parse_in_transactions(const InTransactions*& out) {
  uint32_t start = t_->offset;
  advance();
  auto* in = arena_.make<InTransactions>();
  if (!at(Keyword::kTRANSACTIONS) && !at(Keyword::kTRANSACTION)) {
    if (!at(Keyword::kCONCURRENT)) {
      in->concurrency = parse_expr();
      if (in->concurrency == nullptr) return false;
    }
    if (!expect(Keyword::kCONCURRENT)) return false;
    in->concurrent = true;
  }
  if (!at(Keyword::kTRANSACTIONS) && !at(Keyword::kTRANSACTION))
    return fail_expected("`TRANSACTIONS`", {"TRANSACTIONS"});
  advance();
  // OF, ON ERROR and REPORT STATUS may stand in any order.
  while (true) {
    if (at(Keyword::kOF) && in->batch_rows == nullptr) {
      advance();
      in->batch_rows = parse_expr();
      if (in->batch_rows == nullptr) return false;
      if (!at(Keyword::kROW) && !at(Keyword::kROWS)) return fail_expected("`ROWS`", {"ROWS"});
      advance();
    } else if (at(Keyword::kON) && peek().keyword == Keyword::kERROR) {
      advance();
      advance();
      switch (t_->keyword) {
        case Keyword::kFAIL: in->on_error = OnError::kFail; break;
        case Keyword::kCONTINUE: in->on_error = OnError::kContinue; break;
        case Keyword::kBREAK: in->on_error = OnError::kBreak; break;
        default: return fail_expected("`FAIL`, `CONTINUE` or `BREAK`", {"FAIL", "CONTINUE", "BREAK"});
      }
      advance();
    } else if (at(Keyword::kREPORT) && !in->status_variable) {
      advance();
      if (!expect(Keyword::kSTATUS) || !expect(Keyword::kAS) || !parse_name(in->status_variable, "a variable"))
        return false;
    } else {
      break;
    }
  }
  in->span = span_from(start);
  out = in;
  return true;
}

const Clause* Parser::parse_load_csv() {
  uint32_t start = t_->offset;
  advance();
  auto* load = node<LoadCsv>();
  if (!expect(Keyword::kCSV)) return nullptr;
  if (accept(Keyword::kWITH)) {
    load->with_headers = true;
    if (!expect(Keyword::kHEADERS)) return nullptr;
  }
  if (!expect(Keyword::kFROM)) return nullptr;
  load->url = parse_expr();
  if (load->url == nullptr) return nullptr;
  if (!expect(Keyword::kAS) || !parse_name(load->variable, "a variable")) return nullptr;
  if (accept(Keyword::kFIELDTERMINATOR)) {
    if (!at(TokenKind::kString)) return fail_expected("a string of one character");
    if (is_stripped(*t_)) key_is_exact_ = false;
    load->field_terminator = parse_literal(false, t_->offset);
    if (load->field_terminator == nullptr) return nullptr;
  }
  return finish_clause(load, start);
}

}  // namespace lora::cypher

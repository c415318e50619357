// Patterns and label expressions.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

bool Parser::parse_patterns(List<const PathPattern*>& out, PatternContext context) {
  ListBuilder<const PathPattern*> paths(*this);
  do {
    const PathPattern* path = parse_path(context);
    if (path == nullptr) return false;
    paths.push(path);
  } while (accept(TokenKind::kComma));
  out = paths.finish();
  return true;
}

bool Parser::at_selector() const {
  switch (t_->keyword) {
    case Keyword::kALL:
    case Keyword::kANY:
    case Keyword::kSHORTEST: return peek().kind != TokenKind::kEqual;
    default: return false;
  }
}

bool Parser::at_group() const {
  if (!at(TokenKind::kLeftParen)) return false;
  const Token& first = peek();
  if (first.kind == TokenKind::kLeftParen) return true;
  if (is_name(first) && peek(2).kind == TokenKind::kEqual) return true;
  switch (first.keyword) {
    case Keyword::kALL:
    case Keyword::kANY:
    case Keyword::kSHORTEST:
      // `(ALL SHORTEST (...`; a variable of that name is followed by `)`, `:`, `{` or WHERE.
      return peek(2).kind == TokenKind::kLeftParen || peek(2).kind == TokenKind::kInteger ||
             peek(2).keyword == Keyword::kSHORTEST || peek(2).keyword == Keyword::kPATH ||
             peek(2).keyword == Keyword::kPATHS;
    default: return false;
  }
}

const PathPattern* Parser::parse_path(PatternContext context) {
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  uint32_t start = t_->offset;
  auto* path = arena_.make<PathPattern>();
  if (at_name() && peek().kind == TokenKind::kEqual) {
    if (!parse_name(path->variable, "a path variable")) return nullptr;
    advance();
  }
  if (at_selector()) {
    if (context == PatternContext::kCreate || context == PatternContext::kMerge) {
      return fail_unexpected(concat({"a shortest path cannot be created; found ", found_text()}));
    }
    if (!parse_selector(*path)) return nullptr;
  }
  bool single = at(Keyword::kSHORTESTPATH);
  if ((single || at(Keyword::kALLSHORTESTPATHS)) && peek().kind == TokenKind::kLeftParen) {
    if (context == PatternContext::kCreate || context == PatternContext::kMerge) {
      return fail_unexpected(concat({"a shortest path cannot be created; found ", found_text()}));
    }
    std::string_view function = single ? "shortestPath" : "allShortestPaths";
    path->shortest = single ? ShortestFunction::kShortestPath : ShortestFunction::kAllShortestPaths;
    uint32_t function_start = t_->offset;
    advance();
    uint32_t open = index();
    advance();
    if (!parse_elements(*path, context)) return nullptr;
    if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
    bool good = path->elements.size() == 3;
    for (size_t i = 0; good && i < 3; ++i) {
      good = path->elements[i]->kind == (i == 1 ? ElementKind::kRelationship : ElementKind::kNode);
    }
    if (!good) {
      return fail(
          "UnexpectedSyntax",
          concat({"`", function, "` takes one relationship between two nodes, as in `", function, "((a)-[*]-(b))`"}),
          function_start);
    }
    path->span = span_from(start);
    return path;
  }
  if (!parse_elements(*path, context)) return nullptr;
  path->span = span_from(start);
  return path;
}

bool Parser::parse_selector(PathPattern& path) {
  auto count = [&] {
    if (at(TokenKind::kInteger)) {
      take_for_compiler();
      path.selector_count = parse_literal(false, t_->offset);
      return path.selector_count != nullptr;
    }
    if (at(TokenKind::kParameter)) {
      path.selector_count = parse_parameter();
      return path.selector_count != nullptr;
    }
    return true;
  };
  auto paths = [&] {
    if (at(Keyword::kPATH) || at(Keyword::kPATHS)) advance();
  };
  if (accept(Keyword::kALL)) {
    path.selector = PathSelector::kAll;
    if (accept(Keyword::kSHORTEST)) path.selector = PathSelector::kAllShortest;
    paths();
  } else if (accept(Keyword::kANY)) {
    path.selector = PathSelector::kAny;
    if (accept(Keyword::kSHORTEST)) {
      path.selector = PathSelector::kAnyShortest;
    } else if (!count()) {
      return false;
    }
    paths();
  } else {
    advance();
    path.selector = PathSelector::kShortest;
    if (!count()) return false;
    paths();
    if (at(Keyword::kGROUP) || at(Keyword::kGROUPS)) {
      path.selector = PathSelector::kShortestGroups;
      advance();
    }
  }
  const auto* k = find<Literal>(path.selector_count);
  if (k != nullptr && k->integer < 1) {
    return fail("UnexpectedSyntax", "the number of paths must be at least 1", k->span.offset);
  }
  return true;
}

bool Parser::at_relationship() const {
  const Token* t = t_;
  ptrdiff_t k = 0;
  if (t->kind == TokenKind::kLess) k = 1;
  if (peek(k).kind != TokenKind::kMinus) return false;
  TokenKind next = peek(k + 1).kind;
  return next == TokenKind::kMinus || next == TokenKind::kLeftBracket;
}

bool Parser::parse_elements(PathPattern& path, PatternContext context) {
  ListBuilder<const PatternElement*> elements(*this);
  while (true) {
    bool group = at_group();
    if (!at(TokenKind::kLeftParen)) {
      return fail_expected(elements.empty() ? "a node pattern `( )`" : "a node pattern `( )` after the relationship",
                           {"SHORTEST", "ALL", "ANY", "MATCH"});
    }
    if (group && (context == PatternContext::kCreate || context == PatternContext::kMerge)) {
      return fail_unexpected("a quantified or parenthesised path cannot be created");
    }
    const PatternElement* element = group ? parse_group(context) : parse_node(context);
    if (element == nullptr) return false;
    elements.push(element);
    if (at_relationship()) {
      if (group)
        return fail_unexpected(
            concat({"expected a node pattern or `,` after the parenthesised path; found ", found_text()}));
      const PatternElement* rel = parse_relationship(context);
      if (rel == nullptr) return false;
      elements.push(rel);
      if (at_group())
        return fail_unexpected("expected a node pattern after the relationship; found a parenthesised path");
      continue;
    }
    // A group may follow a node or a group, and a node a group, side by side.
    if (at(TokenKind::kLeftParen) && context != PatternContext::kExpression && (group || at_group())) continue;
    break;
  }
  if (at(TokenKind::kLeftParen)) return fail_expected("a relationship or `,` between two nodes");
  path.elements = elements.finish();
  return true;
}

const PatternElement* Parser::parse_group(PatternContext context) {
  uint32_t start = t_->offset;
  uint32_t open = index();
  advance();
  auto* group = node<GroupPattern>();
  group->pattern = parse_path(context);
  if (group->pattern == nullptr) return nullptr;
  if (at(Keyword::kWHERE)) {
    group->where = parse_where();
    if (group->where == nullptr) return nullptr;
  }
  if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
  if (!parse_quantifier_suffix(group->quantifier)) return nullptr;
  group->span = span_from(start);
  return group;
}

const PatternElement* Parser::parse_node(PatternContext context) {
  uint32_t start = t_->offset;
  uint32_t open = index();
  advance();
  auto* n = node<NodePattern>();
  auto ends_name = [&](const Token& t) {
    return t.kind == TokenKind::kRightParen || t.kind == TokenKind::kColon || t.kind == TokenKind::kLeftBrace;
  };
  bool is_marker = at(Keyword::kIS) && !ends_name(peek()) && is_name(peek());
  bool is_where = at(Keyword::kWHERE) && !ends_name(peek());
  if (at_name() && !is_marker && !is_where) {
    if (!parse_name(n->variable, "a variable")) return nullptr;
  }
  if (at(TokenKind::kColon) || at(Keyword::kIS)) {
    advance();
    n->labels = parse_labels();
    if (n->labels == nullptr) return nullptr;
    if (context == PatternContext::kCreate || context == PatternContext::kMerge) {
      if (!check_plain_labels(n->labels, context == PatternContext::kCreate ? "CREATE" : "MERGE")) return nullptr;
    }
  }
  if (!parse_properties(n->properties, context)) return nullptr;
  if (at(Keyword::kWHERE)) {
    if (context == PatternContext::kCreate || context == PatternContext::kMerge) {
      return fail_unexpected("`WHERE` has no place in a pattern that is created");
    }
    n->where = parse_where();
    if (n->where == nullptr) return nullptr;
  }
  if (!accept(TokenKind::kRightParen)) {
    std::string_view expected = n->where != nullptr        ? ""
                                : n->properties != nullptr ? "`WHERE`"
                                : n->labels != nullptr     ? "`{`, `WHERE`, a label operator"
                                : n->variable              ? "`:`, `{`, `WHERE`"
                                                           : "a variable, `:`, `{`";
    expect_close(TokenKind::kRightParen, open, expected);
    return nullptr;
  }
  n->span = span_from(start);
  return n;
}

bool Parser::parse_properties(const Expr*& out, PatternContext context) {
  if (at(TokenKind::kLeftBrace)) {
    out = parse_map();
    return out != nullptr;
  }
  if (at(TokenKind::kParameter)) {
    if (context != PatternContext::kCreate) {
      return fail("InvalidParameterUse",
                  concat({"parameter ", quote_for_message(token_text(*t_)),
                          " cannot stand for all properties here; write the keys, as in `{name: $map.name}`"}),
                  t_->offset);
    }
    out = parse_parameter();
    return out != nullptr;
  }
  return true;
}

const PatternElement* Parser::parse_relationship(PatternContext context) {
  uint32_t start = t_->offset;
  auto* rel = node<RelationshipPattern>();
  bool left = accept(TokenKind::kLess);
  advance();  // `-`
  if (at(TokenKind::kLeftBracket)) {
    uint32_t open = index();
    advance();
    if (!parse_relationship_detail(*rel, context)) return nullptr;
    if (!at(TokenKind::kRightBracket)) {
      std::string_view expected = rel->where != nullptr        ? ""
                                  : rel->properties != nullptr ? "`WHERE`"
                                  : rel->length != nullptr     ? "`{`, `WHERE`"
                                  : rel->types != nullptr      ? "`|`, `*`, `{`, `WHERE`"
                                  : rel->variable              ? "`:`, `*`, `{`, `WHERE`"
                                                               : "a variable, `:`, `*`, `{`";
      if (at(TokenKind::kDotDot)) {
        return fail("InvalidRelationshipPattern",
                    "expected `*` before the bounds of a variable-length relationship; found `..`", t_->offset);
      }
      if (!expect_close(TokenKind::kRightBracket, open, expected)) return nullptr;
    } else {
      advance();
    }
  }
  if (!at(TokenKind::kMinus)) {
    return fail("InvalidRelationshipPattern", concat({"expected `-` to end the relationship; found ", found_text()}),
                t_->offset);
  }
  advance();
  bool right = accept(TokenKind::kGreater);
  rel->direction = left == right ? Direction::kBoth : left ? Direction::kIn : Direction::kOut;
  rel->both_arrows = left && right;
  uint32_t quantifier_offset = t_->offset;
  if (!parse_quantifier_suffix(rel->quantifier)) return nullptr;
  if (rel->quantifier != nullptr && rel->length != nullptr) {
    return fail("InvalidRelationshipPattern",
                "a relationship has either `*` inside its brackets or a quantifier after it, not both",
                quantifier_offset);
  }
  rel->span = span_from(start);
  if (!check_write_relationship(*rel, context)) return nullptr;
  return rel;
}

bool Parser::parse_relationship_detail(RelationshipPattern& rel, PatternContext context) {
  auto ends_name = [&](const Token& t) {
    return t.kind == TokenKind::kRightBracket || t.kind == TokenKind::kColon || t.kind == TokenKind::kLeftBrace ||
           t.kind == TokenKind::kStar;
  };
  bool is_marker = at(Keyword::kIS) && !ends_name(peek()) && is_name(peek());
  bool is_where = at(Keyword::kWHERE) && !ends_name(peek());
  if (at_name() && !is_marker && !is_where) {
    if (!parse_name(rel.variable, "a variable")) return false;
  }
  if (at(TokenKind::kColon) || at(Keyword::kIS)) {
    advance();
    rel.types = parse_labels();
    if (rel.types == nullptr) return false;
  }
  if (at(TokenKind::kStar) && !parse_length(rel.length)) return false;
  if (!parse_properties(rel.properties, context)) return false;
  if (at(Keyword::kWHERE)) {
    if (context == PatternContext::kCreate || context == PatternContext::kMerge) {
      return fail_unexpected("`WHERE` has no place in a pattern that is created");
    }
    rel.where = parse_where();
    if (rel.where == nullptr) return false;
  }
  return true;
}

bool Parser::check_write_relationship(const RelationshipPattern& rel, PatternContext context) {
  if (context != PatternContext::kCreate && context != PatternContext::kMerge) return true;
  std::string clause = context == PatternContext::kCreate ? "CREATE" : "MERGE";
  if (rel.length != nullptr || rel.quantifier != nullptr) {
    return fail("CreatingVarLength", concat({"a variable-length relationship cannot be used in ", clause}),
                rel.span.offset);
  }
  if (rel.types == nullptr) {
    // Whether the variable is bound already, which is the worse mistake, is for the binder to see.
    if (rel.variable) return true;
    return fail("NoSingleRelationshipType",
                concat({"a relationship in ", clause, " needs exactly one type, as in `-[:KNOWS]->`; found none"}),
                rel.span.offset);
  }
  if (rel.types->kind != LabelExprKind::kName && rel.types->kind != LabelExprKind::kDynamic) {
    return fail("NoSingleRelationshipType",
                concat({"a relationship in ", clause, " needs exactly one type; found ",
                        quote_for_message(text_.substr(rel.types->span.offset, rel.types->span.length))}),
                rel.types->span.offset);
  }
  if (rel.direction == Direction::kBoth && context == PatternContext::kCreate) {
    return fail("RequiresDirectedRelationship", "a relationship in CREATE needs one direction: `-->` or `<--`",
                rel.span.offset);
  }
  return true;
}

bool Parser::parse_bound(int64_t& out) {
  if (at(TokenKind::kInteger)) {
    take_for_compiler();
    auto value = decode_integer(token_text(*t_), t_->offset, false);
    if (!value.ok()) {
      if (status_.ok()) status_ = std::move(value).status();
      return false;
    }
    out = *value;
    advance();
    return true;
  }
  if (at(TokenKind::kParameter)) {
    return fail(
        "InvalidParameterUse",
        concat({"parameter ", quote_for_message(token_text(*t_)), " cannot bound a variable length; write the number"}),
        t_->offset);
  }
  return true;
}

bool Parser::parse_length(const Repeat*& out) {
  uint32_t start = t_->offset;
  advance();
  auto* repeat = arena_.make<Repeat>();
  if (at(TokenKind::kMinus) || at(TokenKind::kFloat)) {
    return fail("InvalidRelationshipPattern",
                concat({"the bounds of a variable length are integers from 0; found ", found_text()}), t_->offset);
  }
  if (!parse_bound(repeat->min)) return false;
  if (accept(TokenKind::kDotDot)) {
    if (at(TokenKind::kMinus) || at(TokenKind::kFloat)) {
      return fail("InvalidRelationshipPattern",
                  concat({"the bounds of a variable length are integers from 0; found ", found_text()}), t_->offset);
    }
    if (!parse_bound(repeat->max)) return false;
  } else {
    repeat->max = repeat->min;
  }
  repeat->span = span_from(start);
  out = repeat;
  return true;
}

bool Parser::parse_quantifier_suffix(const Repeat*& out) {
  uint32_t start = t_->offset;
  if (at(TokenKind::kPlus) || at(TokenKind::kStar)) {
    auto* repeat = arena_.make<Repeat>();
    repeat->min = at(TokenKind::kPlus) ? 1 : 0;
    advance();
    repeat->span = span_from(start);
    out = repeat;
    return true;
  }
  if (!at(TokenKind::kLeftBrace)) return true;
  TokenKind first = peek().kind;
  if (first != TokenKind::kInteger && first != TokenKind::kComma && first != TokenKind::kParameter) return true;
  uint32_t open = index();
  advance();
  auto* repeat = arena_.make<Repeat>();
  if (!parse_bound(repeat->min)) return false;
  if (accept(TokenKind::kComma)) {
    if (!parse_bound(repeat->max)) return false;
  } else {
    repeat->max = repeat->min;
  }
  if (!expect_close(TokenKind::kRightBrace, open)) return false;
  repeat->span = span_from(start);
  if (repeat->max == 0) {
    return fail("UnexpectedSyntax", "the upper bound of a quantifier must be at least 1", start);
  }
  if (repeat->max >= 0 && repeat->min > repeat->max) {
    return fail("UnexpectedSyntax", "the lower bound of a quantifier is above its upper bound", start);
  }
  out = repeat;
  return true;
}

// --- label expressions: `|` below `&` and `:` below `!` ---

const LabelExpr* Parser::join_labels(LabelExprKind kind, bool colons, ListBuilder<const LabelExpr*>& parts,
                                     uint32_t start) {
  if (parts.size() == 1) return parts.get(0);
  auto* joined = arena_.make<LabelExpr>();
  joined->kind = kind;
  joined->colons = colons;
  joined->parts = parts.finish();
  joined->span = span_from(start);
  return joined;
}

const LabelExpr* Parser::parse_labels() {
  uint32_t start = t_->offset;
  ListBuilder<const LabelExpr*> parts(*this);
  bool colons = false;
  while (true) {
    const LabelExpr* part = parse_label_and();
    if (part == nullptr) return nullptr;
    parts.push(part);
    if (!at(TokenKind::kPipe) || index() == separator_bar_) break;
    advance();
    if (accept(TokenKind::kColon)) colons = true;
  }
  return join_labels(LabelExprKind::kOr, colons, parts, start);
}

const LabelExpr* Parser::parse_label_and() {
  uint32_t start = t_->offset;
  ListBuilder<const LabelExpr*> parts(*this);
  bool colons = false;
  while (true) {
    const LabelExpr* part = parse_label_term();
    if (part == nullptr) return nullptr;
    parts.push(part);
    if (at(TokenKind::kColon)) {
      colons = true;
    } else if (!at(TokenKind::kAmpersand)) {
      break;
    }
    advance();
  }
  return join_labels(LabelExprKind::kAnd, colons, parts, start);
}

const LabelExpr* Parser::parse_label_term() {
  uint32_t start = t_->offset;
  auto* label = arena_.make<LabelExpr>();
  switch (t_->kind) {
    case TokenKind::kExclamation: {
      Deeper deeper(*this);
      if (!deeper) return fail_depth();
      advance();
      const LabelExpr* part = parse_label_term();
      if (part == nullptr) return nullptr;
      label->kind = LabelExprKind::kNot;
      label->parts = arena_.copy(&part, 1);
      break;
    }
    case TokenKind::kPercent:
      advance();
      label->kind = LabelExprKind::kWildcard;
      break;
    case TokenKind::kLeftParen: {
      Deeper deeper(*this);
      if (!deeper) return fail_depth();
      uint32_t open = index();
      advance();
      const LabelExpr* inner = parse_labels();
      if (inner == nullptr) return nullptr;
      if (!expect_close(TokenKind::kRightParen, open, "a label operator")) return nullptr;
      return inner;
    }
    case TokenKind::kParameter:
    case TokenKind::kDollar: {
      std::string_view word = token_text(*t_);
      bool all = word.size() == 4 && find_keyword(word.substr(1)) == Keyword::kALL;
      label->any = word.size() == 4 && find_keyword(word.substr(1)) == Keyword::kANY;
      if (at(TokenKind::kParameter) && !((all || label->any) && peek().kind == TokenKind::kLeftParen)) {
        return fail("InvalidParameterUse",
                    concat({"a parameter cannot stand for a label or type directly; write `$(", word, ")`"}),
                    t_->offset);
      }
      advance();
      uint32_t open = index();
      if (!expect(TokenKind::kLeftParen, "after `$`")) return nullptr;
      label->kind = LabelExprKind::kDynamic;
      label->expr = parse_expr();
      if (label->expr == nullptr) return nullptr;
      if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
      break;
    }
    default:
      label->kind = LabelExprKind::kName;
      if (!parse_name(label->name, "a label or type")) return nullptr;
  }
  label->span = span_from(start);
  return label;
}

bool Parser::check_plain_labels(const LabelExpr* labels, std::string_view clause) {
  auto plain = [](const LabelExpr* l) { return l->kind == LabelExprKind::kName || l->kind == LabelExprKind::kDynamic; };
  bool good = plain(labels);
  if (labels->kind == LabelExprKind::kAnd) good = std::all_of(labels->parts.begin(), labels->parts.end(), plain);
  if (good) return true;
  return fail("UnexpectedSyntax",
              concat({"label expression ", quote_for_message(text_.substr(labels->span.offset, labels->span.length)),
                      " cannot be used in ", clause, "; list the labels, as in `:A:B` or `:A&B`"}),
              labels->span.offset);
}

}  // namespace lora::cypher

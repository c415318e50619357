// Expressions in brackets: what `(`, `[` and `{` begin is decided from the partner of the bracket.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

// Whether the `(` at `t` begins a path pattern and not a parenthesised expression: what follows its partner decides,
// together with how the contents begin.
bool Parser::is_pattern_start(const Token* t) const {
  uint32_t match = t->length_or_match;
  if (match == 0) return false;
  const Token* after = tokens_.list.data() + match + 1;
  if (after > last_) return false;
  auto kind_at = [&](ptrdiff_t k) { return last_ - after >= k ? after[k].kind : TokenKind::kEnd; };
  size_t k = 0;
  if (kind_at(0) == TokenKind::kLess) k = 1;
  if (kind_at(static_cast<ptrdiff_t>(k)) != TokenKind::kMinus) return false;
  TokenKind next = kind_at(static_cast<ptrdiff_t>(k + 1));
  if (next == TokenKind::kMinus) {
    TokenKind third = kind_at(static_cast<ptrdiff_t>(k + 2));
    bool arrow = third == TokenKind::kGreater;
    TokenKind then = arrow ? kind_at(static_cast<ptrdiff_t>(k + 3)) : third;
    if (then != TokenKind::kLeftParen) return false;
  } else if (next == TokenKind::kLeftBracket) {
    uint32_t close = after[k + 1].length_or_match;
    if (close == 0 || token_at(close + 1).kind != TokenKind::kMinus) return false;
  } else {
    return false;
  }
  // Inside: nothing, or what a node begins with.
  const Token* in = t + 1;
  switch (in->kind) {
    case TokenKind::kRightParen:
    case TokenKind::kColon:
    case TokenKind::kLeftBrace: return true;
    case TokenKind::kWord:
    case TokenKind::kQuotedName:
      switch (in[1].kind) {
        case TokenKind::kRightParen:
        case TokenKind::kColon:
        case TokenKind::kLeftBrace:
        case TokenKind::kParameter: return true;
        default: return in[1].keyword == Keyword::kWHERE || in->keyword == Keyword::kWHERE;
      }
    default: return false;
  }
}

namespace {

// One token that is an operand by itself and no word.
bool is_whole_operand(TokenKind kind) {
  switch (kind) {
    case TokenKind::kQuotedName:
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kParameter: return true;
    default: return false;
  }
}

// Whether the word CASE, between these tokens, begins an expression and is no name.
bool begins_case(const Token& before, const Token& after) {
  switch (before.kind) {
    case TokenKind::kDot:
    case TokenKind::kColon:
    case TokenKind::kAmpersand:
    case TokenKind::kExclamation: return false;
    default: break;
  }
  switch (after.kind) {
    case TokenKind::kWord:
      switch (after.keyword) {
        case Keyword::kAND:
        case Keyword::kOR:
        case Keyword::kXOR:
        case Keyword::kIN:
        case Keyword::kIS: return false;
        default: return true;
      }
    case TokenKind::kLeftParen:
    case TokenKind::kLeftBracket:
    case TokenKind::kLeftBrace:
    case TokenKind::kMinus: return true;
    default: return is_whole_operand(after.kind);
  }
}

// Whether an operand ends here, so that a word END after it ends a CASE.
bool ends_operand(const Token& t) {
  switch (t.kind) {
    case TokenKind::kWord:
      switch (t.keyword) {
        case Keyword::kWHEN:
        case Keyword::kTHEN:
        case Keyword::kELSE:
        case Keyword::kAND:
        case Keyword::kOR:
        case Keyword::kXOR:
        case Keyword::kNOT:
        case Keyword::kIN:
        case Keyword::kWITH:
        case Keyword::kCONTAINS: return false;
        default: return true;
      }
    case TokenKind::kRightParen:
    case TokenKind::kRightBracket:
    case TokenKind::kRightBrace: return true;
    default: return is_whole_operand(t.kind);
  }
}

// Words that go on with a type: `ZONED DATETIME NOT NULL`.
bool continues_type(Keyword keyword) {
  switch (keyword) {
    case Keyword::kNOT:
    case Keyword::kWITH:
    case Keyword::kWITHOUT:
    case Keyword::kZONE:
    case Keyword::kTIMEZONE: return true;
    default: return begins_type(keyword);
  }
}

}  // namespace

// A `|` may separate, or belong to a label expression or a type (`x:A|B`, `x IS :: INTEGER|STRING`). Neither brackets
// nor CASE ... END hold the one that separates. The first one that follows neither a label nor a type separates; if
// there is none, the last one does, or an earlier one whose next name is used as only a variable is: `| x.name`,
// `| f(x)`, `| x:B`, `| x IS :: T`. So `[x IN xs WHERE x:A|B]` gives `B` for each `x:A`; parentheses help.
Parser::Contents Parser::scan_contents(uint32_t open) {
  Contents out;
  const uint32_t close = token_at(open).length_or_match;
  if (close == 0) return out;
  enum class Inside : uint8_t { kOther, kLabels, kType };
  Inside inside = Inside::kOther;  // what the tokens since `:` or `::` form so far
  bool complete = false;           // its last term
  uint32_t pending = 0;            // a `|` that may be either
  uint32_t cases = 0;
  for (uint32_t i = open + 1; i < close; ++i) {
    ++steps_;
    const Token& t = token_at(i);
    if (t.kind == TokenKind::kComma) out.comma = true;
    const bool name_after_bar = pending != 0 && i == pending + 2 && token_at(i - 1).kind != TokenKind::kColon;
    if (t.is_bracket() && t.length_or_match > i) {
      if (out.bar == 0 && name_after_bar && complete) out.bar = pending;
      const bool group = t.kind == TokenKind::kLeftParen && inside == Inside::kLabels && !complete;
      if (!group && inside != Inside::kType) inside = Inside::kOther;  // `VECTOR<FLOAT>(3)` goes on
      complete = inside != Inside::kOther;
      i = t.length_or_match;
      continue;
    }
    if (out.bar != 0) continue;  // commas only
    if (t.keyword == Keyword::kCASE && begins_case(token_at(i - 1), token_at(i + 1))) {
      ++cases;
      inside = Inside::kOther;
      continue;
    }
    if (cases != 0) {
      if (t.keyword == Keyword::kEND && ends_operand(token_at(i - 1))) --cases;
      continue;
    }
    switch (t.kind) {
      case TokenKind::kPipe:
        if (inside == Inside::kOther || !complete ||
            (inside == Inside::kType && !begins_type(token_at(i + 1).keyword))) {
          out.bar = i;
        } else {
          pending = i;
          complete = false;
        }
        break;
      case TokenKind::kDot:
        if (name_after_bar && complete) out.bar = pending;
        inside = Inside::kOther;
        break;
      case TokenKind::kColon:
        if (name_after_bar && complete) out.bar = pending;  // `| x:B` and not `|:B`
        inside = Inside::kLabels;
        complete = false;
        break;
      case TokenKind::kColonColon:
        if (name_after_bar && complete) out.bar = pending;
        inside = Inside::kType;
        complete = false;
        break;
      case TokenKind::kWord:
      case TokenKind::kQuotedName:
        if (t.keyword == Keyword::kIS && name_after_bar && complete) {
          const uint32_t next = i + (token_at(i + 1).keyword == Keyword::kNOT ? 2 : 1);
          if (token_at(next).kind == TokenKind::kColonColon || token_at(next).keyword == Keyword::kTYPED)
            out.bar = pending;
        }
        if (inside == Inside::kType && (!complete || continues_type(t.keyword))) {
          complete = true;
        } else if (inside == Inside::kLabels && !complete) {
          complete = true;
        } else if (t.keyword == Keyword::kTYPED) {
          inside = Inside::kType;
          complete = false;
        } else {
          inside = Inside::kOther;
        }
        break;
      case TokenKind::kLess:
        if (inside == Inside::kType && complete) {  // `LIST<INTEGER|STRING>`
          for (uint32_t angles = 1; angles != 0 && i + 1 < close;) {
            const TokenKind kind = token_at(++i).kind;
            ++steps_;
            if (kind == TokenKind::kLess) ++angles;
            if (kind == TokenKind::kGreater) --angles;
          }
        } else {
          inside = Inside::kOther;
        }
        break;
      case TokenKind::kPercent: complete = inside == Inside::kLabels; break;
      case TokenKind::kAmpersand: complete = false; break;
      case TokenKind::kExclamation: break;
      case TokenKind::kDollar: break;
      default: inside = Inside::kOther;
    }
  }
  if (out.bar == 0) out.bar = pending;
  return out;
}

const Expr* Parser::parse_paren() {
  if (at_pattern_start()) return parse_pattern_predicate();
  uint32_t open = index();
  advance();
  const Expr* inner = parse_expr();
  if (inner == nullptr) return nullptr;
  if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
  const_cast<Expr*>(inner)->parenthesized = true;  // still ours: nobody else has seen it
  return inner;
}

const Expr* Parser::parse_pattern_predicate() {
  uint32_t start = t_->offset;
  HeightScope scope(*this);
  const PathPattern* pattern = parse_path(PatternContext::kExpression);
  if (pattern == nullptr) return nullptr;
  auto* e = node<PatternPredicate>();
  e->pattern = pattern;
  return seal(e, start, scope.inside());
}

const Expr* Parser::parse_bracket() {
  uint32_t open = index();
  uint32_t start = t_->offset;
  const Token& first = peek();
  if (is_name(first)) {
    if (peek(2).keyword == Keyword::kIN) {
      Contents contents = scan_contents(open);
      if (contents.bar != 0 || !contents.comma) {
        uint32_t outer = separator_bar_;
        separator_bar_ = contents.bar;
        const Expr* e = parse_list_comprehension(open);
        separator_bar_ = outer;
        return e;
      }
    }
  }
  const Token* pattern = nullptr;
  if (first.kind == TokenKind::kLeftParen) {
    pattern = t_ + 1;
  } else if (is_name(first) && peek(2).kind == TokenKind::kEqual && peek(3).kind == TokenKind::kLeftParen) {
    pattern = t_ + 3;
  }
  if (pattern != nullptr && is_pattern_start(pattern)) {
    Contents contents = scan_contents(open);
    if (contents.bar != 0) {
      uint32_t outer = separator_bar_;
      separator_bar_ = contents.bar;
      const Expr* e = parse_pattern_comprehension(open);
      separator_bar_ = outer;
      return e;
    }
  }
  advance();
  ListBuilder<const Expr*> items(*this);
  uint32_t height = 0;
  if (!at(TokenKind::kRightBracket)) {
    do {
      const Expr* item = parse_expr();
      if (item == nullptr || !check_value(item)) return nullptr;
      items.push(item);
      height = std::max<uint32_t>(height, item->height);
    } while (accept(TokenKind::kComma));
  }
  if (!expect_close(TokenKind::kRightBracket, open, items.empty() ? "an expression" : "`,`")) return nullptr;
  auto* e = node<ListLiteral>();
  e->items = items.finish();
  return seal(e, start, height);
}

const Expr* Parser::parse_list_comprehension(uint32_t open) {
  uint32_t start = t_->offset;
  advance();
  Name variable;
  if (!parse_name(variable, "a variable") || !expect(Keyword::kIN)) return nullptr;
  const Expr* list = parse_expr();
  if (list == nullptr || !check_value(list)) return nullptr;
  uint32_t height = list->height;
  const Expr* where = nullptr;
  if (at(Keyword::kWHERE)) {
    where = parse_where();
    if (where == nullptr) return nullptr;
    height = std::max<uint32_t>(height, where->height);
  }
  const Expr* result = nullptr;
  if (accept(TokenKind::kPipe)) {
    result = parse_expr();
    if (result == nullptr || !check_value(result)) return nullptr;
    height = std::max<uint32_t>(height, result->height);
  }
  if (!expect_close(TokenKind::kRightBracket, open,
                    result != nullptr  ? ""
                    : where != nullptr ? "`|`"
                                       : "`WHERE`, `|`")) {
    return nullptr;
  }
  auto* e = node<ListComprehension>();
  e->variable = variable;
  e->list = list;
  e->where = where;
  e->result = result;
  return seal(e, start, height);
}

const Expr* Parser::parse_pattern_comprehension(uint32_t open) {
  uint32_t start = t_->offset;
  HeightScope scope(*this);
  advance();
  const PathPattern* pattern = parse_path(PatternContext::kExpression);
  if (pattern == nullptr) return nullptr;
  const Expr* where = nullptr;
  if (at(Keyword::kWHERE)) {
    where = parse_where();
    if (where == nullptr) return nullptr;
  }
  if (!expect(TokenKind::kPipe, "and the result of the pattern comprehension")) return nullptr;
  const Expr* result = parse_expr();
  if (result == nullptr || !check_value(result)) return nullptr;
  if (!expect_close(TokenKind::kRightBracket, open)) return nullptr;
  auto* e = node<PatternComprehension>();
  e->pattern = pattern;
  e->where = where;
  e->result = result;
  return seal(e, start, scope.inside());
}

const Expr* Parser::parse_map() {
  uint32_t open = index();
  uint32_t start = t_->offset;
  advance();
  ListBuilder<MapEntry> entries(*this);
  uint32_t height = 0;
  if (!at(TokenKind::kRightBrace)) {
    do {
      MapEntry entry{};
      if (!parse_name(entry.key, entries.empty() ? "a key or `}`" : "a key")) return nullptr;
      if (at(TokenKind::kEqual)) {
        return fail_unexpected("expected `:` after the key; found `=`; a map is written `{key: value}`");
      }
      if (!expect(TokenKind::kColon, "after the key")) return nullptr;
      entry.value = parse_expr();
      if (entry.value == nullptr || !check_value(entry.value)) return nullptr;
      height = std::max<uint32_t>(height, entry.value->height);
      entries.push(entry);
    } while (accept(TokenKind::kComma));
  }
  if (!expect_close(TokenKind::kRightBrace, open, entries.empty() ? "a key" : "`,`")) return nullptr;
  auto* e = node<MapLiteral>();
  e->entries = entries.finish();
  return seal(e, start, height);
}

const Expr* Parser::parse_map_projection(const Expr* base, uint32_t start) {
  uint32_t open = index();
  advance();
  ListBuilder<MapProjectionEntry> entries(*this);
  uint32_t height = base->height;
  if (!at(TokenKind::kRightBrace)) {
    do {
      MapProjectionEntry entry{};
      if (accept(TokenKind::kDot)) {
        if (accept(TokenKind::kStar)) {
          entry.kind = ProjectionEntryKind::kAllProperties;
        } else {
          entry.kind = ProjectionEntryKind::kProperty;
          if (!parse_name(entry.name, "a property name or `*` after `.`")) return nullptr;
        }
      } else {
        if (!parse_name(entry.name, "`.name`, `.*`, `name: value` or a variable")) return nullptr;
        entry.kind = ProjectionEntryKind::kVariable;
        if (accept(TokenKind::kColon)) {
          entry.kind = ProjectionEntryKind::kEntry;
          entry.value = parse_expr();
          if (entry.value == nullptr || !check_value(entry.value)) return nullptr;
          height = std::max<uint32_t>(height, entry.value->height);
        }
      }
      entries.push(entry);
    } while (accept(TokenKind::kComma));
  }
  if (!expect_close(TokenKind::kRightBrace, open, "`,`")) return nullptr;
  auto* e = node<MapProjection>();
  e->base = base;
  e->entries = entries.finish();
  return seal(e, start, height);
}

const Expr* Parser::parse_subscript(const Expr* base, uint32_t start) {
  uint32_t open = index();
  advance();
  const Expr* first = nullptr;
  if (!at(TokenKind::kDotDot)) {
    first = parse_expr();
    if (first == nullptr) return nullptr;
  }
  if (!accept(TokenKind::kDotDot)) {
    if (!expect_close(TokenKind::kRightBracket, open, "`..`")) return nullptr;
    auto* e = node<Index>();
    e->base = base;
    e->index = first;
    return seal(e, start, std::max(base->height, first->height));
  }
  const Expr* to = nullptr;
  if (!at(TokenKind::kRightBracket)) {
    to = parse_expr();
    if (to == nullptr) return nullptr;
  }
  if (!expect_close(TokenKind::kRightBracket, open)) return nullptr;
  auto* e = node<Slice>();
  e->base = base;
  e->from = first;
  e->to = to;
  uint32_t height = base->height;
  if (first != nullptr) height = std::max<uint32_t>(height, first->height);
  if (to != nullptr) height = std::max<uint32_t>(height, to->height);
  return seal(e, start, height);
}

const Expr* Parser::parse_subquery(SubqueryKind kind) {
  uint32_t start = t_->offset;
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  HeightScope scope(*this);
  advance();
  uint32_t open = index();
  advance();
  const QueryBody* body = nullptr;
  bool bare = at(TokenKind::kLeftParen) || (at_name() && peek().kind == TokenKind::kEqual) ||
              (at_selector() && !at_clause()) || at(Keyword::kSHORTESTPATH) || at(Keyword::kALLSHORTESTPATHS);
  if (bare && kind != SubqueryKind::kCollect) {
    uint32_t from = t_->offset;
    auto* match = node<Match>();
    if (!parse_patterns(match->patterns, PatternContext::kMatch)) return nullptr;
    if (at(Keyword::kWHERE)) {
      match->where = parse_where();
      if (match->where == nullptr) return nullptr;
    }
    finish_clause(match, from);
    const Clause* clause = match;
    SingleQuery single{span_from(from), arena_.copy(&clause, 1)};
    const SingleQuery* part = arena_.make<SingleQuery>(single);
    QueryBody made{span_from(from), arena_.copy(&part, 1), false};
    body = arena_.make<QueryBody>(made);
  } else {
    if (bare)
      return fail_unexpected(concat({"expected a query that ends with RETURN in `COLLECT { }`; found ", found_text()}));
    body = parse_body(kind == SubqueryKind::kExists  ? BodyContext::kExists
                      : kind == SubqueryKind::kCount ? BodyContext::kCount
                                                     : BodyContext::kCollect);
  }
  if (body == nullptr) return nullptr;
  if (!expect_close(TokenKind::kRightBrace, open, "a clause")) return nullptr;
  auto* e = node<Subquery>();
  e->subquery = kind;
  e->body = body;
  return seal(e, start, scope.inside());
}

}  // namespace lora::cypher

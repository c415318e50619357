// Expressions: precedence climbing over operator levels; a chain of one level becomes one node.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

namespace {

int operator_level(const Token& t, const Token& next) {
  switch (t.kind) {
    case TokenKind::kWord:
      switch (t.keyword) {
        case Keyword::kOR: return kOrLevel;
        case Keyword::kXOR: return kXorLevel;
        case Keyword::kAND: return kAndLevel;
        case Keyword::kIN:
        case Keyword::kIS:
        case Keyword::kCONTAINS: return kPredicateLevel;
        case Keyword::kSTARTS:
        case Keyword::kENDS: return next.keyword == Keyword::kWITH ? kPredicateLevel : kNoLevel;
        default: return kNoLevel;
      }
    case TokenKind::kEqual:
    case TokenKind::kNotEqual:
    case TokenKind::kLess:
    case TokenKind::kLessEqual:
    case TokenKind::kGreater:
    case TokenKind::kGreaterEqual: return kCompareLevel;
    case TokenKind::kRegexMatch: return kPredicateLevel;
    case TokenKind::kPlus:
    case TokenKind::kMinus:
    case TokenKind::kPipePipe: return kAddLevel;
    case TokenKind::kStar:
    case TokenKind::kSlash:
    case TokenKind::kPercent: return kMultiplyLevel;
    case TokenKind::kCaret: return kPowerLevel;
    default: return kNoLevel;
  }
}

ChainOp chain_op(const Token& t) {
  switch (t.kind) {
    case TokenKind::kPlus: return ChainOp::kAdd;
    case TokenKind::kMinus: return ChainOp::kSubtract;
    case TokenKind::kPipePipe: return ChainOp::kConcat;
    case TokenKind::kStar: return ChainOp::kMultiply;
    case TokenKind::kSlash: return ChainOp::kDivide;
    case TokenKind::kPercent: return ChainOp::kModulo;
    case TokenKind::kCaret: return ChainOp::kPower;
    default: break;
  }
  if (t.keyword == Keyword::kOR) return ChainOp::kOr;
  return t.keyword == Keyword::kXOR ? ChainOp::kXor : ChainOp::kAnd;
}

CompareOp compare_op(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEqual: return CompareOp::kEqual;
    case TokenKind::kNotEqual: return CompareOp::kNotEqual;
    case TokenKind::kLess: return CompareOp::kLess;
    case TokenKind::kLessEqual: return CompareOp::kLessEqual;
    case TokenKind::kGreater: return CompareOp::kGreater;
    default: return CompareOp::kGreaterEqual;
  }
}

// Words that begin or join clauses: as the first token of an expression they show that one is missing. Every other word
// may name a variable.
bool starts_no_expression(Keyword keyword) {
  switch (keyword) {
    case Keyword::kAND:
    case Keyword::kOR:
    case Keyword::kXOR:
    case Keyword::kIN:
    case Keyword::kIS:
    case Keyword::kAS:
    case Keyword::kCASE:
    case Keyword::kWHEN:
    case Keyword::kTHEN:
    case Keyword::kELSE:
    case Keyword::kWHERE:
    case Keyword::kWITH:
    case Keyword::kRETURN:
    case Keyword::kMATCH:
    case Keyword::kUNWIND:
    case Keyword::kCREATE:
    case Keyword::kMERGE:
    case Keyword::kDELETE:
    case Keyword::kDETACH:
    case Keyword::kREMOVE:
    case Keyword::kFOREACH:
    case Keyword::kUNION:
    case Keyword::kDISTINCT: return true;
    default: return false;
  }
}

}  // namespace

const Expr* Parser::parse_expr() {
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  return parse_binary(kOrLevel, nullptr, t_->offset);
}

// The operand and every operator of `min_level` or tighter. `left`: already parsed, or null.
const Expr* Parser::parse_binary(int min_level, const Expr* left, uint32_t start) {
  if (left == nullptr) {
    if (at(Keyword::kNOT)) {
      if (min_level > kNotLevel) return fail_unexpected("expected an operand; found `NOT`; put `NOT ...` in parentheses");
      Deeper deeper(*this);
      if (!deeper) return fail_depth();
      advance();
      const Expr* operand = parse_binary(kNotLevel, nullptr, t_->offset);
      if (operand == nullptr) return nullptr;
      auto* e = node<Unary>();
      e->op = UnaryOp::kNot;
      e->operand = operand;
      left = seal(e, start, operand->height);
    } else {
      left = parse_unary();
    }
  }
  while (left != nullptr) {
    int level = operator_level(*t_, peek());
    if (level < min_level || level == kNoLevel) return left;
    switch (level) {
      case kCompareLevel: left = parse_comparison(left, start); break;
      case kPredicateLevel: left = parse_predicate(left, start); break;
      default: left = parse_chain(level, left, start); break;
    }
  }
  return nullptr;
}

const Expr* Parser::parse_chain(int level, const Expr* left, uint32_t start) {
  ListBuilder<ChainLink> links(*this);
  links.push({left, 0});
  uint32_t height = left->height;
  bool boolean = level <= kAndLevel;
  if (!boolean && !check_value(left)) return nullptr;
  do {
    ChainOp op = chain_op(*t_);
    advance();
    const Expr* right = parse_binary(level + 1, nullptr, t_->offset);
    if (right == nullptr || (!boolean && !check_value(right))) return nullptr;
    links.push({right, static_cast<uint64_t>(op)});
    height = std::max<uint32_t>(height, right->height);
  } while (operator_level(*t_, peek()) == level);
  auto* e = node<Chain>();
  size_t count = links.size();
  auto* operands = static_cast<const Expr**>(arena_.allocate(count * sizeof(const Expr*), alignof(const Expr*)));
  auto* ops = static_cast<ChainOp*>(arena_.allocate(count - 1, 1));
  for (size_t i = 0; i < count; ++i) {
    ChainLink link = links.get(i);
    operands[i] = link.operand;
    if (i > 0) ops[i - 1] = static_cast<ChainOp>(link.op);
  }
  e->operands = {operands, count};
  e->ops = {ops, count - 1};
  return seal(e, start, height);
}

const Expr* Parser::parse_comparison(const Expr* left, uint32_t start) {
  ListBuilder<ChainLink> links(*this);
  links.push({left, 0});
  uint32_t height = left->height;
  do {
    CompareOp op = compare_op(t_->kind);
    advance();
    if (at(TokenKind::kEqual)) return fail_unexpected("expected an expression; found `=`; equality is written with one `=`");
    const Expr* right = parse_binary(kCompareLevel + 1, nullptr, t_->offset);
    if (right == nullptr) return nullptr;
    links.push({right, static_cast<uint64_t>(op)});
    height = std::max<uint32_t>(height, right->height);
  } while (operator_level(*t_, peek()) == kCompareLevel);
  auto* e = node<Comparison>();
  size_t count = links.size();
  auto* operands = static_cast<const Expr**>(arena_.allocate(count * sizeof(const Expr*), alignof(const Expr*)));
  auto* ops = static_cast<CompareOp*>(arena_.allocate(count - 1, 1));
  for (size_t i = 0; i < count; ++i) {
    ChainLink link = links.get(i);
    operands[i] = link.operand;
    if (i > 0) ops[i - 1] = static_cast<CompareOp>(link.op);
  }
  e->operands = {operands, count};
  e->ops = {ops, count - 1};
  return seal(e, start, height);
}

const Expr* Parser::parse_predicate(const Expr* left, uint32_t start) {
  PredicateOp op;
  switch (t_->keyword) {
    case Keyword::kIS: return parse_is(left, start);
    case Keyword::kIN: op = PredicateOp::kIn; break;
    case Keyword::kCONTAINS: op = PredicateOp::kContains; break;
    case Keyword::kSTARTS: op = PredicateOp::kStartsWith; break;
    case Keyword::kENDS: op = PredicateOp::kEndsWith; break;
    default: op = PredicateOp::kRegex; break;
  }
  if (op == PredicateOp::kStartsWith || op == PredicateOp::kEndsWith) advance();
  advance();
  const Expr* right = parse_binary(kPredicateLevel + 1, nullptr, t_->offset);
  if (right == nullptr) return nullptr;
  auto* e = node<Predicate>();
  e->op = op;
  e->left = left;
  e->right = right;
  return seal(e, start, std::max(left->height, right->height));
}

const Expr* Parser::parse_is(const Expr* left, uint32_t start) {
  advance();
  bool negated = accept(Keyword::kNOT);
  if (accept(Keyword::kNULL)) {
    auto* e = node<NullTest>();
    e->operand = left;
    e->negated = negated;
    return seal(e, start, left->height);
  }
  if (accept(TokenKind::kColonColon) || accept(Keyword::kTYPED)) {
    const TypeRef* type = parse_type_ref();
    if (type == nullptr) return nullptr;
    auto* e = node<TypeTest>();
    e->operand = left;
    e->type = type;
    e->negated = negated;
    return seal(e, start, left->height);
  }
  NormalForm form = NormalForm::kNfc;
  bool has_form = true;
  switch (t_->keyword) {
    case Keyword::kNFC: break;
    case Keyword::kNFD: form = NormalForm::kNfd; break;
    case Keyword::kNFKC: form = NormalForm::kNfkc; break;
    case Keyword::kNFKD: form = NormalForm::kNfkd; break;
    default: has_form = false;
  }
  if (has_form && peek().keyword == Keyword::kNORMALIZED) advance();
  if (accept(Keyword::kNORMALIZED)) {
    auto* e = node<NormalizedTest>();
    e->operand = left;
    e->form = form;
    e->negated = negated;
    return seal(e, start, left->height);
  }
  return fail_expected(negated ? "`NULL`, `:: type`, `TYPED type` or `NORMALIZED` after `IS NOT`"
                               : "`NULL`, `NOT NULL`, `:: type`, `TYPED type` or `NORMALIZED` after `IS`",
                       {"NULL", "NOT", "TYPED", "NORMALIZED"});
}

const Expr* Parser::parse_unary() {
  if (!at(TokenKind::kMinus) && !at(TokenKind::kPlus)) return parse_postfix();
  struct Sign {
    uint32_t offset;
    uint32_t minus;
  };
  ListBuilder<Sign> signs(*this);
  while (at(TokenKind::kMinus) || at(TokenKind::kPlus)) {
    signs.push({t_->offset, at(TokenKind::kMinus) ? 1u : 0u});
    advance();
  }
  size_t left = signs.size();
  const Expr* e = nullptr;
  // `-1` is one literal, unless something binds tighter than the sign (`-1::STRING`) or the key leaves the number open.
  if (signs.get(left - 1).minus != 0 && (at(TokenKind::kInteger) || at(TokenKind::kFloat)) && !is_stripped(*t_)) {
    TokenKind next = peek().kind;
    if (next != TokenKind::kDot && next != TokenKind::kLeftBracket && next != TokenKind::kColonColon &&
        next != TokenKind::kColon) {
      e = parse_literal(true, signs.get(left - 1).offset);
      if (e == nullptr) return nullptr;
      --left;
    }
  }
  if (e == nullptr) e = parse_postfix();
  if (e == nullptr || (left > 0 && !check_value(e))) return nullptr;
  while (e != nullptr && left > 0) {
    Sign sign = signs.get(--left);
    auto* outer = node<Unary>();
    outer->op = sign.minus != 0 ? UnaryOp::kMinus : UnaryOp::kPlus;
    outer->operand = e;
    e = seal(outer, sign.offset, e->height);
  }
  return e;
}

const Expr* Parser::parse_postfix() {
  uint32_t start = t_->offset;
  const Expr* base = parse_atom();
  if (base == nullptr) return nullptr;
  return parse_steps(base, start, false);
}

// Property accesses, subscripts, casts, label tests. `target`: of SET and REMOVE, where labels are parsed by the caller.
const Expr* Parser::parse_steps(const Expr* base, uint32_t start, bool target) {
  while (base != nullptr) {
    switch (t_->kind) {
      case TokenKind::kDot: {
        advance();
        Name key;
        if (!parse_name(key, "a property name after `.`")) return nullptr;
        auto* e = node<Property>();
        e->base = base;
        e->key = key;
        base = seal(e, start, base->height);
        break;
      }
      case TokenKind::kLeftBracket: base = parse_subscript(base, start); break;
      case TokenKind::kColonColon: {
        if (target) return base;
        advance();
        const TypeRef* type = parse_type_ref();
        if (type == nullptr) return nullptr;
        auto* e = node<Cast>();
        e->form = CastForm::kColons;
        e->operand = base;
        e->type = type;
        base = seal(e, start, base->height);
        break;
      }
      case TokenKind::kColon: {
        if (target) return base;
        advance();
        HeightScope scope(*this);
        const LabelExpr* labels = parse_labels();
        if (labels == nullptr) return nullptr;
        auto* e = node<LabelTest>();
        e->operand = base;
        e->labels = labels;
        return seal(e, start, std::max<uint32_t>(base->height, scope.inside()));
      }
      case TokenKind::kLeftBrace:
        if (target || base->kind != ExprKind::kVariable || base->parenthesized) return base;
        base = parse_map_projection(base, start);
        break;
      default: return base;
    }
  }
  return nullptr;
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

const Expr* Parser::parse_literal(bool negative, uint32_t start) {
  const Token& t = *t_;
  if (is_stripped(t)) {
    auto* e = node<StrippedLiteral>();
    e->index = next_stripped_++;
    switch (t.kind) {
      case TokenKind::kInteger: e->literal = LiteralKind::kInteger; break;
      case TokenKind::kFloat: e->literal = LiteralKind::kFloat; break;
      case TokenKind::kString: e->literal = LiteralKind::kString; break;
      default: e->literal = LiteralKind::kBoolean; break;
    }
    advance();
    return seal(e, start, 0);
  }
  auto* e = node<Literal>();
  std::string_view text = token_text(t);
  switch (t.kind) {
    case TokenKind::kInteger: {
      e->literal = LiteralKind::kInteger;
      auto value = decode_integer(text, t.offset, negative);
      if (!value.ok()) {
        if (status_.ok()) status_ = std::move(value).status();
        return nullptr;
      }
      e->integer = *value;
      break;
    }
    case TokenKind::kFloat: {
      e->literal = LiteralKind::kFloat;
      auto value = decode_float(text, t.offset);
      if (!value.ok()) {
        if (status_.ok()) status_ = std::move(value).status();
        return nullptr;
      }
      e->floating = negative ? -*value : *value;
      break;
    }
    case TokenKind::kString: {
      e->literal = LiteralKind::kString;
      if (t.plain) {
        e->text = text.substr(1, text.size() - 2);
      } else {
        std::string decoded;
        Status status = decode_string(text, t.offset, decoded);
        if (!status.ok()) {
          if (status_.ok()) status_ = std::move(status);
          return nullptr;
        }
        e->text = arena_.copy(decoded);
      }
      break;
    }
    default:
      if (t.keyword == Keyword::kNULL) {
        e->literal = LiteralKind::kNull;
      } else {
        e->literal = LiteralKind::kBoolean;
        e->boolean = t.keyword == Keyword::kTRUE;
      }
  }
  advance();
  return seal(e, start, 0);
}

const Expr* Parser::parse_parameter() {
  uint32_t start = t_->offset;
  std::string_view text = token_text(*t_).substr(1);
  auto* e = node<Parameter>();
  if (text.front() == '`') {
    e->name = arena_.copy(decode_quoted_name(text));
  } else {
    e->name = text;
  }
  advance();
  return seal(e, start, 0);
}

const Expr* Parser::parse_variable() {
  uint32_t start = t_->offset;
  bool quoted = at(TokenKind::kQuotedName);
  Name name;
  if (!parse_name(name, "a variable")) return nullptr;
  auto* e = node<Variable>();
  e->name = name.text;
  e->quoted = quoted;
  return seal(e, start, 0);
}

const Expr* Parser::parse_atom() {
  switch (t_->kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kString: return parse_literal(false, t_->offset);
    case TokenKind::kParameter: return parse_parameter();
    case TokenKind::kLeftParen: return parse_paren();
    case TokenKind::kLeftBracket: return parse_bracket();
    case TokenKind::kLeftBrace: return parse_map();
    case TokenKind::kWord: return parse_word_atom();
    case TokenKind::kQuotedName: return parse_function();
    case TokenKind::kDollar: return fail_unexpected("expected a parameter name after `$`");
    case TokenKind::kNotEqual:
    case TokenKind::kExclamation:
      if (token_text(*t_) == "!") return fail_unexpected("expected an expression; found `!`; negation is written `NOT`");
      return fail_expected("an expression");
    default: return fail_expected("an expression");
  }
}

const Expr* Parser::parse_word_atom() {
  TokenKind next = peek().kind;
  // `count {.name}` is a map projection of a variable.
  bool subquery = next == TokenKind::kLeftBrace && peek(2).kind != TokenKind::kDot;
  switch (t_->keyword) {
    case Keyword::kNone: break;
    case Keyword::kNULL:
    case Keyword::kTRUE:
    case Keyword::kFALSE: return parse_literal(false, t_->offset);
    case Keyword::kINF:
    case Keyword::kINFINITY:
    case Keyword::kNAN:
      if (next != TokenKind::kLeftParen && next != TokenKind::kDot && next != TokenKind::kLeftBrace) {
        auto* e = node<Literal>();
        e->literal = LiteralKind::kFloat;
        e->word = true;
        e->text = token_text(*t_);
        e->floating = at(Keyword::kNAN) ? __builtin_nan("") : __builtin_inf();
        uint32_t start = t_->offset;
        advance();
        return seal(e, start, 0);
      }
      break;
    case Keyword::kCASE: return parse_case();
    case Keyword::kCAST:
      if (next == TokenKind::kLeftParen) return parse_cast(CastForm::kCast);
      break;
    case Keyword::kTRY_CAST:
      if (next == TokenKind::kLeftParen) return parse_cast(CastForm::kTryCast);
      break;
    case Keyword::kEXISTS:
      if (subquery) return parse_subquery(SubqueryKind::kExists);
      break;
    case Keyword::kCOLLECT:
      if (subquery) return parse_subquery(SubqueryKind::kCollect);
      break;
    case Keyword::kCOUNT:
      if (subquery) return parse_subquery(SubqueryKind::kCount);
      if (next == TokenKind::kLeftParen && peek(2).kind == TokenKind::kStar && peek(3).kind == TokenKind::kRightParen) {
        uint32_t start = t_->offset;
        for (int i = 0; i < 4; ++i) advance();
        return seal(node<CountStar>(), start, 0);
      }
      break;
    case Keyword::kALL:
    case Keyword::kANY:
    case Keyword::kNONE:
    case Keyword::kSINGLE:
      if (next == TokenKind::kLeftParen && is_name(peek(2)) && peek(3).keyword == Keyword::kIN) {
        switch (t_->keyword) {
          case Keyword::kALL: return parse_quantifier(QuantifierKind::kAll);
          case Keyword::kANY: return parse_quantifier(QuantifierKind::kAny);
          case Keyword::kNONE: return parse_quantifier(QuantifierKind::kNone);
          default: return parse_quantifier(QuantifierKind::kSingle);
        }
      }
      break;
    case Keyword::kREDUCE:
      if (next == TokenKind::kLeftParen && is_name(peek(2)) && peek(3).kind == TokenKind::kEqual) return parse_reduce();
      break;
    case Keyword::kSHORTESTPATH:
    case Keyword::kALLSHORTESTPATHS:
      if (next == TokenKind::kLeftParen) return parse_pattern_predicate();
      break;
    default:
      if (starts_no_expression(t_->keyword) && next != TokenKind::kDot) return fail_expected("an expression");
      break;
  }
  return parse_function();
}

// A function call (`a.b.f(`) or a variable.
const Expr* Parser::parse_function() {
  ptrdiff_t k = 0;
  while (peek(k + 1).kind == TokenKind::kDot && is_name(peek(k + 2))) {
    k += 2;
    ++steps_;
  }
  if (peek(k + 1).kind == TokenKind::kLeftParen) return parse_function_call(static_cast<uint32_t>(k));
  return parse_variable();
}

const Expr* Parser::parse_function_call(uint32_t name_tokens) {
  uint32_t start = t_->offset;
  Name name;
  if (name_tokens == 0) {
    if (!parse_name(name, "a function")) return nullptr;
  } else if (!parse_dotted_name(name, "a function")) {
    return nullptr;
  }
  uint32_t open = index();
  advance();
  bool distinct = false;
  if (at(Keyword::kDISTINCT)) {
    advance();
    distinct = true;
  }
  ListBuilder<const Expr*> args(*this);
  uint32_t height = 0;
  if (!at(TokenKind::kRightParen)) {
    if (at(TokenKind::kStar)) return fail_unexpected("expected an argument; found `*`; only `count` takes `*`");
    do {
      const Expr* argument = parse_argument(name.text, args.size());
      if (argument == nullptr) return nullptr;
      args.push(argument);
      height = std::max<uint32_t>(height, argument->height);
    } while (accept(TokenKind::kComma));
  }
  if (!expect_close(TokenKind::kRightParen, open, args.empty() ? "an argument" : "`,`")) return nullptr;
  auto* e = node<FunctionCall>();
  e->name = name;
  e->distinct = distinct;
  e->args = args.finish();
  return seal(e, start, height);
}

const Expr* Parser::parse_argument(std::string_view function, size_t index) {
  if (at(TokenKind::kWord) && index > 0 && takes_type_argument(function, index) && at_type()) {
    uint32_t start = t_->offset;
    const TypeRef* type = parse_type_ref();
    if (type == nullptr) return nullptr;
    auto* e = node<TypeLiteral>();
    e->type = type;
    return seal(e, start, 0);
  }
  const Expr* e = parse_expr();
  if (e == nullptr) return nullptr;
  if (e->kind == ExprKind::kPatternPredicate && find_keyword(function) == Keyword::kEXISTS) return e;
  return check_value(e) ? e : nullptr;
}

bool Parser::check_value(const Expr* e) {
  const auto* predicate = find<PatternPredicate>(e);
  if (predicate == nullptr || predicate->pattern->shortest != ShortestFunction::kNone) return true;
  return fail("UnexpectedSyntax",
              "a pattern can only be tested for existence here: in WHERE, with AND, OR, XOR, NOT, or in exists(); "
              "to collect or count matches use a pattern comprehension or COUNT { }",
              e->span.offset);
}

const Expr* Parser::parse_where() {
  advance();
  return parse_expr();
}

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

Parser::Contents Parser::scan_contents(uint32_t open) {
  Contents out;
  uint32_t close = token_at(open).length_or_match;
  if (close == 0) return out;
  // A `|` may belong to a label expression or a type (`x:A|B`, `IS :: A|B`) or separate. It separates unless it stands
  // after a label, is followed by one that nothing is done with, and another `|` is there to separate.
  bool in_label = false;   // the tokens since `:` form a label expression so far
  bool term_done = false;  // and its last term is complete
  uint32_t pending = 0;    // a `|` that may be either
  for (uint32_t i = open + 1; i < close; ++i) {
    ++steps_;
    const Token& t = token_at(i);
    if (t.kind == TokenKind::kPipe) {
      if (out.bar != 0) continue;
      if (in_label && term_done) {
        // The last candidate that still follows a pure label expression separates, unless a plain `|` comes.
        pending = i;
        term_done = false;
      } else {
        out.bar = i;
      }
      continue;
    }
    if (t.kind == TokenKind::kComma) out.comma = true;
    if (t.is_bracket() && t.length_or_match > i) {
      uint32_t skip = t.length_or_match;
      bool group = t.kind == TokenKind::kLeftParen && in_label && !term_done;
      if (group) {
        term_done = true;
      } else {
        in_label = false;
      }
      i = skip;
      continue;
    }
    switch (t.kind) {
      case TokenKind::kColon:
      case TokenKind::kColonColon:
        if (pending != 0 && term_done) out.bar = pending;  // `| x:B` and not `|:B`
        in_label = true;
        term_done = false;
        break;
      case TokenKind::kWord:
      case TokenKind::kQuotedName:
        if (in_label && !term_done) {
          term_done = true;
        } else {
          in_label = false;
        }
        break;
      case TokenKind::kPercent: term_done = in_label; break;
      case TokenKind::kAmpersand: term_done = false; break;
      case TokenKind::kExclamation: break;
      case TokenKind::kDollar: break;
      default: in_label = false;
    }
    if (pending != 0 && out.bar == 0 && !in_label && t.kind != TokenKind::kWord) {
      // What follows the candidate is more than labels (`| x.name`): it separates.
      out.bar = pending;
      pending = 0;
    }
  }
  if (out.bar == 0) out.bar = pending;
  return out;
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
  if (!expect_close(TokenKind::kRightBracket, open, result != nullptr ? "" : where != nullptr ? "`|`" : "`WHERE`, `|`")) {
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

const Expr* Parser::parse_case() {
  uint32_t start = t_->offset;
  advance();
  const Expr* subject = nullptr;
  uint32_t height = 0;
  if (!at(Keyword::kWHEN)) {
    subject = parse_expr();
    if (subject == nullptr) return nullptr;
    height = subject->height;
  }
  ListBuilder<CaseBranch> branches(*this);
  while (accept(Keyword::kWHEN)) {
    CaseBranch branch{};
    {
      ListBuilder<CaseTest> tests(*this);
      do {
        CaseTest test{};
        int level = operator_level(*t_, peek());
        TokenKind next = peek().kind;
        // `WHEN -1`, and a variable that happens to be called like an operator, are values.
        bool partial = subject != nullptr && (level == kCompareLevel || level == kPredicateLevel) &&
                       !(at(TokenKind::kWord) && (next == TokenKind::kDot || next == TokenKind::kComma)) &&
                       peek().keyword != Keyword::kTHEN;
        Deeper deeper(*this);
        if (!deeper) return fail_depth();
        if (partial) {
          test.kind = CaseTestKind::kPartial;
          uint32_t at_offset = t_->offset;
          test.expr = level == kCompareLevel ? parse_comparison(subject, at_offset) : parse_predicate(subject, at_offset);
        } else {
          test.kind = CaseTestKind::kValue;
          test.expr = parse_expr();
        }
        if (test.expr == nullptr) return nullptr;
        height = std::max<uint32_t>(height, test.expr->height);
        tests.push(test);
      } while (accept(TokenKind::kComma));
      branch.tests = tests.finish();
    }
    if (!expect(Keyword::kTHEN)) return nullptr;
    branch.result = parse_expr();
    if (branch.result == nullptr || !check_value(branch.result)) return nullptr;
    height = std::max<uint32_t>(height, branch.result->height);
    branches.push(branch);
  }
  if (branches.empty()) return fail_expected("`WHEN`", {"WHEN"});
  const Expr* otherwise = nullptr;
  if (accept(Keyword::kELSE)) {
    otherwise = parse_expr();
    if (otherwise == nullptr || !check_value(otherwise)) return nullptr;
    height = std::max<uint32_t>(height, otherwise->height);
  }
  if (!accept(Keyword::kEND)) {
    return fail_expected(otherwise != nullptr ? "`END` of the CASE expression" : "`WHEN`, `ELSE` or `END` of the CASE expression",
                         {"WHEN", "ELSE", "END"});
  }
  auto* e = node<Case>();
  e->subject = subject;
  e->branches = branches.finish();
  e->otherwise = otherwise;
  return seal(e, start, height);
}

const Expr* Parser::parse_cast(CastForm form) {
  uint32_t start = t_->offset;
  advance();
  uint32_t open = index();
  advance();
  const Expr* operand = parse_expr();
  if (operand == nullptr) return nullptr;
  if (!expect(Keyword::kAS)) return nullptr;
  const TypeRef* type = parse_type_ref();
  if (type == nullptr) return nullptr;
  if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
  auto* e = node<Cast>();
  e->form = form;
  e->operand = operand;
  e->type = type;
  return seal(e, start, operand->height);
}

const Expr* Parser::parse_quantifier(QuantifierKind kind) {
  uint32_t start = t_->offset;
  advance();
  uint32_t open = index();
  advance();
  Name variable;
  if (!parse_name(variable, "a variable") || !expect(Keyword::kIN)) return nullptr;
  const Expr* list = parse_expr();
  if (list == nullptr || !check_value(list)) return nullptr;
  if (!at(Keyword::kWHERE)) return fail_expected("`WHERE` and a condition", {"WHERE"});
  const Expr* where = parse_where();
  if (where == nullptr) return nullptr;
  if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
  auto* e = node<Quantifier>();
  e->quantifier = kind;
  e->variable = variable;
  e->list = list;
  e->where = where;
  return seal(e, start, std::max(list->height, where->height));
}

const Expr* Parser::parse_reduce() {
  uint32_t start = t_->offset;
  advance();
  uint32_t open = index();
  advance();
  uint32_t outer = separator_bar_;
  separator_bar_ = scan_contents(open).bar;
  struct Restore {
    uint32_t& slot;
    uint32_t value;
    ~Restore() { slot = value; }
  } restore{separator_bar_, outer};
  auto* e = node<Reduce>();
  if (!parse_name(e->accumulator, "a variable") || !expect(TokenKind::kEqual, "")) return nullptr;
  e->init = parse_expr();
  if (e->init == nullptr || !check_value(e->init)) return nullptr;
  if (!expect(TokenKind::kComma, "after the initial value")) return nullptr;
  if (!parse_name(e->variable, "a variable") || !expect(Keyword::kIN)) return nullptr;
  e->list = parse_expr();
  if (e->list == nullptr || !check_value(e->list)) return nullptr;
  if (!expect(TokenKind::kPipe, "and the step of reduce")) return nullptr;
  e->step = parse_expr();
  if (e->step == nullptr || !check_value(e->step)) return nullptr;
  if (!expect_close(TokenKind::kRightParen, open)) return nullptr;
  return seal(e, start, std::max({e->init->height, e->list->height, e->step->height}));
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
    if (bare) return fail_unexpected("expected a query that ends with RETURN in `COLLECT { }`; found " + found_text());
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

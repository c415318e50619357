// Expressions: precedence climbing over operator levels; a chain of one level becomes one node.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

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

namespace {

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
      if (min_level > kNotLevel)
        return fail_unexpected("expected an operand; found `NOT`; put `NOT ...` in parentheses");
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
    if (at(TokenKind::kEqual))
      return fail_unexpected("expected an expression; found `=`; equality is written with one `=`");
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
  // `n IS Label` is `n:Label`.
  const bool labels =
      !negated && (at(TokenKind::kQuotedName) || at(TokenKind::kExclamation) || at(TokenKind::kPercent) ||
                   at(TokenKind::kLeftParen) || at(TokenKind::kDollar) || (at(TokenKind::kWord) && at(Keyword::kNone)));
  if (labels) {
    HeightScope scope(*this);
    const LabelExpr* expr = parse_labels();
    if (expr == nullptr) return nullptr;
    auto* e = node<LabelTest>();
    e->operand = left;
    e->labels = expr;
    return seal(e, start, std::max<uint32_t>(left->height, scope.inside()));
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

// Property accesses, subscripts, casts, label tests. `target`: of SET and REMOVE, where labels are parsed by the
// caller.
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

const Expr* Parser::parse_where() {
  advance();
  return parse_expr();
}

}  // namespace lora::cypher

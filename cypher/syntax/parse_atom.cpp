// What an expression is made of: literals, names, calls, CASE and the like.
#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

namespace {

// Words that begin a clause. Where an expression must stand no clause can begin: with an operator or the expression's
// end behind it such a word is a variable.
bool starts_clause(Keyword keyword) {
  switch (keyword) {
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
    case Keyword::kWHERE: return true;
    default: return false;
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
    case Keyword::kDISTINCT: return true;
    default: return starts_clause(keyword);
  }
}

bool ends_expression(const Token& t) {
  switch (t.kind) {
    case TokenKind::kEnd:
    case TokenKind::kSemicolon:
    case TokenKind::kComma:
    case TokenKind::kRightParen:
    case TokenKind::kRightBracket:
    case TokenKind::kRightBrace: return true;
    default: return t.keyword == Keyword::kAS;
  }
}

// The word goes on as an expression with `t`. (`WITH *` and `RETURN *` are clauses.)
bool continues_expression(Keyword word, const Token& t, const Token& next) {
  if (t.kind == TokenKind::kStar) return word != Keyword::kWITH && word != Keyword::kRETURN;
  return ends_expression(t) || t.kind == TokenKind::kLeftBracket || operator_level(t, next) != kNoLevel;
}

}  // namespace

const Expr* Parser::parse_literal(bool negative, uint32_t start, bool needed_now) {
  const Token& t = *t_;
  if (needed_now) {
    take_for_compiler();
  } else if (is_stripped(t)) {
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
      if (token_text(*t_) == "!")
        return fail_unexpected("expected an expression; found `!`; negation is written `NOT`");
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
      if (starts_no_expression(t_->keyword) && next != TokenKind::kDot &&
          !(starts_clause(t_->keyword) && continues_expression(t_->keyword, peek(), peek(2)))) {
        return fail_expected("an expression");
      }
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
  if (name_tokens == 0 && at_trim_operands(name.text)) {
    if (!parse_trim_operands(name, args)) return nullptr;
    for (size_t i = 0; i < args.size(); ++i) height = std::max<uint32_t>(height, args.get(i)->height);
  } else if (!at(TokenKind::kRightParen)) {
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

// `trim(LEADING 'x' FROM text)` and kin, as calls of trim, ltrim and rtrim. A side is only one where an operand or FROM
// follows: it may be a variable as well.
bool Parser::at_trim_operands(std::string_view function) const {
  if (!upper_equals(function, "TRIM")) return false;
  if (at(TokenKind::kWord)) {
    const std::string_view word = token_text(*t_);
    const TokenKind next = peek().kind;
    const bool operand = next == TokenKind::kString || next == TokenKind::kParameter ||
                         next == TokenKind::kQuotedName ||
                         (next == TokenKind::kWord && operator_level(peek(), peek(2)) == kNoLevel);
    if (operand && (upper_equals(word, "LEADING") || upper_equals(word, "TRAILING") || upper_equals(word, "BOTH"))) {
      return true;
    }
  }
  return is_name(*t_) || at(TokenKind::kString) || at(TokenKind::kParameter) ? peek().keyword == Keyword::kFROM : false;
}

bool Parser::parse_trim_operands(Name& name, ListBuilder<const Expr*>& args) {
  const std::string_view side = at(TokenKind::kWord) ? token_text(*t_) : std::string_view();
  const bool leading = upper_equals(side, "LEADING"), trailing = upper_equals(side, "TRAILING");
  if (leading || trailing || upper_equals(side, "BOTH")) {
    advance();
    if (leading || trailing) name.text = leading ? "ltrim" : "rtrim";
  }
  const Expr* characters = nullptr;
  if (!at(Keyword::kFROM)) {
    characters = parse_expr();
    if (characters == nullptr || !check_value(characters)) return false;
  }
  if (!expect(Keyword::kFROM)) return false;
  const Expr* text = parse_expr();
  if (text == nullptr || !check_value(text)) return false;
  args.push(text);
  if (characters != nullptr) args.push(characters);
  return true;
}

bool Parser::is_normal_form(const Token& t) const {
  const std::string_view word = t.kind == TokenKind::kWord ? token_text(t) : std::string_view();
  return word == "NFC" || word == "NFD" || word == "NFKC" || word == "NFKD";
}

bool Parser::is_metric(const Token& t) const {
  const std::string_view word = t.kind == TokenKind::kWord ? token_text(t) : std::string_view();
  return word == "EUCLIDEAN" || word == "EUCLIDEAN_SQUARED" || word == "MANHATTAN" || word == "COSINE" ||
         word == "DOT" || word == "HAMMING";
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
  // Normal forms and metrics are words of the language, as in `normalize(text, NFD)`, `vector_norm(v, EUCLIDEAN)`.
  const bool last = index > 0 && peek().kind == TokenKind::kRightParen;
  if (last && ((index == 1 && upper_equals(function, "NORMALIZE") && is_normal_form(*t_)) ||
               (takes_metric(function) && is_metric(*t_)))) {
    auto* e = node<Literal>();
    e->literal = LiteralKind::kString;
    e->text = token_text(*t_);
    uint32_t start = t_->offset;
    advance();
    return seal(e, start, 0);
  }
  // A type as text is needed when the plan is made: no literal that may differ from run to run.
  if (at(TokenKind::kString) && needs_type_argument(function, index) &&
      (peek().kind == TokenKind::kComma || peek().kind == TokenKind::kRightParen)) {
    return parse_literal(false, t_->offset, true);
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
          test.expr =
              level == kCompareLevel ? parse_comparison(subject, at_offset) : parse_predicate(subject, at_offset);
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
    return fail_expected(
        otherwise != nullptr ? "`END` of the CASE expression" : "`WHEN`, `ELSE` or `END` of the CASE expression",
        {"WHEN", "ELSE", "END"});
  }
  auto* e = node<Case>();
  e->subject = subject;
  e->branches = branches.finish();
  e->otherwise = otherwise;
  return seal(e, start, height);
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

}  // namespace lora::cypher

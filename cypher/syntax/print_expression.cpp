#include <charconv>
#include <cmath>

#include "cypher/syntax/lexer.h"
#include "cypher/syntax/print_impl.h"
#include "cypher/syntax/token.h"

namespace lora::cypher {

using namespace ast;

namespace {

// As parser_impl.h counts them.
constexpr int kOr = 1, kXor = 2, kAnd = 3, kNot = 4, kCompare = 5, kPredicate = 6, kAdd = 7, kMultiply = 8, kPower = 9;

int chain_level(ChainOp op) {
  switch (op) {
    case ChainOp::kOr: return kOr;
    case ChainOp::kXor: return kXor;
    case ChainOp::kAnd: return kAnd;
    case ChainOp::kAdd:
    case ChainOp::kSubtract:
    case ChainOp::kConcat: return kAdd;
    case ChainOp::kMultiply:
    case ChainOp::kDivide:
    case ChainOp::kModulo: return kMultiply;
    case ChainOp::kPower: return kPower;
  }
  return kOr;
}

std::string_view chain_text(ChainOp op) {
  switch (op) {
    case ChainOp::kOr: return " OR ";
    case ChainOp::kXor: return " XOR ";
    case ChainOp::kAnd: return " AND ";
    case ChainOp::kAdd: return " + ";
    case ChainOp::kSubtract: return " - ";
    case ChainOp::kConcat: return " || ";
    case ChainOp::kMultiply: return " * ";
    case ChainOp::kDivide: return " / ";
    case ChainOp::kModulo: return " % ";
    case ChainOp::kPower: return " ^ ";
  }
  return " ? ";
}

std::string_view compare_text(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual: return " = ";
    case CompareOp::kNotEqual: return " <> ";
    case CompareOp::kLess: return " < ";
    case CompareOp::kLessEqual: return " <= ";
    case CompareOp::kGreater: return " > ";
    case CompareOp::kGreaterEqual: return " >= ";
  }
  return " ? ";
}

std::string_view predicate_text(PredicateOp op) {
  switch (op) {
    case PredicateOp::kIn: return " IN ";
    case PredicateOp::kStartsWith: return " STARTS WITH ";
    case PredicateOp::kEndsWith: return " ENDS WITH ";
    case PredicateOp::kContains: return " CONTAINS ";
    case PredicateOp::kRegex: return " =~ ";
  }
  return " ? ";
}

std::string_view normal_form_text(NormalForm form) {
  switch (form) {
    case NormalForm::kNfc: return "NFC";
    case NormalForm::kNfd: return "NFD";
    case NormalForm::kNfkc: return "NFKC";
    case NormalForm::kNfkd: return "NFKD";
  }
  return "NFC";
}

std::string_view type_text(TypeName name) {
  switch (name) {
    case TypeName::kAny: return "ANY";
    case TypeName::kNothing: return "NOTHING";
    case TypeName::kNull: return "NULL";
    case TypeName::kBoolean: return "BOOLEAN";
    case TypeName::kInteger: return "INTEGER";
    case TypeName::kFloat: return "FLOAT";
    case TypeName::kNumber: return "NUMBER";
    case TypeName::kString: return "STRING";
    case TypeName::kDate: return "DATE";
    case TypeName::kLocalTime: return "LOCAL TIME";
    case TypeName::kZonedTime: return "ZONED TIME";
    case TypeName::kLocalDateTime: return "LOCAL DATETIME";
    case TypeName::kZonedDateTime: return "ZONED DATETIME";
    case TypeName::kDuration: return "DURATION";
    case TypeName::kPoint: return "POINT";
    case TypeName::kVector: return "VECTOR";
    case TypeName::kBinary: return "BINARY";
    case TypeName::kNode: return "NODE";
    case TypeName::kRelationship: return "RELATIONSHIP";
    case TypeName::kMap: return "MAP";
    case TypeName::kPath: return "PATH";
    case TypeName::kList: return "LIST";
    case TypeName::kPropertyValue: return "PROPERTY VALUE";
    case TypeName::kFloat64: return "FLOAT64";
    case TypeName::kFloat32: return "FLOAT32";
    case TypeName::kInteger64: return "INTEGER64";
    case TypeName::kInteger32: return "INTEGER32";
    case TypeName::kInteger16: return "INTEGER16";
    case TypeName::kInteger8: return "INTEGER8";
    case TypeName::kUnion: return "ANY";
  }
  return "ANY";
}

// Keywords that cannot stand for a variable everywhere a variable may stand.
bool shadows_variable(Keyword keyword) {
  switch (keyword) {
    case Keyword::kALL:
    case Keyword::kALLSHORTESTPATHS:
    case Keyword::kAND:
    case Keyword::kANY:
    case Keyword::kAS:
    case Keyword::kCASE:
    case Keyword::kCOLLECT:
    case Keyword::kCONTAINS:
    case Keyword::kCOUNT:
    case Keyword::kCREATE:
    case Keyword::kDELETE:
    case Keyword::kDETACH:
    case Keyword::kDISTINCT:
    case Keyword::kELSE:
    case Keyword::kEND:
    case Keyword::kENDS:
    case Keyword::kEXISTS:
    case Keyword::kFALSE:
    case Keyword::kFOREACH:
    case Keyword::kIN:
    case Keyword::kINF:
    case Keyword::kINFINITY:
    case Keyword::kIS:
    case Keyword::kLIMIT:
    case Keyword::kMATCH:
    case Keyword::kMERGE:
    case Keyword::kNAN:
    case Keyword::kNOT:
    case Keyword::kNULL:
    case Keyword::kOFFSET:
    case Keyword::kOPTIONAL:
    case Keyword::kOR:
    case Keyword::kORDER:
    case Keyword::kREMOVE:
    case Keyword::kRETURN:
    case Keyword::kSET:
    case Keyword::kSHORTEST:
    case Keyword::kSHORTESTPATH:
    case Keyword::kSKIP:
    case Keyword::kSTARTS:
    case Keyword::kTHEN:
    case Keyword::kTRUE:
    case Keyword::kUNION:
    case Keyword::kUNWIND:
    case Keyword::kWHEN:
    case Keyword::kWHERE:
    case Keyword::kWITH:
    case Keyword::kXOR:
    case Keyword::kYIELD: return true;
    default: return false;
  }
}

bool is_plain_name(std::string_view name) {
  if (name.empty()) return false;
  Token token;
  Status error;
  uint32_t end = lex_one(name, 0, token, error);
  return token.kind == TokenKind::kWord && end == name.size();
}

// The number may start with a sign, so it binds like a unary operator then.
bool is_negative(const Literal& e) {
  if (e.literal == LiteralKind::kInteger) return e.integer < 0;
  return e.literal == LiteralKind::kFloat && std::signbit(e.floating) && !e.word;
}

bool is_number(const Literal& e) {
  return e.literal == LiteralKind::kInteger || (e.literal == LiteralKind::kFloat && !e.word);
}

}  // namespace

void print_name(std::string_view name, std::string& out, bool keyword_matters) {
  if (is_plain_name(name) && !(keyword_matters && shadows_variable(find_keyword(name)))) {
    out += name;
    return;
  }
  out += '`';
  for (char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  out += '`';
}

void print_string(std::string_view text, std::string& out) {
  out += '\'';
  for (char c : text) {
    switch (c) {
      case '\'': out += "\\'"; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += c;
    }
  }
  out += '\'';
}

void print_float(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-INF" : "INF";
    return;
  }
  char buffer[40];
  auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
  (void)code;  // 40 bytes hold every double
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

int Printer::level_of(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kChain: return chain_level(as<Chain>(e).ops[0]);
    case ExprKind::kComparison: return kCompare;
    case ExprKind::kPredicate:
    case ExprKind::kNullTest:
    case ExprKind::kNormalizedTest:
    case ExprKind::kTypeTest: return kPredicate;
    case ExprKind::kUnary: return as<Unary>(e).op == UnaryOp::kNot ? kNot : kUnaryLevel;
    case ExprKind::kLiteral: return is_negative(as<Literal>(e)) ? kUnaryLevel : kPostfixLevel + 1;
    // Nothing follows labels, and little a cast, without parentheses.
    case ExprKind::kLabelTest: return kUnaryLevel;
    case ExprKind::kCast: return as<Cast>(e).form == CastForm::kColons ? kUnaryLevel : kPostfixLevel + 1;
    case ExprKind::kPatternPredicate:
      return as<PatternPredicate>(e).pattern->shortest == ShortestFunction::kNone ? kUnaryLevel : kPostfixLevel + 1;
    case ExprKind::kProperty:
    case ExprKind::kIndex:
    case ExprKind::kSlice: return kPostfixLevel;
    default: return kPostfixLevel + 1;
  }
}

void Printer::expr(const Expr& e, int level) {
  if (level_of(e) < level) {
    out_ += '(';
    bare(e);
    out_ += ')';
  } else {
    bare(e);
  }
}

void Printer::expr_list(const List<const Expr*>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out_ += ", ";
    expr(*items[i]);
  }
}

void Printer::literal(const Literal& e) {
  switch (e.literal) {
    case LiteralKind::kNull: text("null"); break;
    case LiteralKind::kBoolean: text(e.boolean ? "true" : "false"); break;
    case LiteralKind::kInteger: out_ += std::to_string(e.integer); break;
    case LiteralKind::kFloat:
      if (e.word) {
        text(e.text);
      } else {
        print_float(e.floating, out_);
      }
      break;
    case LiteralKind::kString: print_string(e.text, out_); break;
  }
}

void Printer::chain(const Chain& e) {
  int level = chain_level(e.ops[0]);
  expr(*e.operands[0], level + 1);
  for (size_t i = 0; i < e.ops.size(); ++i) {
    text(chain_text(e.ops[i]));
    expr(*e.operands[i + 1], level + 1);
  }
}

void Printer::comparison(const Comparison& e) {
  expr(*e.operands[0], kCompare + 1);
  for (size_t i = 0; i < e.ops.size(); ++i) {
    text(compare_text(e.ops[i]));
    expr(*e.operands[i + 1], kCompare + 1);
  }
}

void Printer::bare(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kLiteral: literal(as<Literal>(e)); break;
    case ExprKind::kStrippedLiteral: {
      const auto& s = as<StrippedLiteral>(e);
      switch (s.literal) {
        case LiteralKind::kInteger: text("$autoint_"); break;
        case LiteralKind::kFloat: text("$autofloat_"); break;
        case LiteralKind::kString: text("$autostring_"); break;
        default: text("$autobool_");
      }
      out_ += std::to_string(s.index);
      break;
    }
    case ExprKind::kParameter: {
      std::string_view parameter = as<Parameter>(e).name;
      bool digits = !parameter.empty();
      for (char c : parameter)
        digits = digits && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_');
      out_ += '$';
      if (digits) {
        text(parameter);
      } else {
        name(parameter);
      }
      break;
    }
    case ExprKind::kVariable: print_name(as<Variable>(e).name, out_, true); break;
    case ExprKind::kList:
      out_ += '[';
      expr_list(as<ListLiteral>(e).items);
      out_ += ']';
      break;
    case ExprKind::kMap: {
      out_ += '{';
      bool first = true;
      for (const MapEntry& entry : as<MapLiteral>(e).entries) {
        if (!first) text(", ");
        first = false;
        name(entry.key.text);
        text(": ");
        expr(*entry.value);
      }
      out_ += '}';
      break;
    }
    case ExprKind::kMapProjection: map_projection(as<MapProjection>(e)); break;
    case ExprKind::kProperty: {
      const auto& p = as<Property>(e);
      expr(*p.base, kPostfixLevel);
      out_ += '.';
      name(p.key.text);
      break;
    }
    case ExprKind::kIndex: {
      const auto& i = as<Index>(e);
      expr(*i.base, kPostfixLevel);
      out_ += '[';
      expr(*i.index);
      out_ += ']';
      break;
    }
    case ExprKind::kSlice: {
      const auto& s = as<Slice>(e);
      expr(*s.base, kPostfixLevel);
      out_ += '[';
      if (s.from != nullptr) expr(*s.from);
      text("..");
      if (s.to != nullptr) expr(*s.to);
      out_ += ']';
      break;
    }
    case ExprKind::kChain: chain(as<Chain>(e)); break;
    case ExprKind::kComparison: comparison(as<Comparison>(e)); break;
    case ExprKind::kPredicate: {
      const auto& p = as<Predicate>(e);
      expr(*p.left, kPredicate);
      text(predicate_text(p.op));
      expr(*p.right, kPredicate + 1);
      break;
    }
    case ExprKind::kUnary: {
      const auto& u = as<Unary>(e);
      if (u.op == UnaryOp::kNot) {
        text("NOT ");
        expr(*u.operand, kNot);
      } else {
        out_ += u.op == UnaryOp::kMinus ? '-' : '+';
        // `-(1)`: without the parentheses the sign would belong to the number. No word in them: `(NaN) - -(` starts a
        // pattern.
        const bool number = u.operand->kind == ExprKind::kLiteral && is_number(as<Literal>(*u.operand));
        if (number) out_ += '(';
        expr(*u.operand, kUnaryLevel);
        if (number) out_ += ')';
      }
      break;
    }
    case ExprKind::kNullTest:
      expr(*as<NullTest>(e).operand, kPredicate);
      predicate_tail(e);
      break;
    case ExprKind::kNormalizedTest:
      expr(*as<NormalizedTest>(e).operand, kPredicate);
      predicate_tail(e);
      break;
    case ExprKind::kTypeTest:
      expr(*as<TypeTest>(e).operand, kPredicate);
      predicate_tail(e);
      break;
    case ExprKind::kLabelTest: {
      const auto& l = as<LabelTest>(e);
      expr(*l.operand, kPostfixLevel);
      out_ += ':';
      labels(*l.labels, l.labels->kind == LabelExprKind::kOr);
      break;
    }
    case ExprKind::kCast: {
      const auto& c = as<Cast>(e);
      if (c.form == CastForm::kColons) {
        expr(*c.operand, kPostfixLevel);
        text("::");
      } else {
        text(c.form == CastForm::kCast ? "CAST(" : "TRY_CAST(");
        expr(*c.operand);
        text(" AS ");
      }
      type(*c.type);
      if (c.form != CastForm::kColons) out_ += ')';
      break;
    }
    case ExprKind::kTypeLiteral: type(*as<TypeLiteral>(e).type); break;
    case ExprKind::kFunctionCall: call(as<FunctionCall>(e)); break;
    case ExprKind::kCountStar: text("count(*)"); break;
    case ExprKind::kCase: case_expr(as<Case>(e)); break;
    case ExprKind::kListComprehension: {
      const auto& l = as<ListComprehension>(e);
      out_ += '[';
      variable(l.variable);
      text(" IN ");
      expr(*l.list);
      if (l.where != nullptr) {
        text(" WHERE ");
        expr(*l.where);
      }
      if (l.result != nullptr) {
        text(" | ");
        expr(*l.result);
      }
      out_ += ']';
      break;
    }
    case ExprKind::kPatternComprehension: {
      const auto& p = as<PatternComprehension>(e);
      out_ += '[';
      path(*p.pattern);
      if (p.where != nullptr) {
        text(" WHERE ");
        expr(*p.where);
      }
      text(" | ");
      expr(*p.result);
      out_ += ']';
      break;
    }
    case ExprKind::kQuantifier: {
      const auto& q = as<Quantifier>(e);
      switch (q.quantifier) {
        case QuantifierKind::kAll: text("all("); break;
        case QuantifierKind::kAny: text("any("); break;
        case QuantifierKind::kNone: text("none("); break;
        case QuantifierKind::kSingle: text("single("); break;
      }
      variable(q.variable);
      text(" IN ");
      expr(*q.list);
      text(" WHERE ");
      expr(*q.where);
      out_ += ')';
      break;
    }
    case ExprKind::kReduce: {
      const auto& r = as<Reduce>(e);
      text("reduce(");
      variable(r.accumulator);
      text(" = ");
      expr(*r.init);
      text(", ");
      variable(r.variable);
      text(" IN ");
      expr(*r.list);
      text(" | ");
      expr(*r.step);
      out_ += ')';
      break;
    }
    case ExprKind::kPatternPredicate: path(*as<PatternPredicate>(e).pattern); break;
    case ExprKind::kSubquery: {
      const auto& s = as<Subquery>(e);
      text(s.subquery == SubqueryKind::kExists  ? "EXISTS { "
           : s.subquery == SubqueryKind::kCount ? "COUNT { "
                                                : "COLLECT { ");
      body(*s.body);
      text(" }");
      break;
    }
  }
}

// What follows the operand of a postfix test.
void Printer::predicate_tail(const Expr& e) {
  if (const auto* n = find<NullTest>(&e)) {
    text(n->negated ? " IS NOT NULL" : " IS NULL");
  } else if (const auto* f = find<NormalizedTest>(&e)) {
    text(f->negated ? " IS NOT " : " IS ");
    text(normal_form_text(f->form));
    text(" NORMALIZED");
  } else if (const auto* t = find<TypeTest>(&e)) {
    text(t->negated ? " IS NOT :: " : " IS :: ");
    type(*t->type);
  } else {
    // Parentheses, since a label may be called like a keyword: `IS (NULL)`.
    const auto& l = as<LabelTest>(e);
    text(" IS (");
    labels(*l.labels, l.labels->kind == LabelExprKind::kOr);
    out_ += ')';
  }
}

void Printer::map_projection(const MapProjection& e) {
  expr(*e.base, kPostfixLevel);
  text(" {");
  bool first = true;
  for (const MapProjectionEntry& entry : e.entries) {
    if (!first) text(", ");
    first = false;
    switch (entry.kind) {
      case ProjectionEntryKind::kProperty:
        out_ += '.';
        name(entry.name.text);
        break;
      case ProjectionEntryKind::kAllProperties: text(".*"); break;
      case ProjectionEntryKind::kEntry:
        name(entry.name.text);
        text(": ");
        expr(*entry.value);
        break;
      case ProjectionEntryKind::kVariable: name(entry.name.text); break;
    }
  }
  out_ += '}';
}

void Printer::call(const FunctionCall& e) {
  // A dotted name is printed part by part; a part that holds a dot itself cannot be told apart and does not occur.
  std::string_view rest = e.name.text;
  bool dotted = rest.find('.') != std::string_view::npos;
  while (true) {
    size_t dot = rest.find('.');
    print_name(rest.substr(0, dot), out_,
               !dotted && shadows_variable(find_keyword(rest)) && find_keyword(rest) != Keyword::kCOUNT &&
                   find_keyword(rest) != Keyword::kCOLLECT && find_keyword(rest) != Keyword::kEXISTS);
    if (dot == std::string_view::npos) break;
    out_ += '.';
    rest.remove_prefix(dot + 1);
  }
  out_ += '(';
  if (e.distinct) text("DISTINCT ");
  expr_list(e.args);
  out_ += ')';
}

void Printer::case_expr(const Case& e) {
  text("CASE");
  if (e.subject != nullptr) {
    out_ += ' ';
    expr(*e.subject);
  }
  for (const CaseBranch& branch : e.branches) {
    text(" WHEN ");
    bool first = true;
    for (const CaseTest& test : branch.tests) {
      if (!first) text(", ");
      first = false;
      if (test.kind == CaseTestKind::kValue) {
        expr(*test.expr);
        continue;
      }
      // The subject is the left operand and is not repeated.
      if (const auto* c = find<Comparison>(test.expr)) {
        for (size_t i = 0; i < c->ops.size(); ++i) {
          text(compare_text(c->ops[i]).substr(i == 0 ? 1 : 0));
          expr(*c->operands[i + 1], kCompare + 1);
        }
      } else if (const auto* p = find<Predicate>(test.expr)) {
        text(predicate_text(p->op).substr(1));
        expr(*p->right, kPredicate + 1);
      } else {
        std::string tail;
        Printer(tail).predicate_tail(*test.expr);
        text(std::string_view(tail).substr(1));
      }
    }
    text(" THEN ");
    expr(*branch.result);
  }
  if (e.otherwise != nullptr) {
    text(" ELSE ");
    expr(*e.otherwise);
  }
  text(" END");
}

void Printer::type(const TypeRef& t) {
  text(type_text(t.name));
  if (t.name == TypeName::kUnion) {
    out_ += '<';
    for (size_t i = 0; i < t.members.size(); ++i) {
      if (i > 0) text(" | ");
      type(*t.members[i]);
    }
    out_ += '>';
  }
  if (t.element != nullptr) {
    out_ += '<';
    type(*t.element);
    out_ += '>';
  }
  if (t.dimension >= 0) {
    out_ += '(';
    out_ += std::to_string(t.dimension);
    out_ += ')';
  }
  if (t.not_null) text(" NOT NULL");
}

std::string print(const Expr& expr) {
  std::string out;
  Printer(out).expr(expr);
  return out;
}
std::string print(const TypeRef& type) {
  std::string out;
  Printer(out).type(type);
  return out;
}

}  // namespace lora::cypher

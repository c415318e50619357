// Types: `LIST<STRING NOT NULL> | INTEGER`, `VECTOR<FLOAT32>(3)`.
#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

bool begins_type(Keyword keyword) {
  switch (keyword) {
    case Keyword::kANY:
    case Keyword::kARRAY:
    case Keyword::kBINARY:
    case Keyword::kBOOL:
    case Keyword::kBOOLEAN:
    case Keyword::kBYTES:
    case Keyword::kDATE:
    case Keyword::kDATETIME:
    case Keyword::kDURATION:
    case Keyword::kEDGE:
    case Keyword::kFLOAT:
    case Keyword::kFLOAT32:
    case Keyword::kFLOAT64:
    case Keyword::kINT:
    case Keyword::kINT16:
    case Keyword::kINT32:
    case Keyword::kINT64:
    case Keyword::kINT8:
    case Keyword::kINTEGER:
    case Keyword::kINTEGER16:
    case Keyword::kINTEGER32:
    case Keyword::kINTEGER64:
    case Keyword::kINTEGER8:
    case Keyword::kLIST:
    case Keyword::kLOCAL:
    case Keyword::kLOCALDATETIME:
    case Keyword::kLOCALTIME:
    case Keyword::kMAP:
    case Keyword::kNODE:
    case Keyword::kNOTHING:
    case Keyword::kNULL:
    case Keyword::kNUMBER:
    case Keyword::kPATH:
    case Keyword::kPATHS:
    case Keyword::kPOINT:
    case Keyword::kPROPERTY:
    case Keyword::kRELATIONSHIP:
    case Keyword::kSIGNED:
    case Keyword::kSTRING:
    case Keyword::kTIME:
    case Keyword::kTIMESTAMP:
    case Keyword::kVALUE:
    case Keyword::kVARCHAR:
    case Keyword::kVECTOR:
    case Keyword::kVERTEX:
    case Keyword::kZONED: return true;
    default: return false;
  }
}

bool Parser::at_type() const {
  return begins_type(t_->keyword);
}

const TypeRef* Parser::parse_type_ref() {
  Deeper deeper(*this);
  if (!deeper) return fail_depth();
  uint32_t start = t_->offset;
  ListBuilder<const TypeRef*> members(*this);
  while (true) {
    const TypeRef* member = parse_single_type();
    if (member == nullptr) return nullptr;
    members.push(member);
    if (!at(TokenKind::kPipe) || index() == separator_bar_ || !begins_type(peek().keyword)) break;
    advance();
  }
  if (members.size() == 1) return members.get(0);
  auto* type = arena_.make<TypeRef>();
  type->name = TypeName::kUnion;
  type->members = members.finish();
  type->span = span_from(start);
  return type;
}

const TypeRef* Parser::parse_single_type() {
  uint32_t start = t_->offset;
  auto* type = arena_.make<TypeRef>();
  if (!parse_type_name(*type)) return nullptr;
  auto not_null = [&](TypeRef& t) {
    if (at(Keyword::kNOT) && peek().keyword == Keyword::kNULL) {
      advance();
      advance();
      t.not_null = true;
    } else if (accept(TokenKind::kExclamation)) {
      t.not_null = true;
    }
    t.span = span_from(start);
  };
  not_null(*type);
  // `STRING NOT NULL LIST` is LIST<STRING NOT NULL>.
  for (uint32_t levels = 0; at(Keyword::kLIST) || at(Keyword::kARRAY); ++levels) {
    if (levels + depth_ > kDepthMax) return fail_depth();
    advance();
    auto* list = arena_.make<TypeRef>();
    list->name = TypeName::kList;
    list->element = type;
    not_null(*list);
    type = list;
  }
  return type;
}

bool Parser::parse_type_name(TypeRef& type) {
  auto words = [&](Keyword a, Keyword b) { return at(a) && peek().keyword == b; };
  auto take = [&](TypeName name, int tokens = 1) {
    type.name = name;
    while (tokens-- > 0) advance();
    return true;
  };
  // WITH TIME ZONE, WITHOUT TIMEZONE after TIME and TIMESTAMP.
  auto zone = [&](TypeName with, TypeName without, TypeName plain) {
    advance();
    type.name = plain;
    if ((at(Keyword::kWITH) || at(Keyword::kWITHOUT)) &&
        (peek().keyword == Keyword::kTIMEZONE ||
         (peek().keyword == Keyword::kTIME && peek(2).keyword == Keyword::kZONE))) {
      type.name = at(Keyword::kWITH) ? with : without;
      advance();
      if (accept(Keyword::kTIMEZONE)) return true;
      advance();
      advance();
    }
    return true;
  };
  switch (t_->keyword) {
    case Keyword::kBOOL:
    case Keyword::kBOOLEAN: return take(TypeName::kBoolean);
    case Keyword::kSTRING:
    case Keyword::kVARCHAR: return take(TypeName::kString);
    case Keyword::kINT:
    case Keyword::kINTEGER: return take(TypeName::kInteger);
    case Keyword::kSIGNED:
      if (peek().keyword == Keyword::kINTEGER) return take(TypeName::kInteger, 2);
      break;
    case Keyword::kINT64:
    case Keyword::kINTEGER64: return take(TypeName::kInteger64);
    case Keyword::kINT32:
    case Keyword::kINTEGER32: return take(TypeName::kInteger32);
    case Keyword::kINT16:
    case Keyword::kINTEGER16: return take(TypeName::kInteger16);
    case Keyword::kINT8:
    case Keyword::kINTEGER8: return take(TypeName::kInteger8);
    case Keyword::kFLOAT: return take(TypeName::kFloat);
    case Keyword::kFLOAT64: return take(TypeName::kFloat64);
    case Keyword::kFLOAT32: return take(TypeName::kFloat32);
    case Keyword::kNUMBER: return take(TypeName::kNumber);
    case Keyword::kDATE: return take(TypeName::kDate);
    case Keyword::kLOCALTIME: return take(TypeName::kLocalTime);
    case Keyword::kLOCALDATETIME: return take(TypeName::kLocalDateTime);
    case Keyword::kDATETIME: return take(TypeName::kZonedDateTime);
    case Keyword::kLOCAL:
      if (words(Keyword::kLOCAL, Keyword::kTIME)) return take(TypeName::kLocalTime, 2);
      if (words(Keyword::kLOCAL, Keyword::kDATETIME)) return take(TypeName::kLocalDateTime, 2);
      advance();
      return fail_expected("`TIME` or `DATETIME` after `LOCAL`", {"TIME", "DATETIME"});
    case Keyword::kZONED:
      if (words(Keyword::kZONED, Keyword::kTIME)) return take(TypeName::kZonedTime, 2);
      if (words(Keyword::kZONED, Keyword::kDATETIME)) return take(TypeName::kZonedDateTime, 2);
      advance();
      return fail_expected("`TIME` or `DATETIME` after `ZONED`", {"TIME", "DATETIME"});
    case Keyword::kTIME: return zone(TypeName::kZonedTime, TypeName::kLocalTime, TypeName::kZonedTime);
    case Keyword::kTIMESTAMP: return zone(TypeName::kZonedDateTime, TypeName::kLocalDateTime, TypeName::kZonedDateTime);
    case Keyword::kDURATION: return take(TypeName::kDuration);
    case Keyword::kPOINT: return take(TypeName::kPoint);
    case Keyword::kBINARY:
    case Keyword::kBYTES: return take(TypeName::kBinary);
    case Keyword::kNODE:
    case Keyword::kVERTEX: return take(TypeName::kNode);
    case Keyword::kRELATIONSHIP:
    case Keyword::kEDGE: return take(TypeName::kRelationship);
    case Keyword::kMAP: return take(TypeName::kMap);
    case Keyword::kPATH:
    case Keyword::kPATHS: return take(TypeName::kPath);
    case Keyword::kNULL: return take(TypeName::kNull);
    case Keyword::kNOTHING: return take(TypeName::kNothing);
    case Keyword::kVALUE: return take(TypeName::kAny);
    case Keyword::kPROPERTY:
      if (peek().keyword == Keyword::kVALUE) return take(TypeName::kPropertyValue, 2);
      break;
    case Keyword::kANY:
      switch (peek().keyword) {
        case Keyword::kNODE:
        case Keyword::kVERTEX: return take(TypeName::kNode, 2);
        case Keyword::kRELATIONSHIP:
        case Keyword::kEDGE: return take(TypeName::kRelationship, 2);
        case Keyword::kMAP: return take(TypeName::kMap, 2);
        case Keyword::kPROPERTY:
          if (peek(2).keyword == Keyword::kVALUE) return take(TypeName::kPropertyValue, 3);
          break;
        case Keyword::kVALUE: return take(TypeName::kAny, 2);
        default: break;
      }
      advance();
      type.name = TypeName::kAny;
      // ANY<A | B> is A | B.
      if (at(TokenKind::kLess) && begins_type(peek().keyword)) {
        advance();
        const TypeRef* inner = parse_type_ref();
        if (inner == nullptr || !expect(TokenKind::kGreater, "after the types")) return false;
        type = *inner;
      }
      return true;
    case Keyword::kLIST:
    case Keyword::kARRAY:
      take(TypeName::kList);
      if (at(TokenKind::kLess) && begins_type(peek().keyword)) {
        advance();
        type.element = parse_type_ref();
        if (type.element == nullptr || !expect(TokenKind::kGreater, "after the element type")) return false;
      }
      return true;
    case Keyword::kVECTOR:
      take(TypeName::kVector);
      if (at(TokenKind::kLess) && begins_type(peek().keyword)) {
        advance();
        type.element = parse_type_ref();
        if (type.element == nullptr || !expect(TokenKind::kGreater, "after the coordinate type")) return false;
      }
      if (at(TokenKind::kLeftParen) && peek().kind == TokenKind::kInteger && peek(2).kind == TokenKind::kRightParen) {
        advance();
        take_for_compiler();
        auto value = decode_integer(token_text(*t_), t_->offset, false);
        if (!value.ok()) {
          if (status_.ok()) status_ = std::move(value).status();
          return false;
        }
        if (*value < 1 || *value > 4096)
          return fail_unexpected(concat({"the dimension of a vector is from 1 to 4096; found ", found_text()}));
        type.dimension = *value;
        advance();
        advance();
      }
      return true;
    default: break;
  }
  return fail_expected(
      "a type such as INTEGER, STRING or LIST<FLOAT>",
      {"BOOLEAN", "STRING", "INTEGER",      "FLOAT",    "DATE",      "LOCAL",         "ZONED",   "DURATION",
       "POINT",   "NODE",   "RELATIONSHIP", "MAP",      "PATH",      "LIST",          "VECTOR",  "ANY",
       "NOTHING", "NUMBER", "BINARY",       "DATETIME", "LOCALTIME", "LOCALDATETIME", "PROPERTY"});
}

}  // namespace lora::cypher

// Schema commands: CREATE and DROP of indexes and constraints, SHOW.
#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {

using namespace ast;

namespace {

// The kinds of index that stand before INDEX; false for other words.
bool index_kind(Keyword keyword, IndexKind& kind) {
  switch (keyword) {
    case Keyword::kRANGE:
    case Keyword::kBTREE: kind = IndexKind::kRange; return true;
    case Keyword::kTEXT: kind = IndexKind::kText; return true;
    case Keyword::kPOINT: kind = IndexKind::kPoint; return true;
    case Keyword::kLOOKUP: kind = IndexKind::kLookup; return true;
    case Keyword::kVECTOR: kind = IndexKind::kVector; return true;
    case Keyword::kFULLTEXT: kind = IndexKind::kFulltext; return true;
    default: return false;
  }
}

}  // namespace

bool Parser::at_schema_create() const {
  if (!at(Keyword::kCREATE)) return false;
  ptrdiff_t k = 1;
  if (peek(k).keyword == Keyword::kOR && peek(k + 1).keyword == Keyword::kREPLACE) k += 2;
  IndexKind kind;
  if (index_kind(peek(k).keyword, kind) || peek(k).keyword == Keyword::kUNIQUE) ++k;
  return peek(k).keyword == Keyword::kINDEX || peek(k).keyword == Keyword::kCONSTRAINT;
}

bool Parser::parse_schema_create(Statement& out) {
  advance();
  bool or_replace = false;
  if (accept(Keyword::kOR)) {
    advance();
    or_replace = true;
  }
  IndexKind kind = IndexKind::kRange;
  if (index_kind(t_->keyword, kind)) {
    advance();
    if (!at(Keyword::kINDEX)) return fail_expected("`INDEX`", {"INDEX"});
  }
  if (accept(Keyword::kINDEX)) return parse_create_index(out, kind, or_replace);
  if (accept(Keyword::kCONSTRAINT)) return parse_create_constraint(out, or_replace);
  return fail_expected("`INDEX` or `CONSTRAINT`", {"INDEX", "CONSTRAINT"});
}

bool Parser::parse_schema_name(Name& name, const Expr*& parameter) {
  if (at(TokenKind::kParameter)) {
    parameter = parse_parameter();
    return parameter != nullptr;
  }
  return parse_name(name, "a name");
}

bool Parser::parse_if_not_exists(bool& out) {
  if (!accept(Keyword::kIF)) return true;
  if (!expect(Keyword::kNOT)) return false;
  if (!at(Keyword::kEXISTS) && !at(Keyword::kEXIST)) return fail_expected("`EXISTS`", {"EXISTS"});
  advance();
  out = true;
  return true;
}

// `(n:A|B)` or `()-[r:T]-()`.
bool Parser::parse_schema_entity(Name& variable, List<Name>& names, bool& on_relationships, bool label_needed) {
  uint32_t open = index();
  if (!expect(TokenKind::kLeftParen, "and the node or relationship")) return false;
  TokenKind close = TokenKind::kRightParen;
  if (at(TokenKind::kRightParen) && (peek().kind == TokenKind::kMinus || peek().kind == TokenKind::kLess)) {
    on_relationships = true;
    advance();
    accept(TokenKind::kLess);
    if (!expect(TokenKind::kMinus, "")) return false;
    open = index();
    if (!expect(TokenKind::kLeftBracket, "and the relationship")) return false;
    close = TokenKind::kRightBracket;
  }
  if (!parse_name(variable, "a variable")) return false;
  if (at(TokenKind::kColon) || label_needed) {
    if (!expect(TokenKind::kColon, on_relationships ? "and a type" : "and a label")) return false;
    ListBuilder<Name> list(*this);
    do {
      Name name;
      if (!parse_name(name, on_relationships ? "a type" : "a label")) return false;
      list.push(name);
    } while (accept(TokenKind::kPipe));
    names = list.finish();
  }
  if (!expect_close(close, open)) return false;
  if (on_relationships) {
    if (!expect(TokenKind::kMinus, "")) return false;
    accept(TokenKind::kGreater);
    if (!expect(TokenKind::kLeftParen, "") || !expect(TokenKind::kRightParen, "")) return false;
  }
  return true;
}

bool Parser::parse_schema_property(const Name& variable, Name& out) {
  Name name;
  if (!parse_name(name, concat({"a property, as in `", variable.text, ".name`"}))) return false;
  if (name.text != variable.text) {
    return fail("UndefinedVariable",
                concat({"variable ", quote_for_message(name.text), " is not defined; did you mean ",
                        quote_for_message(variable.text), "?"}),
                name.span.offset);
  }
  if (!expect(TokenKind::kDot, "and a property name")) return false;
  return parse_name(out, "a property name");
}

bool Parser::parse_schema_properties(const Name& variable, List<Name>& out, bool brackets) {
  ListBuilder<Name> list(*this);
  uint32_t open = index();
  bool wrapped = at(brackets ? TokenKind::kLeftBracket : TokenKind::kLeftParen);
  if (wrapped) {
    advance();
  } else if (brackets) {
    return fail_expected("`[` and the properties");
  }
  do {
    Name property;
    if (!parse_schema_property(variable, property)) return false;
    list.push(property);
  } while (wrapped && accept(TokenKind::kComma));
  if (wrapped && !expect_close(brackets ? TokenKind::kRightBracket : TokenKind::kRightParen, open, "`,`")) return false;
  out = list.finish();
  return true;
}

bool Parser::parse_options(const Expr*& out) {
  if (!accept(Keyword::kOPTIONS)) return true;
  if (at(TokenKind::kLeftBrace)) {
    out = parse_map();
  } else if (at(TokenKind::kParameter)) {
    out = parse_parameter();
  } else {
    return fail_expected("a map or a parameter after OPTIONS");
  }
  return out != nullptr;
}

bool Parser::parse_create_index(Statement& out, IndexKind kind, bool or_replace) {
  auto* index = arena_.make<CreateIndex>();
  index->kind = kind;
  index->or_replace = or_replace;
  bool anonymous = (at(Keyword::kFOR) && peek().kind == TokenKind::kLeftParen) || at(Keyword::kON) ||
                   (at(Keyword::kIF) && peek().keyword == Keyword::kNOT);
  if (at(Keyword::kON)) {
    return fail_unexpected(
        "expected `FOR`; found `ON`; an index is created with `CREATE INDEX name FOR (n:Label) ON (n.property)`");
  }
  if (!anonymous && !parse_schema_name(index->name, index->name_parameter)) return false;
  if (!parse_if_not_exists(index->if_not_exists)) return false;
  if (!expect(Keyword::kFOR)) return false;
  uint32_t entity_offset = t_->offset;
  if (!parse_schema_entity(index->variable, index->labels_or_types, index->on_relationships,
                           kind != IndexKind::kLookup))
    return false;
  if (kind != IndexKind::kFulltext && index->labels_or_types.size() > 1) {
    return fail("UnexpectedSyntax", "only a FULLTEXT index takes several labels or types", entity_offset);
  }
  if (kind == IndexKind::kLookup && !index->labels_or_types.empty()) {
    return fail("UnexpectedSyntax", "a LOOKUP index covers all labels or types; write `FOR (n) ON EACH labels(n)`",
                entity_offset);
  }
  if (!expect(Keyword::kON)) return false;
  if (kind == IndexKind::kLookup) {
    accept(Keyword::kEACH);
    std::string_view wanted = index->on_relationships ? "type" : "labels";
    if (!upper_equals(token_text(*t_), index->on_relationships ? "TYPE" : "LABELS")) {
      return fail_expected(concat({"`", wanted, "(", index->variable.text, ")`"}));
    }
    advance();
    Name variable;
    if (!expect(TokenKind::kLeftParen, "") || !parse_name(variable, "a variable") ||
        !expect(TokenKind::kRightParen, ""))
      return false;
    if (variable.text != index->variable.text) {
      return fail("UndefinedVariable", concat({"variable ", quote_for_message(variable.text), " is not defined"}),
                  variable.span.offset);
    }
  } else {
    bool each = kind == IndexKind::kFulltext;
    if (each && !expect(Keyword::kEACH)) return false;
    uint32_t properties_offset = t_->offset;
    if (!parse_schema_properties(index->variable, index->properties, each)) return false;
    if (kind != IndexKind::kFulltext && kind != IndexKind::kRange && index->properties.size() > 1) {
      return fail("UnexpectedSyntax", "this kind of index takes one property", properties_offset);
    }
  }
  if (!parse_options(index->options)) return false;
  out.kind = StatementKind::kCreateIndex;
  out.create_index = index;
  return true;
}

bool Parser::parse_create_constraint(Statement& out, bool or_replace) {
  auto* constraint = arena_.make<CreateConstraint>();
  constraint->or_replace = or_replace;
  bool anonymous = ((at(Keyword::kFOR) || at(Keyword::kON)) && peek().kind == TokenKind::kLeftParen) ||
                   (at(Keyword::kIF) && peek().keyword == Keyword::kNOT);
  if (!anonymous && !parse_schema_name(constraint->name, constraint->name_parameter)) return false;
  if (!parse_if_not_exists(constraint->if_not_exists)) return false;
  if (!accept(Keyword::kON) && !expect(Keyword::kFOR)) return false;
  List<Name> names;
  uint32_t entity_offset = t_->offset;
  if (!parse_schema_entity(constraint->variable, names, constraint->on_relationships, true)) return false;
  if (names.size() > 1) return fail("UnexpectedSyntax", "a constraint takes one label or type", entity_offset);
  constraint->label_or_type = names[0];
  if (!accept(Keyword::kASSERT) && !expect(Keyword::kREQUIRE)) return false;
  uint32_t properties_offset = t_->offset;
  if (!parse_schema_properties(constraint->variable, constraint->properties, false)) return false;
  bool node_word = false;
  bool relationship_word = false;
  if (accept(TokenKind::kColonColon)) {
    constraint->kind = ConstraintKind::kType;
  } else {
    if (!expect(Keyword::kIS)) return false;
    node_word = at(Keyword::kNODE);
    relationship_word = at(Keyword::kRELATIONSHIP) || at(Keyword::kREL);
    uint32_t word_offset = t_->offset;
    if (node_word || relationship_word) {
      advance();
      if (relationship_word != constraint->on_relationships) {
        return fail("UnexpectedSyntax",
                    relationship_word ? "a constraint on a node cannot be of a RELATIONSHIP kind"
                                      : "a constraint on a relationship cannot be of a NODE kind",
                    word_offset);
      }
    }
    if (accept(Keyword::kKEY)) {
      constraint->kind = ConstraintKind::kKey;
    } else if (accept(Keyword::kUNIQUE)) {
      constraint->kind = ConstraintKind::kUnique;
    } else if (!node_word && !relationship_word && at(Keyword::kNOT) && peek().keyword == Keyword::kNULL) {
      advance();
      advance();
      constraint->kind = ConstraintKind::kNotNull;
    } else if (!node_word && !relationship_word && (accept(TokenKind::kColonColon) || accept(Keyword::kTYPED))) {
      constraint->kind = ConstraintKind::kType;
    } else {
      return fail_expected(node_word || relationship_word
                               ? "`KEY` or `UNIQUE`"
                               : "`UNIQUE`, `NOT NULL`, `NODE KEY`, `RELATIONSHIP KEY` or `:: type`",
                           {"UNIQUE", "NOT", "NODE", "RELATIONSHIP", "KEY", "TYPED"});
    }
  }
  if (constraint->kind == ConstraintKind::kType) {
    constraint->type = parse_type_ref();
    if (constraint->type == nullptr) return false;
  }
  bool single = constraint->kind == ConstraintKind::kType || constraint->kind == ConstraintKind::kNotNull;
  if (single && constraint->properties.size() > 1) {
    return fail("UnexpectedSyntax", "this kind of constraint takes one property", properties_offset);
  }
  if (!parse_options(constraint->options)) return false;
  out.kind = StatementKind::kCreateConstraint;
  out.create_constraint = constraint;
  return true;
}

bool Parser::parse_drop(Statement& out) {
  advance();
  if (accept(Keyword::kINDEX)) {
    out.kind = StatementKind::kDropIndex;
  } else if (accept(Keyword::kCONSTRAINT)) {
    out.kind = StatementKind::kDropConstraint;
  } else {
    return fail_expected("`INDEX` or `CONSTRAINT` after `DROP`", {"INDEX", "CONSTRAINT"});
  }
  auto* drop = arena_.make<DropSchema>();
  if (!parse_schema_name(drop->name, drop->name_parameter)) return false;
  if (accept(Keyword::kIF)) {
    if (!at(Keyword::kEXISTS) && !at(Keyword::kEXIST)) return fail_expected("`EXISTS`", {"EXISTS"});
    advance();
    drop->if_exists = true;
  }
  out.drop = drop;
  return true;
}

bool Parser::parse_show_filter(Show& show) {
  auto words = [&](Keyword a, Keyword b) { return at(a) && peek().keyword == b; };
  auto skip = [&](int n) {
    while (n-- > 0) advance();
  };
  show.filter = "ALL";
  IndexKind kind;
  if (at(Keyword::kALL)) {
    advance();
  } else if (words(Keyword::kBUILT, Keyword::kIN)) {
    skip(2);
    show.filter = "BUILT IN";
  } else if (words(Keyword::kUSER, Keyword::kDEFINED)) {
    skip(2);
    show.filter = "USER DEFINED";
  } else if (index_kind(t_->keyword, kind)) {
    show.filter = keyword_text(t_->keyword == Keyword::kBTREE ? Keyword::kRANGE : t_->keyword);
    advance();
  } else {
    // [NODE | RELATIONSHIP | REL] (UNIQUE[NESS] | KEY | [PROPERTY] EXIST[ENCE] | PROPERTY TYPE)
    bool on_node = at(Keyword::kNODE);
    bool on_rel = at(Keyword::kRELATIONSHIP) || at(Keyword::kREL);
    auto pick = [&](std::string_view any, std::string_view node, std::string_view rel) {
      show.filter = on_node ? node : on_rel ? rel : any;
    };
    if (on_node || on_rel) advance();
    if (at(Keyword::kUNIQUE) || at(Keyword::kUNIQUENESS)) {
      advance();
      pick("UNIQUE", "NODE UNIQUE", "RELATIONSHIP UNIQUE");
    } else if (at(Keyword::kKEY)) {
      advance();
      pick("KEY", "NODE KEY", "RELATIONSHIP KEY");
    } else if (words(Keyword::kPROPERTY, Keyword::kTYPE)) {
      skip(2);
      pick("PROPERTY TYPE", "NODE PROPERTY TYPE", "RELATIONSHIP PROPERTY TYPE");
    } else if (at(Keyword::kEXISTENCE) || at(Keyword::kEXIST) || at(Keyword::kEXISTS) ||
               words(Keyword::kPROPERTY, Keyword::kEXISTENCE) || words(Keyword::kPROPERTY, Keyword::kEXIST)) {
      if (at(Keyword::kPROPERTY)) advance();
      advance();
      pick("EXISTENCE", "NODE EXISTENCE", "RELATIONSHIP EXISTENCE");
    } else if (on_node || on_rel) {
      return fail_expected("`UNIQUE`, `KEY`, `EXISTENCE` or `PROPERTY TYPE`",
                           {"UNIQUE", "KEY", "EXISTENCE", "PROPERTY"});
    }
  }
  return true;
}

bool Parser::parse_show(Statement& out) {
  advance();
  auto* show = arena_.make<Show>();
  uint32_t filter_offset = t_->offset;
  if (!parse_show_filter(*show)) return false;
  switch (t_->keyword) {
    case Keyword::kINDEX:
    case Keyword::kINDEXES: show->kind = ShowKind::kIndexes; break;
    case Keyword::kCONSTRAINT:
    case Keyword::kCONSTRAINTS: show->kind = ShowKind::kConstraints; break;
    case Keyword::kFUNCTION:
    case Keyword::kFUNCTIONS: show->kind = ShowKind::kFunctions; break;
    case Keyword::kPROCEDURE:
    case Keyword::kPROCEDURES: show->kind = ShowKind::kProcedures; break;
    default:
      return fail_expected("`INDEXES`, `CONSTRAINTS`, `FUNCTIONS` or `PROCEDURES`",
                           {"INDEXES", "CONSTRAINTS", "FUNCTIONS", "PROCEDURES"});
  }
  advance();
  bool fits = show->filter == "ALL";
  IndexKind kind;
  switch (show->kind) {
    case ShowKind::kIndexes: fits = fits || index_kind(find_keyword(show->filter), kind); break;
    case ShowKind::kConstraints:
      fits = fits || (!index_kind(find_keyword(show->filter), kind) && show->filter != "BUILT IN" &&
                      show->filter != "USER DEFINED");
      break;
    case ShowKind::kFunctions: fits = fits || show->filter == "BUILT IN" || show->filter == "USER DEFINED"; break;
    case ShowKind::kProcedures: break;
  }
  if (!fits)
    return fail("UnexpectedSyntax", concat({"`", show->filter, "` does not go with this SHOW command"}), filter_offset);
  if ((show->kind == ShowKind::kFunctions || show->kind == ShowKind::kProcedures) && accept(Keyword::kEXECUTABLE)) {
    if (accept(Keyword::kBY)) {
      Name user;
      if (!parse_name(user, "`CURRENT USER` or a user")) return false;
      if (upper_equals(user.text, "CURRENT")) accept(Keyword::kUSER);
    }
  }
  if (at(Keyword::kYIELD)) {
    show->has_yield = true;
    if (!parse_yield(show->yields, show->yield_star, false)) return false;
    if (at(Keyword::kORDER) && !parse_sort_items(show->order_by)) return false;
    if (!parse_page(show->skip, show->limit)) return false;
  }
  if (at(Keyword::kWHERE)) {
    show->where = parse_where();
    if (show->where == nullptr) return false;
  }
  if (at(Keyword::kRETURN)) {
    if (!show->has_yield) return fail_unexpected("expected `YIELD`; found `RETURN`; RETURN needs a YIELD before it");
    uint32_t start = t_->offset;
    advance();
    show->ret = parse_projection_body(false, start);
    if (show->ret == nullptr) return false;
  }
  out.kind = StatementKind::kShow;
  out.show = show;
  return true;
}

}  // namespace lora::cypher

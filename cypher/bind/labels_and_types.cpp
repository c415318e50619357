#include <array>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

// --- labels ---------------------------------------------------------------------------------------------------------

LabelExpr* Binder::label_tree(const ast::LabelExpr& labels) {
  LabelExpr* out = arena_.make<LabelExpr>();
  switch (labels.kind) {
    case ast::LabelExprKind::kName:
    case ast::LabelExprKind::kDynamic:  // not here: see the contract
      out->kind = LabelExpr::Kind::kLeaf;
      out->name = arena_.name(labels.name.text);
      return out;
    case ast::LabelExprKind::kWildcard: out->kind = LabelExpr::Kind::kWildcard; return out;
    case ast::LabelExprKind::kNot: out->kind = LabelExpr::Kind::kNot; break;
    case ast::LabelExprKind::kAnd: out->kind = LabelExpr::Kind::kAnd; break;
    case ast::LabelExprKind::kOr: out->kind = LabelExpr::Kind::kOr; break;
  }
  std::vector<LabelExpr*> children;
  for (const ast::LabelExpr* part : labels.parts) children.push_back(label_tree(*part));
  out->children = arena_.array(children);
  return out;
}

namespace {

bool has_dynamic(const ast::LabelExpr& labels) {
  if (labels.kind == ast::LabelExprKind::kDynamic) return true;
  for (const ast::LabelExpr* part : labels.parts) {
    if (has_dynamic(*part)) return true;
  }
  return false;
}

}  // namespace

Result<Expr*> Binder::label_condition(Expr* subject, const ast::LabelExpr& labels) {
  if (!has_dynamic(labels)) {
    Expr* e = make(ExprKind::kHasLabels, labels.span, kBooleanType, {arena_.make<Expr>(*subject)});
    e->labels = label_tree(labels);
    return e;
  }
  if (stack_low()) return depth_error();
  switch (labels.kind) {
    case ast::LabelExprKind::kDynamic: {
      // all(x IN names WHERE x IN labels(n)), where a single string stands for the list of it.
      LORA_ASSIGN(Expr * names, bind_expr(*labels.expr));
      if (never(names->types, kStringType | kListType)) {
        return error("InvalidArgumentType", "a dynamic label must be a string or a list of strings", labels.expr->span);
      }
      if (!surely(names->types, kListType)) {
        Expr* is_string = make(ExprKind::kIsType, labels.span, kBooleanType, {names});
        TypeExpr* string_type = arena_.make<TypeExpr>();
        string_type->types = kStringType;
        string_type->text = "STRING";
        is_string->type = string_type;
        LORA_ASSIGN(Expr * again, bind_expr(*labels.expr));
        LORA_ASSIGN(Expr * item, bind_expr(*labels.expr));
        Expr* list = make(ExprKind::kList, labels.span, kListType, {item});
        Expr* either = make(ExprKind::kCase, labels.span, kListType, {is_string, list, again});
        either->flag = true;
        names = either;
      }
      Variable local;
      local.slot = new_slot();
      local.types = kStringType;
      subject = arena_.make<Expr>(*subject);
      Expr* known = surely(subject->types, kRelationshipType)
                        ? make(ExprKind::kList, labels.span, kListType, {call("type", {subject}, labels.span)})
                        : call("labels", {subject}, labels.span);
      Expr* test = make(ExprKind::kIn, labels.span, kBooleanType, {slot_expr(local, labels.span), known});
      Expr* all = make(ExprKind::kQuantifier, labels.span, kBooleanType, {names, test});
      all->op = labels.any ? 'y' : 'a';
      all->slot = local.slot;
      return all;
    }
    case ast::LabelExprKind::kNot: {
      LORA_ASSIGN(Expr * inner, label_condition(subject, *labels.parts[0]));
      return make(ExprKind::kNot, labels.span, kBooleanType, {inner});
    }
    default: {
      std::vector<Expr*> parts;
      for (const ast::LabelExpr* part : labels.parts) {
        LORA_ASSIGN(Expr * e, label_condition(subject, *part));
        parts.push_back(e);
      }
      const bool all = labels.kind == ast::LabelExprKind::kAnd;
      return make(all ? ExprKind::kAnd : ExprKind::kOr, labels.span, kBooleanType, parts);
    }
  }
}

// --- types ----------------------------------------------------------------------------------------------------------

namespace {

struct TypeRow {
  ast::TypeName name;
  TypeSet types;
  std::string_view text;
};
constexpr std::array kTypeRows = {
    TypeRow{ast::TypeName::kAny, kAnyType, "ANY"},
    TypeRow{ast::TypeName::kNothing, 0, "NOTHING"},
    TypeRow{ast::TypeName::kNull, kNullType, "NULL"},
    TypeRow{ast::TypeName::kBoolean, kBooleanType, "BOOLEAN"},
    TypeRow{ast::TypeName::kInteger, kIntegerType, "INTEGER"},
    TypeRow{ast::TypeName::kFloat, kFloatType, "FLOAT"},
    TypeRow{ast::TypeName::kNumber, kNumberTypes, "INTEGER | FLOAT"},
    TypeRow{ast::TypeName::kString, kStringType, "STRING"},
    TypeRow{ast::TypeName::kDate, type_bit(ValueType::kDate), "DATE"},
    TypeRow{ast::TypeName::kLocalTime, type_bit(ValueType::kLocalTime), "LOCAL TIME"},
    TypeRow{ast::TypeName::kZonedTime, type_bit(ValueType::kTime), "ZONED TIME"},
    TypeRow{ast::TypeName::kLocalDateTime, type_bit(ValueType::kLocalDateTime), "LOCAL DATETIME"},
    TypeRow{ast::TypeName::kZonedDateTime, type_bit(ValueType::kDateTime), "ZONED DATETIME"},
    TypeRow{ast::TypeName::kDuration, kDurationType, "DURATION"},
    TypeRow{ast::TypeName::kPoint, kPointType, "POINT"},
    TypeRow{ast::TypeName::kVector, type_bit(ValueType::kVector), "VECTOR"},
    TypeRow{ast::TypeName::kBinary, type_bit(ValueType::kBinary), "BINARY"},
    TypeRow{ast::TypeName::kNode, kNodeType, "NODE"},
    TypeRow{ast::TypeName::kRelationship, kRelationshipType, "RELATIONSHIP"},
    TypeRow{ast::TypeName::kMap, kMapType, "MAP"},
    TypeRow{ast::TypeName::kPath, kPathType, "PATH"},
    TypeRow{ast::TypeName::kList, kListType, "LIST"},
    TypeRow{ast::TypeName::kPropertyValue, kAnyType & ~(kEntityTypes | kPathType), "PROPERTY VALUE"},
    // As whole types, coordinate types are the plain numbers that hold them.
    TypeRow{ast::TypeName::kFloat64, kFloatType, "FLOAT64"},
    TypeRow{ast::TypeName::kFloat32, kFloatType, "FLOAT32"},
    TypeRow{ast::TypeName::kInteger64, kIntegerType, "INTEGER64"},
    TypeRow{ast::TypeName::kInteger32, kIntegerType, "INTEGER32"},
    TypeRow{ast::TypeName::kInteger16, kIntegerType, "INTEGER16"},
    TypeRow{ast::TypeName::kInteger8, kIntegerType, "INTEGER8"},
};

const TypeRow& type_row(ast::TypeName name) {
  for (const TypeRow& row : kTypeRows) {
    if (row.name == name) return row;
  }
  return kTypeRows[0];
}

int8_t coordinate_type(ast::TypeName name) {
  switch (name) {
    case ast::TypeName::kFloat:
    case ast::TypeName::kFloat64: return static_cast<int8_t>(VectorType::kFloat64);
    case ast::TypeName::kFloat32: return static_cast<int8_t>(VectorType::kFloat32);
    case ast::TypeName::kInteger:
    case ast::TypeName::kInteger64: return static_cast<int8_t>(VectorType::kInteger64);
    case ast::TypeName::kInteger32: return static_cast<int8_t>(VectorType::kInteger32);
    case ast::TypeName::kInteger16: return static_cast<int8_t>(VectorType::kInteger16);
    case ast::TypeName::kInteger8: return static_cast<int8_t>(VectorType::kInteger8);
    default: return -1;
  }
}

}  // namespace

Result<const TypeExpr*> make_type(const ast::TypeRef& type, std::string_view source, PlanArena& arena) {
  constexpr int64_t kDimensionMax = 4096;
  if (stack_low()) return Status::limit("depth", "the type is nested too deeply");
  TypeExpr* out = arena.make<TypeExpr>();
  out->not_null = type.not_null;
  std::string text;
  if (type.name == ast::TypeName::kUnion) {
    std::vector<TypeExpr*> elements;
    bool any_list_free = false;  // a LIST member without element type takes every list
    bool all_not_null = true;
    for (const ast::TypeRef* member : type.members) {
      LORA_ASSIGN(const TypeExpr* m, make_type(*member, source, arena));
      out->types |= m->types;
      out->any_property = out->any_property || m->any_property;
      all_not_null = all_not_null && m->not_null;
      if ((m->types & type_bit(ValueType::kVector)) != 0 && m->types != kAnyType) {
        out->vector_dimension = m->vector_dimension;
        out->vector_type = m->vector_type;
      }
      any_list_free = any_list_free || ((m->types & kListType) != 0 && m->elements.empty());
      elements.insert(elements.end(), m->elements.begin(), m->elements.end());
      if (!text.empty()) text += " | ";
      text += m->text;
    }
    out->not_null = out->not_null || all_not_null;
    if (!any_list_free) out->elements = arena.array(elements);
    out->text = arena.text(text);
    return out;
  }
  const TypeRow& row = type_row(type.name);
  out->types = row.types;
  out->any_property = type.name == ast::TypeName::kPropertyValue;
  text = row.text;
  if (type.name == ast::TypeName::kList && type.element != nullptr) {
    LORA_ASSIGN(const TypeExpr* element, make_type(*type.element, source, arena));
    std::vector<TypeExpr*> elements{const_cast<TypeExpr*>(element)};
    out->elements = arena.array(elements);
    text += "<" + std::string(element->text) + ">";
  }
  if (type.name == ast::TypeName::kVector) {
    if (type.element != nullptr) {
      out->vector_type = coordinate_type(type.element->name);
      if (out->vector_type < 0) {
        const ast::Span span = type.element->span;
        return Status::compile_time(ErrorCode::kSemantic, "SyntaxError", "UnexpectedSyntax",
                                    quoted(source.substr(span.offset, span.length)) + " is no coordinate type",
                                    span.offset);
      }
      text += "<" + std::string(type_row(type.element->name).text) + ">";
    }
    if (type.dimension != -1) {
      if (type.dimension < 1 || type.dimension > kDimensionMax) {
        return Status::compile_time(ErrorCode::kSemantic, "SyntaxError", "NumberOutOfRange",
                                    "the dimension of a vector must be from 1 to 4096", type.span.offset);
      }
      out->vector_dimension = static_cast<uint32_t>(type.dimension);
      text += "(" + std::to_string(type.dimension) + ")";
    }
  }
  if (type.not_null) text += " NOT NULL";
  out->text = arena.text(text);
  return out;
}

Result<const TypeExpr*> Binder::bind_type(const ast::TypeRef& type) {
  return make_type(type, query_.text, arena_);
}

}  // namespace lora::cypher

// CREATE, MERGE, SET, REMOVE, DELETE, FOREACH.
#include <algorithm>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

Variable entity(std::string_view name, Slot slot, bool node) {
  Variable v;
  v.name = name;
  v.slot = slot;
  v.kind = node ? VariableKind::kNode : VariableKind::kRelationship;
  v.types = node ? kNodeType : kRelationshipType;
  v.nullable = false;
  return v;
}

BoundVariable introduced(const Variable& v) {
  return {v.name, v.slot, v.kind, v.types, v.nullable};
}

// A path that a clause can make: nodes and relationships only.
const ast::PatternElement* unmakeable(const ast::PathPattern& path) {
  for (const ast::PatternElement* element : path.elements) {
    if (element->kind == ast::ElementKind::kGroup) return element;
  }
  return nullptr;
}

bool is_plain_path(const ast::PathPattern& path) {
  return path.shortest == ast::ShortestFunction::kNone && path.selector == ast::PathSelector::kNone;
}

}  // namespace

Status Binder::bind_update_clause(const ast::Clause& clause, BoundClauses* out) {
  frame_->writes = true;
  switch (clause.kind) {
    case ast::ClauseKind::kCreate: return bind_create(ast::as<ast::Create>(clause), out);
    case ast::ClauseKind::kMerge: return bind_merge(ast::as<ast::Merge>(clause), out);
    case ast::ClauseKind::kSet: {
      auto set = std::make_unique<BoundSet>();
      set->offset = clause.span.offset;
      set->length = clause.span.length;
      LORA_TRY(bind_set_items(ast::as<ast::Set>(clause).items, &set->items));
      out->push_back(std::move(set));
      return Status();
    }
    case ast::ClauseKind::kRemove: return bind_remove(ast::as<ast::Remove>(clause), out);
    case ast::ClauseKind::kDelete: return bind_delete(ast::as<ast::Delete>(clause), out);
    case ast::ClauseKind::kForeach: return bind_foreach(ast::as<ast::Foreach>(clause), out);
    default: return error("InvalidClauseComposition", "only updating clauses can stand here", clause.span);
  }
}

// --- labels and types of things to be made --------------------------------------------------------------------------

Status Binder::bind_plain_labels(const ast::LabelExpr& labels, std::string_view where,
                                 std::vector<const NameRef*>* names, std::vector<Expr*>* dynamic) {
  switch (labels.kind) {
    case ast::LabelExprKind::kName: {
      const std::string_view name = labels.name.text;
      const bool known = std::any_of(names->begin(), names->end(), [&](const NameRef* n) { return n->name == name; });
      if (!known) names->push_back(arena_.name(name));
      return Status();
    }
    case ast::LabelExprKind::kDynamic: {
      LORA_ASSIGN(Expr * e, bind_expr(*labels.expr));
      if (never(e->types, kStringType | kListType)) {
        return error("InvalidArgumentType", "a dynamic label must be a string or a list of strings", labels.expr->span);
      }
      dynamic->push_back(e);
      return Status();
    }
    case ast::LabelExprKind::kAnd:
      for (const ast::LabelExpr* part : labels.parts) LORA_TRY(bind_plain_labels(*part, where, names, dynamic));
      return Status();
    default:
      return error("UnexpectedSyntax", quoted(where) + " takes plain labels, joined with `:` or `&`", labels.span);
  }
}

Status Binder::bind_single_type(const ast::RelationshipPattern& rel, bool merge, const NameRef** type, Expr** dynamic) {
  const std::string word = merge ? "MERGE" : "CREATE";
  if (rel.length != nullptr || rel.quantifier != nullptr) {
    return error("CreatingVarLength", "`" + word + "` cannot make relationships of variable length", rel.span);
  }
  if (rel.types != nullptr && rel.types->kind == ast::LabelExprKind::kDynamic) {
    LORA_ASSIGN(*dynamic, bind_expr(*rel.types->expr));
    if (never((*dynamic)->types, kStringType | kListType)) {
      return error("InvalidArgumentType", "a relationship type must be a string", rel.types->span);
    }
  } else if (rel.types == nullptr || rel.types->kind != ast::LabelExprKind::kName) {
    return error("NoSingleRelationshipType", "`" + word + "` needs exactly one type for each relationship", rel.span);
  } else {
    *type = arena_.name(rel.types->name.text);
  }
  if (rel.where != nullptr)
    return error("UnexpectedSyntax", "`" + word + "` takes no WHERE in its pattern", rel.where->span);
  if (rel.direction == ast::Direction::kBoth && (!merge || rel.both_arrows)) {
    return error("RequiresDirectedRelationship", "`" + word + "` needs a direction for each relationship", rel.span);
  }
  return Status();
}

// --- CREATE ---------------------------------------------------------------------------------------------------------

struct Binder::CreateState {
  BoundClauses* out = nullptr;
  std::unique_ptr<BoundCreate> current;
  std::unordered_set<Slot> made;  // by `current`

  // What reads entities of the clause itself goes into a clause of its own after it.
  void split_for(const std::vector<Expr*>& reads) {
    std::vector<Slot> slots;
    for (const Expr* e : reads) {
      if (e != nullptr) collect_slots(*e, &slots);
    }
    if (std::none_of(slots.begin(), slots.end(), [&](Slot s) { return made.count(s) != 0; })) return;
    auto next = std::make_unique<BoundCreate>();
    next->offset = current->offset;
    next->length = current->length;
    out->push_back(std::exchange(current, std::move(next)));
    made.clear();
  }
};

Status Binder::bind_create(const ast::Create& create, BoundClauses* out) {
  CreateState state;
  state.out = out;
  state.current = std::make_unique<BoundCreate>();
  state.current->offset = create.span.offset;
  state.current->length = create.span.length;
  for (const ast::PathPattern* path : create.patterns) LORA_TRY(create_path(state, *path));
  out->push_back(std::move(state.current));
  return Status();
}

Status Binder::create_path(CreateState& state, const ast::PathPattern& path) {
  if (!is_plain_path(path)) return error("UnexpectedSyntax", "`CREATE` takes plain paths", path.span);
  if (const ast::PatternElement* group = unmakeable(path)) {
    return error("CreatingVarLength", "`CREATE` cannot make a quantified group", group->span);
  }
  const bool alone = path.elements.size() == 1;
  std::vector<Expr*> alternation;
  Slot last = kNoSlot;
  LORA_TRY(create_node(state, ast::as<ast::NodePattern>(*path.elements[0]), alone, &last));
  alternation.push_back(slot_expr(last, kNodeType, path.span));
  for (size_t i = 1; i + 1 < path.elements.size(); i += 2) {
    const auto& rel = ast::as<ast::RelationshipPattern>(*path.elements[i]);
    BoundCreateRelationship made;
    if (rel.variable && find(rel.variable.text) != nullptr) {
      return already_bound(rel.variable.text, rel.variable.span);
    }
    LORA_TRY(bind_single_type(rel, false, &made.type, &made.dynamic_type));
    LORA_ASSIGN(made.properties, bind_optional(rel.properties));
    Slot next = kNoSlot;
    LORA_TRY(create_node(state, ast::as<ast::NodePattern>(*path.elements[i + 1]), alone, &next));
    const bool out_going = rel.direction == ast::Direction::kOut;
    made.from = out_going ? last : next;
    made.to = out_going ? next : last;
    made.slot = new_slot();
    const Variable v = entity(rel.variable ? arena_.text(rel.variable.text) : std::string_view(), made.slot, false);
    made.name = v.name;
    state.split_for({made.properties, made.dynamic_type});
    state.made.insert(made.slot);
    if (rel.variable) {
      if (find(rel.variable.text) != nullptr) return already_bound(rel.variable.text, rel.variable.span);
      scope_->add(v);
    }
    state.current->introduces.push_back(introduced(v));
    alternation.push_back(slot_expr(made.slot, kRelationshipType, rel.span));
    alternation.push_back(slot_expr(next, kNodeType, path.span));
    state.current->pattern.relationships.push_back(std::move(made));
    last = next;
  }
  if (path.variable) {
    if (find(path.variable.text) != nullptr) return already_bound(path.variable.text, path.variable.span);
    Variable v;
    v.name = arena_.text(path.variable.text);
    v.slot = new_slot();
    v.kind = VariableKind::kPath;
    v.types = kPathType;
    v.nullable = false;
    scope_->add(v);
    state.current->introduces.push_back(introduced(v));
    state.made.insert(v.slot);
    state.current->pattern.derived.push_back({v.slot, make(ExprKind::kPath, path.span, kPathType, alternation)});
  }
  return Status();
}

Status Binder::create_node(CreateState& state, const ast::NodePattern& node, bool alone, Slot* slot) {
  if (node.where != nullptr)
    return error("UnexpectedSyntax", "`CREATE` takes no WHERE in its pattern", node.where->span);
  if (node.variable) {
    if (const Variable* v = find(node.variable.text)) {
      LORA_TRY(check_node(*v, node.variable.span));
      if (alone || node.labels != nullptr || node.properties != nullptr) {
        return already_bound(node.variable.text, node.variable.span);
      }
      *slot = v->slot;
      return Status();
    }
  }
  BoundCreateNode made;
  if (node.labels != nullptr) LORA_TRY(bind_plain_labels(*node.labels, "CREATE", &made.labels, &made.dynamic_labels));
  LORA_ASSIGN(made.properties, bind_optional(node.properties));
  std::vector<Expr*> read = made.dynamic_labels;
  read.push_back(made.properties);
  state.split_for(read);
  made.slot = *slot = new_slot();
  state.made.insert(made.slot);
  const Variable v = entity(node.variable ? arena_.text(node.variable.text) : std::string_view(), made.slot, true);
  made.name = v.name;
  if (node.variable) scope_->add(v);
  state.current->introduces.push_back(introduced(v));
  state.current->pattern.nodes.push_back(std::move(made));
  return Status();
}

// --- MERGE ----------------------------------------------------------------------------------------------------------

Status Binder::merge_node(const ast::NodePattern& node, bool alone, BoundMerge* out, uint32_t* index) {
  if (node.where != nullptr)
    return error("UnexpectedSyntax", "`MERGE` takes no WHERE in its pattern", node.where->span);
  *index = static_cast<uint32_t>(out->pattern.nodes.size());
  if (node.variable) {
    if (const Variable* v = find(node.variable.text)) {
      LORA_TRY(check_node(*v, node.variable.span));
      if (alone || node.labels != nullptr || node.properties != nullptr) {
        return already_bound(node.variable.text, node.variable.span);
      }
      BoundNode bound;
      bound.slot = v->slot;
      bound.name = v->name;
      bound.bound = true;
      out->pattern.nodes.push_back(std::move(bound));
      return Status();
    }
  }
  BoundNode match;
  BoundCreateNode create;
  const Variable v = entity(node.variable ? arena_.text(node.variable.text) : std::string_view(), new_slot(), true);
  match.slot = create.slot = v.slot;
  match.name = create.name = v.name;
  if (node.labels != nullptr)
    LORA_TRY(bind_plain_labels(*node.labels, "MERGE", &create.labels, &create.dynamic_labels));
  match.labels = create.labels;
  for (Expr* dynamic : create.dynamic_labels) {
    // Look for nodes that have all of them.
    Variable local;
    local.slot = new_slot();
    Expr* is_string = make(ExprKind::kIsType, node.span, kBooleanType, {arena_.make<Expr>(*dynamic)});
    TypeExpr* string_type = arena_.make<TypeExpr>();
    string_type->types = kStringType;
    string_type->text = "STRING";
    is_string->type = string_type;
    Expr* list = make(ExprKind::kList, node.span, kListType, {arena_.make<Expr>(*dynamic)});
    Expr* names = make(ExprKind::kCase, node.span, kListType, {is_string, list, arena_.make<Expr>(*dynamic)});
    names->flag = true;
    Expr* has = make(ExprKind::kIn, node.span, kBooleanType,
                     {slot_expr(local, node.span), call("labels", {slot_expr(v, node.span)}, node.span)});
    Expr* all = make(ExprKind::kQuantifier, node.span, kBooleanType, {names, has});
    all->op = 'a';
    all->slot = local.slot;
    add_predicate(out->pattern, all);
  }
  out->pattern.nodes.push_back(std::move(match));
  if (node.properties != nullptr) {
    LORA_ASSIGN(create.properties, bind_expr(*node.properties));
    PatternProperties where{&out->pattern, v.slot, kNodeType};
    LORA_TRY(add_properties(where, *node.properties, nullptr));
  }
  out->create.nodes.push_back(std::move(create));
  out->introduces.push_back(introduced(v));
  return Status();
}

Status Binder::merge_relationship(const ast::RelationshipPattern& rel, uint32_t from, uint32_t to, BoundMerge* out) {
  BoundRelationship match;
  BoundCreateRelationship create;
  if (rel.variable && find(rel.variable.text) != nullptr) return already_bound(rel.variable.text, rel.variable.span);
  LORA_TRY(bind_single_type(rel, true, &create.type, &create.dynamic_type));
  const Variable v = entity(rel.variable ? arena_.text(rel.variable.text) : std::string_view(), new_slot(), false);
  match.slot = create.slot = v.slot;
  match.name = create.name = v.name;
  match.from = from;
  match.to = to;
  match.direction = rel.direction == ast::Direction::kOut  ? Direction::kOut
                    : rel.direction == ast::Direction::kIn ? Direction::kIn
                                                           : Direction::kBoth;
  if (create.type != nullptr) match.types.push_back(create.type);
  // Without a direction it is made from left to right.
  const bool incoming = match.direction == Direction::kIn;
  create.from = out->pattern.nodes[incoming ? to : from].slot;
  create.to = out->pattern.nodes[incoming ? from : to].slot;
  out->pattern.relationships.push_back(std::move(match));
  if (create.dynamic_type != nullptr) {
    // One name, or a list of one.
    Expr* type = call("type", {slot_expr(v, rel.span)}, rel.span);
    Expr* listed = make(ExprKind::kList, rel.span, kListType, {arena_.make<Expr>(*type)});
    Expr* forms = make(ExprKind::kList, rel.span, kListType, {type, listed});
    add_predicate(out->pattern,
                  make(ExprKind::kIn, rel.span, kBooleanType, {arena_.make<Expr>(*create.dynamic_type), forms}));
  }
  if (rel.properties != nullptr) {
    LORA_ASSIGN(create.properties, bind_expr(*rel.properties));
    PatternProperties where{&out->pattern, v.slot, kRelationshipType};
    LORA_TRY(add_properties(where, *rel.properties, nullptr));
  }
  out->create.relationships.push_back(std::move(create));
  out->introduces.push_back(introduced(v));
  return Status();
}

Status Binder::bind_merge(const ast::Merge& merge, BoundClauses* out) {
  const ast::PathPattern& path = *merge.pattern;
  auto bound = std::make_unique<BoundMerge>();
  bound->offset = merge.span.offset;
  bound->length = merge.span.length;
  if (!is_plain_path(path)) return error("UnexpectedSyntax", "`MERGE` takes a plain path", path.span);
  if (const ast::PatternElement* group = unmakeable(path)) {
    return error("CreatingVarLength", "`MERGE` cannot make a quantified group", group->span);
  }
  // Properties of a new element see what was there before the clause, so the new variables become visible afterwards,
  // but a node variable may come again within the path.
  const bool alone = path.elements.size() == 1;
  std::unordered_map<std::string_view, uint32_t> own;
  std::unordered_set<std::string_view> own_relationships;
  auto node_at = [&](size_t i, uint32_t* index) -> Status {
    const auto& node = ast::as<ast::NodePattern>(*path.elements[i]);
    if (node.variable) {
      auto it = own.find(node.variable.text);
      if (it != own.end()) {
        if (node.labels != nullptr || node.properties != nullptr) {
          return already_bound(node.variable.text, node.variable.span);
        }
        *index = it->second;
        return Status();
      }
      if (own_relationships.count(node.variable.text) != 0) {
        return error("VariableTypeConflict", quoted(node.variable.text) + " is no node", node.variable.span);
      }
    }
    LORA_TRY(merge_node(node, alone, bound.get(), index));
    if (node.variable) own.emplace(node.variable.text, *index);
    return Status();
  };
  std::vector<Expr*> alternation;
  uint32_t last = 0;
  LORA_TRY(node_at(0, &last));
  alternation.push_back(slot_expr(bound->pattern.nodes[last].slot, kNodeType, path.span));
  for (size_t i = 1; i + 1 < path.elements.size(); i += 2) {
    uint32_t next = 0;
    LORA_TRY(node_at(i + 1, &next));
    const auto& rel = ast::as<ast::RelationshipPattern>(*path.elements[i]);
    if (rel.variable && (own.count(rel.variable.text) != 0 || !own_relationships.insert(rel.variable.text).second)) {
      return already_bound(rel.variable.text, rel.variable.span);
    }
    LORA_TRY(merge_relationship(rel, last, next, bound.get()));
    alternation.push_back(slot_expr(bound->pattern.relationships.back().slot, kRelationshipType, path.span));
    alternation.push_back(slot_expr(bound->pattern.nodes[next].slot, kNodeType, path.span));
    last = next;
  }
  for (const BoundVariable& v : bound->introduces) {
    if (!v.name.empty()) scope_->add(entity(v.name, v.slot, v.kind == VariableKind::kNode));
  }
  if (path.variable) {
    if (find(path.variable.text) != nullptr) return already_bound(path.variable.text, path.variable.span);
    Variable v;
    v.name = arena_.text(path.variable.text);
    v.slot = new_slot();
    v.kind = VariableKind::kPath;
    v.types = kPathType;
    v.nullable = false;
    scope_->add(v);
    bound->introduces.push_back(introduced(v));
    bound->pattern.derived.push_back({v.slot, make(ExprKind::kPath, path.span, kPathType, alternation)});
  }
  for (const ast::MergeAction& action : merge.actions) {
    LORA_TRY(bind_set_items(action.items, action.on_create ? &bound->on_create : &bound->on_match));
  }
  out->push_back(std::move(bound));
  return Status();
}

// --- SET, REMOVE, DELETE --------------------------------------------------------------------------------------------

Status Binder::bind_set_target(const ast::Expr& target, BoundSetItem* item) {
  const ast::Expr* object = &target;
  if (const auto* property = ast::find<ast::Property>(&target)) {
    object = property->base;
    item->kind = BoundSetItem::Kind::kProperty;
    item->key = arena_.name(property->key.text);
  } else if (const auto* index = ast::find<ast::Index>(&target)) {
    object = index->base;
    item->kind = BoundSetItem::Kind::kDynamicProperty;
    LORA_ASSIGN(item->dynamic_key, bind_expr(*index->index));
    if (never(item->dynamic_key->types, kStringType)) {
      return error("InvalidArgumentType", "a property key must be a string", index->index->span);
    }
  }
  LORA_ASSIGN(item->target, bind_expr(*object));
  if (never(item->target->types, kEntityTypes)) {
    return error("InvalidArgumentType", "only nodes and relationships can be changed", object->span);
  }
  return Status();
}

Status Binder::bind_set_items(ast::List<ast::SetItem> items, std::vector<BoundSetItem>* out) {
  for (const ast::SetItem& syntax : items) {
    BoundSetItem item;
    LORA_TRY(bind_set_target(*syntax.target, &item));
    switch (syntax.kind) {
      case ast::SetKind::kProperty: break;
      case ast::SetKind::kReplace: item.kind = BoundSetItem::Kind::kReplace; break;
      case ast::SetKind::kMerge: item.kind = BoundSetItem::Kind::kAdd; break;
      case ast::SetKind::kLabels:
        item.kind = BoundSetItem::Kind::kLabels;
        if (never(item.target->types, kNodeType)) {
          return error("InvalidArgumentType", "only nodes have labels that can be set", syntax.target->span);
        }
        LORA_TRY(bind_plain_labels(*syntax.labels, "SET", &item.labels, &item.dynamic_labels));
        break;
    }
    if (syntax.value != nullptr) {
      LORA_ASSIGN(item.value, bind_expr(*syntax.value));
      const bool whole = syntax.kind == ast::SetKind::kReplace || syntax.kind == ast::SetKind::kMerge;
      if (whole && never(item.value->types, kMapType | kEntityTypes)) {
        return error("InvalidArgumentType", "properties are set from a map, a node or a relationship",
                     syntax.value->span);
      }
    }
    out->push_back(std::move(item));
  }
  return Status();
}

Status Binder::bind_remove(const ast::Remove& remove, BoundClauses* out) {
  auto bound = std::make_unique<BoundRemove>();
  bound->offset = remove.span.offset;
  bound->length = remove.span.length;
  for (const ast::RemoveItem& syntax : remove.items) {
    BoundSetItem item;
    LORA_TRY(bind_set_target(*syntax.target, &item));
    if (syntax.labels != nullptr) {
      item.kind = BoundSetItem::Kind::kLabels;
      if (never(item.target->types, kNodeType)) {
        return error("InvalidArgumentType", "only nodes have labels that can be removed", syntax.target->span);
      }
      LORA_TRY(bind_plain_labels(*syntax.labels, "REMOVE", &item.labels, &item.dynamic_labels));
    }
    bound->items.push_back(std::move(item));
  }
  out->push_back(std::move(bound));
  return Status();
}

Status Binder::bind_delete(const ast::Delete& del, BoundClauses* out) {
  auto bound = std::make_unique<BoundDelete>();
  bound->offset = del.span.offset;
  bound->length = del.span.length;
  bound->detach = del.detach;
  for (const ast::Expr* target : del.targets) {
    if (target->kind == ast::ExprKind::kLabelTest) {
      return error("InvalidDelete", "DELETE takes entities, not labels or types; use REMOVE", target->span);
    }
    LORA_ASSIGN(Expr * e, bind_expr(*target));
    if (never(e->types, kEntityTypes | kPathType)) {
      return error("InvalidArgumentType", "DELETE takes nodes, relationships and paths", target->span);
    }
    bound->targets.push_back(e);
  }
  out->push_back(std::move(bound));
  return Status();
}

// --- FOREACH --------------------------------------------------------------------------------------------------------

Status Binder::bind_foreach(const ast::Foreach& foreach, BoundClauses* out) {
  if (stack_low()) return depth_error();
  auto bound = std::make_unique<BoundForeach>();
  bound->offset = foreach.span.offset;
  bound->length = foreach.span.length;
  LORA_ASSIGN(bound->list, bind_expr(*foreach.list));
  if (never(bound->list->types, kListType)) {
    return error("InvalidArgumentType", "FOREACH runs over a list", foreach.list->span);
  }
  if (find(foreach.variable.text) != nullptr) return already_bound(foreach.variable.text, foreach.variable.span);
  Variable v;
  v.name = arena_.text(foreach.variable.text);
  v.slot = bound->element = new_slot();
  v.types = elements_of(*bound->list);
  if (surely(v.types, kNodeType)) v.kind = VariableKind::kNode;
  if (surely(v.types, kRelationshipType)) v.kind = VariableKind::kRelationship;
  Scope* inner = new_scope(scope_, frame_);
  inner->add(v);
  Restore<Scope*> scope(scope_, inner);
  for (const ast::Clause* clause : foreach.body) LORA_TRY(bind_update_clause(*clause, &bound->body));
  out->push_back(std::move(bound));
  return Status();
}

}  // namespace lora::cypher

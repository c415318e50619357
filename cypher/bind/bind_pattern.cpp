// MATCH patterns to pattern graphs.
//
// In two passes: first all variables of all paths are declared, in the order as written (each path variable after the
// elements of its path: that decides which conflict is reported); then property maps, label expressions and conditions
// are bound, so that they may mention any variable of the clause.
#include <algorithm>
#include <limits>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

Direction direction_of(ast::Direction d) {
  switch (d) {
    case ast::Direction::kOut: return Direction::kOut;
    case ast::Direction::kIn: return Direction::kIn;
    case ast::Direction::kBoth: return Direction::kBoth;
  }
  return Direction::kBoth;
}

uint32_t hops(int64_t n, uint32_t missing) {
  if (n < 0) return missing;
  return n >= UINT32_MAX ? UINT32_MAX - 1 : static_cast<uint32_t>(n);
}

// A pattern's conjunction of plain names; false when it is anything richer.
bool plain_names(const ast::LabelExpr& labels, ast::LabelExprKind joined, std::vector<std::string_view>* names) {
  if (labels.kind == ast::LabelExprKind::kName) {
    names->push_back(labels.name.text);
    return true;
  }
  if (labels.kind != joined) return false;
  for (const ast::LabelExpr* part : labels.parts) {
    if (!plain_names(*part, joined, names)) return false;
  }
  return true;
}

std::vector<Slot> slots_of(const Expr& e) {
  std::vector<Slot> slots;
  collect_slots(e, &slots);
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  return slots;
}

Variable variable(std::string_view name, Slot slot, VariableKind kind, TypeSet types, TypeSet elements = kAnyType) {
  Variable v;
  v.name = name;
  v.slot = slot;
  v.kind = kind;
  v.types = types;
  v.elements = elements;
  return v;
}

}  // namespace

struct Binder::PatternState {
  BoundPattern* pattern = nullptr;
  bool alone = true;                              // the clause has one path
  bool selects = false;                           // a path has a selector
  bool searches = false;                          // a path is in shortestPath() or allShortestPaths()
  std::unique_ptr<BoundPathSelection> selection;  // over several relationships; without its pattern yet
  std::vector<BoundVariable>* introduces = nullptr;
  bool allow_new = true;
  bool nullable = false;
  std::unordered_map<Slot, uint32_t> node_index;
  std::unordered_set<std::string_view> relationship_names;  // used in this clause
  std::unordered_set<Slot> lists;                           // slots of lists of relationships
  // What the second pass binds. `scope`: where names are looked up.
  struct Deferred {
    const ast::NodePattern* node = nullptr;
    const ast::RelationshipPattern* rel = nullptr;
    const ast::Expr* where = nullptr;  // of a group
    uint32_t index = 0;                // of the node or relationship in the pattern
    Slot subject = kNoSlot;            // of an inner node of a single group: a hop slot
    bool hop = false;                  // goes into relationship `index`'s hop predicate
    Scope* scope = nullptr;
  };
  std::vector<Deferred> deferred;
  struct Inner {
    std::unique_ptr<PatternState> state;
    Scope* scope = nullptr;
    const ast::Expr* where = nullptr;
  };
  std::vector<Inner> inner;
};

// A walk along one path: where it stands and what it has passed.
struct Binder::Walk {
  std::vector<Slot> alternation;  // node, relationship or list, node, ...
  std::vector<uint32_t> relationships;
  uint32_t first = kNone, last = kNone;
  uint32_t groups = 0;
  bool after_group = false;  // `last` is a group's end made without a node pattern
  const ast::RelationshipPattern* pending = nullptr;
};

// --- entry ----------------------------------------------------------------------------------------------------------

Status Binder::bind_match_pattern(ast::List<const ast::PathPattern*> paths, const ast::Expr* where,
                                  BoundPattern* pattern, std::vector<BoundVariable>* introduces, bool allow_new,
                                  bool nullable) {
  PatternState state;
  state.pattern = pattern;
  state.introduces = introduces;
  state.allow_new = allow_new;
  state.nullable = nullable;
  state.alone = paths.size() == 1;
  for (const ast::PathPattern* path : paths) LORA_TRY(match_path(state, *path));
  LORA_TRY(bind_deferred(state));
  if (state.selection != nullptr) {
    push_selector_down(state, pattern);
    state.selection->inner = std::make_unique<BoundPattern>(std::move(*pattern));
    *pattern = BoundPattern();
    pattern->selection = std::move(state.selection);
  }
  if (state.selects) {
    for (BoundPredicate& p : pattern->predicates) p.before_selection = true;
  }
  const size_t inside = pattern->predicates.size();
  if (where != nullptr) {
    LORA_ASSIGN(Expr * condition, bind_condition(*where));
    add_where(state, pattern, condition);
  }
  if (state.searches) {
    for (size_t i = inside; i < pattern->predicates.size(); ++i) pattern->predicates[i].before_selection = true;
  }
  return Status();
}

// Conditions on the ends alone say the same before and after a selection; before, they leave less to match.
void Binder::add_where(PatternState& state, BoundPattern* pattern, Expr* condition) {
  if (pattern->selection == nullptr) return add_predicate(*pattern, condition);
  std::vector<BoundPredicate> conjuncts;
  split_conjuncts(condition, &conjuncts);
  const BoundPathSelection& selection = *pattern->selection;
  for (const BoundPredicate& p : conjuncts) {
    const bool ends_only = std::none_of(p.slots.begin(), p.slots.end(), [&](Slot slot) {
      if (slot == selection.first || slot == selection.last) return false;
      return std::any_of(state.introduces->begin(), state.introduces->end(),
                         [&](const BoundVariable& v) { return v.slot == slot; });
    });
    add_predicate(ends_only ? *selection.inner : *pattern, p.expr);
  }
}

// When one relationship of the selected path is of variable length and the others are single ones, the best paths hold
// the best ways along it: it may be searched instead of enumerated. Conditions that read it as a whole forbid that.
void Binder::push_selector_down(PatternState& state, BoundPattern* pattern) {
  BoundRelationship* variable = nullptr;
  for (BoundRelationship& r : pattern->relationships) {
    if (!r.variable_length) continue;
    if (variable != nullptr || r.bound) return;
    variable = &r;
  }
  if (variable == nullptr || !pattern->quantified.empty() || pattern->repeatable) return;
  std::vector<Slot> whole{variable->slot};
  const auto reads_whole = [&](const std::vector<Slot>& slots) {
    return std::any_of(slots.begin(), slots.end(),
                       [&](Slot s) { return std::find(whole.begin(), whole.end(), s) != whole.end(); });
  };
  for (const BoundAssignment& a : pattern->derived) {
    if (reads_whole(slots_of(*a.expr))) whole.push_back(a.slot);
  }
  for (const BoundPredicate& p : pattern->predicates) {
    if (reads_whole(p.slots)) return;
  }
  variable->selector = state.selection->selector;
  variable->k = state.selection->k;
  variable->count = state.selection->count;
  for (const BoundRelationship& other : pattern->relationships) {
    if (&other == variable) continue;
    const ast::Span span;
    Expr* differs = compare('!', slot_expr(variable->hop_relationship, kRelationshipType, span),
                            slot_expr(other.slot, kRelationshipType, span), span);
    variable->hop_predicate = conjunction(variable->hop_predicate, differs);
  }
}

void Binder::declare(PatternState& state, const Variable& v) {
  BoundVariable b;
  b.name = v.name.empty() ? std::string_view() : arena_.text(v.name);
  b.slot = v.slot;
  b.kind = v.kind;
  b.types = v.types;
  b.nullable = state.nullable;
  state.introduces->push_back(b);
  if (v.name.empty()) return;
  Variable copy = v;
  copy.name = b.name;
  copy.nullable = state.nullable;
  scope_->add(copy);
}

uint32_t Binder::anonymous_node(PatternState& state) {
  BoundNode node;
  node.slot = new_slot();
  declare(state, variable({}, node.slot, VariableKind::kNode, kNodeType));
  const uint32_t index = static_cast<uint32_t>(state.pattern->nodes.size());
  state.node_index.emplace(node.slot, index);
  state.pattern->nodes.push_back(std::move(node));
  return index;
}

// --- paths ----------------------------------------------------------------------------------------------------------

Status Binder::match_path(PatternState& state, const ast::PathPattern& path) {
  Walk walk;
  LORA_TRY(walk_path(state, path, walk));
  const bool selective = path.shortest != ast::ShortestFunction::kNone ||
                         (path.selector != ast::PathSelector::kNone && path.selector != ast::PathSelector::kAll);
  Slot path_slot = kNoSlot;
  if (path.variable) {
    if (find(path.variable.text) != nullptr) return already_bound(path.variable.text, path.variable.span);
    if (!state.allow_new) return undefined_variable(path.variable.text, path.variable.span);
    path_slot = new_slot();
    declare(state, variable(path.variable.text, path_slot, VariableKind::kPath, kPathType));
  }
  if (selective) LORA_TRY(apply_selector(state, path, walk, &path_slot));
  if (path_slot != kNoSlot) {
    state.pattern->derived.push_back({path_slot, path_expr(state, walk.alternation, path.span)});
  }
  return Status();
}

// One relationship between two nodes becomes a shortest search of its own; the rest is a selection after matching.
Status Binder::apply_selector(PatternState& state, const ast::PathPattern& path, const Walk& walk, Slot* path_slot) {
  PathSelector selector = PathSelector::kShortest;
  uint32_t k = 1;
  Expr* count = nullptr;
  if (path.shortest == ast::ShortestFunction::kAllShortestPaths) selector = PathSelector::kAllShortest;
  switch (path.selector) {
    case ast::PathSelector::kNone:
    case ast::PathSelector::kAll:
    case ast::PathSelector::kAnyShortest: break;
    case ast::PathSelector::kAny: selector = PathSelector::kAny; break;
    case ast::PathSelector::kAllShortest: selector = PathSelector::kAllShortest; break;
    case ast::PathSelector::kShortest: selector = PathSelector::kShortestK; break;
    case ast::PathSelector::kShortestGroups: selector = PathSelector::kShortestGroups; break;
  }
  const auto* literal = ast::find<ast::Literal>(path.selector_count);
  if (path.selector_count != nullptr && literal == nullptr) {
    LORA_ASSIGN(count, bind_row_count(*path.selector_count, selector == PathSelector::kAny ? "ANY" : "SHORTEST"));
  }
  if (literal != nullptr) {
    if (literal->literal != ast::LiteralKind::kInteger || literal->integer < 1 || literal->integer > UINT32_MAX) {
      return error("InvalidArgumentType", "the number of paths must be a positive integer", literal->span);
    }
    k = static_cast<uint32_t>(literal->integer);
  }
  if (selector == PathSelector::kShortestK && k == 1 && count == nullptr) selector = PathSelector::kShortest;
  if (selector == PathSelector::kShortestGroups && k == 1 && count == nullptr) selector = PathSelector::kAllShortest;

  const bool function = path.shortest != ast::ShortestFunction::kNone;
  (function ? state.searches : state.selects) = true;
  const bool single = walk.relationships.size() == 1 && walk.groups == 0;
  if (single && state.pattern->relationships[walk.relationships[0]].bound) {
    // One path at most: nothing to choose from.
  } else if (single) {
    BoundRelationship& rel = state.pattern->relationships[walk.relationships[0]];
    rel.selector = selector;
    rel.k = k;
    rel.count = count;
    rel.ends_differ = function;
    if (!rel.variable_length) {
      // A single hop: searched as a list of one, out of which its own variable is taken.
      const Slot single = rel.slot;
      rel.variable_length = true;
      rel.slot = new_slot();
      if (rel.hop_relationship == kNoSlot) rel.hop_relationship = new_slot();
      if (rel.hop_from == kNoSlot) rel.hop_from = new_slot();
      if (rel.hop_to == kNoSlot) rel.hop_to = new_slot();
      Expr* first = call("head", {slot_expr(rel.slot, kListType, path.span)}, path.span);
      first->types = kRelationshipType;
      declare(state, variable({}, rel.slot, VariableKind::kRelationshipList, kListType, kRelationshipType));
      state.pattern->derived.push_back({single, first});
    }
  } else if (function) {
    return error("UnexpectedSyntax", "`shortestPath()` takes a pattern of exactly one relationship", path.span);
  } else if (!walk.relationships.empty() || walk.groups > 0) {
    if (!state.alone) {
      return error("UnexpectedSyntax",
                   "a path selector over several relationships takes a MATCH of its own; write the other patterns in "
                   "another MATCH",
                   path.span);
    }
    if (*path_slot == kNoSlot) *path_slot = new_slot();
    auto selection = std::make_unique<BoundPathSelection>();
    selection->selector = selector;
    selection->k = k;
    selection->count = count;
    selection->first = state.pattern->nodes[walk.first].slot;
    selection->last = state.pattern->nodes[walk.last].slot;
    selection->path = *path_slot;
    state.selection = std::move(selection);
  }
  // shortestPath() as an expression gives the path: bind_pattern_predicate() takes the last derived slot.
  if (function && *path_slot == kNoSlot) *path_slot = new_slot();
  return Status();
}

Expr* Binder::path_expr(const PatternState& state, const std::vector<Slot>& alternation, ast::Span span) {
  std::vector<Expr*> children;
  for (size_t i = 0; i < alternation.size(); ++i) {
    const TypeSet types = i % 2 == 0                               ? kNodeType
                          : state.lists.count(alternation[i]) != 0 ? kListType
                                                                   : kRelationshipType;
    children.push_back(slot_expr(alternation[i], types, span));
  }
  return make(ExprKind::kPath, span, kPathType, children);
}

Status Binder::walk_path(PatternState& state, const ast::PathPattern& path, Walk& walk) {
  if (stack_low()) return depth_error();
  auto arrive = [&](uint32_t node) -> Status {
    const Slot slot = state.pattern->nodes[node].slot;
    if (walk.pending != nullptr) {
      const ast::RelationshipPattern* rel = walk.pending;
      walk.pending = nullptr;
      LORA_TRY(match_relationship(state, *rel, walk.last, node, walk));
      walk.alternation.push_back(slot);
    } else if (walk.last == kNone) {
      walk.first = node;
      walk.alternation.push_back(slot);
    } else if (walk.last != node) {
      // Two node patterns side by side, as at the edge of a parenthesised part, are the same node.
      const Slot before = state.pattern->nodes[walk.last].slot;
      add_predicate(*state.pattern, compare('=', slot_expr(before, kNodeType, path.span),
                                            slot_expr(slot, kNodeType, path.span), path.span));
      walk.alternation.back() = slot;
    }
    walk.last = node;
    return Status();
  };
  for (size_t i = 0; i < path.elements.size(); ++i) {
    const ast::PatternElement& element = *path.elements[i];
    switch (element.kind) {
      case ast::ElementKind::kNode: {
        LORA_ASSIGN(const uint32_t node, match_node(state, ast::as<ast::NodePattern>(element)));
        LORA_TRY(arrive(node));
        break;
      }
      case ast::ElementKind::kRelationship: walk.pending = &ast::as<ast::RelationshipPattern>(element); break;
      case ast::ElementKind::kGroup: {
        const auto& group = ast::as<ast::GroupPattern>(element);
        if (group.quantifier == nullptr) {
          const size_t from = walk.alternation.empty() ? 0 : walk.alternation.size() - 1;
          LORA_TRY(walk_path(state, *group.pattern, walk));
          if (group.pattern->variable) {
            const ast::Name& name = group.pattern->variable;
            if (find(name.text) != nullptr) return already_bound(name.text, name.span);
            if (!state.allow_new) return undefined_variable(name.text, name.span);
            const Slot slot = new_slot();
            declare(state, variable(name.text, slot, VariableKind::kPath, kPathType));
            std::vector<Slot> part(walk.alternation.begin() + static_cast<ptrdiff_t>(from), walk.alternation.end());
            state.pattern->derived.push_back({slot, path_expr(state, part, group.span)});
          }
          if (group.where != nullptr) {
            PatternState::Deferred d;
            d.where = group.where;
            d.scope = scope_;
            state.deferred.push_back(d);
          }
          break;
        }
        if (walk.last == kNone) LORA_TRY(arrive(anonymous_node(state)));
        const uint32_t from = walk.last;
        uint32_t to = kNone;
        const bool node_next = i + 1 < path.elements.size() && path.elements[i + 1]->kind == ast::ElementKind::kNode;
        if (node_next) {
          LORA_ASSIGN(to, match_node(state, ast::as<ast::NodePattern>(*path.elements[++i])));
        } else {
          to = anonymous_node(state);
        }
        LORA_TRY(match_group(state, group, from, to, walk));
        walk.last = to;
        walk.alternation.push_back(state.pattern->nodes[to].slot);
        break;
      }
    }
  }
  return Status();
}

// --- elements -------------------------------------------------------------------------------------------------------

Result<uint32_t> Binder::match_node(PatternState& state, const ast::NodePattern& node) {
  uint32_t index = kNone;
  if (node.variable) {
    if (const Variable* v = find(node.variable.text)) {
      LORA_TRY(check_node(*v, node.variable.span));
      auto [it, fresh] = state.node_index.emplace(v->slot, static_cast<uint32_t>(state.pattern->nodes.size()));
      index = it->second;
      if (fresh) {
        BoundNode bound;
        bound.slot = v->slot;
        bound.name = v->name;
        bound.bound = true;
        state.pattern->nodes.push_back(std::move(bound));
      }
    } else if (!state.allow_new) {
      return undefined_variable(node.variable.text, node.variable.span);
    }
  }
  if (index == kNone) {
    BoundNode fresh;
    fresh.slot = new_slot();
    declare(state, variable(node.variable.text, fresh.slot, VariableKind::kNode, kNodeType));
    fresh.name = state.introduces->back().name;
    index = static_cast<uint32_t>(state.pattern->nodes.size());
    state.node_index.emplace(fresh.slot, index);
    state.pattern->nodes.push_back(std::move(fresh));
  }
  if (node.labels != nullptr || node.properties != nullptr || node.where != nullptr) {
    PatternState::Deferred d;
    d.node = &node;
    d.index = index;
    d.scope = scope_;
    state.deferred.push_back(d);
  }
  return index;
}

Status Binder::match_relationship(PatternState& state, const ast::RelationshipPattern& rel, uint32_t from, uint32_t to,
                                  Walk& walk) {
  BoundRelationship out;
  out.from = from;
  out.to = to;
  out.direction = direction_of(rel.direction);
  out.variable_length = rel.length != nullptr || rel.quantifier != nullptr;
  if (rel.length != nullptr) {
    out.min_hops = hops(rel.length->min, 1);
    out.max_hops = hops(rel.length->max, UINT32_MAX);
  } else if (rel.quantifier != nullptr) {
    out.min_hops = hops(rel.quantifier->min, 0);
    out.max_hops = hops(rel.quantifier->max, UINT32_MAX);
  }
  const VariableKind kind = out.variable_length ? VariableKind::kRelationshipList : VariableKind::kRelationship;
  const TypeSet types = out.variable_length ? kListType : kRelationshipType;
  if (rel.variable) {
    if (const Variable* v = find(rel.variable.text)) {
      const bool possible = v->kind == kind || (v->kind == VariableKind::kValue && !never(v->types, types) &&
                                                (!out.variable_length || !never(v->elements, kRelationshipType)));
      if (!possible) {
        return error(
            "VariableTypeConflict",
            quoted(rel.variable.text) + " is no " + (out.variable_length ? "list of relationships" : "relationship"),
            rel.variable.span);
      }
      if (state.relationship_names.count(v->name) != 0) {
        return error("RelationshipUniquenessViolation",
                     quoted(rel.variable.text) + " stands for two relationships of one pattern", rel.variable.span);
      }
      out.slot = v->slot;
      out.name = v->name;
      out.bound = true;
    } else if (!state.allow_new) {
      return undefined_variable(rel.variable.text, rel.variable.span);
    }
  }
  if (out.slot == kNoSlot) {
    out.slot = new_slot();
    declare(state,
            variable(rel.variable.text, out.slot, kind, types, out.variable_length ? kRelationshipType : kAnyType));
    out.name = state.introduces->back().name;
  }
  if (!out.name.empty()) state.relationship_names.insert(out.name);
  if (out.variable_length) state.lists.insert(out.slot);
  PatternState::Deferred d;
  d.rel = &rel;
  d.index = static_cast<uint32_t>(state.pattern->relationships.size());
  d.scope = scope_;
  if (out.variable_length) {
    out.hop_relationship = new_slot();
    out.hop_from = new_slot();
    out.hop_to = new_slot();
    if (rel.where != nullptr && rel.variable) {
      // In its own condition the variable stands for the one relationship of the hop.
      d.scope = new_scope(scope_, frame_);
      d.scope->add(variable(rel.variable.text, out.hop_relationship, VariableKind::kRelationship, kRelationshipType));
    }
  }
  if (rel.types != nullptr || rel.properties != nullptr || rel.where != nullptr) state.deferred.push_back(d);
  walk.relationships.push_back(d.index);
  walk.alternation.push_back(out.slot);
  state.pattern->relationships.push_back(std::move(out));
  return Status();
}

// --- quantified groups ----------------------------------------------------------------------------------------------

Status Binder::declare_group_list(PatternState& state, const Variable& inner, Slot slot) {
  const bool rel = inner.kind == VariableKind::kRelationship;
  Variable outer =
      variable(inner.name, slot, rel ? VariableKind::kRelationshipList : VariableKind::kValue, kListType, inner.types);
  declare(state, outer);
  return Status();
}

Status Binder::match_group(PatternState& state, const ast::GroupPattern& group, uint32_t from, uint32_t to,
                           Walk& walk) {
  const ast::PathPattern& path = *group.pattern;
  if (path.variable) {
    return Status::compile_time(ErrorCode::kUnsupported, "SyntaxError", "UnexpectedSyntax",
                                "a path variable inside a quantified group is not offered", path.variable.span.offset);
  }
  if (!state.allow_new) {
    for (const ast::PatternElement* element : path.elements) {
      const ast::Name* name = nullptr;
      if (const auto* n = ast::find<ast::NodePattern>(element)) name = &n->variable;
      if (const auto* r = ast::find<ast::RelationshipPattern>(element)) name = &r->variable;
      if (name != nullptr && *name) return undefined_variable(name->text, name->span);
    }
  }
  const bool single = path.elements.size() == 3 && path.elements[0]->kind == ast::ElementKind::kNode &&
                      path.elements[1]->kind == ast::ElementKind::kRelationship &&
                      ast::as<ast::RelationshipPattern>(*path.elements[1]).length == nullptr &&
                      ast::as<ast::RelationshipPattern>(*path.elements[1]).quantifier == nullptr;
  if (single) return match_single_group(state, group, from, to, walk);

  BoundQuantifiedPath out;
  out.from = from;
  out.to = to;
  out.min_repeats = hops(group.quantifier->min, 0);
  out.max_repeats = hops(group.quantifier->max, UINT32_MAX);
  out.inner = std::make_unique<BoundPattern>();
  out.relationships = new_slot();
  PatternState::Inner inner;
  inner.state = std::make_unique<PatternState>();
  inner.where = group.where;
  inner.scope = new_scope(scope_, frame_);
  auto introduces = std::make_unique<std::vector<BoundVariable>>();
  inner.state->pattern = out.inner.get();
  inner.state->introduces = introduces.get();
  Walk inner_walk;
  {
    Restore<Scope*> scope(scope_, inner.scope);
    LORA_TRY(walk_path(*inner.state, path, inner_walk));
  }
  for (const BoundNode& node : out.inner->nodes) {
    if (node.bound) return already_bound(node.name, group.span);
  }
  for (const BoundRelationship& rel : out.inner->relationships) {
    if (rel.bound) return already_bound(rel.name, group.span);
  }
  if (inner_walk.relationships.empty() && inner_walk.groups == 0) {
    return error("UnexpectedSyntax", "a quantified group must hold a relationship", group.span);
  }
  out.inner_first = inner_walk.first;
  out.inner_last = inner_walk.last;
  for (const Variable& v : inner.scope->variables()) {
    BoundQuantifiedPath::Group g;
    g.inner = v.slot;
    g.outer = new_slot();
    g.kind = v.kind;
    LORA_TRY(declare_group_list(state, v, g.outer));
    out.groups.push_back(g);
  }
  inner.state->introduces = nullptr;
  state.inner.push_back(std::move(inner));
  state.lists.insert(out.relationships);
  ++walk.groups;
  walk.alternation.push_back(out.relationships);
  state.pattern->quantified.push_back(std::move(out));
  return Status();
}

// A group of one relationship is a variable-length relationship; its node variables are parts of the path's nodes.
Status Binder::match_single_group(PatternState& state, const ast::GroupPattern& group, uint32_t from, uint32_t to,
                                  Walk& walk) {
  const auto& left = ast::as<ast::NodePattern>(*group.pattern->elements[0]);
  const auto& rel = ast::as<ast::RelationshipPattern>(*group.pattern->elements[1]);
  const auto& right = ast::as<ast::NodePattern>(*group.pattern->elements[2]);
  for (const ast::Name* name : {&left.variable, &rel.variable, &right.variable}) {
    if (*name && find(name->text) != nullptr) return already_bound(name->text, name->span);
  }
  if (rel.variable && ((left.variable && left.variable.text == rel.variable.text) ||
                       (right.variable && right.variable.text == rel.variable.text))) {
    return error("VariableTypeConflict", quoted(rel.variable.text) + " is a node and a relationship",
                 rel.variable.span);
  }
  const uint32_t index = static_cast<uint32_t>(state.pattern->relationships.size());
  BoundRelationship out;
  out.from = from;
  out.to = to;
  out.direction = direction_of(rel.direction);
  out.variable_length = true;
  out.min_hops = hops(group.quantifier->min, 0);
  out.max_hops = hops(group.quantifier->max, UINT32_MAX);
  out.slot = new_slot();
  out.hop_relationship = new_slot();
  out.hop_from = new_slot();
  out.hop_to = new_slot();
  Scope* inner = new_scope(scope_, frame_);
  const Variable hop_rel =
      variable(rel.variable.text, out.hop_relationship, VariableKind::kRelationship, kRelationshipType);
  const Variable hop_left = variable(left.variable.text, out.hop_from, VariableKind::kNode, kNodeType);
  const Variable hop_right = variable(right.variable.text, out.hop_to, VariableKind::kNode, kNodeType);
  if (rel.variable) {
    LORA_TRY(declare_group_list(state, hop_rel, out.slot));
    out.name = state.introduces->back().name;
    inner->add(hop_rel);
  } else {
    declare(state, variable({}, out.slot, VariableKind::kRelationshipList, kListType, kRelationshipType));
  }
  // Node lists: all nodes of this stretch but the last, or but the first.
  auto declare_nodes = [&](const Variable& hop, bool first) -> Status {
    const Slot slot = new_slot();
    LORA_TRY(declare_group_list(state, hop, slot));
    std::vector<Expr*> stretch{slot_expr(state.pattern->nodes[from].slot, kNodeType, group.span),
                               slot_expr(out.slot, kListType, group.span),
                               slot_expr(state.pattern->nodes[to].slot, kNodeType, group.span)};
    Expr* nodes = call("nodes", {make(ExprKind::kPath, group.span, kPathType, stretch)}, group.span);
    Expr* edge = constant(Value::integer(first ? -1 : 1), group.span);
    Expr* list = first ? make(ExprKind::kSlice, group.span, kListType, {nodes, nullptr, edge})
                       : make(ExprKind::kSlice, group.span, kListType, {nodes, edge, nullptr});
    state.pattern->derived.push_back({slot, list});
    inner->add(hop);
    return Status();
  };
  if (left.variable) LORA_TRY(declare_nodes(hop_left, true));
  const bool loop = left.variable && right.variable && left.variable.text == right.variable.text;
  if (right.variable && !loop) LORA_TRY(declare_nodes(hop_right, false));
  if (loop) {
    out.hop_predicate = compare('=', slot_expr(out.hop_from, kNodeType, group.span),
                                slot_expr(out.hop_to, kNodeType, group.span), group.span);
  }
  for (const ast::NodePattern* node : {&left, &right}) {
    if (node->labels == nullptr && node->properties == nullptr && node->where == nullptr) continue;
    PatternState::Deferred d;
    d.node = node;
    d.index = index;
    d.hop = true;
    d.subject = node == &left ? out.hop_from : out.hop_to;
    d.scope = inner;
    state.deferred.push_back(d);
  }
  if (rel.types != nullptr || rel.properties != nullptr || rel.where != nullptr) {
    PatternState::Deferred d;
    d.rel = &rel;
    d.index = index;
    d.scope = inner;
    state.deferred.push_back(d);
  }
  if (group.where != nullptr) {
    PatternState::Deferred d;
    d.where = group.where;
    d.index = index;
    d.hop = true;
    d.scope = inner;
    state.deferred.push_back(d);
  }
  state.lists.insert(out.slot);
  walk.relationships.push_back(index);
  walk.alternation.push_back(out.slot);
  state.pattern->relationships.push_back(std::move(out));
  return Status();
}

// --- second pass: labels, properties, conditions --------------------------------------------------------------------

Status Binder::bind_deferred(PatternState& state) {
  BoundPattern& pattern = *state.pattern;
  for (const PatternState::Deferred& d : state.deferred) {
    Restore<Scope*> scope(scope_, d.scope);
    if (d.node != nullptr) {
      Expr** hop = d.hop ? &pattern.relationships[d.index].hop_predicate : nullptr;
      const Slot subject = d.hop ? d.subject : pattern.nodes[d.index].slot;
      if (d.node->labels != nullptr) {
        if (hop == nullptr) {
          LORA_TRY(add_labels(state, d.index, *d.node->labels));
        } else {
          LORA_ASSIGN(Expr * e, label_condition(slot_expr(subject, kNodeType, d.node->span), *d.node->labels));
          *hop = conjunction(*hop, e);
        }
      }
      if (d.node->properties != nullptr) {
        LORA_TRY(add_properties({&pattern, subject, kNodeType}, *d.node->properties, hop));
      }
      if (d.node->where != nullptr) {
        LORA_ASSIGN(Expr * e, bind_condition(*d.node->where));
        if (hop != nullptr) {
          *hop = conjunction(*hop, e);
        } else {
          add_predicate(pattern, e);
        }
      }
    } else if (d.rel != nullptr) {
      if (d.rel->types != nullptr) LORA_TRY(add_types(state, d.index, *d.rel->types));
      const bool list = pattern.relationships[d.index].variable_length;
      const Slot subject = list ? pattern.relationships[d.index].hop_relationship : pattern.relationships[d.index].slot;
      Expr** hop = list ? &pattern.relationships[d.index].hop_predicate : nullptr;
      if (d.rel->properties != nullptr) {
        LORA_TRY(add_properties({&pattern, subject, kRelationshipType}, *d.rel->properties, hop));
      }
      if (d.rel->where != nullptr) {
        LORA_ASSIGN(Expr * e, bind_condition(*d.rel->where));
        if (hop != nullptr) {
          *hop = conjunction(*hop, e);
        } else {
          add_predicate(pattern, e);
        }
      }
    } else {
      LORA_ASSIGN(Expr * e, bind_condition(*d.where));
      if (d.hop) {
        Expr*& hop = pattern.relationships[d.index].hop_predicate;
        hop = conjunction(hop, e);
      } else {
        add_predicate(pattern, e);
      }
    }
  }
  for (PatternState::Inner& inner : state.inner) {
    Restore<Scope*> scope(scope_, inner.scope);
    LORA_TRY(bind_deferred(*inner.state));
    if (inner.where != nullptr) {
      LORA_ASSIGN(Expr * e, bind_condition(*inner.where));
      add_predicate(*inner.state->pattern, e);
    }
  }
  return Status();
}

Status Binder::add_properties(const PatternProperties& where, const ast::Expr& properties, Expr** hop) {
  const auto* map = ast::find<ast::MapLiteral>(&properties);
  if (map == nullptr) {
    return error("InvalidParameterUse", "a parameter cannot stand for the properties of a pattern; write a map",
                 properties.span);
  }
  for (const ast::MapEntry& entry : map->entries) {
    LORA_ASSIGN(Expr * value, bind_expr(*entry.value));
    Expr* property =
        property_expr(slot_expr(where.subject, where.types, entry.key.span), entry.key.text, entry.key.span);
    Expr* test = compare('=', property, value, entry.key.span);
    if (hop != nullptr) {
      *hop = conjunction(*hop, test);
    } else {
      add_predicate(*where.pattern, test);
    }
  }
  return Status();
}

Status Binder::add_labels(PatternState& state, uint32_t node, const ast::LabelExpr& labels) {
  std::vector<std::string_view> names;
  if (plain_names(labels, ast::LabelExprKind::kAnd, &names)) {
    for (std::string_view name : names) state.pattern->nodes[node].labels.push_back(arena_.name(name));
    return Status();
  }
  if (labels.kind == ast::LabelExprKind::kAnd) {
    for (const ast::LabelExpr* part : labels.parts) LORA_TRY(add_labels(state, node, *part));
    return Status();
  }
  LORA_ASSIGN(Expr * e, label_condition(slot_expr(state.pattern->nodes[node].slot, kNodeType, labels.span), labels));
  add_predicate(*state.pattern, e);
  return Status();
}

Status Binder::add_types(PatternState& state, uint32_t rel, const ast::LabelExpr& types) {
  BoundRelationship& r = state.pattern->relationships[rel];
  std::vector<std::string_view> names;
  if (plain_names(types, ast::LabelExprKind::kOr, &names)) {
    for (std::string_view name : names) {
      const bool known = std::any_of(r.types.begin(), r.types.end(), [&](const NameRef* t) { return t->name == name; });
      if (!known) r.types.push_back(arena_.name(name));
    }
    return Status();
  }
  if (types.kind == ast::LabelExprKind::kWildcard) return Status();
  const Slot subject = r.variable_length ? r.hop_relationship : r.slot;
  LORA_ASSIGN(Expr * e, label_condition(slot_expr(subject, kRelationshipType, types.span), types));
  if (r.variable_length) {
    Expr*& hop = state.pattern->relationships[rel].hop_predicate;
    hop = conjunction(hop, e);
  } else {
    add_predicate(*state.pattern, e);
  }
  return Status();
}

namespace {

// Names of a leaf, or of leaves joined by `joined`; false otherwise.
bool leaf_names(const LabelExpr& labels, LabelExpr::Kind joined, std::vector<const NameRef*>* names) {
  if (labels.kind == LabelExpr::Kind::kLeaf) {
    names->push_back(labels.name);
    return true;
  }
  if (labels.kind != joined) return false;
  for (const LabelExpr* child : labels.children) {
    if (!leaf_names(*child, joined, names)) return false;
  }
  return true;
}

}  // namespace

void Binder::add_predicate(BoundPattern& pattern, Expr* e) {
  if (e->kind == ExprKind::kAnd) {
    for (Expr* child : e->children) add_predicate(pattern, child);
    return;
  }
  if (e->kind == ExprKind::kHasLabels && e->children[0]->kind == ExprKind::kSlot) {
    // `WHERE n:L` says the same as `(n:L)`, `WHERE r:T` the same as `[r:T]`.
    const Slot slot = e->children[0]->slot;
    std::vector<const NameRef*> names;
    for (BoundNode& node : pattern.nodes) {
      if (node.slot != slot || !leaf_names(*e->labels, LabelExpr::Kind::kAnd, &names)) continue;
      node.labels.insert(node.labels.end(), names.begin(), names.end());
      return;
    }
    names.clear();
    for (BoundRelationship& rel : pattern.relationships) {
      if (rel.slot != slot || rel.variable_length || !rel.types.empty()) continue;
      if (!leaf_names(*e->labels, LabelExpr::Kind::kOr, &names)) continue;
      rel.types = names;
      return;
    }
  }
  pattern.predicates.push_back({e, slots_of(*e)});
}

void Binder::split_conjuncts(Expr* e, std::vector<BoundPredicate>* out) {
  if (e->kind == ExprKind::kAnd) {
    for (Expr* child : e->children) split_conjuncts(child, out);
    return;
  }
  out->push_back({e, slots_of(*e)});
}

}  // namespace lora::cypher

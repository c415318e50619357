// Clauses of the reference evaluator that change its graph.
#include <algorithm>

#include "tests/reference/reference_eval.h"

namespace lora::reference {

using ast::ElementKind;

namespace {

bool is_storable(const Value& v, bool in_list) {
  if (v.is_node() || v.is_relationship() || v.is_path()) return false;
  if (v.is_list()) {
    return std::all_of(v.as_list().begin(), v.as_list().end(),
                       [](const Value& item) { return is_storable(item, true); });
  }
  if (!v.is_map()) return true;
  return !in_list && std::all_of(v.as_map().begin(), v.as_map().end(),
                                 [](const MapEntry& entry) { return is_storable(entry.second, false); });
}

}  // namespace

void Reference::put_property(Properties* properties, std::string_view key, const Value& value) {
  if (value.is_null()) {
    properties->erase(std::string(key));
  } else {
    if (!is_storable(value, false)) throw Failure("not storable");
    (*properties)[std::string(key)] = value;
  }
}

Properties* Reference::mutable_properties(const Value& entity) {
  if (entity.is_node()) {
    const auto it = graph_.nodes.find(entity.node_id().value);
    if (it == graph_.nodes.end()) throw Failure("deleted");
    return &it->second.properties;
  }
  if (!entity.is_relationship()) throw Failure("type");
  const auto it = graph_.relationships.find(entity.relationship_id().value);
  if (it == graph_.relationships.end()) throw Failure("deleted");
  return &it->second.properties;
}

void Reference::add_labels(const ast::LabelExpr& labels, std::set<std::string>* names, bool add, Row& row) {
  if (labels.kind == ast::LabelExprKind::kAnd) {
    for (const ast::LabelExpr* part : labels.parts) add_labels(*part, names, add, row);
    return;
  }
  if (labels.kind == ast::LabelExprKind::kDynamic) {
    for (const std::string& name : dynamic_names(labels, row)) {
      if (add) {
        if (name.empty()) throw Failure("an empty name");
        names->insert(name);
      } else {
        names->erase(name);
      }
    }
    return;
  }
  if (labels.kind != ast::LabelExprKind::kName) throw NotCompared("a kind of label");
  if (add) {
    names->insert(std::string(labels.name.text));
  } else {
    names->erase(std::string(labels.name.text));
  }
}

void Reference::run_create(ast::List<const ast::PathPattern*> patterns, Row& row) {
  const auto fill = [&](const ast::Expr* map, Properties* properties) {
    if (map == nullptr) return;
    const Value values = eval(*map, row);
    for (const auto& [key, value] : values.as_map()) put_property(properties, key.as_string(), value);
  };
  for (const ast::PathPattern* pattern : patterns) {
    std::vector<const ast::PatternElement*> elements(pattern->elements.begin(), pattern->elements.end());
    std::vector<uint64_t> nodes;
    PathIds path;
    for (const ast::PatternElement* element : elements) {
      if (element->kind == ElementKind::kGroup) throw NotCompared("a group in CREATE");
      if (element->kind != ElementKind::kNode) continue;
      const auto& n = ast::as<ast::NodePattern>(*element);
      if (const Value* known = n.variable ? row.find(n.variable.text) : nullptr) {
        if (!known->is_node()) throw Failure("a node that is none");
        if (!graph_.nodes.contains(known->node_id().value)) throw Failure("deleted");
        nodes.push_back(known->node_id().value);
        continue;
      }
      GraphNode node;
      if (n.labels != nullptr) add_labels(*n.labels, &node.labels, true, row);
      fill(n.properties, &node.properties);
      nodes.push_back(graph_.add_node(std::move(node)));
      if (n.variable) row.set(n.variable.text, Value::node(NodeId(nodes.back())));
    }
    size_t at = 0;
    for (const ast::PatternElement* element : elements) {
      if (element->kind != ElementKind::kRelationship) continue;
      const auto& r = ast::as<ast::RelationshipPattern>(*element);
      GraphRelationship relationship;
      relationship.start = nodes.at(at);
      relationship.end = nodes.at(at + 1);
      if (r.direction == ast::Direction::kIn) std::swap(relationship.start, relationship.end);
      if (r.types != nullptr && r.types->kind == ast::LabelExprKind::kDynamic) {
        const std::vector<std::string> names = dynamic_names(*r.types, row);
        if (names.size() != 1 || names[0].empty()) throw Failure("not one type");
        relationship.type = names[0];
      } else if (r.types != nullptr && r.types->kind == ast::LabelExprKind::kName) {
        relationship.type = std::string(r.types->name.text);
      } else {
        throw NotCompared("type");
      }
      fill(r.properties, &relationship.properties);
      path.rels.push_back(RelId(graph_.add_relationship(std::move(relationship))));
      if (r.variable) row.set(r.variable.text, Value::relationship(path.rels.back()));
      ++at;
    }
    for (const uint64_t id : nodes) path.nodes.push_back(NodeId(id));
    if (pattern->variable) row.set(pattern->variable.text, Value::path(std::move(path)));
  }
}

Rows Reference::run_merge(const ast::Merge& m, Rows rows) {
  std::vector<std::string_view> names;
  pattern_variables(*m.pattern, &names);
  Rows out;
  for (Row& row : rows) {
    for (std::string_view name : names) {
      if (const Value* known = row.find(name); known != nullptr && known->is_null()) throw Failure("MERGE of null");
    }
    for (const ast::PatternElement* element : m.pattern->elements) {
      const auto* r = ast::find<ast::RelationshipPattern>(element);
      if (r != nullptr && r->types->kind == ast::LabelExprKind::kDynamic && dynamic_names(*r->types, row).size() != 1) {
        throw Failure("not one type");
      }
      const ast::Expr* map = element->kind == ElementKind::kNode
                                 ? ast::as<ast::NodePattern>(*element).properties
                                 : ast::as<ast::RelationshipPattern>(*element).properties;
      if (map == nullptr) continue;
      const Value values = eval(*map, row);
      for (const auto& [key, value] : values.as_map()) {
        if (value.is_null()) throw Failure("MERGE of a null property");
      }
    }
    Rows found;
    match({&m.pattern, 1}, false, row, [&](Row& one) {
      Row kept = row;
      for (std::string_view name : names) kept.set(name, one.get(name));
      found.push_back(std::move(kept));
      return true;
    });
    const bool created = found.empty();
    if (created) {
      run_create({&m.pattern, 1}, row);
      found.push_back(row);
    }
    for (Row& one : found) {
      for (const ast::MergeAction& action : m.actions) {
        if (action.on_create == created) run_set(action.items, one);
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::pair<Value, std::string> Reference::property_target(const ast::Expr& target, Row& row) {
  if (const auto* property = ast::find<ast::Property>(&target)) {
    return {eval(*property->base, row), std::string(property->key.text)};
  }
  const auto* index = ast::find<ast::Index>(&target);
  if (index == nullptr) throw NotCompared("a target of SET");
  const Value entity = eval(*index->base, row);
  if (entity.is_null()) return {};
  const Value key = eval(*index->index, row);
  if (!key.is_string()) throw Failure("a key that is no text");
  return {entity, std::string(key.as_string())};
}

void Reference::run_set(ast::List<ast::SetItem> items, Row& row) {
  for (const ast::SetItem& item : items) {
    if (item.kind == ast::SetKind::kProperty) {
      // Where there is nothing to write to, nobody asks for the value.
      const auto [entity, key] = property_target(*item.target, row);
      if (entity.is_null()) continue;
      const Value value = eval(*item.value, row);
      if (key.empty()) throw Failure("an empty name");
      put_property(mutable_properties(entity), key, value);
      continue;
    }
    const Value entity = eval(*item.target, row);
    if (item.kind == ast::SetKind::kLabels) {
      if (entity.is_null()) continue;
      const auto it = graph_.nodes.find(entity.node_id().value);
      if (it == graph_.nodes.end()) throw Failure("deleted");
      add_labels(*item.labels, &it->second.labels, true, row);
      continue;
    }
    if (entity.is_null()) continue;
    Value map = eval(*item.value, row);
    if (map.is_node() || map.is_relationship()) map = properties_map(map);
    if (!map.is_map()) throw Failure("type");
    Properties* properties = mutable_properties(entity);
    if (item.kind == ast::SetKind::kReplace) properties->clear();
    for (const auto& [key, value] : map.as_map()) put_property(properties, key.as_string(), value);
  }
}

void Reference::run_remove(const ast::Remove& r, Row& row) {
  for (const ast::RemoveItem& item : r.items) {
    if (item.labels == nullptr) {
      const auto [entity, key] = property_target(*item.target, row);
      if (!entity.is_null()) put_property(mutable_properties(entity), key, Value());
      continue;
    }
    const Value entity = eval(*item.target, row);
    if (entity.is_null()) continue;
    const auto it = graph_.nodes.find(entity.node_id().value);
    if (it == graph_.nodes.end()) throw Failure("deleted");
    add_labels(*item.labels, &it->second.labels, false, row);
  }
}

void Reference::run_delete(const ast::Delete& d, Rows& rows) {
  for (Row& row : rows) {
    for (const ast::Expr* target : d.targets) delete_value(eval(*target, row), d.detach);
  }
}

void Reference::delete_value(const Value& v, bool detach) {
  switch (v.type()) {
    case ValueType::kNull: return;
    case ValueType::kRelationship: graph_.relationships.erase(v.relationship_id().value); return;
    case ValueType::kNode: {
      const uint64_t id = v.node_id().value;
      graph_.nodes.erase(id);
      if (detach)
        std::erase_if(graph_.relationships, [&](const auto& r) { return r.second.start == id || r.second.end == id; });
      return;
    }
    case ValueType::kPath:
      for (RelId r : v.path_ids().rels) delete_value(Value::relationship(r), detach);
      for (NodeId n : v.path_ids().nodes) delete_value(Value::node(n), detach);
      return;
    default: throw Failure("type");
  }
}

void Reference::run_foreach(const ast::Foreach& f, Row& row) {
  const Value list = eval(*f.list, row);
  if (list.is_null()) return;
  if (!list.is_list()) throw Failure("type");
  for (const Value& item : list.as_list()) {
    Row inside = row;
    inside.push(f.variable.text, item);
    Projected unused;
    run_clauses(f.body, {inside}, true, &unused);
  }
}

// A node may only go when its relationships are gone by the end of the statement.
void Reference::check_deletes() const {
  for (const auto& [id, r] : graph_.relationships) {
    if (!graph_.nodes.contains(r.start) || !graph_.nodes.contains(r.end)) throw Failure("still has relationships");
  }
}

}  // namespace lora::reference

// Patterns and clauses of the reference evaluator.
#include <algorithm>

#include "cypher/syntax/print.h"
#include "tests/reference/reference_eval.h"

namespace lora::reference {

using ast::ClauseKind;
using ast::ElementKind;

// Tries every assignment of a MATCH. Labels and types are looked at when an element is chosen, property maps and inline
// WHEREs when all variables around have their values.
class Reference::Matcher {
 public:
  Matcher(Reference& ref, ast::List<const ast::PathPattern*> patterns, bool repeatable, Row& row,
          const std::function<bool(Row&)>& found, const ast::Expr* where, std::vector<PathIds>* paths)
      : ref_(ref),
        patterns_(patterns),
        repeatable_(repeatable),
        row_(row),
        found_(found),
        where_(where),
        paths_(paths) {}

  void run() { path(0); }

 private:
  using Then = std::function<bool()>;  // answers whether to go on trying

  struct Walk {
    bool started = false;
    uint64_t at = 0;
    PathIds path;
  };
  struct Check {
    const ast::Expr* properties;
    const ast::Expr* where;
    Value entity;
  };

  bool path(size_t index) {
    if (index == patterns_.size()) return !checks_hold(0) || found_(row_);
    const ast::PathPattern& pattern = *patterns_[index];
    Walk walk;
    const Then done = [&] {
      if (paths_ != nullptr) paths_->push_back(walk.path);
      if (!pattern.variable) return path(index + 1);
      return bound(pattern.variable.text, Value::path(walk.path), [&] { return path(index + 1); });
    };
    if (pattern.selector != ast::PathSelector::kNone && pattern.selector != ast::PathSelector::kAll) {
      return selected(pattern, &walk);
    }
    if (pattern.shortest != ast::ShortestFunction::kNone) return shortest(pattern, &walk, done);
    return elements(pattern, 0, &walk, done);
  }

  // All matches first; then, for each pair of ends, those that the selector takes.
  bool selected(const ast::PathPattern& pattern, Walk* walk) {
    if (patterns_.size() > 1) throw NotCompared("a path selector beside other patterns");
    struct Found {
      size_t length;
      Row row;
    };
    std::map<std::pair<uint64_t, uint64_t>, std::vector<Found>> pairs;
    elements(pattern, 0, walk, [&] {
      if (!checks_hold(0)) return true;
      Row row = row_;
      if (pattern.variable) row.push(pattern.variable.text, Value::path(walk->path));
      pairs[{walk->path.nodes.front().value, walk->path.nodes.back().value}].push_back(
          {walk->path.rels.size(), std::move(row)});
      return true;
    });
    const bool classes =
        pattern.selector == ast::PathSelector::kAllShortest || pattern.selector == ast::PathSelector::kShortestGroups;
    const Value k = pattern.selector_count == nullptr ? Value::integer(1) : ref_.eval(*pattern.selector_count, row_);
    if (!k.is_integer() || k.as_integer() < 1) throw Failure("a number of paths");
    for (auto& [ends, found] : pairs) {
      std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
      int64_t taken = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        if (!classes || i == 0 || found[i].length != found[i - 1].length) ++taken;
        if (taken > k.as_integer()) break;
        if (!found_(found[i].row)) return false;
      }
    }
    return true;
  }

  bool elements(const ast::PathPattern& pattern, size_t index, Walk* walk, const Then& then) {
    if (index == pattern.elements.size()) return then();
    const ast::PatternElement& element = *pattern.elements[index];
    const Then next = [&] { return elements(pattern, index + 1, walk, then); };
    switch (element.kind) {
      case ElementKind::kNode:
        return start(walk, [&] { return node(ast::as<ast::NodePattern>(element), walk->at, next); });
      case ElementKind::kRelationship: return relationship(ast::as<ast::RelationshipPattern>(element), walk, next);
      case ElementKind::kGroup:
        return start(walk, [&] { return group(ast::as<ast::GroupPattern>(element), walk, next); });
    }
    return true;
  }

  // The walk stands somewhere: where it is, or on each node in turn.
  bool start(Walk* walk, const Then& then) {
    if (walk->started) return then();
    walk->started = true;
    bool go_on = true;
    for (const auto& [id, node] : ref_.graph_.nodes) {
      walk->at = id;
      walk->path.nodes = {NodeId(id)};
      if (!(go_on = then())) break;
    }
    walk->started = false;
    return go_on;
  }

  // With the variable set to the value, or equal to it when it has one.
  bool bound(std::string_view name, const Value& value, const Then& then) {
    if (name.empty()) return then();
    if (const Value* known = row_.find(name)) return equal(*known, value) != Ternary::kTrue || then();
    row_.push(name, value);
    const bool go_on = then();
    row_.pop();
    return go_on;
  }

  bool checked(const ast::Expr* properties, const ast::Expr* where, const Value& entity, const Then& then) {
    if (properties == nullptr && where == nullptr) return then();
    checks_.push_back({properties, where, entity});
    const bool go_on = then();
    checks_.pop_back();
    return go_on;
  }

  bool checks_hold(size_t from) {
    for (size_t i = from; i < checks_.size(); ++i) {
      const Check check = checks_[i];
      if (!has_properties(check.properties, check.entity) || !ref_.is_true(check.where, row_)) return false;
    }
    return true;
  }

  bool has_properties(const ast::Expr* map, const Value& entity) {
    if (map == nullptr) return true;
    const Value wanted = ref_.eval(*map, row_);
    for (const auto& [key, value] : wanted.as_map()) {
      if (equal(ref_.property(entity, key.as_string()), value) != Ternary::kTrue) return false;
    }
    return true;
  }

  bool node(const ast::NodePattern& pattern, uint64_t id, const Then& then) {
    ref_.step();
    const GraphNode& n = ref_.graph_.nodes.at(id);
    if (pattern.labels != nullptr && ref_.has_labels(*pattern.labels, n.labels, row_) != Ternary::kTrue) return true;
    const Value entity = Value::node(NodeId(id));
    return bound(pattern.variable.text, entity,
                 [&] { return checked(pattern.properties, pattern.where, entity, then); });
  }

  // Each way over one relationship from where the walk stands.
  bool hop(const ast::RelationshipPattern& pattern, Walk* walk, const std::function<bool(const Value&)>& then) {
    const uint64_t from = walk->at;
    for (const auto& [id, r] : ref_.graph_.relationships) {
      ref_.step();
      if (!repeatable_ && used_.contains(id)) continue;
      const bool out = r.start == from && pattern.direction != ast::Direction::kIn;
      const bool in = r.end == from && pattern.direction != ast::Direction::kOut;
      if (!out && !in) continue;
      if (!ref_.graph_.nodes.contains(r.start) || !ref_.graph_.nodes.contains(r.end)) continue;
      if (pattern.types != nullptr && ref_.has_labels(*pattern.types, {r.type}, row_) != Ternary::kTrue) continue;
      const bool was_used = !used_.insert(id).second;
      walk->at = out ? r.end : r.start;
      walk->path.nodes.push_back(NodeId(walk->at));
      walk->path.rels.push_back(RelId(id));
      const bool go_on = then(Value::relationship(RelId(id)));
      walk->path.nodes.pop_back();
      walk->path.rels.pop_back();
      walk->at = from;
      if (!was_used) used_.erase(id);
      if (!go_on) return false;
    }
    return true;
  }

  bool relationship(const ast::RelationshipPattern& pattern, Walk* walk, const Then& then) {
    const ast::Repeat* repeat = pattern.length != nullptr ? pattern.length : pattern.quantifier;
    if (repeat == nullptr) {
      return hop(pattern, walk, [&](const Value& r) {
        return bound(pattern.variable.text, r, [&] { return checked(pattern.properties, pattern.where, r, then); });
      });
    }
    if (pattern.variable && row_.find(pattern.variable.text) != nullptr)
      throw NotCompared("a bound list of relationships");
    int64_t low = repeat->min, high = repeat->max;
    if (low < 0) low = pattern.length != nullptr ? 1 : 0;
    if (high < 0) high = INT64_MAX;
    return hops(pattern, low, high, List(), walk, then);
  }

  bool hops(const ast::RelationshipPattern& pattern, int64_t low, int64_t high, const List& so_far, Walk* walk,
            const Then& then) {
    const auto count = static_cast<int64_t>(so_far.size());
    if (count >= low && !bound(pattern.variable.text, Value::list(so_far), then)) return false;
    if (count >= high) return true;
    return hop(pattern, walk, [&](const Value& r) {
      if (pattern.where != nullptr) {
        row_.push(pattern.variable.text, r);
        const bool holds = ref_.is_true(pattern.where, row_);
        row_.pop();
        if (!holds) return true;
      }
      List more = so_far;
      more.push_back(r);
      return checked(pattern.properties, nullptr, r, [&] { return hops(pattern, low, high, more, walk, then); });
    });
  }

  bool group(const ast::GroupPattern& pattern, Walk* walk, const Then& then) {
    if (pattern.pattern->variable) throw NotCompared("a path variable inside a group");
    if (pattern.quantifier == nullptr) {
      return elements(*pattern.pattern, 0, walk, [&] { return checked(nullptr, pattern.where, Value(), then); });
    }
    std::vector<std::string_view> names;
    pattern_variables(*pattern.pattern, &names);
    std::vector<List> lists(names.size());
    return rounds(pattern, 0, names, lists, walk, then);
  }

  bool rounds(const ast::GroupPattern& pattern, int64_t count, const std::vector<std::string_view>& names,
              const std::vector<List>& lists, Walk* walk, const Then& then) {
    const int64_t low = std::max<int64_t>(pattern.quantifier->min, 0);
    const int64_t high = pattern.quantifier->max < 0 ? INT64_MAX : pattern.quantifier->max;
    if (count >= low) {
      for (size_t i = 0; i < names.size(); ++i) row_.push(names[i], Value::list(lists[i]));
      const bool go_on = then();
      for (size_t i = 0; i < names.size(); ++i) row_.pop();
      if (!go_on) return false;
    }
    if (count >= high) return true;
    const size_t checks_before = checks_.size();
    return elements(*pattern.pattern, 0, walk, [&] {
      if (!checks_hold(checks_before) || !ref_.is_true(pattern.where, row_)) return true;
      std::vector<List> more = lists;
      for (size_t i = 0; i < names.size(); ++i) more[i].push_back(row_.get(names[i]));
      // The variables and checks of this round are no business of the next.
      Row inside = row_;
      std::vector<Check> checks(checks_.begin() + static_cast<ptrdiff_t>(checks_before), checks_.end());
      checks_.resize(checks_before);
      for (size_t i = 0; i < names.size(); ++i) row_.pop();
      const bool go_on = rounds(pattern, count + 1, names, more, walk, then);
      row_ = std::move(inside);
      checks_.insert(checks_.end(), checks.begin(), checks.end());
      return go_on;
    });
  }

  bool shortest(const ast::PathPattern& pattern, Walk* walk, const Then& then) {
    if (pattern.elements.size() != 3) throw NotCompared("shortest path of several relationships");
    const auto& first = ast::as<ast::NodePattern>(*pattern.elements[0]);
    const auto& between = ast::as<ast::RelationshipPattern>(*pattern.elements[1]);
    const auto& last = ast::as<ast::NodePattern>(*pattern.elements[2]);
    const int64_t low = between.length == nullptr || between.length->min < 0 ? 1 : between.length->min;
    const int64_t high = between.length == nullptr ? 1 : between.length->max < 0 ? INT64_MAX : between.length->max;
    if (low > 1) throw NotCompared("shortest path of a least length");
    // A condition on the path asks for the shortest of those that fulfil it.
    const auto in_where = [&](const ast::Name& name) { return name && mentions(*where_, name.text); };
    const bool conditional = where_ != nullptr && (in_where(pattern.variable) || in_where(between.variable));
    if (conditional && patterns_.size() > 1) throw NotCompared("a condition on one of several shortest paths");
    return start(walk, [&] {
      return node(first, walk->at, [&] {
        const Walk origin = *walk;
        for (const auto& [target, unused] : ref_.graph_.nodes) {
          if (conditional) {
            std::map<size_t, std::vector<PathIds>> by_length;
            all_trails(between, target, low, high, walk, &by_length);
            if (!shortest_that_holds(pattern, between, last, target, by_length, walk, then)) return false;
            *walk = origin;
            continue;
          }
          std::vector<PathIds> best;
          trails(between, target, low, high, walk, &best);
          if (best.empty()) continue;
          if (pattern.shortest == ast::ShortestFunction::kShortestPath) best.resize(1);
          for (const PathIds& path : best) {
            walk->path = path;
            const bool go_on = node(last, target, [&] { return bound(between.variable.text, hops_of(path), then); });
            *walk = origin;
            if (!go_on) return false;
          }
        }
        return true;
      });
    });
  }

  static bool mentions(const ast::Expr& where, std::string_view name) {
    const std::string text = cypher::print(where);
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      const size_t end = at + name.size();
      if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return true;
    }
    return false;
  }

  static Value hops_of(const PathIds& path) {
    List items;
    for (RelId r : path.rels) items.push_back(Value::relationship(r));
    return Value::list(std::move(items));
  }

  bool shortest_that_holds(const ast::PathPattern& pattern, const ast::RelationshipPattern& between,
                           const ast::NodePattern& last, uint64_t target,
                           const std::map<size_t, std::vector<PathIds>>& by_length, Walk* walk, const Then& then) {
    for (const auto& [length, paths] : by_length) {
      bool holds = false;
      for (const PathIds& path : paths) {
        walk->path = path;
        const bool go_on = node(last, target, [&] {
          return bound(between.variable.text, hops_of(path), [&] {
            return bound(pattern.variable.text, Value::path(path), [&] {
              if (!checks_hold(0) || !ref_.is_true(where_, row_)) return true;
              holds = true;
              return then();
            });
          });
        });
        if (!go_on) return false;
        if (holds && pattern.shortest == ast::ShortestFunction::kShortestPath) return true;
      }
      if (holds) return true;
    }
    return true;
  }

  void all_trails(const ast::RelationshipPattern& pattern, uint64_t target, int64_t low, int64_t high, Walk* walk,
                  std::map<size_t, std::vector<PathIds>>* by_length) {
    const auto length = static_cast<int64_t>(walk->path.rels.size());
    if (length >= low && walk->at == target) (*by_length)[walk->path.rels.size()].push_back(walk->path);
    if (length >= high) return;
    hop(pattern, walk, [&](const Value& r) {
      if (has_properties(pattern.properties, r)) all_trails(pattern, target, low, high, walk, by_length);
      return true;
    });
  }

  // The shortest trails from where the walk stands to the target, all of one length.
  void trails(const ast::RelationshipPattern& pattern, uint64_t target, int64_t low, int64_t high, Walk* walk,
              std::vector<PathIds>* best) {
    const auto length = static_cast<int64_t>(walk->path.rels.size());
    if (!best->empty() && walk->path.rels.size() > best->front().rels.size()) return;
    if (length >= low && walk->at == target) {
      if (!best->empty() && walk->path.rels.size() < best->front().rels.size()) best->clear();
      best->push_back(walk->path);
      return;
    }
    if (length >= high) return;
    hop(pattern, walk, [&](const Value& r) {
      if (has_properties(pattern.properties, r)) trails(pattern, target, low, high, walk, best);
      return true;
    });
  }

  Reference& ref_;
  ast::List<const ast::PathPattern*> patterns_;
  bool repeatable_;
  Row& row_;
  const std::function<bool(Row&)>& found_;
  const ast::Expr* where_;
  std::vector<PathIds>* paths_;
  std::set<uint64_t> used_;
  std::vector<Check> checks_;
};

void Reference::match(ast::List<const ast::PathPattern*> patterns, bool repeatable, Row& row,
                      const std::function<bool(Row&)>& found, const ast::Expr* where, std::vector<PathIds>* paths) {
  Row scratch = row;
  Matcher(*this, patterns, repeatable, scratch, found, where, paths).run();
}

void Reference::pattern_variables(const ast::PathPattern& pattern, std::vector<std::string_view>* out) {
  const auto add = [&](const ast::Name& name) {
    if (name && std::find(out->begin(), out->end(), name.text) == out->end()) out->push_back(name.text);
  };
  add(pattern.variable);
  for (const ast::PatternElement* element : pattern.elements) {
    switch (element->kind) {
      case ElementKind::kNode: add(ast::as<ast::NodePattern>(*element).variable); break;
      case ElementKind::kRelationship: add(ast::as<ast::RelationshipPattern>(*element).variable); break;
      case ElementKind::kGroup: pattern_variables(*ast::as<ast::GroupPattern>(*element).pattern, out); break;
    }
  }
}

Rows Reference::run_match(const ast::Match& m, Rows rows) {
  std::vector<std::string_view> names;
  for (const ast::PathPattern* pattern : m.patterns) pattern_variables(*pattern, &names);
  Rows out;
  for (Row& row : rows) {
    const size_t before = out.size();
    const auto found = [&](Row& found) {
      if (is_true(m.where, found)) {
        Row kept = row;
        for (std::string_view name : names) kept.set(name, found.get(name));
        out.push_back(std::move(kept));
      }
      return true;
    };
    match(m.patterns, m.repeatable_elements, row, found, m.where);
    if (m.optional && out.size() == before) {
      for (std::string_view name : names) {
        if (row.find(name) == nullptr) row.set(name, Value());
      }
      out.push_back(std::move(row));
    }
  }
  return out;
}

Rows Reference::run_unwind(const ast::Unwind& u, Rows rows) {
  Rows out;
  for (Row& row : rows) {
    const Value list = eval(*u.list, row);
    if (list.is_null()) continue;
    const List items = list.is_list() ? list.as_list() : List{list};
    for (const Value& item : items) {
      step();
      Row next = row;
      next.set(u.variable.text, item);
      out.push_back(std::move(next));
    }
  }
  return out;
}

size_t Reference::count_of(const ast::Expr* expr, size_t otherwise) {
  if (expr == nullptr) return otherwise;
  Row none = always_;
  const Value v = eval(*expr, none);
  if (!v.is_integer() || v.as_integer() < 0) throw Failure("SKIP or LIMIT");
  return static_cast<size_t>(v.as_integer());
}

// Aggregates of an expression that belong to the clause it stands in.
void Reference::find_aggregates(const ast::Expr* expr, std::vector<const ast::Expr*>* out) {
  if (expr == nullptr) return;
  if (is_aggregate(*expr)) {
    out->push_back(expr);
    return;
  }
  const auto visit = [&](const ast::Expr* e) { find_aggregates(e, out); };
  switch (expr->kind) {
    case ast::ExprKind::kList:
      for (auto* e : ast::as<ast::ListLiteral>(*expr).items) visit(e);
      break;
    case ast::ExprKind::kMap:
      for (const auto& e : ast::as<ast::MapLiteral>(*expr).entries) visit(e.value);
      break;
    case ast::ExprKind::kMapProjection:
      for (const auto& e : ast::as<ast::MapProjection>(*expr).entries) visit(e.value);
      break;
    case ast::ExprKind::kProperty: visit(ast::as<ast::Property>(*expr).base); break;
    case ast::ExprKind::kIndex:
      visit(ast::as<ast::Index>(*expr).base);
      visit(ast::as<ast::Index>(*expr).index);
      break;
    case ast::ExprKind::kSlice:
      visit(ast::as<ast::Slice>(*expr).base);
      visit(ast::as<ast::Slice>(*expr).from);
      visit(ast::as<ast::Slice>(*expr).to);
      break;
    case ast::ExprKind::kChain:
      for (auto* e : ast::as<ast::Chain>(*expr).operands) visit(e);
      break;
    case ast::ExprKind::kComparison:
      for (auto* e : ast::as<ast::Comparison>(*expr).operands) visit(e);
      break;
    case ast::ExprKind::kPredicate:
      visit(ast::as<ast::Predicate>(*expr).left);
      visit(ast::as<ast::Predicate>(*expr).right);
      break;
    case ast::ExprKind::kUnary: visit(ast::as<ast::Unary>(*expr).operand); break;
    case ast::ExprKind::kNullTest: visit(ast::as<ast::NullTest>(*expr).operand); break;
    case ast::ExprKind::kLabelTest: visit(ast::as<ast::LabelTest>(*expr).operand); break;
    case ast::ExprKind::kFunctionCall:
      for (auto* e : ast::as<ast::FunctionCall>(*expr).args) visit(e);
      break;
    case ast::ExprKind::kCase: {
      const auto& c = ast::as<ast::Case>(*expr);
      visit(c.subject);
      for (const auto& branch : c.branches) {
        for (const auto& test : branch.tests) visit(test.expr);
        visit(branch.result);
      }
      visit(c.otherwise);
      break;
    }
    case ast::ExprKind::kListComprehension:
      visit(ast::as<ast::ListComprehension>(*expr).list);
      visit(ast::as<ast::ListComprehension>(*expr).where);
      visit(ast::as<ast::ListComprehension>(*expr).result);
      break;
    case ast::ExprKind::kQuantifier:
      visit(ast::as<ast::Quantifier>(*expr).list);
      visit(ast::as<ast::Quantifier>(*expr).where);
      break;
    case ast::ExprKind::kReduce:
      visit(ast::as<ast::Reduce>(*expr).init);
      visit(ast::as<ast::Reduce>(*expr).list);
      visit(ast::as<ast::Reduce>(*expr).step);
      break;
    default: break;
  }
}

Reference::Projected Reference::project(const ast::Projection& p, Rows rows, bool cut) {
  Projected out;
  out.skip = count_of(p.skip, 0);
  out.limit = count_of(p.limit, SIZE_MAX);

  std::vector<std::string_view> carried;  // `*`
  if (p.star && !rows.empty()) {
    for (const auto& [name, value] : rows[0].items()) {
      if (always_.find(name) == nullptr) carried.push_back(name);
    }
    std::sort(carried.begin(), carried.end());
  }
  out.names = carried;
  std::vector<const ast::Expr*> aggregates;
  std::vector<bool> is_key;
  for (const ast::ProjectionItem& item : p.items) {
    // A variable is named as itself, also in parentheses; other expressions as they are written.
    const auto* variable = ast::find<ast::Variable>(item.expr);
    out.names.push_back(item.alias ? item.alias.text : variable != nullptr ? variable->name : item.text);
    const size_t before = aggregates.size();
    find_aggregates(item.expr, &aggregates);
    is_key.push_back(before == aggregates.size());
  }
  const bool aggregating = !aggregates.empty();
  for (const ast::SortItem& item : p.order_by) {
    const size_t before = aggregates.size();
    find_aggregates(item.expr, &aggregates);
    if (before != aggregates.size() && !aggregating) throw NotCompared("an aggregate in ORDER BY alone");
  }

  std::vector<Rows> groups;
  if (aggregating) {
    std::map<std::string, size_t> places;
    for (Row& row : rows) {
      std::string key;
      for (std::string_view name : carried) key += equivalence_key(row.get(name)) + "\n";
      for (size_t i = 0; i < p.items.size(); ++i) {
        if (is_key[i]) key += equivalence_key(eval(*p.items[i].expr, row)) + "\n";
      }
      const auto [it, added] = places.emplace(key, groups.size());
      if (added) groups.emplace_back();
      groups[it->second].push_back(std::move(row));
    }
    const bool has_keys = !carried.empty() || std::find(is_key.begin(), is_key.end(), true) != is_key.end();
    if (groups.empty() && !has_keys) groups.emplace_back();
  } else {
    for (Row& row : rows) groups.push_back({std::move(row)});
  }

  struct Sorted {
    Row row;
    std::vector<Value> keys;
  };
  std::vector<Sorted> sorted;
  std::set<std::string> seen;
  const std::map<const ast::Expr*, Value> outside = aggregates_;
  for (Rows& group : groups) {
    step();
    if (aggregating) {
      std::map<const ast::Expr*, Value> values;
      for (const ast::Expr* a : aggregates) values[a] = aggregate(*a, group);
      aggregates_ = std::move(values);
    }
    Row from = group.empty() ? always_ : group[0];
    Sorted entry{always_, {}};
    for (std::string_view name : carried) entry.row.set(name, from.get(name));
    std::vector<Value> values;
    for (size_t i = 0; i < p.items.size(); ++i) {
      values.push_back(eval(*p.items[i].expr, from));
      entry.row.set(out.names[carried.size() + i], values.back());
    }
    if (p.distinct) {
      std::string key;
      for (std::string_view name : out.names) key += equivalence_key(entry.row.get(name)) + "\n";
      if (!seen.insert(key).second) continue;
    }
    Row both = from;
    for (std::string_view name : out.names) both.set(name, entry.row.get(name));
    for (const ast::SortItem& item : p.order_by) {
      const auto same = std::find_if(p.items.begin(), p.items.end(),
                                     [&](const auto& i) { return text(i.expr->span) == text(item.expr->span); });
      entry.keys.push_back(same != p.items.end() ? values[static_cast<size_t>(same - p.items.begin())]
                                                 : eval(*item.expr, both));
    }
    sorted.push_back(std::move(entry));
  }
  aggregates_ = outside;

  const auto compare = [&](const Sorted& a, const Sorted& b) {
    for (size_t i = 0; i < p.order_by.size(); ++i) {
      const int c = sort_order(a.keys[i], b.keys[i]);
      if (c != 0) return p.order_by[i].descending ? -c : c;
    }
    return 0;
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) { return compare(a, b) < 0; });
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && compare(sorted[i - 1], sorted[i]) != 0) out.class_ends.push_back(i);
    if (cut && (i < out.skip || i - out.skip >= out.limit)) continue;
    if (is_true(p.where, sorted[i].row)) out.rows.push_back(std::move(sorted[i].row));
  }
  if (!sorted.empty()) out.class_ends.push_back(sorted.size());
  return out;
}

// Transactions differ from one only in what is left after an error.
Rows Reference::run_portions(const ast::CallSubquery& c, Rows rows) {
  const ast::InTransactions& portions = *c.in_transactions;
  if (portions.on_error != ast::OnError::kFail || portions.status_variable) {
    throw NotCompared("IN TRANSACTIONS that may fail");
  }
  const size_t portion = count_of(portions.batch_rows, 1'000);
  if (portion == 0) throw Failure("portions of no rows");
  Rows out;
  for (size_t at = 0; at < rows.size(); at += portion) {
    const ReferenceGraph committed = graph_;
    Rows some(rows.begin() + static_cast<ptrdiff_t>(at),
              rows.begin() + static_cast<ptrdiff_t>(std::min(rows.size(), at + portion)));
    try {
      for (Row& row : run_call(c, std::move(some))) out.push_back(std::move(row));
    } catch (const Failure&) {
      graph_ = committed;
      throw;
    }
  }
  return out;
}

Rows Reference::run_call(const ast::CallSubquery& c, Rows rows) {
  Rows out;
  for (Row& row : rows) {
    Row start, always;
    if (c.has_scope) {
      if (c.scope_star) always = row;
      for (const ast::Name& name : c.scope) always.set(name.text, row.get(name.text));
      start = always;
    } else {
      start = row;  // for an importing WITH; run_clauses() drops it otherwise
    }
    Projected projected;
    importing_ = !c.has_scope;
    const Rows results = run_body(*c.body, start, always, &projected);
    if (projected.names.empty()) {
      out.push_back(std::move(row));
      continue;
    }
    for (const Row& result : results) {
      Row next = row;
      for (std::string_view name : projected.names) next.set(name, result.get(name));
      out.push_back(std::move(next));
    }
    if (results.empty() && c.optional) {
      for (std::string_view name : projected.names) row.set(name, Value());
      out.push_back(std::move(row));
    }
  }
  return out;
}

// Of labels and types, those in use.
Rows Reference::run_procedure(const ast::CallProcedure& c, Rows rows) {
  std::vector<std::map<std::string_view, Value>> results;
  std::set<std::string> names;
  if (c.name.text == "db.labels") {
    for (const auto& [id, node] : graph_.nodes) names.insert(node.labels.begin(), node.labels.end());
    for (const std::string& name : names) results.push_back({{"label", Value::string(name)}});
  } else if (c.name.text == "db.relationshipTypes") {
    for (const auto& [id, r] : graph_.relationships) names.insert(r.type);
    for (const std::string& name : names) results.push_back({{"relationshipType", Value::string(name)}});
  } else if (c.name.text == "db.info") {
    results.push_back({{"nodeCount", Value::integer(static_cast<int64_t>(graph_.nodes.size()))},
                       {"relationshipCount", Value::integer(static_cast<int64_t>(graph_.relationships.size()))}});
  } else {
    throw NotCompared("a procedure");
  }
  const auto name_of = [](const ast::YieldItem& item) { return item.alias ? item.alias.text : item.field.text; };
  Rows out;
  for (Row& row : rows) {
    const size_t before = out.size();
    for (const auto& result : results) {
      step();
      Row next = row;
      for (const ast::YieldItem& item : c.yields) next.set(name_of(item), result.at(item.field.text));
      if (is_true(c.where, next)) out.push_back(std::move(next));
    }
    if (!c.optional || out.size() > before) continue;
    for (const ast::YieldItem& item : c.yields) row.set(name_of(item), Value());
    out.push_back(std::move(row));
  }
  return out;
}

Rows Reference::run_body(const ast::QueryBody& body, const Row& start, const Row& always, Projected* result) {
  const bool importing = importing_;
  importing_ = false;
  const Row always_outside = always_;
  always_ = always;
  Rows out;
  std::set<std::string> seen;
  for (const ast::SingleQuery* part : body.parts) {
    Row first = start;
    if (importing) {
      const ast::Clause& clause = *part->clauses[0];
      bool imports = clause.kind == ClauseKind::kWith;
      if (imports) {
        const auto& with = ast::as<ast::Projection>(clause);
        for (const auto& item : with.items) imports &= item.expr->kind == ast::ExprKind::kVariable && !item.alias;
      }
      if (!imports) first = Row();
    }
    Projected projected;
    Rows rows = run_clauses(part->clauses, {first}, true, &projected);
    if (result->names.empty()) result->names = projected.names;
    if (body.parts.size() == 1 || body.union_all) {
      out.insert(out.end(), rows.begin(), rows.end());
      continue;
    }
    for (Row& row : rows) {
      std::string key;
      for (std::string_view name : result->names) key += equivalence_key(row.get(name)) + "\n";
      if (seen.insert(key).second) out.push_back(std::move(row));
    }
  }
  always_ = always_outside;
  return out;
}

Rows Reference::run_clauses(ast::List<const ast::Clause*> clauses, Rows rows, bool cut, Projected* result) {
  for (const ast::Clause* clause : clauses) {
    switch (clause->kind) {
      case ClauseKind::kMatch: rows = run_match(ast::as<ast::Match>(*clause), std::move(rows)); break;
      case ClauseKind::kUnwind: rows = run_unwind(ast::as<ast::Unwind>(*clause), std::move(rows)); break;
      case ClauseKind::kWith: rows = project(ast::as<ast::Projection>(*clause), std::move(rows), true).rows; break;
      case ClauseKind::kReturn:
        *result = project(ast::as<ast::Projection>(*clause), std::move(rows), cut);
        rows = result->rows;
        break;
      case ClauseKind::kCallSubquery: {
        const auto& call = ast::as<ast::CallSubquery>(*clause);
        rows = call.in_transactions != nullptr ? run_portions(call, std::move(rows)) : run_call(call, std::move(rows));
        break;
      }
      case ClauseKind::kCallProcedure:
        rows = run_procedure(ast::as<ast::CallProcedure>(*clause), std::move(rows));
        break;
      case ClauseKind::kCreate:
        for (Row& row : rows) run_create(ast::as<ast::Create>(*clause).patterns, row);
        break;
      case ClauseKind::kMerge: rows = run_merge(ast::as<ast::Merge>(*clause), std::move(rows)); break;
      case ClauseKind::kSet:
        for (Row& row : rows) run_set(ast::as<ast::Set>(*clause).items, row);
        break;
      case ClauseKind::kRemove:
        for (Row& row : rows) run_remove(ast::as<ast::Remove>(*clause), row);
        break;
      case ClauseKind::kDelete: run_delete(ast::as<ast::Delete>(*clause), rows); break;
      case ClauseKind::kForeach:
        for (Row& row : rows) run_foreach(ast::as<ast::Foreach>(*clause), row);
        break;
      default: throw NotCompared("a kind of clause");
    }
    if (rows.size() > 20'000) throw NotCompared("too much work");
  }
  return rows;
}

Outcome Reference::run() {
  if (query_.statement.kind != ast::StatementKind::kQuery) throw NotCompared("no query");
  const ast::QueryBody& body = *query_.statement.query;
  Projected projected;
  if (body.parts.size() == 1) {
    run_clauses(body.parts[0]->clauses, {Row()}, false, &projected);
  } else {
    projected.rows = run_body(body, Row(), Row(), &projected);
    if (!projected.rows.empty()) projected.class_ends = {projected.rows.size()};
  }
  check_deletes();
  Outcome out;
  out.columns.assign(projected.names.begin(), projected.names.end());
  out.skip = projected.skip;
  out.limit = projected.limit;
  size_t at = 0;
  for (const size_t end : projected.class_ends) {
    auto& rows = out.classes.emplace_back();
    for (; at < end; ++at) {
      auto& values = rows.emplace_back();
      for (std::string_view name : projected.names) values.push_back(projected.rows[at].get(name));
    }
  }
  return out;
}

}  // namespace lora::reference

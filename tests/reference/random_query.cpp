#include "tests/reference/random_generator.h"

#include <algorithm>
#include <utility>

namespace lora::reference {

std::string Generator::read() {
  if (r_.percent(8)) return unions();
  if (r_.percent(8)) return failing_read();
  if (r_.percent(3)) return groups_of_one();
  Scope scope;
  std::string text = clauses(&scope, 1 + r_.below(3));
  return text + returns(scope);
}

// Groups by a node, of one row each.
std::string Generator::groups_of_one() {
  const std::string n = fresh("n");
  Scope scope = {{n, Type::kNode}};
  std::string text = "MATCH (" + n + labels(50) + ") ";
  if (r_.percent(40)) text += "WHERE " + where(scope, 1) + " ";
  if (r_.percent(30)) {
    const std::string w = fresh("w");
    text += "WITH " + n + ", " + (r_.percent(50) ? "toInteger(" + real(scope, 1) + ")" : integer(scope, 1)) + " AS " +
            w + " ";
    scope.push_back({w, Type::kInt});
  }
  text += "RETURN " + n;
  for (size_t i = 0, aggregates = 1 + r_.below(2); i < aggregates; ++i) {
    std::string value;
    switch (r_.below(5)) {
      case 0: value = "sum(toInteger(" + real(scope, 1) + "))"; break;
      case 1: value = "sum(size(" + (r_.percent(50) ? string(scope, 0) : ints(scope, 0)) + "))"; break;
      case 2: value = "sum(" + count_subquery(scope) + ")"; break;
      case 3: value = aggregate(scope, Type::kFloat); break;
      default: value = aggregate(scope, Type::kInt);
    }
    text += ", " + value + " AS " + fresh("g");
  }
  return text;
}

MatchAndPredicate Generator::partition() {
  Scope scope;
  MatchAndPredicate out;
  if (r_.percent(30)) out.match = clauses(&scope, 1);
  out.match += "MATCH " + patterns(&scope, &scope);
  out.predicate = boolean(scope, 3);
  std::string items;
  for (const Variable& v : scope) items += (items.empty() ? "" : ", ") + v.name;
  out.result = items.empty() ? "1 AS one" : items;
  return out;
}

std::string Generator::unions() {
  const size_t columns = 1 + r_.below(2);
  static constexpr Type kTypes[] = {Type::kInt, Type::kString, Type::kAny, Type::kNode};
  std::vector<Type> types;
  for (size_t i = 0; i < columns; ++i) types.push_back(r_.pick(kTypes));
  const std::string joint = r_.percent(50) ? "UNION " : "UNION ALL ";
  std::string text;
  for (size_t part = 0; part < 2 + r_.below(2); ++part) {
    Scope scope;
    text += (part > 0 ? joint : "") + clauses(&scope, 1 + r_.below(2)) + "RETURN ";
    for (size_t i = 0; i < columns; ++i) {
      text += (i > 0 ? ", " : "") + expression(scope, types[i], 1) + " AS u" + std::to_string(i);
    }
    text += " ";
  }
  return text;
}

std::string Generator::clauses(Scope* scope, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t dice = r_.below(100);
    if (i == 0 || dice < 40) {
      text += i == 0 && dice < 8 ? unwind(scope) : i == 0 && dice >= 97 ? procedure(scope) : match(scope);
    } else if (dice < 55) {
      text += optional_match(scope);
    } else if (dice < 63) {
      text += unwind(scope);
    } else if (dice < 90) {
      text += with(scope);
    } else {
      text += dice < 97 ? call(scope) : procedure(scope);
    }
  }
  return text;
}

std::string Generator::procedure(Scope* scope) {
  const std::string x = fresh("x");
  const uint64_t form = r_.below(5);
  if (form == 0) {
    scope->push_back({x, Type::kInt});
    return std::string("CALL db.info() YIELD ") + (r_.percent(50) ? "nodeCount" : "relationshipCount") + " AS " + x +
           " ";
  }
  scope->push_back({x, Type::kString});
  std::string text = r_.percent(20) ? "OPTIONAL CALL " : "CALL ";
  text += form < 3 ? "db.labels() YIELD label AS " : "db.relationshipTypes() YIELD relationshipType AS ";
  return text + x + " " + (r_.percent(40) ? "WHERE " + where(*scope, 1) + " " : "");
}

std::string Generator::match(Scope* scope) {
  Scope before = *scope;
  std::string text = "MATCH " + patterns(scope, &before) + " ";
  if (r_.percent(45)) text += "WHERE " + where(*scope, r_.percent(50) ? 1 : 3) + " ";
  return text;
}

std::string Generator::optional_match(Scope* scope) {
  Scope before = *scope;
  std::string text = "OPTIONAL MATCH " + patterns(scope, &before) + " ";
  if (r_.percent(45)) text += "WHERE " + where(*scope, 2) + " ";
  return text;
}

std::string Generator::unwind(Scope* scope) {
  const std::string name = fresh("x");
  std::string list;
  Type type = Type::kInt;
  const uint64_t dice = r_.below(5);
  const std::vector<std::string> bags = names(*scope, Type::kBag);
  const std::vector<std::string> nodes = names(*scope, Type::kNodes);
  if (dice == 0 && !bags.empty()) {
    list = r_.pick(bags);
    type = Type::kAny;
  } else if (dice <= 1 && !nodes.empty()) {
    list = r_.pick(nodes);
    type = Type::kNode;
  } else if (dice == 2) {
    list = "[1, 'a', null, 2.5, true, 1.0, 1]";
    type = Type::kAny;
  } else {
    list = ints(*scope, 1);
  }
  scope->push_back({name, type});
  return "UNWIND " + list + " AS " + name + " ";
}

// Some of the variables, into `taken`, and their names as a list.
std::string Generator::some_of(const Scope& scope, Scope* taken) {
  std::string names;
  for (const Variable& v : scope) {
    if (!r_.percent(60)) continue;
    taken->push_back(v);
    names += (names.empty() ? "" : ", ") + v.name;
  }
  return names;
}

std::string Generator::call(Scope* scope) {
  if (r_.percent(30)) return call_union(scope);
  Scope inner;
  const std::string imports = some_of(*scope, &inner);
  const bool by_with = r_.percent(40);
  std::string text =
      by_with ? (imports.empty() ? "CALL { " : "CALL { WITH " + imports + " ") : "CALL (" + imports + ") { ";
  text += match(&inner);
  if (r_.percent(30)) text += optional_match(&inner);
  const Type type = r_.percent(50) ? Type::kInt : Type::kAny;
  const std::string name = fresh("y");
  if (r_.percent(45)) {
    text += "RETURN " + aggregate(inner, Type::kInt) + " AS " + name + " ";
    scope->push_back({name, Type::kInt});
  } else {
    text +=
        std::string("RETURN ") + (r_.percent(30) ? "DISTINCT " : "") + expression(inner, type, 2) + " AS " + name + " ";
    if (r_.percent(30)) text += "ORDER BY " + name + " LIMIT " + std::to_string(r_.below(4)) + " ";
    scope->push_back({name, type});
  }
  return text + "} ";
}

std::string Generator::call_union(Scope* scope) {
  const std::string name = fresh("y");
  Scope inner;
  const std::string imports = some_of(*scope, &inner);
  std::string text = "CALL (" + imports + ") { ";
  for (int part = 0; part < 2; ++part) {
    Scope own = inner;
    if (part > 0) text += r_.percent(50) ? "UNION ALL " : "UNION ";
    if (r_.percent(70)) text += match(&own);
    text += "RETURN " + integer(own, 1) + " AS " + name + " ";
  }
  scope->push_back({name, Type::kInt});
  return text + "} ";
}

std::string Generator::with(Scope* scope) {
  Scope next;
  std::string text = "WITH ";
  const uint64_t dice = r_.below(100);
  if (dice < 40) {
    text += aggregating(*scope, &next);
  } else {
    const std::string items = plain_items(*scope, &next);
    if (dice < 55 && !has_bag(next)) text += "DISTINCT ";
    text += items;
  }
  const bool sortable = std::all_of(next.begin(), next.end(), [this](const Variable& v) {
    return is_scalar(v.type) || (v.type == Type::kNode && !writing_);
  });
  if (sortable && r_.percent(25)) {
    std::vector<std::string> keys;
    for (const Variable& v : next) keys.push_back(v.name + (r_.percent(30) ? " DESC" : ""));
    for (size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[r_.below(i)]);
    text += "ORDER BY ";
    for (size_t i = 0; i < keys.size(); ++i) text += (i > 0 ? ", " : "") + keys[i];
    text += " ";
    if (r_.percent(30)) text += "SKIP " + std::to_string(r_.below(3)) + " ";
    if (r_.percent(80)) text += "LIMIT " + std::to_string(r_.below(6)) + " ";
  }
  if (r_.percent(35)) text += "WHERE " + where(next, 2) + " ";
  *scope = std::move(next);
  return text;
}

std::string Generator::plain_items(const Scope& scope, Scope* next) {
  std::string text;
  for (const Variable& v : scope) {
    if (!r_.percent(70)) continue;
    text += (text.empty() ? "" : ", ") + v.name;
    next->push_back(v);
  }
  const size_t more = text.empty() ? 1 : r_.below(2);
  for (size_t i = 0; i < more; ++i) {
    const Type type = any_type(scope);
    const std::string name = fresh("w");
    text += (text.empty() ? "" : ", ") + expression(scope, type, 2) + " AS " + name;
    next->push_back({name, type});
  }
  return text + " ";
}

std::string Generator::aggregating(const Scope& scope, Scope* next) {
  std::string text;
  const auto add = [&](const std::string& expr, const std::string& name, Type type) {
    text += (text.empty() ? "" : ", ") + expr + (expr == name ? "" : " AS " + name);
    next->push_back({name, type});
  };
  const size_t keys = r_.below(3);
  for (size_t i = 0; i < keys; ++i) {
    if (r_.percent(40)) {
      std::vector<Variable> plain;
      for (const Variable& v : scope) {
        if (v.type != Type::kBag && !has(*next, v.name)) plain.push_back(v);
      }
      if (!plain.empty()) {
        const Variable& v = r_.pick(plain);
        add(v.name, v.name, v.type);
        continue;
      }
    }
    const Type type = r_.percent(50) ? Type::kInt : r_.percent(50) ? Type::kAny : Type::kString;
    add(expression(scope, type, 1), fresh("k"), type);
  }
  const size_t aggregates = 1 + r_.below(2);
  for (size_t i = 0; i < aggregates; ++i) {
    const uint64_t dice = r_.below(10);
    if (dice < 5) {
      std::string expr = aggregate(scope, Type::kInt);
      if (r_.percent(20)) expr = "(" + expr + " + " + aggregate(scope, Type::kInt) + ")";
      if (r_.percent(15)) expr = "coalesce(" + expr + ", 0) * 2";
      // A grouping key beside an aggregate.
      for (const Variable& v : *next) {
        if (v.type == Type::kInt && has(scope, v.name) && r_.percent(40)) expr = v.name + " + " + expr;
      }
      add(expr, fresh("g"), Type::kInt);
    } else if (dice < 7) {
      add(aggregate(scope, Type::kAny), fresh("g"), Type::kAny);
    } else if (dice < 8) {
      add(aggregate(scope, Type::kFloat), fresh("g"), Type::kFloat);
    } else {
      add(aggregate(scope, Type::kBag), fresh("g"), Type::kBag);
    }
  }
  return text + " ";
}

std::string Generator::aggregate(const Scope& scope, Type type) {
  const std::string distinct = r_.percent(30) ? "DISTINCT " : "";
  switch (type) {
    case Type::kInt:
      switch (r_.below(6)) {
        case 0: return "count(*)";
        case 1: return "count(" + distinct + anything(scope) + ")";
        case 2: return "sum(" + distinct + integer(scope, 1) + ")";
        case 3: return "min(" + integer(scope, 1) + ")";
        case 4: return "max(" + integer(scope, 1) + ")";
        default: return "size(collect(" + distinct + anything(scope) + "))";
      }
    case Type::kFloat:
      return r_.percent(50) ? "avg(" + distinct + integer(scope, 1) + ")" : "sum(" + distinct + real(scope, 1) + ")";
    case Type::kAny: return (r_.percent(50) ? "min(" : "max(") + any(scope, 1) + ")";
    default: return "collect(" + distinct + any(scope, 1) + ")";
  }
}

std::string Generator::returns(const Scope& scope) {
  Scope out;
  std::string text = "RETURN ";
  const uint64_t dice = r_.below(100);
  bool simple = false;
  if (dice < 35) {
    text += aggregating(scope, &out);
  } else if (dice < 40 && !scope.empty()) {
    text += "* ";
    out = scope;
  } else {
    const std::string items = plain_items(scope, &out);
    if (dice < 55 && !has_bag(out)) {
      text += "DISTINCT ";
    } else {
      simple = true;
    }
    text += items;
  }
  std::vector<std::string> keys;
  for (const Variable& v : out) {
    if (is_scalar(v.type) || (v.type == Type::kNode && !writing_) || v.type == Type::kInts) keys.push_back(v.name);
  }
  if (simple) {
    for (const Variable& v : scope) {
      if (v.type == Type::kNode && !has(out, v.name)) keys.push_back(v.name + ".i");
    }
  }
  if (!keys.empty() && r_.percent(35)) {
    text += "ORDER BY " + r_.pick(keys) + (r_.percent(30) ? " DESC" : "");
    if (r_.percent(40)) text += ", " + r_.pick(keys) + (r_.percent(30) ? " DESC" : "");
    text += " ";
  }
  if (r_.percent(12)) text += "SKIP " + std::to_string(r_.below(4)) + " ";
  if (r_.percent(25)) text += "LIMIT " + std::to_string(r_.below(6)) + " ";
  return text;
}

std::string random_read(Random& random) {
  return Generator(random).read();
}
std::string random_write(Random& random) {
  return Generator(random).write();
}
MatchAndPredicate random_partition(Random& random) {
  return Generator(random).partition();
}

}  // namespace lora::reference

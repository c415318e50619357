#include "cypher/bind/scope.h"

#include <algorithm>
#include <cctype>

namespace lora::cypher {

const Variable* Scope::find_here(std::string_view name) const {
  if (variables_.size() <= kLinearMax) {
    for (const Variable& v : variables_) {
      if (v.name == name) return &v;
    }
    return nullptr;
  }
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &variables_[it->second];
}

void Scope::add(const Variable& variable) {
  if (const Variable* known = find_here(variable.name)) {
    variables_[static_cast<size_t>(known - variables_.data())] = variable;
    return;
  }
  variables_.push_back(variable);
  if (variables_.size() == kLinearMax + 1) {
    for (uint32_t i = 0; i < variables_.size(); ++i) by_name_.emplace(variables_[i].name, i);
  } else if (variables_.size() > kLinearMax) {
    by_name_.emplace(variable.name, static_cast<uint32_t>(variables_.size() - 1));
  }
}

const Variable* find_variable(const Scope* scope, QueryFrame* frame, std::string_view name) {
  for (; scope != nullptr; scope = scope->parent()) {
    const Variable* v = scope->find_here(name);
    if (v == nullptr) continue;
    for (QueryFrame* f = frame; f != nullptr && f != scope->frame(); f = f->outer) f->imports.push_back(v->slot);
    return v;
  }
  return nullptr;
}

namespace {

// Levenshtein distance without regard to ASCII case, at most `max` + 1.
size_t distance(std::string_view a, std::string_view b, size_t max) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > max) return max + 1;
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<size_t> row(a.size() + 1);
  for (size_t i = 0; i <= a.size(); ++i) row[i] = i;
  for (size_t j = 1; j <= b.size(); ++j) {
    size_t diagonal = row[0];
    row[0] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      const size_t above = row[i];
      row[i] = std::min({above + 1, row[i - 1] + 1, diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[a.size()];
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out(1, '`');
  out += text;
  out += '`';
  return out;
}

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
  constexpr size_t kNameMax = 64;  // longer names are hardly misspelt words
  if (name.size() > kNameMax) return {};
  const size_t max = name.size() < 3 ? 0 : name.size() < 6 ? 1 : 2;
  size_t best = max + 1;
  std::string_view nearest;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kNameMax) continue;
    const size_t d = distance(name, candidate, max);
    if (d < best) {
      best = d;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string nearest_hint(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string_view nearest = nearest_name(name, candidates);
  return nearest.empty() ? std::string() : "; did you mean " + quoted(nearest) + "?";
}

std::string variable_hint(const Scope* scope, std::string_view name) {
  constexpr size_t kCandidatesMax = 1000;
  std::vector<std::string_view> names;
  std::vector<std::string_view> entities;
  for (; scope != nullptr && names.size() < kCandidatesMax; scope = scope->parent()) {
    for (const Variable& v : scope->variables()) {
      names.push_back(v.name);
      if (v.kind == VariableKind::kNode || v.kind == VariableKind::kRelationship) entities.push_back(v.name);
    }
  }
  std::string hint = nearest_hint(name, names);
  if (hint.empty() && entities.size() == 1 && !entities[0].empty()) {
    hint = "; a property is written `" + std::string(entities[0]) + "." + std::string(name) + "`";
  }
  return hint;
}

}  // namespace lora::cypher

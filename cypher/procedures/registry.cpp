#include <algorithm>
#include <cctype>

#include "cypher/bind/scope.h"
#include "cypher/procedures/families.h"

namespace lora::cypher {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

Status bad_signature(std::string_view text) {
  return Status(
      ErrorCode::kSemantic,
      "`" + std::string(text) + "` is not a procedure signature; write `name(in :: INTEGER?) :: (out :: STRING?)`");
}

TypeSet types_named(std::string_view name) {
  const std::string n = lower(name);
  if (n.starts_with("list")) return type_bit(ValueType::kList);
  for (uint32_t t = 1; t < 19; ++t) {
    if (lower(value_type_name(static_cast<ValueType>(t))) == n) return type_bit(static_cast<ValueType>(t));
  }
  if (n == "number") return kNumberTypes;
  return kAnyType;
}

// A table's row owns the texts that the signature's views point to.
struct TableProcedure final : ProcedureSpec {
  std::string name_text;
  std::deque<std::string> texts;
  std::vector<List> rows;
};

// "a :: INTEGER?, b :: STRING" without the parentheses.
bool read_fields(std::string_view text, TableProcedure* table, std::vector<ProcedureSignature::Field>* out) {
  while (!trim(text).empty()) {
    size_t end = 0;
    for (int depth = 0; end < text.size(); ++end) {
      if (text[end] == '<') ++depth;
      if (text[end] == '>') --depth;
      if (text[end] == ',' && depth == 0) break;
    }
    const std::string_view field = trim(text.substr(0, end));
    text = end < text.size() ? text.substr(end + 1) : std::string_view();
    const size_t colons = field.find("::");
    if (colons == std::string_view::npos || trim(field.substr(0, colons)).empty()) return false;
    std::string_view type = trim(field.substr(colons + 2));
    const std::string_view name = table->texts.emplace_back(trim(field.substr(0, colons)));
    const std::string_view shown = table->texts.emplace_back(type);
    while (!type.empty() && type.back() == '?') type.remove_suffix(1);
    out->push_back({name, types_named(trim(type)), shown, false});
  }
  return true;
}

bool read_signature(std::string_view text, TableProcedure* table) {
  const size_t open = text.find('(');
  const size_t close = text.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return false;
  table->name_text = trim(text.substr(0, open));
  table->name = table->name_text;
  if (table->name.empty()) return false;
  if (!read_fields(text.substr(open + 1, close - open - 1), table, &table->args)) return false;
  std::string_view rest = trim(text.substr(close + 1));
  if (rest.empty()) return true;
  if (!rest.starts_with("::")) return false;
  rest = trim(rest.substr(2));
  if (lower(rest) == "void") return true;
  if (rest.size() < 2 || rest.front() != '(' || rest.back() != ')') return false;
  return read_fields(rest.substr(1, rest.size() - 2), table, &table->columns);
}

Status answer(const TableProcedure& table, std::span<const Value> args, const RowSink& give) {
  for (const List& row : table.rows) {
    bool fits = true;
    for (size_t i = 0; i < table.args.size() && fits; ++i) fits = equivalent(row[i], args[i]);
    if (!fits) continue;
    LORA_TRY(give(List(row.begin() + static_cast<ptrdiff_t>(table.args.size()), row.end())));
  }
  return Status();
}

}  // namespace

std::string signature_text(const ProcedureSignature& procedure) {
  const auto fields = [](const std::vector<ProcedureSignature::Field>& list) {
    std::string out = "(";
    for (const auto& f : list) {
      if (out.size() > 1) out += ", ";
      out += std::string(f.name) + " :: " + std::string(f.type_name.empty() ? "ANY" : f.type_name);
    }
    return out + ")";
  };
  return std::string(procedure.name) + fields(procedure.args) +
         (procedure.columns.empty() ? " :: VOID" : " :: " + fields(procedure.columns));
}

std::span<const ProcedureSpec* const> built_in_procedures() {
  static const std::vector<const ProcedureSpec*> all = [] {
    std::vector<const ProcedureSpec*> list;
    for (const ProcedureSpec& spec : catalog_procedures()) list.push_back(&spec);
    std::sort(list.begin(), list.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    return list;
  }();
  return all;
}

const ProcedureSignature* ProcedureSet::find(std::string_view name) const {
  {
    std::lock_guard lock(mutex_);
    for (const ProcedureSpec* table : current_) {
      if (same_name(table->name, name)) return table;
    }
  }
  for (const ProcedureSpec* spec : built_in_procedures()) {
    if (same_name(spec->name, name)) return spec;
  }
  return nullptr;
}

bool ProcedureSet::is_planned(std::string_view name) const {
  static constexpr std::string_view kPlanned[] = {
      "db.index.vector.queryNodes",   "db.index.vector.queryRelationships",
      "db.index.fulltext.queryNodes", "db.index.fulltext.queryRelationships",
      "db.schema.visualization",      "db.info"};
  return std::any_of(std::begin(kPlanned), std::end(kPlanned), [&](std::string_view p) { return same_name(p, name); });
}

std::string ProcedureSet::nearest(std::string_view name) const {
  // The same last part, or the same start.
  const std::string wanted = lower(name);
  const std::string_view last = std::string_view(wanted).substr(wanted.rfind('.') + 1);
  for (const ProcedureSpec* spec : built_in_procedures()) {
    const std::string known = lower(spec->name);
    if (!last.empty() && known.ends_with(last)) return std::string(spec->name);
    if (wanted.size() > 3 && known.starts_with(wanted.substr(0, wanted.size() - 2))) return std::string(spec->name);
  }
  std::vector<std::string_view> names;
  for (const ProcedureSpec* spec : built_in_procedures()) names.push_back(spec->name);
  return std::string(nearest_name(name, names));
}

Status ProcedureSet::add_table(std::string_view signature, const std::vector<std::string>& columns,
                               std::vector<List> rows) {
  auto table = std::make_unique<TableProcedure>();
  if (!read_signature(signature, table.get())) return bad_signature(signature);
  const size_t fields = table->args.size() + table->columns.size();
  if (!rows.empty() && columns.size() != fields) return bad_signature(signature);
  for (const List& row : rows) {
    if (row.size() != fields) return bad_signature(signature);
  }
  table->description = "A table.";
  table->rows = std::move(rows);
  TableProcedure* raw = table.get();
  table->run = [raw](EvalContext&, std::span<const Value> args, const RowSink& give) {
    return answer(*raw, args, give);
  };
  std::lock_guard lock(mutex_);
  std::erase_if(current_, [&](const ProcedureSpec* old) { return same_name(old->name, raw->name); });
  current_.push_back(raw);
  tables_.push_back(std::move(table));
  return Status();
}

void ProcedureSet::drop_tables() {
  std::lock_guard lock(mutex_);
  current_.clear();
}

}  // namespace lora::cypher

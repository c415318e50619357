#include "cypher/import/import_header.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "graph/temporal.h"

namespace lora::cypher {

namespace {

using Role = ImportColumn::Role;

Status wrong(std::string message) {
  return {ErrorCode::kParse, std::move(message)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

Result<ValueType> parse_type(std::string_view text) {
  static constexpr std::pair<std::string_view, ValueType> kTypes[] = {
      {"string", ValueType::kString},
      {"int", ValueType::kInteger},
      {"integer", ValueType::kInteger},
      {"long", ValueType::kInteger},
      {"short", ValueType::kInteger},
      {"byte", ValueType::kInteger},
      {"float", ValueType::kFloat},
      {"double", ValueType::kFloat},
      {"boolean", ValueType::kBoolean},
      {"date", ValueType::kDate},
      {"localtime", ValueType::kLocalTime},
      {"time", ValueType::kTime},
      {"localdatetime", ValueType::kLocalDateTime},
      {"datetime", ValueType::kDateTime},
      {"duration", ValueType::kDuration},
  };
  const std::string name = lower(text);
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  return wrong("`" + std::string(text) +
               "` is no type; use string, int, float, boolean, date, localtime, time, localdatetime, datetime or "
               "duration, with [] for lists");
}

// "(Group)" and "{id-type:int}" behind a role.
Status parse_group(std::string_view text, ImportColumn* column) {
  if (text.starts_with('(')) {
    const size_t end = text.find(')');
    if (end == std::string_view::npos) return wrong("`(` is not closed");
    column->group = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  }
  constexpr std::string_view kIdType = "{id-type:";
  if (text.starts_with(kIdType) && text.ends_with('}')) {
    text.remove_prefix(kIdType.size());
    text.remove_suffix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    LORA_ASSIGN(column->type, parse_type(text));
    return Status();
  }
  return text.empty() ? Status() : wrong("`" + std::string(text) + "` is not understood");
}

Result<Value> parse_scalar(ValueType type, std::string_view text) {
  const auto number = [&]<typename T>(T value, const char* what) -> Result<T> {
    const char* begin = text.data() + (text.starts_with('+') && !text.starts_with("+-") ? 1 : 0);
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range) return wrong("`" + std::string(text) + "` is out of range");
    if (error != std::errc() || stop != end) return wrong("`" + std::string(text) + "` is not " + what);
    return value;
  };
  switch (type) {
    case ValueType::kString: return Value::string(text);
    case ValueType::kInteger: {
      LORA_ASSIGN(const int64_t value, number(int64_t{0}, "an integer"));
      return Value::integer(value);
    }
    case ValueType::kFloat: {
      LORA_ASSIGN(const double value, number(0.0, "a number"));
      return Value::floating(value);
    }
    case ValueType::kBoolean: {
      const std::string word = lower(text);
      if (word == "true" || word == "false") return Value::boolean(word == "true");
      return wrong("`" + std::string(text) + "` is neither true nor false");
    }
    default: return temporal::parse(type, text);
  }
}

}  // namespace

Result<ImportColumn> parse_import_column(std::string_view text) {
  ImportColumn column;
  const auto in_column = [&](const Status& status) {
    return wrong("column `" + std::string(text) + "`: " + status.message());
  };
  const size_t colon = text.find(':');
  column.name = text.substr(0, colon);
  if (colon == std::string_view::npos) {
    if (column.name.empty()) return wrong("a column has no name; `:IGNORE` leaves one out");
    return column;
  }
  std::string_view what = text.substr(colon + 1);
  static constexpr std::pair<std::string_view, Role> kRoles[] = {
      {"START_ID", Role::kStart}, {"END_ID", Role::kEnd}, {"ID", Role::kId},
      {"LABEL", Role::kLabel},    {"TYPE", Role::kType},  {"IGNORE", Role::kIgnore},
  };
  for (const auto& [name, role] : kRoles) {
    if (!what.starts_with(name)) continue;
    column.role = role;
    const bool takes_group = role == Role::kId || role == Role::kStart || role == Role::kEnd;
    what.remove_prefix(name.size());
    if (!takes_group && !what.empty()) return in_column(wrong("nothing may follow `" + std::string(name) + "`"));
    if (const Status group = parse_group(what, &column); !group.ok()) return in_column(group);
    if (role != Role::kId) column.name.clear();
    return column;
  }
  if (column.name.empty()) return in_column(wrong("a property needs a name"));
  if (what.ends_with("[]")) {
    column.list = true;
    what.remove_suffix(2);
  }
  Result<ValueType> type = parse_type(what);
  if (!type.ok()) return in_column(type.status());
  column.type = *type;
  return column;
}

Result<std::vector<ImportColumn>> parse_import_header(const std::vector<std::string>& fields, bool relationships) {
  std::vector<ImportColumn> columns;
  std::set<std::string> names;
  size_t roles[7] = {};
  for (const std::string& field : fields) {
    LORA_ASSIGN(ImportColumn column, parse_import_column(field));
    if (!column.name.empty() && !names.insert(column.name).second) {
      return wrong("two columns are named `" + column.name + "`");
    }
    ++roles[static_cast<size_t>(column.role)];
    columns.push_back(std::move(column));
  }
  const auto count = [&](Role role) { return roles[static_cast<size_t>(role)]; };
  if (relationships) {
    if (count(Role::kStart) != 1 || count(Role::kEnd) != 1) {
      return wrong("a file of relationships has one column `:START_ID` and one `:END_ID`");
    }
    if (count(Role::kId) + count(Role::kLabel) != 0 || count(Role::kType) > 1) {
      return wrong("a file of relationships has no `:ID` and `:LABEL`, and at most one `:TYPE`");
    }
  } else {
    if (count(Role::kStart) + count(Role::kEnd) + count(Role::kType) != 0 || count(Role::kId) > 1) {
      return wrong("a file of nodes has at most one `:ID`, and no `:START_ID`, `:END_ID` and `:TYPE`");
    }
  }
  return columns;
}

Result<Value> parse_import_value(const ImportColumn& column, std::string_view text, char list_separator) {
  if (text.empty()) return Value();
  if (!column.list) return parse_scalar(column.type, text);
  List items;
  for (size_t from = 0;;) {
    const size_t to = text.find(list_separator, from);
    LORA_ASSIGN(Value item, parse_scalar(column.type, text.substr(from, to - from)));
    items.push_back(std::move(item));
    if (to == std::string_view::npos) return Value::list(std::move(items));
    from = to + 1;
  }
}

}  // namespace lora::cypher

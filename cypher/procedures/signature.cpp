#include "cypher/procedures/signature.h"

#include <algorithm>
#include <cctype>

#include "cypher/bind/binder.h"
#include "cypher/expr/operations.h"
#include "cypher/syntax/parser.h"

namespace lora::cypher {

namespace {

constexpr TypeSet kNullBit = type_bit(ValueType::kNull);
constexpr TypeSet kFloatBit = type_bit(ValueType::kFloat);
constexpr TypeSet kIntegerBit = type_bit(ValueType::kInteger);

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

bool is_void(std::string_view s) {
  constexpr std::string_view kVoid = "void";
  return s.size() == kVoid.size() && std::equal(s.begin(), s.end(), kVoid.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         });
}

// Letters, digits and `_`, not a digit first; letters outside ASCII pass.
bool is_identifier(std::string_view s) {
  if (s.empty() || std::isdigit(static_cast<unsigned char>(s.front())) != 0) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x80 || std::isalnum(u) != 0 || c == '_';
  });
}

bool is_qualified_name(std::string_view name) {
  if (name.find('.') == std::string_view::npos) return false;
  for (;;) {
    const size_t dot = name.find('.');
    if (!is_identifier(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// Where the bracket at `open` is closed; npos: nowhere. Counts both kinds, since types hold them.
size_t closing(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '<') ++depth;
    if ((text[i] == ')' || text[i] == '>') && --depth == 0) return i;
  }
  return std::string_view::npos;
}

class SignatureReader {
 public:
  SignatureReader(std::string_view text, DeclaredSignature::Kind kind, DeclaredSignature* out)
      : text_(text), function_(kind == DeclaredSignature::Kind::kFunction), out_(*out) {}

  Status read() {
    const size_t open = text_.find('(');
    const size_t close = open == std::string_view::npos ? open : closing(text_, open);
    if (close == std::string_view::npos) return bad("the arguments stand in parentheses after the name");
    const std::string_view name = trim(text_.substr(0, open));
    if (!is_qualified_name(name)) {
      return bad("the name must have a namespace, like `my.name`, and consist of letters, digits, `_` and dots");
    }
    out_.name.assign(name);
    LORA_TRY(fields(text_.substr(open + 1, close - open - 1), "argument", &out_.args));
    std::string_view rest = trim(text_.substr(close + 1));
    if (!rest.empty()) {
      if (!rest.starts_with("::")) return bad("`::` and the result follow the arguments");
      rest = trim(rest.substr(2));
      if (rest.empty()) return bad("the result is missing after `::`");
    }
    LORA_TRY(function_ ? function_result(rest) : columns(rest));
    write();
    return Status();
  }

 private:
  Status bad(const std::string& why) const {
    return {ErrorCode::kSemantic,
            "`" + std::string(text_) + "` is no signature of a " + (function_ ? "function: " : "procedure: ") + why +
                "; write `" +
                (function_ ? "my.name(x :: INTEGER?) :: STRING?" : "my.name(x :: INTEGER?) :: (y :: STRING?)") + "`"};
  }

  Status function_result(std::string_view rest) {
    if (rest.empty()) return bad("the type of the result is missing");
    DeclaredField result;
    LORA_TRY(type(rest, "the result", &result));
    out_.results.push_back(std::move(result));
    return Status();
  }

  Status columns(std::string_view rest) {
    if (rest.empty() || is_void(rest)) return Status();
    if (rest.front() != '(' || closing(rest, 0) != rest.size() - 1) {
      return bad("the columns stand in parentheses, or there is `VOID`");
    }
    return fields(rest.substr(1, rest.size() - 2), "column", &out_.results);
  }

  Status fields(std::string_view text, std::string_view what, std::vector<DeclaredField>* out) {
    if (trim(text).empty()) return Status();
    for (;;) {
      size_t end = 0;
      for (int depth = 0; end < text.size() && (depth > 0 || text[end] != ','); ++end) {
        if (text[end] == '<' || text[end] == '(') ++depth;
        if (text[end] == '>' || text[end] == ')') --depth;
      }
      const std::string_view item = trim(text.substr(0, end));
      const size_t colons = item.find("::");
      DeclaredField field;
      field.name.assign(trim(item.substr(0, colons)));
      const std::string place = std::string(what) + " " + std::to_string(out->size() + 1);
      if (!is_identifier(field.name) || colons == std::string_view::npos) {
        return bad(place + " is not `name :: TYPE`");
      }
      if (std::any_of(out->begin(), out->end(), [&](const DeclaredField& f) { return f.name == field.name; })) {
        return bad("there are two " + std::string(what) + "s `" + field.name + "`");
      }
      LORA_TRY(type(trim(item.substr(colons + 2)), place, &field));
      out->push_back(std::move(field));
      if (end >= text.size()) return Status();
      text.remove_prefix(end + 1);
    }
  }

  Status type(std::string_view text, const std::string& place, DeclaredField* field) {
    field->shown.assign(text);
    field->nullable = text.ends_with('?');
    std::string plain(text);
    std::erase(plain, '?');
    // The same grammar as in queries; the tree is needed only here.
    Arena syntax;
    auto parsed = parse_type(plain, syntax);
    if (!parsed.ok()) return bad(place + " has no type: " + parsed.status().message());
    auto made = make_type(**parsed, plain, out_.arena);
    if (!made.ok()) return bad(place + " has no type: " + made.status().message());
    field->type = *made;
    return Status();
  }

  void write() {
    const auto list = [](const std::vector<DeclaredField>& fields) {
      std::string text = "(";
      for (const DeclaredField& f : fields) {
        if (text.size() > 1) text += ", ";
        text += f.name + " :: " + f.shown;
      }
      return text + ")";
    };
    out_.text = out_.name + list(out_.args) + " :: " +
                (function_              ? out_.results[0].shown
                 : out_.results.empty() ? "VOID"
                                        : list(out_.results));
  }

  std::string_view text_;
  bool function_;
  DeclaredSignature& out_;
};

// The id in {kind: "node", id: 1, ...}; -1: another map.
int64_t tagged_id(const Value& map, std::string_view wanted) {
  const Value* kind = map.map_find("kind");
  const Value* id = map.map_find("id");
  if (kind == nullptr || id == nullptr || !kind->is_string() || !id->is_integer() || kind->as_string() != wanted)
    return -1;
  return id->as_integer();
}

bool holds_entities(const Value& v) {
  switch (v.type()) {
    case ValueType::kNode:
    case ValueType::kRelationship:
    case ValueType::kPath: return true;
    case ValueType::kList: return std::any_of(v.as_list().begin(), v.as_list().end(), holds_entities);
    case ValueType::kMap:
      return std::any_of(v.as_map().begin(), v.as_map().end(),
                         [](const MapEntry& entry) { return holds_entities(entry.second); });
    default: return false;
  }
}

// Entities as the engine keeps them, at any depth: bare. False: one does not exist.
bool make_bare(graph::Reader& reader, Value* v) {
  switch (v->type()) {
    case ValueType::kNode: *v = Value::node(v->node_id()); return reader.node_exists(v->node_id());
    case ValueType::kRelationship:
      *v = Value::relationship(v->relationship_id());
      return reader.relationship_exists(v->relationship_id());
    case ValueType::kPath: {
      PathIds ids;
      if (v->is_hydrated()) {
        for (const Node& n : v->as_path().nodes) ids.nodes.push_back(n.id);
        for (const Relationship& r : v->as_path().rels) ids.rels.push_back(r.id);
      } else {
        ids = v->path_ids();
      }
      if (ids.nodes.size() != ids.rels.size() + 1) return false;
      const bool exists =
          std::all_of(ids.nodes.begin(), ids.nodes.end(), [&](NodeId id) { return reader.node_exists(id); }) &&
          std::all_of(ids.rels.begin(), ids.rels.end(), [&](RelId id) { return reader.relationship_exists(id); });
      *v = Value::path(std::move(ids));
      return exists;
    }
    case ValueType::kList: {
      if (!holds_entities(*v)) return true;
      List items = v->as_list();
      for (Value& item : items) {
        if (!make_bare(reader, &item)) return false;
      }
      *v = Value::list(std::move(items));
      return true;
    }
    case ValueType::kMap: {
      if (!holds_entities(*v)) return true;
      std::vector<MapEntry> entries(v->as_map().begin(), v->as_map().end());
      for (MapEntry& entry : entries) {
        if (!make_bare(reader, &entry.second)) return false;
      }
      *v = Value::map(std::move(entries));
      return true;
    }
    default: return true;
  }
}

bool fit_type(const TypeExpr& type, graph::Reader& reader, Value* v) {
  if (v->is_integer() && (type.types & kIntegerBit) == 0 && (type.types & kFloatBit) != 0) {
    *v = Value::floating(static_cast<double>(v->as_integer()));
  } else if (v->is_map() && (type.types & type_bit(ValueType::kMap)) == 0) {
    const int64_t node = (type.types & type_bit(ValueType::kNode)) != 0 ? tagged_id(*v, "node") : -1;
    const int64_t relationship =
        (type.types & type_bit(ValueType::kRelationship)) != 0 ? tagged_id(*v, "relationship") : -1;
    if (node >= 0) *v = Value::node(NodeId(static_cast<uint64_t>(node)));
    if (relationship >= 0) *v = Value::relationship(RelId(static_cast<uint64_t>(relationship)));
  } else if (v->is_list() && type.elements.size() == 1) {
    List items = v->as_list();
    for (Value& item : items) {
      if (!fit_type(*type.elements[0], reader, &item)) return false;
    }
    *v = Value::list(std::move(items));
  }
  return is_of_type(*v, type) && make_bare(reader, v);
}

}  // namespace

TypeSet DeclaredField::argument_types() const {
  return type->types | kNullBit | ((type->types & kFloatBit) != 0 ? kIntegerBit : 0);
}

TypeSet DeclaredField::result_types() const {
  return type->types | (nullable ? kNullBit : 0);
}

Status DeclaredSignature::read(std::string_view written, Kind kind) {
  return SignatureReader(trim(written), kind, this).read();
}

bool fit(const DeclaredField& field, graph::Reader& reader, Value* value) {
  if (value->is_null()) return field.nullable;
  return fit_type(*field.type, reader, value);
}

}  // namespace lora::cypher

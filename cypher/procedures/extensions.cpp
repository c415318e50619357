#include "cypher/procedures/extensions.h"

#include <cxxabi.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <set>
#include <utility>

#include "cypher/bind/scope.h"
#include "cypher/expr/operations.h"
#include "cypher/procedures/signature.h"

namespace lora {

namespace {
Status failed(std::string_view what, std::string_view type, std::string_view detail, std::string_view name,
              std::string_view why) {
  return Status::runtime(ErrorCode::kSemantic, type, detail,
                         std::string(what) + " `" + std::string(name) + "` failed: " + std::string(why));
}
}  // namespace

Status function_failed(std::string_view name, std::string_view why) {
  return failed("function", "FunctionError", "FunctionCallFailed", name, why);
}
Status procedure_failed(std::string_view name, std::string_view why) {
  return failed("procedure", "ProcedureError", "ProcedureCallFailed", name, why);
}

Status CallContext::check() {
  return control_ == nullptr ? Status() : control_->check();
}

namespace cypher {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// --- names ---

// The first parts of the built-in names that have one, and what stands for the engine itself.
bool is_reserved(std::string_view name) {
  static const std::set<std::string, std::less<>> spaces = [] {
    std::set<std::string, std::less<>> all = {"db", "dbms", "lora", "loradb"};
    const auto add = [&](std::string_view known) {
      const size_t dot = known.find('.');
      if (dot != std::string_view::npos) all.insert(lower(known.substr(0, dot)));
    };
    for (const FunctionSpec* f : all_functions()) {
      add(f->name);
      for (std::string_view alias : f->aliases) add(alias);
    }
    for (const ProcedureSpec* p : built_in_procedures()) add(p->name);
    return all;
  }();
  return spaces.count(lower(name.substr(0, name.find('.')))) > 0;
}

Status read_signature(std::string_view text, DeclaredSignature::Kind kind, DeclaredSignature* out) {
  LORA_TRY(out->read(text, kind));
  if (!is_reserved(out->name)) return Status();
  return {ErrorCode::kSemantic, "the namespace `" + out->name.substr(0, out->name.find('.')) +
                                    "` belongs to built-in functions and procedures; register " + quoted(out->name) +
                                    " under another one"};
}

// The nearest of `known`: the same last part, the same start, or spelt alike.
std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const std::string wanted = lower(name);
  const std::string_view last = std::string_view(wanted).substr(wanted.rfind('.') + 1);
  for (const std::string& candidate : known) {
    const std::string k = lower(candidate);
    if (!last.empty() && k.ends_with(last)) return candidate;
    if (wanted.size() > 3 && k.starts_with(std::string_view(wanted).substr(0, wanted.size() - 2))) return candidate;
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  return std::string(nearest_name(name, names));
}

// --- calls ---

using Failed = Status (*)(std::string_view name, std::string_view why);

// Runs a callable: in its scope, with what it throws caught.
template <typename Call>
auto run_callable(EvalContext& context, Failed failed, std::string_view name, Call call)
    -> decltype(call(std::declval<CallContext&>())) {
  const CallableScope scope(context);
  CallContext call_context(context.control);
  try {
    return call(call_context);
  } catch (abi::__forced_unwind&) {  // the thread is being ended
    throw;
  } catch (const std::exception& error) {
    return failed(name, error.what());
  } catch (...) {
    return failed(name, "it threw what is no std::exception");
  }
}

// The arguments of a call, as the callable gets them.
Status take_arguments(EvalContext& context, const DeclaredSignature& signature, std::span<const Value> args,
                      List* out) {
  out->reserve(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    const DeclaredField& field = signature.args[i];
    Value v = args[i];
    if (!fit(field, *context.reader, &v)) {
      std::string why = "argument " + quoted(field.name) + " of " + quoted(signature.name) + " is a " + field.shown +
                        ", not " + (args[i].is_null() ? "null" : describe(args[i]));
      if (args[i].is_null()) why += "; declare it `" + field.shown + "?` to take null";
      return type_error("InvalidArgumentType", std::move(why));
    }
    out->push_back(context.reader->hydrate(v));
  }
  return context.reader->status();
}

Status check_result(EvalContext& context, const std::string& place, const DeclaredField& field, Value* v) {
  const bool null = v->is_null();
  const std::string got = null ? "null" : std::string();
  Value given = *v;
  if (fit(field, *context.reader, v)) return Status();
  return type_error("InvalidResultType", place + " is declared `" + field.shown + "`, but the callable gave " +
                                             (null ? got : describe(given)));
}

// --- functions ---

struct RegisteredFunction final : FunctionBody {
  DeclaredSignature signature;
  std::string description;
  ScalarCallable callable;
  FunctionSpec spec;

  Status call(EvalContext& context, std::span<const Value> args, Value* out) const override {
    List taken;
    LORA_TRY(take_arguments(context, signature, args, &taken));
    LORA_ASSIGN(Value result, run_callable(context, function_failed, signature.name,
                                           [&](CallContext& c) { return callable(c, taken); }));
    LORA_TRY(context.control->check());
    LORA_TRY(check_result(context, "the result of function " + quoted(signature.name), signature.results[0], &result));
    *out = std::move(result);
    return context.reader->status();
  }
};

// --- procedures ---

struct RegisteredProcedure : ProcedureSpec {
  DeclaredSignature signature;
  std::string description_text;

  void fill(const CallableOptions& options) {
    description_text = options.description;
    description = description_text;
    name = signature.name;
    for (const DeclaredField& f : signature.args) args.push_back({f.name, f.argument_types(), f.shown, false});
    for (const DeclaredField& f : signature.results) columns.push_back({f.name, f.result_types(), f.shown, false});
  }

  Status check_row(EvalContext& context, List* row) const {
    if (row->size() != signature.results.size()) {
      return type_error("InvalidResultType",
                        "procedure " + quoted(signature.name) + " has " + std::to_string(signature.results.size()) +
                            " columns, but the callable gave a row of " + std::to_string(row->size()) + " values");
    }
    for (size_t i = 0; i < row->size(); ++i) {
      const DeclaredField& field = signature.results[i];
      LORA_TRY(check_result(context, "column " + quoted(field.name) + " of procedure " + quoted(signature.name), field,
                            &(*row)[i]));
    }
    return context.reader->status();
  }
};

struct CallableProcedure final : RegisteredProcedure {
  ProcedureCallable callable;

  Result<NextRow> start(EvalContext& context, std::span<const Value> values) const {
    List taken;
    LORA_TRY(take_arguments(context, signature, values, &taken));
    LORA_ASSIGN(RowProducer producer, run_callable(context, procedure_failed, signature.name,
                                                   [&](CallContext& c) { return callable(c, taken); }));
    LORA_TRY(context.control->check());
    if (!producer) return NextRow();
    // The plan that holds this row outlives the call.
    return NextRow([this, producer = std::move(producer)](EvalContext& at, List* row) -> Result<bool> {
      row->clear();
      LORA_ASSIGN(const bool more,
                  run_callable(at, procedure_failed, signature.name, [&](CallContext& c) { return producer(c, row); }));
      LORA_TRY(at.control->check());
      if (more) LORA_TRY(check_row(at, row));
      return more;
    });
  }
};

struct TableProcedure final : RegisteredProcedure {
  std::vector<List> rows;  // arguments, then results, in the order of the signature

  Result<NextRow> start(EvalContext&, std::span<const Value> values) const {
    return NextRow([this, wanted = List(values.begin(), values.end()), at = size_t{0}](
                       EvalContext& context, List* row) mutable -> Result<bool> {
      while (at < rows.size()) {
        if ((at & 255) == 0) LORA_TRY(context.control->tick());
        const List& candidate = rows[at++];
        if (!std::equal(wanted.begin(), wanted.end(), candidate.begin(), equivalent)) continue;
        row->assign(candidate.begin() + static_cast<ptrdiff_t>(wanted.size()), candidate.end());
        return true;
      }
      return false;
    });
  }
};

Status bad_table(const DeclaredSignature& signature, const std::string& why) {
  return {ErrorCode::kSemantic, "the table of procedure " + quoted(signature.name) + " does not fit its signature `" +
                                    signature.text + "`: " + why};
}

// A table holds no entities: there is no version to look them up in.
bool fits_table(const DeclaredField& field, Value* v) {
  if (v->is_null()) return field.nullable;
  const bool only_float = (field.type->types & type_bit(ValueType::kInteger)) == 0 &&
                          (field.type->types & type_bit(ValueType::kFloat)) != 0;
  if (v->is_integer() && only_float) *v = Value::floating(static_cast<double>(v->as_integer()));
  return !v->is_node() && !v->is_relationship() && !v->is_path() && is_of_type(*v, *field.type);
}

}  // namespace

// --- the set ---

template <typename Spec>
void ExtensionSet::put(Rows<Spec>* rows, std::shared_ptr<const Spec> row) {
  const std::string key = lower(row->name);
  std::lock_guard lock(mutex_);
  (*rows)[key].swap(row);  // the old one is freed after the lock
  version_.fetch_add(1, std::memory_order_acq_rel);
}

template <typename Spec>
Status ExtensionSet::drop(Rows<Spec>* rows, std::string_view name, std::string_view what) {
  std::shared_ptr<const Spec> dropped;  // freed after the lock
  std::lock_guard lock(mutex_);
  const auto it = rows->find(lower(name));
  if (it == rows->end()) {
    return {ErrorCode::kNotFound, "no " + std::string(what) + " " + quoted(name) + " is registered"};
  }
  dropped = std::move(it->second);
  rows->erase(it);
  version_.fetch_add(1, std::memory_order_acq_rel);
  return Status();
}

Status ExtensionSet::add_procedure(std::string_view signature, ProcedureCallable callable,
                                   const CallableOptions& options) {
  auto row = std::make_shared<CallableProcedure>();
  LORA_TRY(read_signature(signature, DeclaredSignature::Kind::kProcedure, &row->signature));
  if (!callable) return {ErrorCode::kInvalidParams, "procedure " + quoted(row->signature.name) + " has no callable"};
  row->fill(options);
  row->callable = std::move(callable);
  row->open = [raw = row.get()](EvalContext& context, std::span<const Value> args) {
    return raw->start(context, args);
  };
  put<ProcedureSpec>(&procedures_, std::move(row));
  return Status();
}

Status ExtensionSet::add_procedure(std::string_view signature, const std::vector<std::string>& columns,
                                   std::vector<List> rows, const CallableOptions& options) {
  auto table = std::make_shared<TableProcedure>();
  LORA_TRY(read_signature(signature, DeclaredSignature::Kind::kProcedure, &table->signature));
  std::vector<const DeclaredField*> fields;
  for (const DeclaredField& f : table->signature.args) fields.push_back(&f);
  for (const DeclaredField& f : table->signature.results) fields.push_back(&f);
  // place[i]: where in a given row the i-th field stands.
  std::vector<size_t> place;
  for (const DeclaredField* f : fields) {
    const auto it = std::find(columns.begin(), columns.end(), f->name);
    if (it == columns.end()) return bad_table(table->signature, "there is no column " + quoted(f->name));
    place.push_back(static_cast<size_t>(it - columns.begin()));
  }
  if (columns.size() != fields.size()) {
    return bad_table(table->signature, "it has " + std::to_string(columns.size()) + " columns instead of " +
                                           std::to_string(fields.size()));
  }
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::string where = "row " + std::to_string(r);
    if (rows[r].size() != fields.size()) {
      return bad_table(table->signature, where + " has " + std::to_string(rows[r].size()) + " values");
    }
    List row;
    for (size_t i = 0; i < fields.size(); ++i) {
      Value v = rows[r][place[i]];
      if (!fits_table(*fields[i], &v)) {
        return bad_table(table->signature, where + " has " + (v.is_null() ? "null" : describe(v)) + " in column " +
                                               quoted(fields[i]->name));
      }
      row.push_back(std::move(v));
    }
    table->rows.push_back(std::move(row));
  }
  table->fill(options);
  table->open = [raw = table.get()](EvalContext& context, std::span<const Value> args) {
    List taken;
    // As for callables: nulls and types as declared.
    Status status = take_arguments(context, raw->signature, args, &taken);
    return status.ok() ? raw->start(context, taken) : Result<NextRow>(std::move(status));
  };
  put<ProcedureSpec>(&procedures_, std::move(table));
  return Status();
}

Status ExtensionSet::add_function(std::string_view signature, ScalarCallable callable, const CallableOptions& options) {
  auto row = std::make_shared<RegisteredFunction>();
  LORA_TRY(read_signature(signature, DeclaredSignature::Kind::kFunction, &row->signature));
  if (!callable) return {ErrorCode::kInvalidParams, "function " + quoted(row->signature.name) + " has no callable"};
  constexpr size_t kArgsMax = 254;  // 255 in a row means any number
  if (row->signature.args.size() > kArgsMax) {
    return {ErrorCode::kSemantic, "function " + quoted(row->signature.name) + " has more than 254 arguments"};
  }
  row->callable = std::move(callable);
  row->description = options.description;
  FunctionSpec& spec = row->spec;
  spec.name = row->signature.name;
  for (const DeclaredField& f : row->signature.args) spec.args.push_back({f.name, f.argument_types()});
  spec.min_args = spec.max_args = static_cast<uint8_t>(row->signature.args.size());
  spec.result = row->signature.results[0].result_types();
  spec.purity = options.deterministic ? Purity::kReadsGraph : Purity::kVolatile;
  spec.null_rule = NullRule::kCalled;
  spec.category = "User-defined";
  spec.description = row->description;
  spec.body = row.get();
  put<FunctionSpec>(&functions_, std::shared_ptr<const FunctionSpec>(row, &row->spec));
  return Status();
}

Status ExtensionSet::drop_procedure(std::string_view name) {
  return drop(&procedures_, name, "procedure");
}
Status ExtensionSet::drop_function(std::string_view name) {
  return drop(&functions_, name, "function");
}

void ExtensionSet::clear() {
  Rows<ProcedureSpec> procedures;
  Rows<FunctionSpec> functions;
  std::lock_guard lock(mutex_);
  procedures.swap(procedures_);
  functions.swap(functions_);
  version_.fetch_add(1, std::memory_order_acq_rel);
}

std::shared_ptr<const ProcedureSignature> ExtensionSet::find_procedure(std::string_view name) const {
  const std::string key = lower(name);
  for (const ProcedureSpec* spec : built_in_procedures()) {
    // The built-in rows live for ever: nothing to share.
    if (lower(spec->name) == key) return {std::shared_ptr<const ProcedureSignature>(), spec};
  }
  std::lock_guard lock(mutex_);
  const auto it = procedures_.find(key);
  return it == procedures_.end() ? nullptr : it->second;
}

std::shared_ptr<const FunctionSpec> ExtensionSet::find_function(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto it = functions_.find(lower(name));
  return it == functions_.end() ? nullptr : it->second;
}

bool ExtensionSet::is_planned(std::string_view name) const {
  static constexpr std::string_view kPlanned[] = {"db.index.vector.querynodes", "db.index.vector.queryrelationships",
                                                  "db.index.fulltext.querynodes",
                                                  "db.index.fulltext.queryrelationships"};
  return std::find(std::begin(kPlanned), std::end(kPlanned), lower(name)) != std::end(kPlanned);
}

std::string ExtensionSet::nearest_procedure(std::string_view name) const {
  std::vector<std::string> known;
  for (const ProcedureSpec* spec : built_in_procedures()) known.emplace_back(spec->name);
  for (const auto& spec : procedures()) known.emplace_back(spec->name);
  return nearest(name, known);
}

std::string ExtensionSet::nearest_function(std::string_view name) const {
  std::vector<std::string> known;
  for (const auto& spec : functions()) known.emplace_back(spec->name);
  return nearest(name, known);
}

std::vector<std::shared_ptr<const ProcedureSpec>> ExtensionSet::procedures() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ProcedureSpec>> all;
  for (const auto& [key, spec] : procedures_) all.push_back(spec);
  return all;
}

std::vector<std::shared_ptr<const FunctionSpec>> ExtensionSet::functions() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const FunctionSpec>> all;
  for (const auto& [key, spec] : functions_) all.push_back(spec);
  return all;
}

std::string_view ExtensionSet::signature_of(const FunctionSpec& function) {
  return static_cast<const RegisteredFunction*>(function.body)->signature.text;
}
std::string_view ExtensionSet::result_of(const FunctionSpec& function) {
  return static_cast<const RegisteredFunction*>(function.body)->signature.results[0].shown;
}

// --- scopes ---

namespace {
thread_local const CallableScope* innermost_scope = nullptr;
}

CallableScope::CallableScope(const EvalContext& context)
    : set_(context.extensions), control_(context.control), outer_(innermost_scope) {
  innermost_scope = this;
}

CallableScope::~CallableScope() {
  innermost_scope = outer_;
}

bool CallableScope::inside(const ExtensionSet& set) {
  for (const CallableScope* s = innermost_scope; s != nullptr; s = s->outer_) {
    if (s->set_ == &set) return true;
  }
  return false;
}

QueryControl* CallableScope::control_around() {
  return innermost_scope != nullptr ? innermost_scope->control_ : nullptr;
}

}  // namespace cypher
}  // namespace lora

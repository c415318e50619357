// Steps that deal with the catalog: procedure calls, SHOW, index and constraint commands.
#include <algorithm>

#include "cypher/exec/build.h"
#include "cypher/expr/operations.h"
#include "cypher/functions/reference.h"
#include "cypher/procedures/extensions.h"

namespace lora::cypher {

namespace {

class ProcedureCallOperator final : public MultiplyingOperator {
 public:
  ProcedureCallOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        call_(*static_cast<const ProcedureCall*>(op)),
        procedure_(*static_cast<const ProcedureSpec*>(call_.procedure)) {}
  void close() override {
    next_ = nullptr;
    row_values_.clear();
    args_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    called_ = false;
    next_ = nullptr;
    return Status();
  }
  Status produce(size_t room) override {
    while (row_ < in_->rows && parents_.size() < room) {
      if (!called_) {
        LORA_TRY(call());
        called_ = true;
      }
      LORA_TRY(call_.unit ? run_to_end() : take_rows(room));
      if (next_) break;  // there may be more
      if (call_.unit) parents_.push_back(static_cast<uint32_t>(row_));
      called_ = false;
      ++row_;
    }
    return Status();
  }

 private:
  Status call() {
    args_.assign(procedure_.args.size(), Value());
    for (size_t i = 0; i < call_.args.size() && i < args_.size(); ++i) {
      LORA_TRY(state_.evaluator.evaluate_row(*call_.args[i], *in_, row_, &args_[i]));
      const TypeSet types = procedure_.args[i].types;
      const bool fits = args_[i].is_null() || (types & type_bit(args_[i].type())) != 0 ||
                        (args_[i].is_integer() && (types & type_bit(ValueType::kFloat)) != 0);
      if (!fits) {
        return type_error("InvalidArgumentType", "argument `" + std::string(procedure_.args[i].name) + "` of `" +
                                                     std::string(procedure_.name) + "` cannot be " +
                                                     describe(args_[i]));
      }
    }
    state_.count_hits(1);
    LORA_ASSIGN(next_, procedure_.open(state_.context, args_));
    return Status();
  }

  // Empties next_ at the end of its rows.
  Status take_rows(size_t room) {
    while (next_ && parents_.size() < room) {
      LORA_ASSIGN(const bool more, next_(state_.context, &row_values_));
      if (!more) {
        next_ = nullptr;
        break;
      }
      for (const ProcedureCall::Yield& y : call_.yields) out_.columns[y.slot].push(row_values_[y.column]);
      parents_.push_back(static_cast<uint32_t>(row_));
      if ((parents_.size() & 255) == 0) LORA_TRY(state_.tick());
    }
    return Status();
  }
  Status run_to_end() {
    while (next_) {
      LORA_ASSIGN(const bool more, next_(state_.context, &row_values_));
      if (!more) next_ = nullptr;
      LORA_TRY(state_.tick());
    }
    return Status();
  }

  const ProcedureCall& call_;
  const ProcedureSpec& procedure_;
  NextRow next_;  // of the call for row_; empty: at its end
  List row_values_;
  List args_;
  bool called_ = false;
};

// --- SHOW ---

Value text(std::string_view s) {
  return Value::string(s);
}

Value texts(const std::vector<std::string>& items) {
  List list;
  for (const std::string& s : items) list.push_back(text(s));
  return Value::list(std::move(list));
}

std::string_view kind_name(graph::IndexKind kind) {
  switch (kind) {
    case graph::IndexKind::kRange: return "RANGE";
    case graph::IndexKind::kText: return "TEXT";
    case graph::IndexKind::kPoint: return "POINT";
    case graph::IndexKind::kLookup: return "LOOKUP";
    case graph::IndexKind::kVector: return "VECTOR";
    case graph::IndexKind::kFulltext: return "FULLTEXT";
  }
  return "";
}

std::string_view entity_name(graph::EntityKind kind) {
  return kind == graph::EntityKind::kNode ? "NODE" : "RELATIONSHIP";
}

std::string_view kind_name(const graph::ConstraintDefinition& c) {
  const bool node = c.entity == graph::EntityKind::kNode;
  switch (c.kind) {
    case graph::ConstraintKind::kUnique: return node ? "UNIQUENESS" : "RELATIONSHIP_UNIQUENESS";
    case graph::ConstraintKind::kNotNull: return node ? "NODE_PROPERTY_EXISTENCE" : "RELATIONSHIP_PROPERTY_EXISTENCE";
    case graph::ConstraintKind::kKey: return node ? "NODE_KEY" : "RELATIONSHIP_KEY";
    case graph::ConstraintKind::kType: return node ? "NODE_PROPERTY_TYPE" : "RELATIONSHIP_PROPERTY_TYPE";
  }
  return "";
}

class ShowOperator final : public MultiplyingOperator {
 public:
  ShowOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)), show_(*static_cast<const Show*>(op)) {}
  void close() override {
    rows_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    listed_ = false;
    return Status();
  }
  Status produce(size_t room) override {
    while (row_ < in_->rows && parents_.size() < room) {
      if (!listed_) {
        rows_.clear();
        list();
        listed_ = true;
        at_ = 0;
      }
      while (at_ < rows_.size() && parents_.size() < room) {
        const List& row = rows_[at_++];
        for (size_t i = 0; i < show_.columns.size(); ++i) {
          if (show_.columns[i] != kNoSlot) out_.columns[show_.columns[i]].push(row[i]);
        }
        parents_.push_back(static_cast<uint32_t>(row_));
      }
      if (at_ == rows_.size()) {
        listed_ = false;
        ++row_;
      }
    }
    return Status();
  }

 private:
  void list() {
    switch (show_.what) {
      case Show::What::kIndexes: indexes(); break;
      case Show::What::kConstraints: constraints(); break;
      case Show::What::kFunctions: functions(); break;
      case Show::What::kProcedures: procedures(); break;
    }
  }

  bool wanted(std::string_view kind) const {
    return show_.kind_filter.empty() || show_.kind_filter == "ALL" || show_.kind_filter == kind;
  }

  void indexes() {
    for (const graph::IndexInfo& index : state_.reader().schema().indexes) {
      const graph::IndexDefinition& d = index.definition;
      if (!wanted(kind_name(d.kind))) continue;
      rows_.push_back({text(d.name), text(kind_name(d.kind)), text(entity_name(d.entity)), texts({d.label_or_type}),
                       texts(d.keys), Value::map({}), text("ONLINE"), Value::floating(100.0)});
    }
    by_name();
  }

  void constraints() {
    const graph::Schema& schema = state_.reader().schema();
    for (const graph::ConstraintInfo& constraint : schema.constraints) {
      const graph::ConstraintDefinition& d = constraint.definition;
      if (!wanted(kind_name(d)) && !(show_.kind_filter == "UNIQUE" && d.kind == graph::ConstraintKind::kUnique))
        continue;
      const graph::IndexInfo* owned =
          constraint.owned_index.valid() ? schema.find_index(constraint.owned_index) : nullptr;
      rows_.push_back({text(d.name), text(kind_name(d)), text(entity_name(d.entity)), texts({d.label_or_type}),
                       texts(d.keys), owned != nullptr ? text(owned->definition.name) : Value(), Value()});
    }
    by_name();
  }

  void functions() {
    const ExtensionSet* registered = state_.context.extensions;
    if (show_.kind_filter != "BUILT IN" && registered != nullptr) {
      for (const auto& f : registered->functions()) {
        rows_.push_back({text(f->name), text(f->category), text(f->description), text(ExtensionSet::signature_of(*f)),
                         Value::boolean(false), text(ExtensionSet::result_of(*f))});
      }
    }
    if (show_.kind_filter != "USER DEFINED") built_in_functions();
    by_name();
  }

  void built_in_functions() {
    for (const FunctionSpec* f : all_functions()) {
      rows_.push_back({text(f->name), text(f->category), text(f->description), text(signature_text(*f)),
                       Value::boolean(false), text(type_text(f->result))});
    }
    for (const AggregateSpec* f : all_aggregates()) {
      rows_.push_back({text(f->name), text(f->category), text(f->description), text(signature_text(*f)),
                       Value::boolean(true), text(type_text(f->result))});
    }
  }

  void procedures() {
    for (const ProcedureSpec* p : built_in_procedures()) procedure(*p);
    if (const ExtensionSet* registered = state_.context.extensions; registered != nullptr) {
      for (const auto& p : registered->procedures()) procedure(*p);
    }
    by_name();
  }

  void procedure(const ProcedureSpec& p) {
    rows_.push_back({text(p.name), text(p.description), text(p.writes ? "WRITE" : "READ"), text(signature_text(p))});
  }

  void by_name() {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const List& a, const List& b) { return a[0].as_string() < b[0].as_string(); });
  }

  const Show& show_;
  std::vector<List> rows_;
  size_t at_ = 0;
  bool listed_ = false;
};

// --- CREATE and DROP of indexes and constraints ---

class SchemaCommandOperator final : public Operator {
 public:
  SchemaCommandOperator(const BuildContext& build, const LogicalOp* op)
      : Operator(build, op), command_(*static_cast<const SchemaCommand*>(op)) {}
  Status open() override {
    if (state_.context.transaction == nullptr) {
      return Status(ErrorCode::kReadOnly, "the command changes the schema, but the transaction is read-only");
    }
    done_ = false;
    return Status();
  }
  void close() override {}

 protected:
  Status do_next(size_t, Batch** batch) override {
    *batch = nullptr;
    if (done_) return Status();
    done_ = true;
    return run();
  }

 private:
  Status run() {
    graph::Transaction& transaction = state_.transaction();
    const graph::Schema& schema = state_.reader().schema();
    const auto tick = [this] { return state_.tick(); };
    using Action = SchemaCommand::Action;
    switch (command_.action) {
      case Action::kCreateIndex: {
        if (command_.if_exists_flag && index_exists(schema, *command_.index)) return Status();
        LORA_ASSIGN([[maybe_unused]] IndexId id, transaction.create_index(*command_.index, tick));
        return Status();
      }
      case Action::kDropIndex:
        if (command_.if_exists_flag && schema.find_index(command_.name) == nullptr) return Status();
        return transaction.drop_index(command_.name);
      case Action::kCreateConstraint:
        if (command_.if_exists_flag && constraint_exists(schema, *command_.constraint)) return Status();
        return transaction.create_constraint(*command_.constraint, tick);
      case Action::kDropConstraint:
        if (command_.if_exists_flag && schema.find_constraint(command_.name) == nullptr) return Status();
        return transaction.drop_constraint(command_.name);
    }
    return Status();
  }

  // IF NOT EXISTS: the same name, or the same thing under another name.
  static bool index_exists(const graph::Schema& schema, const graph::IndexDefinition& d) {
    if (!d.name.empty() && (schema.find_index(d.name) != nullptr || schema.find_constraint(d.name) != nullptr))
      return true;
    return std::any_of(schema.indexes.begin(), schema.indexes.end(), [&](const graph::IndexInfo& i) {
      return i.definition.kind == d.kind && i.definition.entity == d.entity &&
             i.definition.label_or_type == d.label_or_type && i.definition.keys == d.keys;
    });
  }
  static bool constraint_exists(const graph::Schema& schema, const graph::ConstraintDefinition& d) {
    if (!d.name.empty() && (schema.find_constraint(d.name) != nullptr || schema.find_index(d.name) != nullptr))
      return true;
    return std::any_of(schema.constraints.begin(), schema.constraints.end(), [&](const graph::ConstraintInfo& c) {
      return c.definition.kind == d.kind && c.definition.entity == d.entity &&
             c.definition.label_or_type == d.label_or_type && c.definition.keys == d.keys;
    });
  }

  const SchemaCommand& command_;
  bool done_ = false;
};

}  // namespace

OperatorPtr make_procedure_call(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<ProcedureCallOperator>(build, op, std::move(input));
}
OperatorPtr make_show(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<ShowOperator>(build, op, std::move(input));
}
OperatorPtr make_schema_command(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<SchemaCommandOperator>(build, op);
}

}  // namespace lora::cypher

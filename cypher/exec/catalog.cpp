// Steps that deal with the catalog: procedure calls, SHOW, index and constraint commands.
#include <algorithm>

#include "cypher/exec/build.h"
#include "cypher/expr/operations.h"
#include "cypher/procedures/procedure.h"

namespace lora::cypher {

namespace {

class ProcedureCallOperator final : public MultiplyingOperator {
 public:
  ProcedureCallOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        call_(*static_cast<const ProcedureCall*>(op)),
        procedure_(*static_cast<const ProcedureSpec*>(call_.procedure)) {}
  void close() override {
    rows_.clear();
    args_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    called_ = false;
    return Status();
  }
  Status produce(size_t room) override {
    while (row_ < in_->rows && parents_.size() < room) {
      if (!called_) {
        LORA_TRY(call());
        called_ = true;
        at_ = 0;
        if (call_.unit) parents_.push_back(static_cast<uint32_t>(row_));
      }
      while (!call_.unit && at_ < rows_.size() && parents_.size() < room) {
        const List& row = rows_[at_++];
        for (const ProcedureCall::Yield& y : call_.yields) out_.columns[y.slot].push(row[y.column]);
        parents_.push_back(static_cast<uint32_t>(row_));
      }
      if (call_.unit || at_ == rows_.size()) {
        called_ = false;
        ++row_;
      }
    }
    return Status();
  }

 private:
  Status call() {
    rows_.clear();
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
    return procedure_.run(state_.context, args_, [this](List row) {
      rows_.push_back(std::move(row));
      return (rows_.size() & 255) == 0 ? state_.tick() : Status();
    });
  }

  const ProcedureCall& call_;
  const ProcedureSpec& procedure_;
  std::vector<List> rows_;
  List args_;
  size_t at_ = 0;
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

std::string argument_text(const ArgSpec& arg) {
  std::string types;
  if ((arg.types & kAnyType) == kAnyType) return std::string(arg.name) + " :: ANY";
  for (uint32_t t = 1; t < 19; ++t) {
    if ((arg.types & type_bit(static_cast<ValueType>(t))) == 0) continue;
    if (!types.empty()) types += " | ";
    types += value_type_name(static_cast<ValueType>(t));
  }
  return std::string(arg.name) + " :: " + types;
}

std::string type_text(TypeSet types) {
  const std::string whole = argument_text({"", types});
  return whole.substr(4);
}

template <typename Spec>
std::string function_signature(const Spec& f) {
  std::string out = std::string(f.name) + "(";
  for (size_t i = 0; i < f.args.size(); ++i) {
    if (i > 0) out += ", ";
    if (i >= f.min_args) out += "[";
    out += argument_text(f.args[i]);
    if (f.max_args == 255 && i + 1 == f.args.size()) out += ", ...";
    if (i >= f.min_args) out += "]";
  }
  return out + ") :: " + type_text(f.result);
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
    if (show_.kind_filter == "USER DEFINED") return;
    for (const FunctionSpec* f : all_functions()) {
      rows_.push_back({text(f->name), text(f->category), text(f->description), text(function_signature(*f)),
                       Value::boolean(false), text(type_text(f->result))});
    }
    for (const AggregateSpec* f : all_aggregates()) {
      rows_.push_back({text(f->name), text(f->category), text(f->description), text(function_signature(*f)),
                       Value::boolean(true), text(type_text(f->result))});
    }
    by_name();
  }

  void procedures() {
    for (const ProcedureSpec* p : built_in_procedures()) {
      rows_.push_back(
          {text(p->name), text(p->description), text(p->writes ? "WRITE" : "READ"), text(signature_text(*p))});
    }
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
    using Action = SchemaCommand::Action;
    switch (command_.action) {
      case Action::kCreateIndex: {
        if (command_.if_exists_flag && index_exists(schema, *command_.index)) return Status();
        LORA_ASSIGN([[maybe_unused]] IndexId id, transaction.create_index(*command_.index));
        return Status();
      }
      case Action::kDropIndex:
        if (command_.if_exists_flag && schema.find_index(command_.name) == nullptr) return Status();
        return transaction.drop_index(command_.name);
      case Action::kCreateConstraint:
        if (command_.if_exists_flag && constraint_exists(schema, *command_.constraint)) return Status();
        return transaction.create_constraint(*command_.constraint);
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

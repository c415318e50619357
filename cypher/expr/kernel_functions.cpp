// Kernels of functions, subqueries and CASE.
#include <algorithm>
#include <optional>

#include "cypher/expr/kernel_parts.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

struct EntityCalls {
  const FunctionSpec* id = find_function("id");
  const FunctionSpec* type = find_function("type");
  const FunctionSpec* labels = find_function("labels");
};
const EntityCalls& entity_calls() {
  static const EntityCalls calls;
  return calls;
}

}  // namespace

bool Kernels::is_entity_call(const Expr& expr) {
  const EntityCalls& calls = entity_calls();
  return (expr.function == calls.id || expr.function == calls.type || expr.function == calls.labels) &&
         expr.children.size() == 1 && expr.children[0]->kind == ExprKind::kSlot;
}

bool Kernels::entity_call(const Expr& expr, Column* out) {
  const Column* column = entity_column(expr.children[0]->slot);
  if (column == nullptr) return false;
  const Column& entities = *column;
  if (expr.function == entity_calls().id) {
    entity_ids(entities, out);
    return true;
  }
  if (reads_deleted()) return false;
  const bool nodes = entities.kind == Column::Kind::kNodes;
  if (expr.function == entity_calls().labels) return nodes && label_lists(entities, out);
  return !nodes && type_names(entities, out);
}

// The column itself.
void Kernels::entity_ids(const Column& entities, Column* out) {
  out->reset(Column::Kind::kIntegers);
  out->integers.resize(rows_);
  bool any_null = false;
  for (size_t i = 0; i < rows_; ++i) {
    out->integers[i] = static_cast<int64_t>(entities.ids[i]);
    any_null |= entities.ids[i] == kNoId;
  }
  if (any_null) {
    out->nulls.resize(rows_);
    for (size_t i = 0; i < rows_; ++i) out->nulls[i] = entities.ids[i] == kNoId ? 1 : 0;
  }
}

bool Kernels::type_names(const Column& relationships, Column* out) {
  graph::Reader& reader = *evaluator_.context_->reader;
  std::vector<uint32_t> types(rows_);
  reader.relationship_types(relationships.ids, types.data());
  out->reset(Column::Kind::kStrings);
  out->texts.entries.reserve(rows_);
  // Each name lies there once.
  std::vector<std::pair<uint32_t, Texts::Entry>> names;
  for (size_t i = 0; i < rows_; ++i) {
    if (types[i] == UINT32_MAX) {
      if (relationships.ids[i] != kNoId) return false;
      if (out->nulls.empty()) out->nulls.resize(rows_);
      out->nulls[i] = 1;
      out->texts.entries.push_back({});
      continue;
    }
    const auto known = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == types[i]; });
    if (known != names.end()) {
      out->texts.entries.push_back(known->second);
      continue;
    }
    if (!out->texts.push(reader.rel_type_name(RelTypeId(types[i])))) return false;
    names.emplace_back(types[i], out->texts.entries.back());
  }
  return true;
}

// visit(row, labels, same): `same` as the row before; null rows are left to null_row(row). False: a node is gone, which
// the row path knows what to say of.
template <typename Visit, typename NullRow>
bool Kernels::each_label_set(const Column& nodes, Visit visit, NullRow null_row) {
  graph::Reader& reader = *evaluator_.context_->reader;
  std::vector<LabelId> labels, before;
  bool any = false;
  for (size_t i = 0; i < rows_; ++i) {
    if (nodes.ids[i] == kNoId) {
      null_row(i);
      continue;
    }
    reader.labels(NodeId(nodes.ids[i]), &labels);
    if (labels.empty() && !reader.node_exists(NodeId(nodes.ids[i]))) return false;
    const bool same = any && labels == before;
    if (!same) before = labels;
    any = true;
    visit(i, before, same);
  }
  return true;
}

// Nodes with the same labels as the one before share its list.
bool Kernels::label_lists(const Column& nodes, Column* out) {
  out->reset(Column::Kind::kValues);
  out->values.resize(rows_);
  Value list;
  return each_label_set(
      nodes,
      [&](size_t i, const std::vector<LabelId>& labels, bool same) {
        if (!same) {
          List names;
          names.reserve(labels.size());
          for (LabelId label : labels) names.push_back(Value::string(evaluator_.context_->reader->label_name(label)));
          list = Value::list(std::move(names));
        }
        out->values[i] = list;
      },
      [](size_t) {});
}

// labels(n)[index], without the lists.
bool Kernels::label_names(const Column& nodes, int64_t index, Column* out) {
  out->reset(Column::Kind::kStrings);
  out->texts.entries.resize(rows_);
  const auto no_name = [&](size_t i) {
    if (out->nulls.empty()) out->nulls.resize(rows_);
    out->nulls[i] = 1;
  };
  std::optional<Texts::Entry> name;
  const auto take = [&](size_t i, const std::vector<LabelId>& labels, bool same) {
    if (!same) {
      const auto count = static_cast<int64_t>(labels.size());
      const int64_t place = index < 0 ? index + count : index;
      name.reset();
      if (place >= 0 && place < count) {
        const std::string_view text = evaluator_.context_->reader->label_name(labels[static_cast<size_t>(place)]);
        text.copy(out->texts.room(text.size()), text.size());
        name = {static_cast<uint32_t>(out->texts.used()), static_cast<uint32_t>(text.size())};
        out->texts.use(text.size());
      }
    }
    if (name) {
      out->texts.entries[i] = *name;
    } else {
      no_name(i);
    }
  };
  return each_label_set(nodes, take, no_name);
}

bool Kernels::subquery(const Expr& expr, ExprKind as, Column* out) {
  if (!evaluator_.active_locals_.empty() || evaluator_.context_->subqueries == nullptr) return false;
  const Result<bool> done = evaluator_.context_->subqueries->run_batch(expr, as, batch_, out);
  return done.ok() && *done;
}

namespace {

// Is a value of this type, which is no null, an argument as the row has it?
bool takes(const ArgSpec& arg, ValueType type) {
  return (arg.types & type_bit(type)) != 0;
}

}  // namespace

bool Kernels::typed_function(const FunctionSpec& spec, const Column& x, std::span<const Value> more, Column* out) {
  const TypedBodies& typed = spec.typed;
  out->clear();
  const auto is_null = [&x](size_t i) { return !x.nulls.empty() && x.nulls[i] != 0; };
  const auto give = [&](std::string_view text) {
    return evaluator_.charge_made(text.size()).ok() && out->texts.push(text);
  };
  // A row of text may take long; some short ones are one step.
  constexpr size_t kBytesPerTick = 256, kBytesOfRow = 16;
  QueryControl* const control = evaluator_.context_->control;
  size_t unticked = 0;
  const auto stopped = [&](size_t row) {
    unticked += kBytesOfRow + x.texts.entries[row].length;
    if (unticked < kBytesPerTick || control == nullptr) return false;
    unticked = 0;
    return !control->tick().ok();
  };
  if (x.kind == Column::Kind::kStrings) {
    if (!takes(spec.args[0], ValueType::kString)) return false;
    if (typed.measure != nullptr && more.empty()) {
      out->kind = Column::Kind::kIntegers;
      out->integers.resize(rows_);
      for (size_t i = 0; i < rows_; ++i) {
        if (stopped(i)) return false;
        out->integers[i] = typed.measure(x.texts[i]);
      }
      out->nulls = x.nulls;
      return true;
    }
    const bool converts = typed.convert != nullptr && more.empty();
    if (!converts && typed.piece == nullptr) return false;
    out->kind = Column::Kind::kStrings;
    out->texts.entries.reserve(rows_);
    for (size_t i = 0; i < rows_; ++i) {
      if (stopped(i)) return false;
      if (is_null(i)) {
        if (!give({})) return false;
      } else if (converts) {
        if (!give(typed.convert(x.texts[i]))) return false;
      } else {
        std::string_view piece;
        if (!typed.piece(x.texts[i], more, &piece).ok() || !give(piece)) return false;
      }
    }
    out->nulls = x.nulls;
    return true;
  }
  if (!more.empty()) return false;
  if (x.kind == Column::Kind::kIntegers && takes(spec.args[0], ValueType::kInteger)) {
    if (typed.of_integer != nullptr) {
      out->kind = Column::Kind::kIntegers;
      out->integers.resize(rows_);
      for (size_t i = 0; i < rows_; ++i) {
        if (!typed.of_integer(x.integers[i], &out->integers[i]) && !is_null(i)) return false;
      }
      out->nulls = x.nulls;
      return true;
    }
    if (typed.spell != nullptr) {
      out->kind = Column::Kind::kStrings;
      out->texts.entries.reserve(rows_);
      for (size_t i = 0; i < rows_; ++i) {
        if (!give(is_null(i) ? std::string() : typed.spell(x.integers[i]))) return false;
      }
      out->nulls = x.nulls;
      return true;
    }
  }
  if (typed.of_float == nullptr || (x.kind != Column::Kind::kIntegers && x.kind != Column::Kind::kFloats)) return false;
  out->kind = Column::Kind::kFloats;
  out->floats.resize(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    out->floats[i] = typed.of_float(x.kind == Column::Kind::kFloats ? x.floats[i] : static_cast<double>(x.integers[i]));
  }
  out->nulls = x.nulls;
  return true;
}

bool Kernels::function(const Expr& expr, Column* out) {
  static const FunctionSpec* const size = find_function("size");
  if (expr.function == size && expr.children[0]->kind == ExprKind::kCollect) {
    return subquery(*expr.children[0], ExprKind::kCount, out);  // the list is only counted
  }
  if (expr.function->null_rule == NullRule::kFirstNotNull && expr.children.size() < UINT8_MAX) {
    return first_not_null(expr, out);
  }
  if (expr.function == size && is_flattened(*expr.children[0])) return list_sizes(expr, out);
  constexpr size_t kArgsMax = 4;
  constexpr size_t kTextCopiedMax = 255;  // bytes
  const size_t count = expr.children.size();
  if (count > kArgsMax) return false;
  ScratchScope scope(evaluator_);
  Operand operands[kArgsMax];
  for (size_t i = 0; i < count; ++i) {
    if (!operand(*expr.children[i], &operands[i])) return false;
  }
  if (expr.function == size && operands[0].column != nullptr && sizes_of(*operands[0].column, out)) return true;
  const FunctionSpec& spec = *expr.function;
  EvalContext& context = *evaluator_.context_;
  Made made(context.control);
  Value args[kArgsMax], result;
  bool first_varies = operands[0].column != nullptr;
  for (size_t i = 0; i < count; ++i) {
    if (operands[i].column == nullptr) args[i] = operands[i].constant;
    if (i > 0)
      first_varies &=
          operands[i].column == nullptr && takes(spec.args[std::min(i, spec.args.size() - 1)], args[i].type());
  }
  if (first_varies && spec.typed.any() && typed_function(spec, *operands[0].column, {args + 1, count - 1}, out))
    return true;
  out->clear();
  for (size_t row = 0; row < rows_; ++row) {
    bool any_null = false;
    for (size_t i = 0; i < count; ++i) {
      if (operands[i].column != nullptr) args[i] = operands[i].column->get(row);
      any_null |= args[i].is_null();
      const ArgSpec& arg = spec.args[std::min(i, spec.args.size() - 1)];
      if ((type_bit(args[i].type()) & arg.types) == 0 && !args[i].is_null()) return false;
      if (!check_extent(context, args[i]).ok()) return false;
    }
    if (any_null && spec.null_rule == NullRule::kNullIfAnyNull) {
      out->push(Value());
      continue;
    }
    if (context.control != nullptr && !context.control->tick().ok()) return false;
    if (!spec.function(context, {args, count}, &result).ok() || !check_extent(context, result).ok()) return false;
    if (result.is_string()) {
      // Long ones are shared rather than copied: many functions give back what they were given.
      const bool is_short = result.as_string().size() <= kTextCopiedMax;
      if (out->kind == Column::Kind::kEmpty && is_short) out->reset(Column::Kind::kStrings);
      if (out->kind == Column::Kind::kStrings && !is_short) out->to_values();
    }
    out->push(result);
    made.settle([out] { return out->heap_bytes(); });
  }
  return true;
}

namespace {

// out[i] = row i of the result of its branch.
template <typename Operand, typename Items, typename Constant, typename T>
void choose(const std::vector<uint8_t>& branch, const std::vector<Operand>& results, Items items, Constant constant,
            T* out) {
  std::vector<T> constants(results.size());
  std::vector<std::pair<const T*, size_t>> from(results.size());  // where, and how far from row to row
  for (size_t b = 0; b < results.size(); ++b) {
    const bool one = results[b].column == nullptr;
    if (one) constants[b] = constant(results[b].constant);
    from[b] = one ? std::pair<const T*, size_t>(&constants[b], 0) : std::pair(items(*results[b].column), size_t{1});
  }
  const uint8_t* __restrict of_row = branch.data();
  if (std::none_of(from.begin(), from.end(), [](const auto& f) { return f.second != 0; })) {
    const T* __restrict value = constants.data();
    for (size_t i = 0; i < branch.size(); ++i) out[i] = value[of_row[i]];
    return;
  }
  for (size_t i = 0; i < branch.size(); ++i) {
    const auto& [items_of_branch, step] = from[of_row[i]];
    out[i] = items_of_branch[i * step];
  }
}

// Rows that have none yet (`none`) and whose condition is true get this branch; how many.
size_t take_branch(const uint8_t* __restrict truth, size_t rows, uint8_t none, uint8_t branch,
                   uint8_t* __restrict of_row) {
  size_t count = 0;
  for (size_t i = 0; i < rows; ++i) {
    const bool first = (truth[i] == kMaskTrue) & (of_row[i] == none);
    of_row[i] = first ? branch : of_row[i];
  }
  for (size_t i = 0; i < rows; ++i) count += of_row[i] == branch ? 1 : 0;
  return count;
}

}  // namespace

bool Kernels::with_local(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand value;
  if (!operand(*expr.children[0], &value)) return false;
  locals_.emplace_back(expr.slot, std::move(value));
  const bool done = column(*expr.children[1], out);
  locals_.pop_back();
  return done;
}

// CASE: each row's branch first, then what the branches give that any row takes.
bool Kernels::choice(const Expr& expr, Column* out) {
  const size_t conditions = expr.children.size() / 2;
  if (conditions >= UINT8_MAX) return false;
  ScratchScope scope(evaluator_);
  std::vector<uint8_t>& branch = *scratch_mask();  // of each row; `conditions`: none of them
  std::vector<uint8_t>* truth = scratch_mask();
  branch.assign(rows_, static_cast<uint8_t>(conditions));
  std::vector<size_t> taken(conditions + 1);
  size_t left = rows_;
  for (size_t c = 0; c < conditions && left > 0; ++c) {
    if (!mask(*expr.children[2 * c], truth)) return false;
    taken[c] =
        take_branch(truth->data(), rows_, static_cast<uint8_t>(conditions), static_cast<uint8_t>(c), branch.data());
    left -= taken[c];
  }
  taken[conditions] = left;

  std::vector<Operand> results(conditions + 1);
  for (size_t b = 0; b <= conditions; ++b) {
    if (taken[b] == 0) continue;
    const Expr* result = b < conditions ? expr.children[2 * b + 1] : expr.flag ? expr.children.back() : nullptr;
    if (result != nullptr && !operand(*result, &results[b])) return false;
  }
  return take_results(branch, taken, results, true, out);
}

// coalesce(): each row takes the first argument that is not null there.
bool Kernels::first_not_null(const Expr& expr, Column* out) {
  const size_t count = expr.children.size();
  ScratchScope scope(evaluator_);
  std::vector<uint8_t>& branch = *scratch_mask();  // of each row; `count`: all are null
  branch.assign(rows_, static_cast<uint8_t>(count));
  std::vector<size_t> taken(count + 1);
  std::vector<Operand> results(count + 1);
  size_t left = rows_;
  for (size_t a = 0; a < count && left > 0; ++a) {
    if (!operand(*expr.children[a], &results[a])) return false;
    const Column* column = results[a].column;
    if (column == nullptr && results[a].constant.is_null()) continue;
    for (size_t i = 0; i < rows_; ++i) {
      if (branch[i] != count || (column != nullptr && column->is_null(i))) continue;
      branch[i] = static_cast<uint8_t>(a);
      ++taken[a];
    }
    left -= taken[a];
  }
  taken[count] = left;
  return take_results(branch, taken, results, false, out);
}

bool Kernels::take_results(const std::vector<uint8_t>& branch, const std::vector<size_t>& taken,
                           const std::vector<Operand>& results, bool nulls, Column* out) {
  bool any_null = false;
  // What all results are, nulls aside.
  std::optional<Column::Kind> kind;
  WordType words;
  const auto is = [&](Column::Kind k, WordType type = {}) {
    if (!kind) {
      kind = k;
      words = type;
    }
    if (*kind != k || words != type) kind = Column::Kind::kValues;
  };
  for (size_t b = 0; b < results.size(); ++b) {
    if (taken[b] == 0) continue;
    if (const Column* c = results[b].column; c != nullptr) {
      is(is_entity_column(*c) ? Column::Kind::kValues : c->kind,
         c->kind == Column::Kind::kWords ? c->word_type : WordType());
      any_null |= nulls && !c->nulls.empty();
      continue;
    }
    switch (results[b].constant.type()) {
      case ValueType::kNull: any_null = true; break;
      case ValueType::kInteger: is(Column::Kind::kIntegers); break;
      case ValueType::kFloat: is(Column::Kind::kFloats); break;
      case ValueType::kString: is(Column::Kind::kStrings); break;
      default: {
        WordType type;
        int64_t word = 0;
        to_word(results[b].constant, &type, &word) ? is(Column::Kind::kWords, type) : is(Column::Kind::kValues);
        break;
      }
    }
  }
  out->clear();
  out->kind = kind.value_or(Column::Kind::kValues);
  out->word_type = words;
  if (out->kind == Column::Kind::kEmpty) return false;
  const auto each = [&](auto put) {
    for (size_t i = 0; i < rows_; ++i) put(i, results[branch[i]]);
  };
  switch (out->kind) {
    case Column::Kind::kIntegers:
      out->integers.resize(rows_);
      choose(
          branch, results, [](const Column& c) { return c.integers.data(); },
          [](const Value& v) { return v.is_null() ? 0 : v.as_integer(); }, out->integers.data());
      break;
    case Column::Kind::kWords:
      out->integers.resize(rows_);
      choose(
          branch, results, [](const Column& c) { return c.integers.data(); },
          [](const Value& v) {
            int64_t word = 0;
            return word_of(v, &word) ? word : 0;
          },
          out->integers.data());
      break;
    case Column::Kind::kFloats:
      out->floats.resize(rows_);
      choose(
          branch, results, [](const Column& c) { return c.floats.data(); },
          [](const Value& v) { return v.is_null() ? 0 : v.as_float(); }, out->floats.data());
      break;
    case Column::Kind::kStrings: {
      Texts& texts = out->texts;
      texts.entries.reserve(rows_);
      std::vector<std::optional<Texts::Entry>> same(results.size());  // where the one text of a branch lies
      for (size_t i = 0; i < rows_; ++i) {
        const size_t b = branch[i];
        if (same[b]) {
          texts.entries.push_back(*same[b]);
          continue;
        }
        const Operand& r = results[b];
        const std::string_view text = r.column != nullptr
                                          ? (r.column->is_null(i) ? std::string_view() : r.column->texts[i])
                                      : r.constant.is_null() ? std::string_view()
                                                             : r.constant.as_string();
        if (!evaluator_.charge_made(text.size()).ok() || !texts.push(text)) return false;
        if (r.column == nullptr) same[b] = texts.entries.back();
      }
      break;
    }
    default:
      out->kind = Column::Kind::kValues;
      out->values.reserve(rows_);
      each([&](size_t i, const Operand& r) {
        out->values.push_back(r.column != nullptr ? r.column->get(i) : r.constant);
      });
      return true;
  }
  if (any_null) {
    out->nulls.resize(rows_);
    each([&](size_t i, const Operand& r) {
      out->nulls[i] = (r.column != nullptr ? r.column->is_null(i) : r.constant.is_null()) ? 1 : 0;
    });
  }
  return true;
}

bool Kernels::lists(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  std::vector<Operand> items(expr.children.size());
  for (size_t k = 0; k < items.size(); ++k) {
    if (!operand(*expr.children[k], &items[k])) return false;
  }
  EvalContext& context = *evaluator_.context_;
  out->reset(Column::Kind::kValues);
  out->values.reserve(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    if (!evaluator_.charge_made(list_bytes(items.size())).ok()) return false;
    List list;
    list.reserve(items.size());
    for (const Operand& item : items) list.push_back(item.column != nullptr ? item.column->get(i) : item.constant);
    out->values.push_back(Value::list(std::move(list)));
    if (!check_extent(context, out->values.back()).ok()) return false;
  }
  return true;
}

// Elements of lists and maps, and properties by a key that only the rows know.
bool Kernels::elements(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand x, index;
  const Expr& from = *expr.children[0];
  if (from.kind == ExprKind::kFunction && from.function == entity_calls().labels && is_entity_call(from) &&
      operand(*expr.children[1], &index) && index.column == nullptr && index.constant.is_integer()) {
    const Column* nodes = entity_column(from.children[0]->slot);
    return nodes != nullptr && nodes->kind == Column::Kind::kNodes && !reads_deleted() &&
           label_names(*nodes, index.constant.as_integer(), out);
  }
  if (is_flattened(from)) {
    FlatLists lists;
    return flatten(from, &lists) && operand(*expr.children[1], &index) && element_of_flat(lists, index, out);
  }
  if (!operand(from, &x) || !operand(*expr.children[1], &index)) return false;
  out->clear();
  if (x.column != nullptr && x.column->kind == Column::Kind::kLists && element_of_packed(*x.column, index, out)) {
    return true;
  }
  out->clear();
  Value box, index_box, result;
  const List* before = nullptr;  // rows that share a list have the same element of it
  for (size_t i = 0; i < rows_; ++i) {
    const Value& object = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    const Value& at = index.column != nullptr ? value_at(*index.column, i, &index_box) : index.constant;
    const List* list = index.column == nullptr && &object != &box && object.is_list() ? &object.as_list() : nullptr;
    if ((list == nullptr || list != before) && !element_at(*evaluator_.context_, object, at, &result).ok()) {
      return false;
    }
    before = list;
    out->push(result);
  }
  return true;
}

}  // namespace lora::cypher

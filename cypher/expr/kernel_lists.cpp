// Kernels of lists: the items of all lists of a batch lie in one column, and what is asked of each item is evaluated on
// that column at once.
#include <algorithm>
#include <numeric>
#include <optional>

#include "cypher/expr/kernel_parts.h"
#include "cypher/expr/operations.h"
#include "graph/packed_list.h"

namespace lora::cypher {

namespace {

constexpr size_t kItemsMax = size_t{1} << 18;  // of one batch: more go row by row
constexpr size_t kTextCopiedMax = 255;         // bytes; longer ones are shared as values

const FunctionSpec* split_function() {
  static const FunctionSpec* const split = find_function("split");
  return split;
}

// Items in their own form, but for strings and words, which come as values and are many.
void start_items(const Value& first, Column* items) {
  WordType type;
  int64_t word = 0;
  if (first.is_string() && first.as_string().size() <= kTextCopiedMax) {
    items->reset(Column::Kind::kStrings);
  } else if (to_word(first, &type, &word)) {
    items->reset_words(type);
  }
}

void push_item(const Value& item, Column* items) {
  if (items->kind == Column::Kind::kEmpty) start_items(item, items);
  if (items->kind == Column::Kind::kStrings && item.is_string() && item.as_string().size() > kTextCopiedMax) {
    items->to_values();
  }
  items->push(item);
}

// Item by item of a packed list into a column of its form.
void append_items(const PackedList& list, Column* items) {
  switch (items->kind) {
    case Column::Kind::kIntegers:
    case Column::Kind::kWords: list.each_integer([&](auto v) { items->integers.push_back(v); }); return;
    case Column::Kind::kFloats:
      for (size_t i = 0; i < list.size(); ++i) items->floats.push_back(list.floating(i));
      return;
    default:
      for (size_t i = 0; i < list.size(); ++i) items->values.push_back(list.get(i));
      return;
  }
}

Column::Kind kind_of(PackedList::Items items) {
  switch (items) {
    case PackedList::Items::kIntegers: return Column::Kind::kIntegers;
    case PackedList::Items::kWords: return Column::Kind::kWords;
    case PackedList::Items::kFloats: return Column::Kind::kFloats;
    case PackedList::Items::kStrings: return Column::Kind::kStrings;
    case PackedList::Items::kNone: break;
  }
  return Column::Kind::kValues;
}

// The form in which all lists of a column have their items; values where they differ, or where there are none.
class CommonForm {
 public:
  void add(const PackedList& list) {
    if (list.size() == 0) return;
    const Column::Kind kind = kind_of(list.items());
    if (!kind_) {
      kind_ = kind;
      words_ = list.word_type();
    }
    if (*kind_ != kind || words_ != list.word_type()) kind_ = Column::Kind::kValues;
  }
  void start(Column* items) const {
    if (kind_ == Column::Kind::kWords) {
      items->reset_words(words_);
    } else {
      items->reset(kind_.value_or(Column::Kind::kValues));
    }
  }

 private:
  std::optional<Column::Kind> kind_;
  WordType words_;
};

void reset(FlatLists* lists, size_t rows) {
  lists->items.clear();
  lists->ends.clear();
  lists->ends.reserve(rows);
  lists->nulls.clear();
}

void set_null(FlatLists* lists, size_t row, size_t rows) {
  if (lists->nulls.empty()) lists->nulls.resize(rows);
  lists->nulls[row] = 1;
}

// The row of each item.
std::vector<uint32_t> parents_of(const FlatLists& lists) {
  std::vector<uint32_t> parents;
  parents.reserve(lists.items.size());
  for (size_t row = 0; row < lists.ends.size(); ++row) parents.resize(lists.ends[row], static_cast<uint32_t>(row));
  return parents;
}

// Adds the slots that `expr` reads, each once.
void add_slots(const Expr* expr, std::vector<Slot>* slots) {
  if (expr == nullptr) return;
  if (expr->kind == ExprKind::kSlot && std::find(slots->begin(), slots->end(), expr->slot) == slots->end()) {
    slots->push_back(expr->slot);
  }
  for (const Expr* child : expr->children) add_slots(child, slots);
}

// The rows by the length of their lists, at most `longest`, those of the longest first.
std::vector<uint32_t> longest_first(const FlatLists& lists, size_t longest) {
  const size_t rows = lists.ends.size();
  std::vector<uint32_t> begins(longest + 2);  // of those of a length, by how much it is below the longest
  for (size_t row = 0; row < rows; ++row) ++begins[longest - lists.size(row) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> order(rows);
  for (size_t row = 0; row < rows; ++row) order[begins[longest - lists.size(row)]++] = static_cast<uint32_t>(row);
  return order;
}

// An item that may be missing: what the index says, and where it is then.
std::optional<size_t> place_of(int64_t index, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (index < 0) index += count;
  if (index < 0 || index >= count) return std::nullopt;
  return static_cast<size_t>(index);
}

}  // namespace

bool Kernels::is_flattened(const Expr& expr) {
  return expr.kind == ExprKind::kListComprehension ||
         (expr.kind == ExprKind::kFunction && expr.function == split_function() && expr.children.size() == 2);
}

bool Kernels::flatten(const Expr& expr, FlatLists* out) {
  if (evaluator_.stack_low()) [[unlikely]]
    return false;
  reset(out, rows_);
  if (expr.kind == ExprKind::kListComprehension) return flatten_comprehension(expr, out);
  if (is_flattened(expr) && flatten_split(expr, out)) return true;
  reset(out, rows_);
  ScratchScope scope(evaluator_);
  Operand lists;
  if (!operand(expr, &lists)) return false;
  return lists.column != nullptr ? flatten_column(*lists.column, out) : flatten_constant(lists.constant, out);
}

bool Kernels::flatten_column(const Column& lists, FlatLists* out) {
  switch (lists.kind) {
    case Column::Kind::kLists: return flatten_packed(lists, out);
    case Column::Kind::kValues: return flatten_boxed(lists, out);
    default: return false;  // no lists, unless all are null
  }
}

bool Kernels::flatten_packed(const Column& lists, FlatLists* out) {
  CommonForm form;
  size_t count = 0;
  std::vector<PackedList> packed;
  packed.reserve(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    if (lists.is_null(i)) set_null(out, i, rows_);
    const PackedList& list = packed.emplace_back(lists.texts[i]);  // of a null: empty
    form.add(list);
    count += list.size();
    if (count > kItemsMax) return false;
    out->ends.push_back(static_cast<uint32_t>(count));
  }
  if (!evaluator_.charge_made(count * sizeof(Value) + lists.texts.used()).ok()) return false;
  Column& items = out->items;
  form.start(&items);
  if (items.kind != Column::Kind::kStrings) {
    for (const PackedList& list : packed) append_items(list, &items);
    return true;
  }
  // The bytes are copied together, packed as they are.
  Texts& texts = items.texts;
  const size_t used = lists.texts.used();
  std::memcpy(texts.room(used), lists.texts.bytes(), used);
  texts.use(used);
  texts.entries.resize(count);
  Texts::Entry* to = texts.entries.data();
  for (const PackedList& list : packed) {
    for (size_t k = 0; k < list.size(); ++k) {
      const std::string_view text = list.string(k);
      *to++ = {static_cast<uint32_t>(text.data() - lists.texts.bytes()), static_cast<uint32_t>(text.size())};
    }
  }
  return true;
}

bool Kernels::flatten_boxed(const Column& lists, FlatLists* out) {
  size_t count = 0;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& list = lists.values[i];
    if (list.is_null()) {
      set_null(out, i, rows_);
    } else if (list.is_list()) {
      count += list.as_list().size();
    } else {
      return false;
    }
    if (count > kItemsMax) return false;
    out->ends.push_back(static_cast<uint32_t>(count));
  }
  if (!evaluator_.charge_made(count * sizeof(Value)).ok()) return false;
  for (const Value& list : lists.values) {
    if (list.is_null()) continue;
    for (const Value& item : list.as_list()) push_item(item, &out->items);
  }
  if (count == 0) out->items.reset(Column::Kind::kValues);
  return evaluator_.charge_made(out->items.texts.used()).ok();
}

bool Kernels::flatten_constant(const Value& list, FlatLists* out) {
  out->items.reset(Column::Kind::kValues);
  if (list.is_null()) {
    out->nulls.assign(rows_, 1);
    out->ends.assign(rows_, 0);
    return true;
  }
  if (!list.is_list() || list.as_list().size() * rows_ > kItemsMax) return false;
  if (!evaluator_.charge_made(list.as_list().size() * rows_ * sizeof(Value)).ok()) return false;
  out->items.clear();
  for (size_t i = 0; i < rows_; ++i) {
    for (const Value& item : list.as_list()) push_item(item, &out->items);
    out->ends.push_back(static_cast<uint32_t>(out->items.size()));
  }
  if (out->items.kind == Column::Kind::kEmpty) out->items.reset(Column::Kind::kValues);
  return evaluator_.charge_made(out->items.texts.used()).ok();
}

// split() at one separator: the pieces lie where the texts do.
bool Kernels::flatten_split(const Expr& expr, FlatLists* out) {
  ScratchScope scope(evaluator_);
  Operand text, separator;
  if (!operand(*expr.children[0], &text) || !operand(*expr.children[1], &separator)) return false;
  if (text.column == nullptr || text.column->kind != Column::Kind::kStrings || separator.column != nullptr ||
      !separator.constant.is_string() || separator.constant.as_string().empty()) {
    return false;
  }
  const std::string_view at = separator.constant.as_string();
  const Column& whole = *text.column;
  Column& pieces = out->items;
  pieces.reset(Column::Kind::kStrings);
  const size_t used = whole.texts.used();
  if (!evaluator_.charge_made(used).ok()) return false;
  std::memcpy(pieces.texts.room(used), whole.texts.bytes(), used);
  pieces.texts.use(used);
  std::vector<Texts::Entry>& entries = pieces.texts.entries;
  for (size_t i = 0; i < rows_; ++i) {
    if (whole.is_null(i)) {
      set_null(out, i, rows_);
    } else {
      const std::string_view row = whole.texts[i];
      const uint32_t offset = whole.texts.entries[i].offset;
      size_t begin = 0;
      for (size_t hit = row.find(at); hit != std::string_view::npos; hit = row.find(at, begin)) {
        entries.push_back({static_cast<uint32_t>(offset + begin), static_cast<uint32_t>(hit - begin)});
        begin = hit + at.size();
      }
      entries.push_back({static_cast<uint32_t>(offset + begin), static_cast<uint32_t>(row.size() - begin)});
      if (entries.size() > kItemsMax) return false;
    }
    out->ends.push_back(static_cast<uint32_t>(entries.size()));
  }
  return evaluator_.charge_made(entries.size() * sizeof(Texts::Entry)).ok();
}

bool Kernels::repeat_slots(std::initializer_list<const Expr*> bodies, const std::vector<uint32_t>& parents,
                           Batch* inner) {
  std::vector<Slot> slots;
  for (const Expr* body : bodies) add_slots(body, &slots);
  for (Slot slot : slots) {
    if (evaluator_.is_local(slot) ||
        std::any_of(locals_.begin(), locals_.end(), [slot](const auto& local) { return local.first == slot; })) {
      return false;
    }
    if (slot >= batch_.columns.size() || batch_.columns[slot].kind == Column::Kind::kEmpty) continue;
    if (!evaluator_.charge_made(parents.size() * sizeof(Value)).ok()) return false;
    (*inner)[slot].gather_from(batch_.columns[slot], parents);
  }
  return true;
}

// Kernels on another batch meanwhile: what is remembered of this one stays.
class Kernels::OtherBatch {
 public:
  explicit OtherBatch(Evaluator* evaluator) : evaluator_(*evaluator), same_(evaluator->same_batch_) {
    evaluator_.same_batch_ = false;
  }
  ~OtherBatch() { evaluator_.same_batch_ = same_; }
  OtherBatch(const OtherBatch&) = delete;
  OtherBatch& operator=(const OtherBatch&) = delete;

 private:
  Evaluator& evaluator_;
  const bool same_;
};

namespace {

// The batch on which bodies are evaluated, once for each item.
Batch batch_of_items(size_t slots, Slot slot, Column items) {
  Batch batch(std::max<size_t>(slots, slot + size_t{1}));
  batch.rows = items.size();
  batch[slot] = std::move(items);
  return batch;
}

}  // namespace

bool Kernels::flatten_comprehension(const Expr& expr, FlatLists* out) {
  const Expr *where = expr.children[1], *map = expr.children[2];
  FlatLists lists;
  if (!flatten(*expr.children[0], &lists)) return false;
  *out = std::move(lists);
  if (where == nullptr && map == nullptr) return true;
  const std::vector<uint32_t> parents = parents_of(*out);
  Batch inner = batch_of_items(batch_.columns.size(), expr.slot, std::move(out->items));
  if (!repeat_slots({where, map}, parents, &inner)) return false;
  const OtherBatch other(&evaluator_);
  if (where != nullptr) {
    ScratchScope scope(evaluator_);
    Kernels kernels(&evaluator_, inner);
    std::vector<uint8_t>* kept = kernels.scratch_mask();
    if (!kernels.mask(*where, kept)) return false;
    uint32_t end = 0;
    size_t item = 0;
    for (uint32_t& e : out->ends) {
      for (; item < e; ++item) end += (*kept)[item] == kMaskTrue ? 1 : 0;
      e = end;
    }
    std::vector<uint32_t> rows;
    select_true(*kept, &rows);
    if (rows.size() < inner.rows) inner.gather(rows);
  }
  if (map == nullptr) {
    out->items = std::move(inner[expr.slot]);
    return true;
  }
  out->items.clear();
  return Kernels(&evaluator_, inner).column(*map, &out->items) && out->items.size() == inner.rows;
}

bool Kernels::comprehension(const Expr& expr, Column* out) {
  FlatLists lists;
  if (!flatten_comprehension(expr, &lists)) return false;
  out->reset(Column::Kind::kValues);
  out->values.resize(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    if (lists.is_null(i)) continue;
    if (!evaluator_.charge_made(list_bytes(lists.size(i))).ok()) return false;
    List items;
    items.reserve(lists.size(i));
    for (size_t k = lists.begin(i); k < lists.ends[i]; ++k) items.push_back(lists.items.get(k));
    out->values[i] = Value::list(std::move(items));
    if (!check_extent(*evaluator_.context_, out->values[i]).ok()) return false;
  }
  return true;
}

bool Kernels::quantifier(const Expr& expr, std::vector<uint8_t>* out) {
  FlatLists lists;
  if (!flatten(*expr.children[0], &lists)) return false;
  const std::vector<uint32_t> parents = parents_of(lists);
  Batch inner = batch_of_items(batch_.columns.size(), expr.slot, std::move(lists.items));
  if (!repeat_slots({expr.children[1]}, parents, &inner)) return false;
  const OtherBatch other(&evaluator_);
  ScratchScope scope(evaluator_);
  Kernels kernels(&evaluator_, inner);
  std::vector<uint8_t>* truth = kernels.scratch_mask();
  if (!kernels.mask(*expr.children[1], truth)) return false;
  for (size_t i = 0; i < rows_; ++i) {
    size_t of[3] = {0, 0, 0};  // how many are false, true, null
    for (size_t k = lists.begin(i); k < lists.ends[i]; ++k) ++of[(*truth)[k]];
    const size_t failed = of[0], matched = of[kMaskTrue], unknown = of[kMaskNull];
    bool decided = true, result = false;
    switch (expr.op) {
      case 'a':
        decided = failed > 0 || unknown == 0;
        result = failed == 0;
        break;
      case 'y':
        decided = matched > 0 || unknown == 0;
        result = matched > 0;
        break;
      case 'n':
        decided = matched > 0 || unknown == 0;
        result = matched == 0;
        break;
      default:
        decided = matched > 1 || unknown == 0;
        result = matched == 1;
        break;
    }
    (*out)[i] = lists.is_null(i) || !decided ? kMaskNull : result ? kMaskTrue : 0;
  }
  return true;
}

// All rows one step at a time: the n-th items of all lists that have so many. Rows are taken by the length of their
// lists, so that those that go on are always the first ones.
bool Kernels::reduction(const Expr& expr, Column* out) {
  constexpr size_t kRowsPerStep = 4;  // fewer: row by row is as quick
  const Expr& body = *expr.children[2];
  FlatLists lists;
  if (!flatten(*expr.children[1], &lists)) return false;
  size_t steps = 0;
  for (size_t i = 0; i < rows_; ++i) steps = std::max(steps, lists.size(i));
  if (lists.items.size() < steps * kRowsPerStep) return false;
  const std::vector<uint32_t> order = longest_first(lists, steps);

  Batch inner(std::max<size_t>(batch_.columns.size(), std::max(expr.slot, expr.slot2) + size_t{1}));
  Column sums;
  {
    ScratchScope scope(evaluator_);
    Operand init;
    if (!operand(*expr.children[0], &init)) return false;
    if (init.column != nullptr) {
      sums.gather_from(*init.column, order);
    } else {
      for (size_t i = 0; i < rows_; ++i) sums.push(init.constant);
    }
  }
  if (sums.size() != rows_ || !repeat_slots({&body}, order, &inner)) return false;
  const OtherBatch other(&evaluator_);
  Column done;  // of rows that are at the end of their list
  std::vector<uint32_t> items, place(rows_);
  size_t active = rows_;
  const auto finish = [&](size_t left) {
    if (left == active) return;
    for (size_t i = left; i < active; ++i) place[order[i]] = static_cast<uint32_t>(done.size() + (i - left));
    done.append_rows(sums, left, active - left);
    active = left;
    sums.truncate(active);
    inner.rows = active;
    for (Column& column : inner.columns) column.truncate(active);
  };
  for (size_t step = 0; step < steps; ++step) {
    size_t left = active;
    while (left > 0 && lists.size(order[left - 1]) <= step) --left;
    finish(left);
    items.clear();
    for (size_t i = 0; i < active; ++i) items.push_back(static_cast<uint32_t>(lists.begin(order[i]) + step));
    inner.rows = active;
    inner[expr.slot].clear();
    inner[expr.slot].gather_from(lists.items, items);
    inner[expr.slot2] = std::move(sums);
    sums = Column();
    if (!Kernels(&evaluator_, inner).column(body, &sums) || sums.size() != active) return false;
    // Texts and lists that grow would be copied at each step.
    const bool number =
        sums.kind == Column::Kind::kIntegers || sums.kind == Column::Kind::kFloats || sums.kind == Column::Kind::kWords;
    if (!number) return false;
  }
  finish(0);
  out->clear();
  out->gather_from(done, place);
  if (!lists.nulls.empty()) {
    Column filled = std::move(*out);
    *out = Column();
    for (size_t i = 0; i < rows_; ++i) lists.is_null(i) ? out->push_nulls(1) : out->push_from(filled, i);
  }
  return true;
}

bool Kernels::list_sizes(const Expr& expr, Column* out) {
  FlatLists lists;
  if (!flatten(*expr.children[0], &lists)) return false;
  out->reset(Column::Kind::kIntegers);
  out->integers.resize(rows_);
  for (size_t i = 0; i < rows_; ++i) out->integers[i] = static_cast<int64_t>(lists.size(i));
  out->nulls = std::move(lists.nulls);
  return true;
}

// size() of a column of lists and nulls; false: it has others.
bool Kernels::sizes_of(const Column& lists, Column* out) {
  const bool packed = lists.kind == Column::Kind::kLists;
  if (!packed && lists.kind != Column::Kind::kValues) return false;
  out->reset(Column::Kind::kIntegers);
  out->integers.resize(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    if (lists.is_null(i)) {
      if (out->nulls.empty()) out->nulls.resize(rows_);
      out->nulls[i] = 1;
    } else if (packed) {
      out->integers[i] = static_cast<int64_t>(PackedList(lists.texts[i]).size());
    } else if (lists.values[i].is_list()) {
      out->integers[i] = static_cast<int64_t>(lists.values[i].as_list().size());
    } else {
      return false;
    }
  }
  return true;
}

void Kernels::element_of_packed(const Column& lists, int64_t index, Column* out) {
  CommonForm form;
  for (size_t i = 0; i < rows_; ++i) {
    if (!lists.is_null(i)) form.add(PackedList(lists.texts[i]));
  }
  form.start(out);
  for (size_t i = 0; i < rows_; ++i) {
    const PackedList list(lists.texts[i]);  // of a null: empty
    const std::optional<size_t> place = place_of(index, list.size());
    if (!place) {
      out->push_nulls(1);
      continue;
    }
    if (!out->nulls.empty()) out->nulls.push_back(0);
    switch (out->kind) {
      case Column::Kind::kIntegers:
      case Column::Kind::kWords: out->integers.push_back(list.integer(*place)); break;
      case Column::Kind::kFloats: out->floats.push_back(list.floating(*place)); break;
      case Column::Kind::kStrings: out->texts.push(list.string(*place)); break;
      default: out->values.push_back(list.get(*place)); break;
    }
  }
}

bool Kernels::element_of_flat(const FlatLists& lists, const Operand& index, Column* out) {
  const Column* const indices = index.column;
  if (indices == nullptr ? !index.constant.is_integer() : indices->kind != Column::Kind::kIntegers) return false;
  out->clear();
  out->kind = lists.items.kind;
  out->word_type = lists.items.word_type;
  for (size_t i = 0; i < rows_; ++i) {
    const bool known = indices == nullptr || !indices->is_null(i);
    const int64_t wanted = indices == nullptr ? index.constant.as_integer() : indices->integers[i];
    const std::optional<size_t> place = known ? place_of(wanted, lists.size(i)) : std::nullopt;
    if (place) {
      out->push_from(lists.items, lists.begin(i) + *place);
    } else {
      out->push_nulls(1);
    }
  }
  return true;
}

// x IN list, where the lists are packed: items of x's type are compared as they are.
bool Kernels::in_packed(const Operand& x, const Column& lists, std::vector<uint8_t>* out) {
  Value box, result;
  for (size_t i = 0; i < rows_; ++i) {
    if (lists.is_null(i)) {
      (*out)[i] = kMaskNull;
      continue;
    }
    const PackedList list(lists.texts[i]);
    const Value& wanted = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    bool found = false;
    int64_t word = 0;
    if (list.items() == PackedList::Items::kStrings && wanted.is_string()) {
      const std::string_view text = wanted.as_string();
      for (size_t k = 0; k < list.size() && !found; ++k) found = list.string(k) == text;
    } else if (list.items() == PackedList::Items::kIntegers && wanted.is_integer()) {
      const int64_t number = wanted.as_integer();
      list.each_integer([&](auto v) { found |= int64_t{v} == number; });
    } else if (list.items() == PackedList::Items::kWords && wanted.type() == list.word_type().type &&
               word_of(wanted, &word)) {
      list.each_integer([&](auto v) { found |= int64_t{v} == word; });
    } else {
      if (!in_list(wanted, list.unpack(), &result).ok()) return false;
      (*out)[i] = result.is_null() ? kMaskNull : result.as_boolean() ? kMaskTrue : 0;
      continue;
    }
    (*out)[i] = found ? kMaskTrue : 0;
  }
  return true;
}

}  // namespace lora::cypher

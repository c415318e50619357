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
constexpr size_t kTextsMax = size_t{4} << 20;  // bytes of all texts to be split
constexpr size_t kTextCopiedMax = 32;          // bytes; longer ones are shared as values

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
  if (!lists.ends.empty()) parents.reserve(lists.ends.back());
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

// The first items of each list, so many at most. False: the column has other values than lists and nulls.
bool first_items(const Column& lists, size_t limit, FlatLists* out) {
  Value box;
  const size_t rows = lists.size();
  for (size_t i = 0; i < rows; ++i) {
    if (lists.is_null(i)) {
      set_null(out, i, rows);
    } else if (lists.kind == Column::Kind::kLists) {
      const PackedList list(lists.texts[i]);
      for (size_t k = 0; k < std::min(limit, list.size()); ++k) push_item(list.get(k), &out->items);
    } else if (lists.kind == Column::Kind::kValues && lists.values[i].is_list()) {
      const ListItems list(lists.values[i]);
      for (size_t k = 0; k < std::min(limit, list.size()); ++k) push_item(list.get(k, &box), &out->items);
    } else {
      return false;
    }
    out->ends.push_back(static_cast<uint32_t>(out->items.size()));
  }
  if (out->items.kind == Column::Kind::kEmpty) out->items.reset(Column::Kind::kValues);
  return true;
}

size_t size_of_list(const Column& lists, size_t row) {
  if (lists.is_null(row)) return 0;
  return lists.kind == Column::Kind::kLists ? PackedList(lists.texts[row]).size() : ListItems(lists.values[row]).size();
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
  const size_t rows = lists.size();
  CommonForm form;
  size_t count = 0;
  std::vector<PackedList> packed;
  packed.reserve(rows);
  for (size_t i = 0; i < rows; ++i) {
    if (lists.is_null(i)) set_null(out, i, rows);
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
  const size_t rows = lists.size();
  size_t count = 0;
  for (size_t i = 0; i < rows; ++i) {
    const Value& list = lists.values[i];
    if (list.is_null()) {
      set_null(out, i, rows);
    } else if (list.is_list()) {
      count += ListItems(list).size();
    } else {
      return false;
    }
    if (count > kItemsMax) return false;
    out->ends.push_back(static_cast<uint32_t>(count));
  }
  if (!evaluator_.charge_made(count * sizeof(Value)).ok()) return false;
  Value box;
  for (const Value& list : lists.values) {
    if (list.is_null()) continue;
    const ListItems items(list);
    for (size_t i = 0; i < items.size(); ++i) {
      const Value& item = items.get(i, &box);
      push_item(item, &out->items);
      // Long texts and items of several types are as quick where they are.
      if (out->items.kind == Column::Kind::kValues && !item.is_map() && !item.is_list()) return false;
    }
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
  if (used > kTextsMax || !evaluator_.charge_made(used).ok()) return false;
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

bool Kernels::outer_slots(std::initializer_list<const Expr*> exprs, std::vector<Slot>* slots) {
  for (const Expr* expr : exprs) add_slots(expr, slots);
  for (Slot slot : *slots) {
    if (evaluator_.is_local(slot) ||
        std::any_of(locals_.begin(), locals_.end(), [slot](const auto& local) { return local.first == slot; })) {
      return false;
    }
  }
  std::erase_if(*slots, [this](Slot slot) {
    return slot >= batch_.columns.size() || batch_.columns[slot].kind == Column::Kind::kEmpty;
  });
  return true;
}

bool Kernels::repeat(const std::vector<Slot>& slots, const std::vector<uint32_t>& rows, Batch* inner) {
  for (Slot slot : slots) {
    const Column& from = batch_.columns[slot];
    uint64_t bytes = rows.size() * sizeof(Value);
    if (from.kind == Column::Kind::kStrings || from.kind == Column::Kind::kLists) {
      // As Texts::append_from() copies them: what stands several times in a row once.
      const std::vector<Texts::Entry>& entries = from.texts.entries;
      for (size_t i = 0; i < rows.size(); ++i) {
        if (i == 0 || entries[rows[i]] != entries[rows[i - 1]]) bytes += entries[rows[i]].length;
      }
    }
    if (!evaluator_.charge_made(bytes).ok()) return false;
    (*inner)[slot].gather_from(from, rows);
  }
  return true;
}

template <typename Visit>
bool Kernels::each_window(FlatLists* lists, Slot slot, std::initializer_list<const Expr*> bodies, Visit visit) {
  constexpr size_t kWindow = 8'192;
  std::vector<Slot> slots;
  if (!outer_slots(bodies, &slots)) return false;
  std::erase(slots, slot);
  const std::vector<uint32_t> parents = slots.empty() ? std::vector<uint32_t>() : parents_of(*lists);
  const OtherBatch other(&evaluator_);
  QueryControl* const control = evaluator_.context_->control;
  const size_t count = lists->items.size();
  Batch inner(std::max<size_t>(batch_.columns.size(), slot + size_t{1}));
  for (size_t first = 0; first < count; first += kWindow) {
    if (first > 0 && control != nullptr && !control->tick().ok()) return false;
    inner.clear();
    inner.rows = std::min(kWindow, count - first);
    if (inner.rows == count) {
      inner[slot] = std::move(lists->items);
    } else {
      inner[slot].append_rows(lists->items, first, inner.rows);
    }
    if (!slots.empty()) {
      const auto begin = parents.begin() + static_cast<ptrdiff_t>(first);
      if (!repeat(slots, {begin, begin + static_cast<ptrdiff_t>(inner.rows)}, &inner)) return false;
    }
    Kernels kernels(&evaluator_, inner);
    if (!visit(kernels, inner, first)) return false;
  }
  return true;
}

bool Kernels::flatten_comprehension(const Expr& expr, FlatLists* out) {
  const Expr *where = expr.children[1], *map = expr.children[2];
  FlatLists lists;
  if (!flatten(*expr.children[0], &lists)) return false;
  if (where == nullptr && map == nullptr) {
    *out = std::move(lists);
    return true;
  }
  Column made;
  made.reset(Column::Kind::kValues);
  std::vector<uint8_t> kept;  // of each item, where there is a condition
  const bool done = each_window(&lists, expr.slot, {where, map}, [&](Kernels& kernels, Batch& inner, size_t) {
    ScratchScope scope(evaluator_);
    if (where != nullptr) {
      std::vector<uint8_t>* truth = kernels.scratch_mask();
      if (!kernels.mask(*where, truth)) return false;
      kept.insert(kept.end(), truth->begin(), truth->end());
      std::vector<uint32_t> rows;
      select_true(*truth, &rows);
      if (rows.size() < inner.rows) inner.gather(rows);
    }
    if (inner.rows == 0) return true;
    Column* result = &inner[expr.slot];
    if (map != nullptr) {
      result = scratch_column();
      if (!Kernels(&evaluator_, inner).column(*map, result) || result->size() != inner.rows) return false;
    }
    if (made.size() == 0) {
      made = std::move(*result);
    } else {
      made.append(*result);
    }
    return true;
  });
  if (!done) return false;
  out->items = std::move(made);
  out->ends = std::move(lists.ends);
  out->nulls = std::move(lists.nulls);
  if (where == nullptr) return true;
  uint32_t end = 0;
  size_t item = 0;
  for (uint32_t& e : out->ends) {
    for (; item < e; ++item) end += kept[item] == kMaskTrue ? 1 : 0;
    e = end;
  }
  return true;
}

bool Kernels::comprehension(const Expr& expr, Column* out) {
  FlatLists lists;
  if (!flatten_comprehension(expr, &lists)) return false;
  out->reset(Column::Kind::kValues);
  out->values.resize(rows_);
  for (size_t i = 0; i < rows_; ++i) {
    if (lists.is_null(i)) continue;
    List items;
    items.reserve(lists.size(i));
    for (size_t k = lists.begin(i); k < lists.ends[i]; ++k) items.push_back(lists.items.get(k));
    out->values[i] = Value::list(std::move(items));
    if (!evaluator_.charge_made(out->values[i].heap_bytes()).ok()) return false;
    if (!check_extent(*evaluator_.context_, out->values[i]).ok()) return false;
  }
  return true;
}

namespace {

// What a quantifier says of how many items are false, true and null: codes of masks.
uint8_t quantified(char op, const size_t (&of)[3]) {
  const size_t failed = of[0], matched = of[kMaskTrue], unknown = of[kMaskNull];
  bool decided = true, result = false;
  switch (op) {
    case 'a':
      decided = failed > 0 || unknown == 0;
      result = failed == 0;
      break;
    case 'y':
    case 'n':
      decided = matched > 0 || unknown == 0;
      result = (matched > 0) == (op == 'y');
      break;
    default:
      decided = matched > 1 || unknown == 0;
      result = matched == 1;
      break;
  }
  return !decided ? kMaskNull : result ? kMaskTrue : 0;
}

}  // namespace

bool Kernels::test_items(const Expr& expr, FlatLists* lists, std::vector<uint8_t>* truth) {
  return each_window(lists, expr.slot, {expr.children[1]}, [&](Kernels& kernels, Batch&, size_t) {
    ScratchScope scope(evaluator_);
    std::vector<uint8_t>* some = kernels.scratch_mask();
    if (!kernels.mask(*expr.children[1], some)) return false;
    truth->insert(truth->end(), some->begin(), some->end());
    return true;
  });
}

bool Kernels::quantifier(const Expr& expr, std::vector<uint8_t>* out) {
  const Expr& of = *expr.children[0];
  ScratchScope scope(evaluator_);
  FlatLists lists;
  if (!is_flattened(of)) {
    Operand x;
    if (!operand(of, &x)) return false;
    if (x.column != nullptr) return quantify_column(expr, *x.column, 1, out);
    reset(&lists, rows_);
    if (!flatten_constant(x.constant, &lists)) return false;
  } else if (!flatten(of, &lists)) {
    return false;
  }
  std::vector<uint8_t> truth;
  if (!test_items(expr, &lists, &truth)) return false;
  for (size_t i = 0; i < rows_; ++i) {
    size_t count[3] = {0, 0, 0};
    for (size_t k = lists.begin(i); k < lists.ends[i]; ++k) ++count[truth[k]];
    (*out)[i] = lists.is_null(i) ? kMaskNull : quantified(expr.op, count);
  }
  return true;
}

// The first `limit` items of all lists, which often decide; then more of those that are left.
bool Kernels::quantify_column(const Expr& expr, const Column& lists, size_t limit, std::vector<uint8_t>* out) {
  constexpr size_t kAll = SIZE_MAX, kSome = 32;
  FlatLists some;
  reset(&some, rows_);
  if (limit == kAll ? !flatten_column(lists, &some) : !first_items(lists, limit, &some)) return false;
  std::vector<uint8_t> truth;
  if (!test_items(expr, &some, &truth)) return false;
  std::vector<uint32_t> left;
  size_t items_left = 0;
  for (size_t i = 0; i < rows_; ++i) {
    size_t count[3] = {0, 0, 0};
    for (size_t k = some.begin(i); k < some.ends[i]; ++k) ++count[truth[k]];
    (*out)[i] = some.is_null(i) ? kMaskNull : quantified(expr.op, count);
    const bool decided = expr.op == 'a' ? count[0] > 0 : count[kMaskTrue] > (expr.op == 's' ? 1 : 0);
    if (limit == kAll || decided || some.size(i) < limit) continue;
    const size_t size = size_of_list(lists, i);
    if (size == limit) continue;
    left.push_back(static_cast<uint32_t>(i));
    items_left += size;
  }
  if (left.empty()) return true;
  Batch rest(batch_.columns.size());
  rest.rows = left.size();
  std::vector<Slot> slots;
  if (!outer_slots({expr.children[1]}, &slots) || !repeat(slots, left, &rest)) return false;
  ScratchScope scope(evaluator_);
  Column* of_rest = scratch_column();
  of_rest->gather_from(lists, left);
  const OtherBatch other(&evaluator_);
  Kernels kernels(&evaluator_, rest);
  std::vector<uint8_t>* more = scratch_mask();
  more->resize(rest.rows);
  const bool in_between = limit < kSome && items_left > left.size() * 2 * kSome;
  if (!kernels.quantify_column(expr, *of_rest, in_between ? kSome : kAll, more)) return false;
  for (size_t i = 0; i < left.size(); ++i) (*out)[left[i]] = (*more)[i];
  return true;
}

// All rows one step at a time: the n-th items of all lists that have so many. Rows are taken by the length of their
// lists, so that those that go on are always the first ones.
bool Kernels::reduction(const Expr& expr, Column* out) {
  constexpr size_t kRowsPerStep = 4;  // fewer: row by row is as quick
  const Expr& body = *expr.children[2];
  ScratchScope scope(evaluator_);
  Operand init;
  if (!operand(*expr.children[0], &init)) return false;
  // Texts and lists that grow would be copied at each step.
  const auto grows = [](const Operand& x) {
    if (x.column == nullptr) return x.constant.is_string() || x.constant.is_list();
    return x.column->kind == Column::Kind::kStrings || x.column->kind == Column::Kind::kLists ||
           x.column->kind == Column::Kind::kValues;
  };
  if (grows(init)) return false;
  FlatLists lists;
  if (!flatten(*expr.children[1], &lists)) return false;
  size_t steps = 0;
  for (size_t i = 0; i < rows_; ++i) steps = std::max(steps, lists.size(i));
  if (lists.items.size() < steps * kRowsPerStep) return false;
  const std::vector<uint32_t> order = longest_first(lists, steps);

  Batch inner(std::max<size_t>(batch_.columns.size(), std::max(expr.slot, expr.slot2) + size_t{1}));
  Column sums;
  if (init.column != nullptr) {
    sums.gather_from(*init.column, order);
  } else {
    for (size_t i = 0; i < rows_; ++i) sums.push(init.constant);
  }
  std::vector<Slot> slots;
  if (sums.size() != rows_ || !outer_slots({&body}, &slots)) return false;
  std::erase_if(slots, [&expr](Slot slot) { return slot == expr.slot || slot == expr.slot2; });
  if (!repeat(slots, order, &inner)) return false;
  const OtherBatch other(&evaluator_);
  QueryControl* const control = evaluator_.context_->control;
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
    if (control != nullptr && !control->tick().ok()) return false;
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
      out->integers[i] = static_cast<int64_t>(ListItems(lists.values[i]).size());
    } else {
      return false;
    }
  }
  return true;
}

bool Kernels::element_of_packed(const Column& lists, const Operand& index, Column* out) {
  const Column* const indices = index.column;
  if (indices == nullptr ? !index.constant.is_integer() : indices->kind != Column::Kind::kIntegers) return false;
  CommonForm form;
  for (size_t i = 0; i < rows_; ++i) {
    if (!lists.is_null(i)) form.add(PackedList(lists.texts[i]));
  }
  form.start(out);
  for (size_t i = 0; i < rows_; ++i) {
    const PackedList list(lists.texts[i]);  // of a null: empty
    const bool known = indices == nullptr || !indices->is_null(i);
    const int64_t wanted = indices == nullptr ? index.constant.as_integer() : indices->integers[i];
    const std::optional<size_t> place = known ? place_of(wanted, list.size()) : std::nullopt;
    if (!place) {
      out->push_nulls(1);
      continue;
    }
    if (!out->nulls.empty()) out->nulls.push_back(0);
    switch (out->kind) {
      case Column::Kind::kIntegers:
      case Column::Kind::kWords: out->integers.push_back(list.integer(*place)); break;
      case Column::Kind::kFloats: out->floats.push_back(list.floating(*place)); break;
      case Column::Kind::kStrings:
        if (!out->texts.push(list.string(*place))) return false;
        break;
      default: out->values.push_back(list.get(*place)); break;
    }
  }
  return true;
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

bool Kernels::in_packed(const Operand& x, const Column& lists, std::vector<uint8_t>* out) {
  Value box;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& wanted = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    (*out)[i] = lists.is_null(i) ? kMaskNull : static_cast<uint8_t>(PackedList(lists.texts[i]).contains(wanted));
  }
  return true;
}

}  // namespace lora::cypher

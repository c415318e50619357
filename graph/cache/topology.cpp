#include "graph/cache/topology.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "graph/cache/versions.h"
#include "kv/check.h"

namespace lora::graph::cache {

namespace {

// First position whose pair is not below (neighbour, relationship).
uint32_t lower_bound(const Neighbours& list, uint64_t neighbour, uint64_t relationship) {
  return list.with_neighbours([&](auto neighbours) {
    uint32_t from = 0, n = list.count;
    while (n > 0) {
      const uint32_t half = n / 2;
      const uint64_t at = neighbours[from + half];
      if (at < neighbour || (at == neighbour && list.relationship(from + half) < relationship)) {
        from += half + 1;
        n -= half + 1;
      } else {
        n = half;
      }
    }
    return from;
  });
}

bool is_pair(const Neighbours& list, uint32_t at, uint64_t neighbour, uint64_t relationship) {
  return at < list.count && list.neighbour(at) == neighbour && list.relationship(at) == relationship;
}

// --- chunks ---

TopologyChunk* allocate_chunk(WriteContext* context, size_t capacity, uint32_t hub_capacity, PairWidths widths) {
  const size_t bytes = sizeof(TopologyChunk) + hub_capacity * sizeof(Hub*) + widths.bytes(capacity);
  auto* chunk = new (allocate(context, bytes)) TopologyChunk;
  chunk->capacity = static_cast<uint32_t>(capacity);
  chunk->hub_capacity = hub_capacity;
  chunk->widths = widths;
  register_object(context, chunk, bytes);
  return chunk;
}

// `old` is not in the root any more, `by` is.
void replace(WriteContext& context, Object* old, Object* by) {
  if (context.mine(old)) {
    context.replaced(old, by);
  } else {
    context.retire(old);
  }
}

void copy_header(TopologyChunk* to, const TopologyChunk* from) {
  to->hub_mask = from->hub_mask;
  std::memcpy(to->degrees, from->degrees, sizeof to->degrees);
  std::memcpy(to->offsets, from->offsets, sizeof to->offsets);
  const auto hubs = static_cast<uint32_t>(std::popcount(from->hub_mask));
  for (uint32_t i = 0; i < hubs; ++i) to->hubs()[i] = from->hubs()[i];
}

// The room a copy gets: a little, because most statements change a chunk once; more when it is changed again.
size_t grown(size_t used, bool mine) {
  return mine ? used + used / 2 + 16 : used + 8;
}

uint16_t stored_degree(uint32_t degree) {
  return static_cast<uint16_t>(std::min<uint32_t>(degree, TopologyChunk::kMany));
}

// A chunk that is mine in which the list of `row` is that of `list` (null: empty) and its hub is `hub` (or null).
TopologyChunk* rebuild(WriteContext& context, TopologyChunk* chunk, uint32_t row, HubBlock* list, Hub* hub) {
  const uint32_t from = chunk->offsets[row], old_count = chunk->offsets[row + 1] - from;
  const uint32_t used = chunk->offsets[TopologyChunk::kNodes];
  const uint32_t count = list != nullptr ? list->count : 0;
  const uint64_t bit = uint64_t{1} << row;
  const auto hubs = static_cast<uint32_t>(std::popcount((chunk->hub_mask & ~bit) | (hub != nullptr ? bit : 0)));
  const PairWidths widths = list != nullptr ? chunk->widths.with(list->widths) : chunk->widths;
  TopologyChunk* made = allocate_chunk(&context, used - old_count + count + 8, hubs, widths);
  std::memcpy(made->degrees, chunk->degrees, sizeof made->degrees);
  made->degrees[row] = stored_degree(hub != nullptr ? hub->degree : count);
  made->hub_mask = (chunk->hub_mask & ~bit) | (hub != nullptr ? bit : 0);
  uint32_t to = 0, taken = 0;
  for (uint32_t r = 0; r < TopologyChunk::kNodes; ++r) {
    if (r == row) {
      if (hub != nullptr) made->hubs()[to++] = hub;
      if (chunk->is_hub(r)) ++taken;
    } else if (chunk->is_hub(r)) {
      made->hubs()[to++] = chunk->hubs()[taken++];
    }
    made->offsets[r] = static_cast<uint16_t>(chunk->offsets[r] + (r > row ? count - old_count : 0));
  }
  made->offsets[TopologyChunk::kNodes] = static_cast<uint16_t>(used + count - old_count);
  made->pairs().copy(0, chunk->pairs(), 0, from);
  if (list != nullptr) made->pairs().copy(from, list->pairs(), 0, count);
  made->pairs().copy(from + count, chunk->pairs(), from + old_count, used - from - old_count);
  replace(context, chunk, made);
  return made;
}

// The chunk as mine without pair `at` of its arrays; offsets are as they were.
TopologyChunk* erase_at(WriteContext& context, TopologyChunk* chunk, uint32_t at) {
  const uint32_t used = chunk->offsets[TopologyChunk::kNodes];
  if (context.mine(chunk)) {
    chunk->pairs().close_gap(at, used);
    return chunk;
  }
  TopologyChunk* copy =
      allocate_chunk(&context, used - 1, static_cast<uint32_t>(std::popcount(chunk->hub_mask)), chunk->widths);
  copy_header(copy, chunk);
  copy->pairs().copy(0, chunk->pairs(), 0, at);
  copy->pairs().copy(at, chunk->pairs(), at + 1, used - 1 - at);
  context.retire(chunk);
  return copy;
}

// --- hubs ---

HubBlock* allocate_block(WriteContext* context, uint32_t capacity, PairWidths widths) {
  const size_t bytes = sizeof(HubBlock) + widths.bytes(capacity);
  auto* block = new (allocate(context, bytes)) HubBlock;
  block->capacity = static_cast<uint16_t>(capacity);
  block->widths = widths;
  register_object(context, block, bytes);
  return block;
}

HubPage* allocate_page(WriteContext* context, uint32_t capacity) {
  const size_t bytes = sizeof(HubPage) + capacity * (sizeof(uint64_t) + sizeof(HubBlock*));
  auto* page = new (allocate(context, bytes)) HubPage;
  page->capacity = capacity;
  register_object(context, page, bytes);
  return page;
}

// Puts blocks from .. from + count - 1 of `source` behind those of `page`, which has room for them.
void append_blocks(HubPage* page, const HubPage* source, uint32_t from, uint32_t count) {
  std::memcpy(page->first() + page->count, source->first() + from, count * sizeof(uint64_t));
  std::memcpy(page->block() + page->count, source->block() + from, count * sizeof(HubBlock*));
  page->count += count;
}

Hub* allocate_hub(WriteContext* context, uint32_t capacity) {
  const size_t bytes = sizeof(Hub) + capacity * sizeof(HubPage*);
  auto* hub = new (allocate(context, bytes)) Hub;
  hub->capacity = capacity;
  register_object(context, hub, bytes);
  return hub;
}

HubBlock* copy_block(WriteContext& context, HubBlock* block, uint32_t capacity, PairWidths widths) {
  HubBlock* copy = allocate_block(&context, capacity, widths);
  copy->first = block->first;
  copy->count = block->count;
  copy->pairs().copy(0, block->pairs(), 0, block->count);
  return copy;
}

struct HubPlace {
  uint32_t page = 0, block = 0;
};

// The block that holds, or would hold, the pair: the last one whose key is not above it.
HubPlace locate(const Hub* hub, BlockKey key) {
  const auto not_above = [&key](const HubPage* page, uint32_t b) {
    const uint64_t first = page->first()[b];
    return first < key.neighbour || (first == key.neighbour && page->block()[b]->first <= key);
  };
  uint32_t low = 0, high = hub->count;  // last page whose first key is not above
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    if (not_above(hub->pages()[middle], 0)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const HubPage* page = hub->pages()[low];
  uint32_t first = 0, last = page->count;
  while (last - first > 1) {
    const uint32_t middle = (first + last) / 2;
    if (not_above(page, middle)) {
      first = middle;
    } else {
      last = middle;
    }
  }
  return {low, first};
}

// A hub that is being changed. All it hands out is mine.
class HubEdit {
 public:
  HubEdit(WriteContext& context, Hub* hub) : context_(context), hub_(hub) {
    if (!context_.mine(hub_)) grow_hub(hub_->count);
  }
  Hub* hub() { return hub_; }
  const HubPage* page(uint32_t p) const { return hub_->pages()[p]; }
  HubBlock* block(HubPlace at) const { return hub_->pages()[at.page]->block()[at.block]; }
  bool single() const { return hub_->count == 1 && hub_->pages()[0]->count == 1; }
  bool is_last(HubPlace at) const { return at.page + 1 == hub_->count && at.block + 1 == page(at.page)->count; }

  // The page with room for `room` more blocks.
  HubPage* own_page(uint32_t p, uint32_t room) {
    HubPage* page = hub_->pages()[p];
    const bool mine = context_.mine(page);
    if (mine && page->count + room <= page->capacity) return page;
    HubPage* copy = allocate_page(&context_, grown_page(page->count + room, mine));
    append_blocks(copy, page, 0, page->count);
    replace(context_, page, copy);
    hub_->pages()[p] = copy;
    return copy;
  }
  // The block with room for `room` more pairs, and in each for ids of these widths.
  HubBlock* own_block(HubPlace at, uint32_t room, PairWidths widths) {
    HubBlock* old = block(at);
    const bool mine = context_.mine(old);
    widths = widths.with(old->widths);
    if (mine && widths == old->widths && old->count + room <= old->capacity) return old;
    uint32_t capacity = old->count + room;
    capacity = mine ? capacity + capacity / 2 : (capacity + 7) & ~7u;
    HubBlock* copy = copy_block(context_, old, std::min(capacity, HubBlock::kPairsMax), widths);
    replace(context_, old, copy);
    own_page(at.page, 0)->block()[at.block] = copy;
    return copy;
  }
  // Puts `block` behind the block at `at`; returns its place.
  HubPlace add_after(HubPlace at, HubBlock* block) {
    HubPage* page;
    if (this->page(at.page)->count < HubPage::kBlocksMax) {
      page = own_page(at.page, 1);
    } else {
      // At the end of the hub the new page begins with the new block alone; else the page is halved.
      page = own_page(at.page, 0);
      const uint32_t keep = is_last(at) ? page->count : page->count / 2;
      HubPage* right = allocate_page(&context_, grown_page(page->count - keep + 1, false));
      append_blocks(right, page, keep, page->count - keep);
      page->count = keep;
      if (hub_->count == hub_->capacity) grow_hub(hub_->count + std::max(4u, hub_->count / 4));
      HubPage** pages = hub_->pages();
      for (uint32_t i = hub_->count; i > at.page + 1; --i) pages[i] = pages[i - 1];
      pages[at.page + 1] = right;
      ++hub_->count;
      if (at.block >= keep || right->count == 0) {
        at = {at.page + 1, at.block - keep};  // wraps below zero for an empty new page: put_into adds one
        page = right;
      }
    }
    const uint32_t to = at.block + 1;
    for (uint32_t i = page->count; i > to; --i) {
      page->first()[i] = page->first()[i - 1];
      page->block()[i] = page->block()[i - 1];
    }
    page->first()[to] = block->first.neighbour;
    page->block()[to] = block;
    ++page->count;
    return {at.page, to};
  }
  // Takes the block out (and its page when that was the last one). Retires it.
  void remove(HubPlace at) {
    HubPage* page = own_page(at.page, 0);
    context_.retire(page->block()[at.block]);
    for (uint32_t i = at.block; i + 1 < page->count; ++i) {
      page->first()[i] = page->first()[i + 1];
      page->block()[i] = page->block()[i + 1];
    }
    --page->count;
    if (page->count > 0) return;
    context_.retire(page);
    HubPage** pages = hub_->pages();
    for (uint32_t i = at.page; i + 1 < hub_->count; ++i) pages[i] = pages[i + 1];
    --hub_->count;
  }
  bool before(HubPlace at, HubPlace* out) const {
    if (at.block > 0) {
      *out = {at.page, at.block - 1};
      return true;
    }
    if (at.page == 0) return false;
    *out = {at.page - 1, page(at.page - 1)->count - 1};
    return true;
  }
  bool after(HubPlace at, HubPlace* out) const {
    if (is_last(at)) return false;
    *out = at.block + 1 < page(at.page)->count ? HubPlace{at.page, at.block + 1} : HubPlace{at.page + 1, 0};
    return true;
  }
  // Appends the right block's pairs to the left one and removes the right one.
  void merge(HubPlace left, HubPlace right, TouchedBlocks* touched) {
    HubBlock* const from = block(right);
    HubBlock* to = own_block(left, from->count, from->widths);
    to->pairs().copy(to->count, from->pairs(), 0, from->count);
    to->count = static_cast<uint16_t>(to->count + from->count);
    touched->add(to->first);
    touched->add(from->first);
    remove(right);
  }

 private:
  // The room a page for so many blocks gets: more when it is changed again.
  static uint32_t grown_page(uint32_t blocks, bool mine) {
    return std::min(mine ? blocks + blocks / 2 + 2 : blocks + 1, HubPage::kBlocksMax);
  }
  void grow_hub(uint32_t capacity) {
    Hub* copy = allocate_hub(&context_, capacity);
    copy->count = hub_->count;
    copy->degree = hub_->degree;
    std::memcpy(copy->pages(), hub_->pages(), hub_->count * sizeof(HubPage*));
    replace(context_, hub_, copy);
    hub_ = copy;
  }

  WriteContext& context_;
  Hub* hub_;
};

void put_pair(HubBlock* block, uint32_t at, uint64_t neighbour, uint64_t relationship) {
  block->pairs().open_gap(at, block->count);
  block->pairs().put(at, neighbour, relationship);
  ++block->count;
}

Hub* insert_into_hub(WriteContext& context, Hub* hub, uint64_t neighbour, uint64_t relationship,
                     TouchedBlocks* touched) {
  HubEdit edit(context, hub);
  ++edit.hub()->degree;
  HubPlace place = locate(edit.hub(), {neighbour, relationship});
  const HubBlock* block = edit.block(place);
  uint32_t at = lower_bound(block->segment(), neighbour, relationship);
  const PairWidths widths = PairWidths().with(neighbour, relationship);
  if (block->count < HubBlock::kPairsMax) {
    HubBlock* own = edit.own_block(place, 1, widths);
    put_pair(own, at, neighbour, relationship);
    touched->add(own->first);
    return edit.hub();
  }
  if (at == block->count && edit.is_last(place)) {
    HubBlock* fresh = allocate_block(&context, 16, widths);
    fresh->first = {neighbour, relationship};
    put_pair(fresh, 0, neighbour, relationship);
    edit.add_after(place, fresh);
    touched->add(fresh->first);
    return edit.hub();
  }
  constexpr uint32_t kHalf = HubBlock::kPairsMax / 2;
  HubBlock* left = edit.own_block(place, 0, {});
  HubBlock* right = allocate_block(&context, kHalf + 32, left->widths.with(widths));
  right->pairs().copy(0, left->pairs(), kHalf, kHalf);
  right->count = kHalf;
  right->first = {left->segment().neighbour(kHalf), left->segment().relationship(kHalf)};
  left->count = kHalf;
  touched->add(left->first);
  touched->add(right->first);
  const HubPlace right_place = edit.add_after(place, right);
  // Adding may have moved the left block to another page.
  if (!edit.before(right_place, &place)) LORA_DCHECK(false);
  if (at <= kHalf) {
    put_pair(edit.own_block(place, 1, widths), at, neighbour, relationship);
  } else {
    put_pair(edit.own_block(right_place, 1, widths), at - kHalf, neighbour, relationship);
  }
  return edit.hub();
}

}  // namespace

void Pairs::copy(size_t to, const Pairs& from, size_t from_at, size_t count) const {
  if (count == 0) return;
  const auto copy_ids = [=](char* target, size_t width, const char* source, size_t source_width) {
    if (width == source_width) {
      std::memmove(target + to * width, source + from_at * width, count * width);
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      put_packed_id(target, static_cast<uint32_t>(width), to + i,
                    packed_id(source, static_cast<uint32_t>(source_width), from_at + i));
    }
  };
  copy_ids(neighbours, widths.neighbour, from.neighbours, from.widths.neighbour);
  copy_ids(relationships, widths.relationship, from.relationships, from.widths.relationship);
}

TopologyChunk* TopologyChunk::empty() {
  static TopologyChunk* const shared = [] {
    auto* chunk = new (allocate(nullptr, sizeof(TopologyChunk))) TopologyChunk;
    chunk->flags = kStatic;
    std::memset(chunk->degrees, 0, sizeof chunk->degrees);
    std::memset(chunk->offsets, 0, sizeof chunk->offsets);
    return chunk;
  }();
  return shared;
}

void TopologyChunk::add_degrees(uint32_t first, uint32_t count, int64_t* degrees) const {
  const uint16_t* known = this->degrees + first;
  bool many = false;
  for (uint32_t i = 0; i < count; ++i) {
    degrees[i] += known[i];
    many |= known[i] == kMany;
  }
  for (uint32_t i = 0; i < count && many; ++i) {
    if (known[i] == kMany) degrees[i] += static_cast<int64_t>(hub(first + i)->degree) - kMany;
  }
}

void TopologyChunk::segments(uint32_t row, std::vector<Neighbours>* out) const {
  for_each_segment(row, [out](const Neighbours& segment) { out->push_back(segment); });
}

void TopologyChunk::find(uint32_t row, uint64_t neighbour, std::vector<uint64_t>* relationships) const {
  if (!is_hub(row)) {
    const Neighbours all = list(row);
    for (uint32_t i = lower_bound(all, neighbour, 0); i < all.count && all.neighbour(i) == neighbour; ++i) {
      relationships->push_back(all.relationship(i));
    }
    return;
  }
  const Hub* h = hub(row);
  HubPlace at = locate(h, {neighbour, 0});
  for (; at.page < h->count; ++at.page, at.block = 0) {
    const HubPage* page = h->pages()[at.page];
    for (; at.block < page->count; ++at.block) {
      const Neighbours segment = page->block()[at.block]->segment();
      uint32_t i = lower_bound(segment, neighbour, 0);
      for (; i < segment.count && segment.neighbour(i) == neighbour; ++i)
        relationships->push_back(segment.relationship(i));
      if (i < segment.count) return;
    }
  }
}

bool TopologyChunk::contains(uint32_t row, uint64_t neighbour, uint64_t relationship) const {
  Neighbours segment;
  if (is_hub(row)) {
    const Hub* h = hub(row);
    const HubPlace at = locate(h, {neighbour, relationship});
    segment = h->pages()[at.page]->block()[at.block]->segment();
  } else {
    segment = list(row);
  }
  return is_pair(segment, lower_bound(segment, neighbour, relationship), neighbour, relationship);
}

bool TopologyChunk::find_block(uint32_t row, BlockKey key, Neighbours* out) const {
  if (!is_hub(row)) {
    *out = list(row);
    return out->count != 0 && key == BlockKey{};
  }
  const Hub* h = hub(row);
  const HubPlace at = locate(h, key);
  const HubBlock* block = h->pages()[at.page]->block()[at.block];
  if (block->first != key) return false;
  *out = block->segment();
  return true;
}

bool TopologyChunk::find_loops(uint64_t first_node) const {
  bool some = false;
  for (uint32_t row = 0; row < kNodes && !some; ++row) {
    const uint64_t node = first_node + row;
    constexpr uint32_t kWalkedMax = 24;  // shorter lists are walked faster than searched
    const Neighbours all = list(row);
    if (all.count <= kWalkedMax && !is_hub(row)) {
      all.with_neighbours([&](auto neighbours) {
        for (uint32_t i = 0; i < all.count; ++i) some |= neighbours[i] == node;
      });
    } else {
      std::vector<uint64_t> found;
      find(row, node, &found);
      some = !found.empty();
    }
  }
  loops.store(some ? Loops::kSome : Loops::kNone, std::memory_order_relaxed);
  return some;
}

TopologyChunk* TopologyChunk::writable(WriteContext& context, TopologyChunk* chunk) {
  if (context.mine(chunk)) return chunk;
  const uint32_t used = chunk->offsets[kNodes];
  TopologyChunk* copy =
      allocate_chunk(&context, used, static_cast<uint32_t>(std::popcount(chunk->hub_mask)), chunk->widths);
  copy_header(copy, chunk);
  copy->pairs().copy(0, chunk->pairs(), 0, used);
  context.retire(chunk);
  return copy;
}

TopologyChunk* TopologyChunk::insert(WriteContext& context, TopologyChunk* chunk, uint32_t row, uint64_t neighbour,
                                     uint64_t relationship, TouchedBlocks* touched) {
  if (context.mine(chunk)) chunk->loops.store(Loops::kUnknown, std::memory_order_relaxed);
  if (chunk->is_hub(row)) {
    chunk = writable(context, chunk);
    Hub*& place = chunk->hubs()[chunk->hub_rank(row)];
    place = insert_into_hub(context, place, neighbour, relationship, touched);
    chunk->degrees[row] = stored_degree(place->degree);
    return chunk;
  }
  const Neighbours old = chunk->list(row);
  const uint32_t in_list = lower_bound(old, neighbour, relationship);
  LORA_DCHECK(!is_pair(old, in_list, neighbour, relationship));
  if (old.count == kListMax) {
    HubBlock* block = allocate_block(&context, kListMax + 32, chunk->widths.with(neighbour, relationship));
    block->pairs().copy(0, chunk->pairs(), chunk->offsets[row], old.count);
    block->count = static_cast<uint16_t>(old.count);
    put_pair(block, in_list, neighbour, relationship);
    HubPage* page = allocate_page(&context, 1);
    page->count = 1;
    page->first()[0] = 0;
    page->block()[0] = block;
    Hub* hub = allocate_hub(&context, 1);
    hub->count = 1;
    hub->pages()[0] = page;
    hub->degree = block->count;
    chunk = rebuild(context, chunk, row, nullptr, hub);
    touched->add(BlockKey{});
    return chunk;
  }
  const uint32_t used = chunk->offsets[kNodes];
  const uint32_t at = chunk->offsets[row] + in_list;
  const bool mine = context.mine(chunk);
  const PairWidths widths = chunk->widths.with(neighbour, relationship);
  if (!mine || used == chunk->capacity || widths != chunk->widths) {
    TopologyChunk* copy =
        allocate_chunk(&context, grown(used, mine), static_cast<uint32_t>(std::popcount(chunk->hub_mask)), widths);
    copy_header(copy, chunk);
    copy->pairs().copy(0, chunk->pairs(), 0, at);
    copy->pairs().copy(at + 1, chunk->pairs(), at, used - at);
    replace(context, chunk, copy);
    chunk = copy;
  } else {
    chunk->pairs().open_gap(at, used);
  }
  chunk->pairs().put(at, neighbour, relationship);
  for (uint32_t r = row + 1; r <= kNodes; ++r) ++chunk->offsets[r];
  ++chunk->degrees[row];
  touched->add(BlockKey{});
  return chunk;
}

TopologyChunk* TopologyChunk::merge(WriteContext& context, TopologyChunk* chunk, std::span<const NewPair> pairs,
                                    uint64_t* left) {
  *left = 0;
  uint32_t added = 0;
  PairWidths widths = chunk->widths;
  for (size_t from = 0, to = 0; from < pairs.size(); from = to) {
    const uint32_t row = pairs[from].row;
    uint64_t neighbours = 0, relationships = 0;
    for (; to < pairs.size() && pairs[to].row == row; ++to) {
      neighbours |= pairs[to].neighbour;
      relationships |= pairs[to].relationship;
    }
    if (chunk->is_hub(row) || chunk->degree(row) + (to - from) > kListMax) {
      *left |= uint64_t{1} << row;
      continue;
    }
    added += static_cast<uint32_t>(to - from);
    widths = widths.with(neighbours, relationships);
  }
  if (added == 0) return chunk;
  const uint32_t used = chunk->offsets[kNodes];
  TopologyChunk* made = chunk;
  if (!context.mine(chunk) || used + added > chunk->capacity || widths != chunk->widths) {
    made = allocate_chunk(&context, used + added + 8, static_cast<uint32_t>(std::popcount(chunk->hub_mask)), widths);
    copy_header(made, chunk);
  }
  // From the last one on, which also works in place: of the old pairs those below `old_end` are still to be moved.
  const Pairs to = made->pairs(), from = chunk->pairs();
  uint32_t old_end = used, new_end = used + added;
  const auto move_from = [&](uint32_t at) {
    const uint32_t count = old_end - at;
    new_end -= count;
    old_end = at;
    if (made == chunk && new_end == at) return;
    to.copy(new_end, from, at, count);
  };
  for (size_t p = pairs.size(); p-- > 0;) {
    const NewPair& pair = pairs[p];
    if ((*left >> pair.row & 1) != 0) continue;
    Neighbours rest = chunk->list(pair.row);
    rest.count = std::min(rest.count, old_end - chunk->offsets[pair.row]);
    const uint32_t in_list = lower_bound(rest, pair.neighbour, pair.relationship);
    LORA_DCHECK(!is_pair(rest, in_list, pair.neighbour, pair.relationship));
    move_from(chunk->offsets[pair.row] + in_list);
    --new_end;
    to.put(new_end, pair.neighbour, pair.relationship);
  }
  move_from(0);
  uint32_t shift = 0;
  size_t next = 0;
  for (uint32_t row = 0; row < kNodes; ++row) {
    made->offsets[row] = static_cast<uint16_t>(made->offsets[row] + shift);
    for (; next < pairs.size() && pairs[next].row == row; ++next) {
      if ((*left >> row & 1) != 0) continue;
      ++shift;
      ++made->degrees[row];
    }
  }
  made->offsets[kNodes] = static_cast<uint16_t>(made->offsets[kNodes] + shift);
  made->loops.store(Loops::kUnknown, std::memory_order_relaxed);
  if (made != chunk) replace(context, chunk, made);
  return made;
}

TopologyChunk* TopologyChunk::erase(WriteContext& context, TopologyChunk* chunk, uint32_t row, uint64_t neighbour,
                                    uint64_t relationship, TouchedBlocks* touched, bool* found) {
  if (!chunk->is_hub(row)) {
    const Neighbours all = chunk->list(row);
    const uint32_t in_list = lower_bound(all, neighbour, relationship);
    *found = is_pair(all, in_list, neighbour, relationship);
    if (!*found) return chunk;
    chunk = erase_at(context, chunk, chunk->offsets[row] + in_list);
    for (uint32_t r = row + 1; r <= kNodes; ++r) --chunk->offsets[r];
    --chunk->degrees[row];
    touched->add(BlockKey{});
    return chunk;
  }
  *found = chunk->contains(row, neighbour, relationship);
  if (!*found) return chunk;
  chunk = writable(context, chunk);
  Hub*& slot = chunk->hubs()[chunk->hub_rank(row)];
  HubEdit edit(context, slot);
  const HubPlace place = locate(edit.hub(), {neighbour, relationship});
  HubBlock* block = edit.own_block(place, 0, {});
  block->pairs().close_gap(lower_bound(block->segment(), neighbour, relationship), block->count);
  --block->count;
  --edit.hub()->degree;
  touched->add(block->first);
  constexpr uint32_t kSmall = 64, kMerged = 192;
  if (block->count < kSmall) {
    HubPlace left, right;
    const bool has_left = edit.before(place, &left), has_right = edit.after(place, &right);
    if (has_left && edit.block(left)->count + block->count <= kMerged) {
      edit.merge(left, place, touched);
    } else if (has_right && edit.block(right)->count + block->count <= kMerged) {
      edit.merge(place, right, touched);
    } else if (block->count == 0 && has_left) {
      edit.remove(place);
    } else if (block->count == 0 && has_right) {
      edit.merge(place, right, touched);  // the first block of a list keeps the key (0, 0)
    }
  }
  slot = edit.hub();
  chunk->degrees[row] = stored_degree(slot->degree);
  if (edit.single() && edit.hub()->degree <= kListAgain) {
    Hub* hub = edit.hub();
    HubPage* page = hub->pages()[0];
    HubBlock* last = page->block()[0];
    chunk = rebuild(context, chunk, row, last, nullptr);
    context.retire(last);
    context.retire(page);
    context.retire(hub);
  }
  return chunk;
}

// --- builder ---

TopologyBuilder::TopologyBuilder() = default;
TopologyBuilder::~TopologyBuilder() = default;

bool TopologyBuilder::add_block(uint32_t row, BlockKey key, std::span<const uint64_t> neighbours,
                                std::span<const uint64_t> relationships) {
  const size_t count = neighbours.size();
  if (row >= TopologyChunk::kNodes || count == 0 || count > HubBlock::kPairsMax || relationships.size() != count)
    return false;
  // Every pair above the one before; the first one not below the key; the key above the block before.
  BlockKey last = key;
  if (!blocks_.empty() && blocks_.back().row == row) {
    if (key <= BlockKey{neighbours_.back(), relationships_.back()}) return false;
  } else if (key != BlockKey{} || (!blocks_.empty() && blocks_.back().row > row)) {
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    const BlockKey pair{neighbours[i], relationships[i]};
    if (i == 0 ? pair < last : pair <= last) return false;
    if (pair.neighbour > kIdMax || pair.relationship > kIdMax) return false;
    last = pair;
  }
  blocks_.push_back({row, key, static_cast<uint32_t>(neighbours_.size()), static_cast<uint32_t>(count)});
  neighbours_.insert(neighbours_.end(), neighbours.begin(), neighbours.end());
  relationships_.insert(relationships_.end(), relationships.begin(), relationships.end());
  return true;
}

Loaded<TopologyChunk> TopologyBuilder::finish() {
  if (blocks_.empty()) return Loaded<TopologyChunk>(TopologyChunk::empty());
  struct Row {
    uint32_t first = 0, blocks = 0, degree = 0;
  };
  Row rows[TopologyChunk::kNodes];
  for (uint32_t b = 0; b < blocks_.size(); ++b) {
    Row& row = rows[blocks_[b].row];
    if (row.blocks++ == 0) row.first = b;
    row.degree += blocks_[b].count;
  }
  const auto widths_of = [this](uint32_t from, uint32_t count) {
    uint64_t neighbours = 0, relationships = 0;
    for (uint32_t i = from; i < from + count; ++i) {
      neighbours |= neighbours_[i];
      relationships |= relationships_[i];
    }
    return PairWidths().with(neighbours, relationships);
  };
  const Pairs all{reinterpret_cast<char*>(neighbours_.data()), reinterpret_cast<char*>(relationships_.data()), {8, 8}};
  uint32_t used = 0, hubs = 0;
  PairWidths widths;
  for (const Row& row : rows) {
    if (row.blocks > 1 || row.degree > TopologyChunk::kListMax) {
      ++hubs;
      continue;
    }
    used += row.degree;
    if (row.degree != 0) widths = widths.with(widths_of(blocks_[row.first].from, row.degree));
  }
  // Each part is the chunk's as soon as it is made, so that what there is goes with the chunk when memory runs out.
  Loaded<TopologyChunk> chunk(allocate_chunk(nullptr, used, hubs, widths));
  uint32_t to = 0, hub_at = 0;
  for (uint32_t r = 0; r < TopologyChunk::kNodes; ++r) {
    const Row& row = rows[r];
    chunk->degrees[r] = stored_degree(row.degree);
    chunk->offsets[r] = static_cast<uint16_t>(to);
    if (row.blocks == 0) continue;
    if (row.blocks == 1 && row.degree <= TopologyChunk::kListMax) {
      chunk->pairs().copy(to, all, blocks_[row.first].from, row.degree);
      to += row.degree;
      continue;
    }
    const uint32_t pages = (row.blocks + HubPage::kBlocksMax - 1) / HubPage::kBlocksMax;
    Hub* hub = allocate_hub(nullptr, pages);
    hub->degree = row.degree;
    chunk->hub_mask |= uint64_t{1} << r;
    chunk->hubs()[hub_at++] = hub;
    for (uint32_t b = 0; b < row.blocks; ++b) {
      if (b % HubPage::kBlocksMax == 0) {
        hub->pages()[hub->count++] = allocate_page(nullptr, std::min(row.blocks - b, HubPage::kBlocksMax));
      }
      const Block& from = blocks_[row.first + b];
      HubBlock* block = allocate_block(nullptr, from.count, widths_of(from.from, from.count));
      block->first = from.key;
      block->count = static_cast<uint16_t>(from.count);
      block->pairs().copy(0, all, from.from, from.count);
      HubPage* page = hub->pages()[hub->count - 1];
      page->first()[page->count] = from.key.neighbour;
      page->block()[page->count++] = block;
    }
  }
  chunk->offsets[TopologyChunk::kNodes] = static_cast<uint16_t>(to);
  blocks_.clear();
  neighbours_.clear();
  relationships_.clear();
  return chunk;
}

}  // namespace lora::graph::cache

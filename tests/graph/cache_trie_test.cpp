// Tries against maps, over many versions: tables that grow one token at a time, inner tries that grow with the ids,
// readers of old versions that load into what the writer has copied, undone statements, versions that are never
// published, and evictions in between. The stored state of a version is its model.
#include "graph/cache/trie.h"

#include <map>
#include <utility>
#include <vector>

#include "graph/cache/label_chunk.h"
#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

TEST(Trie, ShapesCoverWhatTheyAreMadeFor) {
  for (uint32_t bits = 0; bits < 60; ++bits) {
    for (const uint64_t count : {uint64_t{1} << bits, (uint64_t{1} << bits) + 1, (uint64_t{2} << bits) - 1}) {
      const TrieShape shape = trie_shape_for(count);
      const Loaded<TrieNode> node(make_trie_node(nullptr, shape));
      EXPECT_TRUE(trie_covers(node.get(), count - 1)) << count;
      // A size smaller would not do.
      const bool least = shape.level == 0 && shape.capacity == 4;
      const uint64_t smaller =
          shape.capacity > 4 ? uint64_t{shape.capacity} / 4 << (6 * shape.level) : uint64_t{1} << (6 * shape.level);
      EXPECT_TRUE(least || smaller < count) << count;
    }
  }
}

// Bits of the first 64 rows, by (label, chunk index).
using Model = std::map<std::pair<uint64_t, uint64_t>, uint64_t>;

uint64_t wanted(const Model& model, uint64_t label, uint64_t index) {
  const auto it = model.find({label, index});
  return it == model.end() ? 0 : it->second;
}

class TrieModel {
 public:
  explicit TrieModel(uint64_t salt) : random_(salt), versions_([](const kv::Snapshot*) {}), budget_(&versions_, 0) {
    Root root;
    root.reserve(0, 0, 0, 0, 0);
    versions_.open(std::move(root));
    models_[versions_.tip()] = Model();
    access_ = versions_.claim_access();
  }
  ~TrieModel() {
    for (const auto& [slot, root] : pins_) versions_.unpin(slot);
    versions_.release_access(access_);
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      versions_.enter(access_);
      for (int i = 0; i < 6; ++i) read_a_pinned_version();
      versions_.leave(access_);
      pin_or_unpin();
      maybe_evict();
      write_a_version();
      maybe_evict();
    }
  }

 private:
  static Loaded<LabelChunk> load(const Model& stored, uint64_t label, uint64_t index) {
    const uint64_t bits = wanted(stored, label, index);
    if (bits == 0) return Loaded<LabelChunk>(LabelChunk::empty());
    Loaded<LabelChunk> chunk(LabelChunk::make(nullptr));
    for (uint32_t row = 0; row < 64; ++row) {
      if ((bits >> row & 1) != 0) chunk->set(row, true);
    }
    return chunk;
  }
  uint64_t some_index() { return random_.below(random_.chance(20) ? 5000 : 70); }

  // Any label and index, also those that this version does not have.
  void read(const Root& root, WriteContext* context, const Model& stored, const Model& now) {
    const uint64_t label = random_.below(labels_ + 3), index = some_index();
    const LabelChunk* chunk = root.find_label_chunk(LabelId(static_cast<uint32_t>(label)), index);
    if (chunk == nullptr && label >= root.label_tokens) return;
    if (chunk == nullptr) {
      chunk =
          root.publish_label_chunk(context, LabelId(static_cast<uint32_t>(label)), index, load(stored, label, index));
    }
    uint64_t bits = 0;
    for (uint32_t row = 0; row < 64; ++row) bits |= uint64_t{chunk->get(row)} << row;
    ASSERT_EQ(bits, wanted(now, label, index)) << label << " " << index;
  }
  void read_a_pinned_version() {
    if (pins_.empty()) return;
    const Root* root = pins_[random_.below(pins_.size())].second;
    read(*root, nullptr, models_.at(root), models_.at(root));
  }
  void pin_or_unpin() {
    if (random_.chance(30)) {
      uint32_t slot = 0;
      const Root* root = versions_.pin(&slot);
      pins_.emplace_back(slot, root);
    }
    if (random_.chance(28) && !pins_.empty()) {
      const auto at = pins_.begin() + static_cast<ptrdiff_t>(random_.below(pins_.size()));
      versions_.unpin(at->first);
      pins_.erase(at);
    }
  }
  void maybe_evict() {
    if (random_.chance(10)) budget_.drop_all();
  }

  void write_a_version() {
    const Root* base = versions_.tip();
    const Model& stored = models_.at(base);
    Model model = stored;
    auto context = versions_.begin();
    uint32_t labels = base->label_tokens;
    for (int statement = 0; statement < 3; ++statement) {
      const Model before = model;
      const bool undone = random_.chance(25);
      context->begin_statement();
      versions_.enter(access_);
      for (uint64_t edits = random_.below(6); edits > 0 && !::testing::Test::HasFatalFailure(); --edits) {
        const auto lock = versions_.structure();
        Root& root = *context->root();
        if (labels < 300 && random_.chance(8) && !undone) {
          root.label_tokens = labels + 1;
          root.next_node = std::max<uint64_t>(root.next_node, LabelChunk::kRows * random_.below(5000));
          root.edit_fresh_label(*context, LabelId(labels++));
          labels_ = std::max<uint64_t>(labels_, labels);
        } else if (labels > 0) {
          edit(*context, *base, stored, static_cast<uint32_t>(random_.below(labels)), &model);
        }
        if (random_.chance(30)) read(root, context.get(), stored, model);
        if (random_.chance(30)) read_a_pinned_version();
      }
      versions_.leave(access_);
      maybe_evict();
      if (undone) {
        context->rollback_statement();
        model = before;
      } else {
        context->finish_statement();
      }
    }
    if (random_.chance(15)) return;  // rolled back
    const Root* made = versions_.commit(std::move(context), ++version_, nullptr);
    models_[made] = std::move(model);
    const uint64_t then = random_.below(10);
    if (then < 7) versions_.publish(version_);
    if (then == 9) versions_.drop_unpublished();
  }
  void edit(WriteContext& context, const Root& base, const Model& stored, uint32_t label, Model* model) {
    const uint64_t index = some_index();
    Root& root = *context.root();
    const LabelId id(label);
    root.next_node = std::max<uint64_t>(root.next_node, (index + 1) * LabelChunk::kRows);
    if (root.find_label_chunk(id, index) == nullptr) {
      if (label >= base.label_tokens || index * LabelChunk::kRows >= base.next_node) {
        root.edit_fresh_label_chunk(context, id, index);
      } else {
        root.publish_label_chunk(&context, id, index, load(stored, label, index));
      }
    }
    const auto row = static_cast<uint32_t>(random_.below(64));
    const bool value = random_.chance(70);
    ASSERT_TRUE(root.edit_label(context, id, NodeId(index * LabelChunk::kRows + row), value));
    uint64_t& bits = (*model)[{label, index}];
    bits = value ? bits | uint64_t{1} << row : bits & ~(uint64_t{1} << row);
  }

  Random random_;
  Versions versions_;  // whose end checks that every byte was given back
  Budget budget_;
  AccessSlot* access_;
  uint64_t labels_ = 0, version_ = 0;
  std::map<const Root*, Model> models_;
  std::vector<std::pair<uint32_t, const Root*>> pins_;
};

TEST(Trie, VersionsAgreeWithTheirModels) {
  for (uint64_t salt = 0; salt < 20 && !HasFailure(); ++salt) {
    SCOPED_TRACE(salt);
    TrieModel(1000 + salt).run(300);
  }
}

}  // namespace
}  // namespace lora::graph::cache

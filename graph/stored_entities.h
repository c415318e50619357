// A walk over what the store holds of entities, in the order of their ids: records, and what heads say of those
// without.
//
//   StoredEntities entities(&store);
//   entities.begin(root, EntityKind::kNode, {.first = 0, .end = root.next_node});
//   for (;;) { LORA_ASSIGN(const bool more, entities.next()); if (!more) break; ... entities.node() }
//
// All that comes from the store is checked; damage is kCorruption naming the key, and the walk may go on behind it.
// Threads: used by one at a time; keeps scratch space from walk to walk.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "graph/cache/root.h"
#include "graph/grouped_columns.h"
#include "graph/record.h"
#include "graph/stored_columns.h"
#include "graph/stored_heads.h"
#include "graph/wanted_properties.h"
#include "kv/store.h"

namespace lora::graph {

class StoredEntities {
 public:
  explicit StoredEntities(const kv::Store* store) : store_(store), grouped_(store) {}

  struct Range {
    uint64_t first = 0, end = kNoId;           // of ids
    const std::vector<KeyId>* keys = nullptr;  // of nodes: only these properties are read, ascending; null: all
    size_t readahead_bytes = 0;
    // For who loads blocks: what the head says is left to who walks, left_to_head(), and columns that it lists are read
    // where they are wanted.
    bool blocks = false;
  };
  // Both must stay until the end of the walk. Reads as of the root's store snapshot, without a place in the block
  // cache.
  void begin(const RootFields& root, EntityKind kind, const Range& range);
  // On to the next entity; false: there is none, or the store has failed (the status says so).
  Result<bool> next();
  // Between blocks. What is at or beyond `id`, which begins one, is left to a later call: next() says that there is no
  // more. What the block before has had is forgotten.
  // `wanted`: of the block that comes (with Range::blocks).
  void go_on_until(uint64_t id, const WantedProperties& wanted = WantedProperties::all());
  // Ends the walk: nothing of the store is held any more.
  void end() {
    cursor_.reset();
    grouped_.end();
  }
  // Goes on at `id`, which is not below the last one, so that next() finds it or what comes behind it.
  void skip_to(uint64_t id);

  uint64_t id() const { return id_; }
  // Of the kind that is walked over. Properties are those of the record alone, until apply() puts those of columns in
  // their place.
  StoredNode& node() { return current_->node; }
  StoredRelationship& relationship() { return current_->relationship; }
  uint64_t written() const {
    return kind_ == EntityKind::kNode ? current_->node.written : current_->relationship.written;
  }
  std::vector<Property>& properties() {
    return kind_ == EntityKind::kNode ? current_->node.properties : current_->relationship.properties;
  }
  void apply();
  // Of the block that the entity is in; at the end, of the last block.
  StoredColumns& columns() { return columns_; }
  const StoredHead& head() const { return head_; }
  // The rows that exist by that head, and have no record so far.
  RowBits left_to_head() const;
  // The rows whose records have been met in that block so far, empty ones too.
  const RowBits& record_rows() const { return record_rows_; }

 private:
  struct Decoded {
    StoredNode node;
    StoredRelationship relationship;
  };
  Status enter();
  Status decode(ByteView key, ByteView record, Decoded* out, bool* exists);
  Status note_part(ByteView key, KeyId property, ByteView value);
  bool is_wanted(KeyId property) const;
  void leave_block();
  void forget_parts();
  void move_to(uint64_t id);
  uint64_t limit() const { return kind_ == EntityKind::kNode ? root_->next_node : root_->next_relationship; }

  const kv::Store* store_;
  const RootFields* root_ = nullptr;
  EntityKind kind_ = EntityKind::kNode;
  Range range_;
  std::unique_ptr<kv::Cursor> cursor_;
  uint64_t block_ = kNoId;  // whose parts are at hand; none: kNoId
  uint32_t row_ = 0;        // the next one of it to look at
  uint64_t least_ = 0;      // what is below is skipped
  uint64_t stop_ = kNoId;
  bool failed_ = false;  // and that has been told
  // Its first record comes before its columns and its head.
  enum class First : uint8_t { kNone, kThere, kGone } first_state_ = First::kNone;
  Decoded first_, other_;
  Decoded* current_ = &other_;
  uint64_t id_ = 0;
  RowBits record_rows_;
  StoredColumns columns_;
  StoredHead head_;
  GroupedColumns grouped_;
  WantedProperties wanted_ = WantedProperties::all();
};

// Of a record, without columns. kCorruption naming the key.
Status decode_entity(const RootFields& root, ByteView key, ByteView record, StoredNode* out);
Status decode_entity(const RootFields& root, ByteView key, ByteView record, StoredRelationship* out);

TokenLimits token_limits(const RootFields& root);

}  // namespace lora::graph

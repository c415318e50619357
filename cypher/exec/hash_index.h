// Rows by key, for grouping, DISTINCT and joins: equivalence of whole keys (null ~ null, NaN ~ NaN, 1 ~ 1.0).
//
//   KeyStore  the keys kept, one column per key part, and which entry a row's key is.
//
// Typed columns are hashed and compared without boxing; numbers hash by value so that columns of different kinds agree.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cypher/expr/batch.h"

namespace lora::cypher {

inline uint64_t mix_hash(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  return x ^ (x >> 32);
}

uint64_t hash_value(const Value& v);
uint64_t hash_text(std::string_view text);
bool equal_at(const Column& a, size_t row_a, const Column& b, size_t row_b);

// An open-addressing table from hash to entry number; what an entry is, the caller knows.
class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  void clear();
  void release();  // clear(), and gives its memory back
  size_t size() const { return hashes_.size(); }
  size_t heap_bytes() const { return slots_.capacity() * sizeof(Slot) + hashes_.capacity() * sizeof(uint64_t); }

  // The entry with this hash for which same(entry), or a new one (its number is size() before) with *added.
  template <typename Same>
  uint32_t find_or_add(uint64_t hash, Same same, bool* added) {
    if ((hashes_.size() + 1) * 4 > slots_.size() * 3) grow();
    const size_t mask = slots_.size() - 1;
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.entry == kNone) {
        slot.tag = tag;
        slot.entry = static_cast<uint32_t>(hashes_.size());
        hashes_.push_back(hash);
        *added = true;
        return slot.entry;
      }
      if (slot.tag == tag && same(slot.entry)) {
        *added = false;
        return slot.entry;
      }
    }
  }
  // Beyond what the nearest cache holds.
  bool large() const { return slots_.size() >= 4096; }
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  template <typename Same>
  uint32_t find(uint64_t hash, Same same) const {
    if (slots_.empty()) return kNone;
    const size_t mask = slots_.size() - 1;
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.entry == kNone) return kNone;
      if (slot.tag == tag && same(slot.entry)) return slot.entry;
    }
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t entry = kNone;
  };
  // Small tables are kept emptier: most keys are found at their first place.
  static constexpr size_t kSparseSlots = 1024;
  void grow();

  std::vector<Slot> slots_;
  std::vector<uint64_t> hashes_;  // by entry
};

// Distinct keys in the order they came.
//
// Keys of one part that are entities or whole numbers close together (a good part of those from 0 to the highest are
// keys) are numbered by an array over them instead of the hash table; keys of two parts that are small numbers (as the
// codes of texts are) by an array over both.
class KeyStore {
 public:
  explicit KeyStore(size_t parts = 0) : columns_(parts) {}

  void clear();
  void release();
  size_t size() const { return size_; }
  const Column& part(size_t i) const { return columns_[i]; }
  size_t heap_bytes() const;  // walks all values: not cheap

  // Which entry each row's key is; new ones are added. `keys`: one column per part, all with `rows` rows. An empty
  // column stands for nulls.
  void find_or_add(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                   std::vector<uint32_t>* added_rows);
  uint32_t find(const std::vector<const Column*>& keys, size_t row, uint64_t hash) const;
  // Hashes of all rows' keys.
  static void hash_rows(const std::vector<const Column*>& keys, size_t rows, std::vector<uint64_t>* hashes);

 private:
  bool same(const std::vector<const Column*>& keys, size_t row, uint32_t entry) const;
  void add(const std::vector<const Column*>& keys, size_t row);
  // find_or_add by hash, for rows that same(row, entry) compares.
  template <typename Same>
  void find_hashed(const std::vector<const Column*>& keys, size_t rows, Same same, std::vector<uint32_t>* entries,
                   std::vector<uint32_t>* added_rows);
  // Texts of at most 7 bytes, and nulls, are compared as words. False: others are among these or those kept; hashes_
  // may be changed.
  bool find_short(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                  std::vector<uint32_t>* added_rows);
  void find_boxed(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                  std::vector<uint32_t>* added_rows);
  // By the array; false: not for these keys, of a column that suits_array().
  bool find_by_id(const Column& key, std::vector<uint32_t>* entries, std::vector<uint32_t>* added_rows);
  bool open_by_id(const Column& key);
  void close_by_id();
  // The same for pairs.
  bool find_by_pair(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                    std::vector<uint32_t>* added_rows);
  bool open_by_pair(const Column& a, const Column& b);
  void close_by_pair();
  void index_all();  // the hash table of what the columns hold

  std::vector<Column> columns_;
  size_t size_ = 0;
  HashIndex index_;  // empty while by_id_ is in use
  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> words_;  // of find_short(), by row
  std::vector<uint64_t> short_;  // the same by entry, while all of them are short texts or null
  // The word that was last met with these bits of its hash, and its entry. Empty until enough rows have come.
  struct RecentWord {
    uint64_t word = ~uint64_t{0};  // no text is so long
    uint32_t entry = HashIndex::kNone;
  };
  static constexpr size_t kRecentWords = 4096;
  std::vector<RecentWord> recent_words_;
  size_t short_rows_ = 0;
  std::vector<uint32_t> by_id_;  // entry by id, or by number
  uint32_t null_entry_ = HashIndex::kNone;
  bool by_id_closed_ = false;      // ids were too far apart: not tried again
  std::vector<uint32_t> by_pair_;  // entry by first part * pair_width_ + second part
  size_t pair_width_ = 1;
  uint64_t most_[2] = {0, 0};  // of all keys so far, while they are plain numbers
  bool by_pair_closed_ = false;
  // The last entries met for one-part keys of boxed values: most strings come again soon.
  struct Recent {
    Value value;
    uint32_t entry = HashIndex::kNone;
  };
  std::vector<Recent> recent_;
};

}  // namespace lora::cypher

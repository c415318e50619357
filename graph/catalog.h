// The catalog's names: labels, relationship types and property keys, each a small integer ("token").
//
// Tokens are append-only: 0, 1, 2, ... per kind. A version of the graph knows the first n of a kind; find() and name()
// take or imply ids below such a limit, and entries below any published limit never change or move. So readers take no
// lock, while the writer may append, and take back what a rolled-back transaction had appended.
//
// Threads: find(), name(), name_value(): any, with a limit that was published to this thread. add(), truncate(),
// size(): the graph's writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/format.h"
#include "graph/value.h"
#include "kv/status.h"

namespace lora::graph {

inline constexpr size_t kNameBytesMax = 65'535;

class TokenTable {
 public:
  TokenTable();
  ~TokenTable();
  TokenTable(const TokenTable&) = delete;
  TokenTable& operator=(const TokenTable&) = delete;

  std::optional<uint32_t> find(std::string_view name, uint32_t limit) const;
  std::string_view name(uint32_t id) const { return entry(id).text(); }
  const Value& name_value(uint32_t id) const { return entry(id).value; }

  // The name must be new. 2^32 - 1 tokens at most: nullopt beyond.
  std::optional<uint32_t> add(std::string_view name);
  // Forgets all tokens with id >= size. No published version may know them.
  void truncate(uint32_t size);
  uint32_t size() const { return size_; }

 private:
  struct Entry {
    std::string name;
    Value value;
    std::string_view text() const { return name; }
  };
  // id + 1 in the low half (0: free, all ones: taken back), a piece of the hash in the high half.
  struct Hash {
    explicit Hash(uint32_t bits) : mask((1u << bits) - 1), slots(new std::atomic<uint64_t>[size_t{1} << bits]()) {}
    uint32_t mask;
    uint32_t used = 0;  // slots that are not free; the writer's
    std::unique_ptr<std::atomic<uint64_t>[]> slots;
  };
  static constexpr uint32_t kGone = ~uint32_t{0};
  static constexpr uint32_t kFirstBits = 6;  // piece k of the entries holds 64 << k

  const Entry& entry(uint32_t id) const;
  Entry& make_entry(uint32_t id);
  void insert(Hash* hash, uint64_t code, uint32_t id);
  void grow();

  std::array<std::atomic<Entry*>, 27> pieces_{};
  std::atomic<Hash*> hash_;
  std::vector<std::unique_ptr<Hash>> hashes_;  // all ever made: readers may be in an old one
  uint32_t size_ = 0;
};

class Catalog {
 public:
  TokenTable& table(TokenKind kind) { return tables_[static_cast<size_t>(kind)]; }
  const TokenTable& table(TokenKind kind) const { return tables_[static_cast<size_t>(kind)]; }
  const TokenTable& labels() const { return table(TokenKind::kLabel); }
  const TokenTable& types() const { return table(TokenKind::kRelType); }
  const TokenTable& keys() const { return table(TokenKind::kKey); }

 private:
  std::array<TokenTable, kTokenKindCount> tables_;
};

}  // namespace lora::graph

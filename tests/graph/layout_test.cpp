#include "graph/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace lora::graph {
namespace {

std::string hex(ByteView bytes) {
  std::string out;
  for (char c : bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

TEST(LayoutTest, WorkedExamplesOfTheSpecification) {
  EXPECT_EQ(hex(id_key(258)), "000000000102");
  EXPECT_EQ(hex(meta_token_key(TokenKind::kLabel, 5)), "020000000005");
  EXPECT_EQ(hex(adjacency_key(1, Direction::kOut, RelTypeId(2), {})),
            "000000000001"
            "00"
            "00000002"
            "000000000000"
            "000000000000");
  const uint64_t neighbours[] = {3, 3, 10};
  const uint64_t relationships[] = {7, 9, 8};
  std::string block;
  encode_adjacency_block(
      3, [&](uint32_t i) { return neighbours[i]; }, [&](uint32_t i) { return relationships[i]; }, &block);
  EXPECT_EQ(hex(block),
            "03"
            "030e"
            "0004"
            "0701");
  LabelBitmap bits{};
  bits[0] = 0b1011;
  std::string labels;
  encode_label_block(bits.data(), &labels);
  EXPECT_EQ(hex(label_key(LabelId(5), 1)), "00000005000000000001");
  EXPECT_EQ(hex(labels),
            "010300"
            "0001");
}

TEST(LayoutTest, AdjacencyBlocksComeBackAndEveryDamageIsSeenOrHarmless) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint64_t> n, r;
    PairPlace place{random() % 100, random() % 100};
    const uint32_t count = 1 + static_cast<uint32_t>(random() % kAdjacencyBlockMax);
    const PairPlace first = place;
    for (uint32_t i = 0; i < count; ++i) {
      n.push_back(place.neighbour);
      r.push_back(place.relationship);
      if (random() % 4 != 0) place.neighbour += 1 + random() % 1000;
      place.relationship += 1 + random() % 50;
    }
    std::string block;
    encode_adjacency_block(
        count, [&](uint32_t i) { return n[i]; }, [&](uint32_t i) { return r[i]; }, &block);
    std::vector<uint64_t> n2, r2;
    AdjacencyAddress address;
    address.first = first;
    ASSERT_TRUE(decode_adjacency_block(address, block, &n2, &r2));
    ASSERT_EQ(n, n2);
    ASSERT_EQ(r, r2);
    for (size_t cut = 0; cut < block.size(); ++cut) {
      n2.clear();
      r2.clear();
      ASSERT_FALSE(decode_adjacency_block(address, ByteView(block).substr(0, cut), &n2, &r2));
    }
    ASSERT_FALSE(decode_adjacency_block(address, block + "x", &n2, &r2));
    address.first = {n[0] + 1, 0};
    ASSERT_FALSE(decode_adjacency_block(address, block, &n2, &r2)) << "pairs before the block's place";
    std::string bad = block;
    bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
    n2.clear();
    r2.clear();
    address.first = {};
    if (decode_adjacency_block(address, bad, &n2, &r2)) {
      for (size_t i = 1; i < n2.size(); ++i) ASSERT_LT(std::pair(n2[i - 1], r2[i - 1]), std::pair(n2[i], r2[i]));
    }
  }
}

// The shorter of the array and the runs, or the bitmap where it is shorter still or both have many items.
size_t expected_label_block(const LabelBitmap& bits) {
  const auto has = [&](uint32_t id) { return id < kLabelBlockIds && (bits[id / 64] >> (id % 64) & 1) != 0; };
  uint32_t ids = 0, runs = 0, next = 0, begin = 0;
  size_t array = 1, pairs = 1;
  for (uint32_t id = 0; id < kLabelBlockIds; ++id) {
    if (!has(id)) continue;
    ++ids;
    array += kv::varint_size(id - next);
    if (id == 0 || !has(id - 1)) {
      ++runs;
      begin = id;
      pairs += kv::varint_size(id - next);
    }
    if (!has(id + 1)) pairs += kv::varint_size(id - begin);
    next = id + 1;
  }
  if (ids >= 128 && runs >= 64) return kLabelBitmapBytes + 1;
  array += kv::varint_size(ids);
  pairs += kv::varint_size(runs);
  const size_t shorter = std::min(array, pairs);
  return shorter < kLabelBitmapBytes ? shorter : kLabelBitmapBytes + 1;
}

TEST(LayoutTest, LabelBlocksTakeAShortFormAndComeBack) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 1'200; ++round) {
    LabelBitmap bits{};
    const int kind = round % 6;
    if (kind == 0) {
      for (uint64_t i = 1 + random() % 50; i > 0; --i) bits[random() % 64] |= uint64_t{1} << (random() % 64);
    } else if (kind == 1) {
      const uint64_t from = random() % 2000, to = from + 1 + random() % 2000;
      for (uint64_t i = from; i < to; ++i) bits[i / 64] |= uint64_t{1} << (i % 64);
    } else if (kind == 2) {
      for (uint64_t& word : bits) word = random();
    } else if (kind == 3) {
      bits.fill(~uint64_t{0});
    } else {
      bits.fill(kind == 4 ? ~uint64_t{0} : 0);
      for (uint64_t i = random() % 200; i > 0; --i) {
        const uint64_t id = random() % kLabelBlockIds;
        bits[id / 64] ^= uint64_t{1} << (id % 64);
      }
      bits[0] |= 1;
    }
    std::string block;
    encode_label_block(bits.data(), &block);
    ASSERT_EQ(block.size(), expected_label_block(bits));
    if (kind == 1 || kind == 3) {
      ASSERT_LE(block.size(), 12u);
    }
    LabelBitmap back;
    ASSERT_TRUE(decode_label_block(block, back.data()));
    ASSERT_EQ(bits, back);
    ASSERT_FALSE(decode_label_block(ByteView(block).substr(0, block.size() - 1), back.data()));
    ASSERT_FALSE(decode_label_block(block + std::string(1, '\0'), back.data()));
    std::string bad = block;
    bad[random() % bad.size()] = static_cast<char>(random());
    (void)decode_label_block(bad, back.data());  // whatever it is, it stays inside
  }
  LabelBitmap none{};
  EXPECT_FALSE(decode_label_block(std::string(1, '\3') + std::string(512, '\0'), none.data()))
      << "empty blocks have no key";
  EXPECT_FALSE(decode_label_block("", none.data()));
}

TEST(LayoutTest, CommitPayloadComesBackAndRefusesWhatCannotBe) {
  CommitPayload payload;
  payload.next_node = 100;
  payload.next_relationship = 7;
  payload.nodes = 90;
  payload.relationships = 5;
  payload.schema_version = 3;
  payload.counters = {{CounterKind::kLabel, 4, 0, 9},
                      {CounterKind::kRelType, 0, 2, 5},
                      {CounterKind::kLabelTypeIn, 1, 2, 3},
                      {CounterKind::kIndexEntries, 8, 0, 1}};
  std::string bytes;
  encode_commit_payload(payload, &bytes);
  CommitPayload back;
  ASSERT_TRUE(decode_commit_payload(bytes, &back));
  EXPECT_EQ(back.next_node, 100u);
  ASSERT_EQ(back.counters.size(), 4u);
  EXPECT_EQ(back.counters[2].label, 1u);
  EXPECT_EQ(back.counters[2].type, 2u);
  EXPECT_EQ(back.counters[3].value, 1u);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_commit_payload(ByteView(bytes).substr(0, cut), &back));
  payload.nodes = 101;
  encode_commit_payload(payload, &bytes);
  EXPECT_FALSE(decode_commit_payload(bytes, &back)) << "more nodes than ids";
}

TEST(LayoutTest, DefinitionsComeBack) {
  IndexInfo index;
  index.definition.name = "people";
  index.definition.entity = EntityKind::kRelationship;
  index.label_or_type = 7;
  index.keys = {KeyId(1), KeyId(300)};
  index.unique = true;
  index.owning_constraint = "c";
  const std::string bytes = encode_index_definition(index);
  IndexInfo back;
  ASSERT_TRUE(decode_index_definition(bytes, &back));
  EXPECT_EQ(back.definition.name, "people");
  EXPECT_EQ(back.keys, index.keys);
  EXPECT_TRUE(back.unique);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_index_definition(ByteView(bytes).substr(0, cut), &back));
  ConstraintInfo constraint;
  constraint.definition.name = "c";
  constraint.owned_index = IndexId(3);
  constraint.keys = {KeyId(9)};
  ConstraintInfo constraint_back;
  ASSERT_TRUE(decode_constraint_definition(encode_constraint_definition(constraint), &constraint_back));
  EXPECT_EQ(constraint_back.owned_index, IndexId(3));
  EXPECT_EQ(constraint_back.keys, constraint.keys);
}

TEST(LayoutTest, NewerFormatIsRefusedAndOthersAreDamage) {
  EXPECT_EQ(decode_format_value(encode_format_value(kFormatVersion)).value(), kFormatVersion);
  EXPECT_EQ(decode_format_value(encode_format_value(kFormatVersion + 1)).status().code(), ErrorCode::kFormatVersion);
  EXPECT_EQ(decode_format_value("nonsense").status().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace lora::graph

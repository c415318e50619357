#include "graph/record.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace lora::graph {
namespace {

constexpr TokenLimits kLimits{100, 100, 100};

std::vector<Property> all_kinds() {
  return {{KeyId(1), Value::integer(-42)},
          {KeyId(2), Value::floating(2.5)},
          {KeyId(3), Value::string("text \xc3\xa4")},
          {KeyId(4), Value::boolean(true)},
          {KeyId(5), Value::boolean(false)},
          {KeyId(6), Value::list({Value::integer(1), Value(), Value::string("x")})},
          {KeyId(7), Value::date({20000})},
          {KeyId(8), Value::string(std::string(1000, 'l'))}};
}

std::string node_bytes() {
  RecordEncoder encoder;
  const LabelId labels[] = {LabelId(3), LabelId(9)};
  return std::string(encoder.node(labels, all_kinds()).value());
}

TEST(RecordTest, EveryKindOfValueComesBack) {
  RecordEncoder encoder;
  StoredNode node;
  ASSERT_TRUE(decode_node("key", node_bytes(), kLimits, &node).ok());
  EXPECT_EQ(node.labels, (std::vector<LabelId>{LabelId(3), LabelId(9)}));
  const auto wanted = all_kinds();
  ASSERT_EQ(node.properties.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(node.properties[i].key, wanted[i].key);
    EXPECT_TRUE(equivalent(node.properties[i].value, wanted[i].value)) << i;
    EXPECT_EQ(node.properties[i].value.type(), wanted[i].value.type());
  }
  StoredRelationship relationship;
  const std::string bytes(encoder.relationship(RelTypeId(5), NodeId(1ull << 40), NodeId(7), wanted).value());
  ASSERT_TRUE(decode_relationship("key", bytes, kLimits, &relationship).ok());
  EXPECT_EQ(relationship.type, RelTypeId(5));
  EXPECT_EQ(relationship.start, NodeId(1ull << 40));
  EXPECT_EQ(relationship.properties.size(), wanted.size());
}

TEST(RecordTest, SomePropertiesAreDecodedAlone) {
  const std::string bytes = node_bytes();
  std::vector<Property> some{{KeyId(99), Value()}};
  uint64_t written = 1;
  const auto everything = all_kinds();
  for (size_t i = 0; i < everything.size(); ++i) {
    const KeyId wanted[] = {everything[i].key, KeyId(50)};
    ASSERT_TRUE(decode_node_properties("key", bytes, kLimits, wanted, &some, &written).ok());
    ASSERT_EQ(some.size(), 1u);
    EXPECT_EQ(some[0].key, everything[i].key);
    EXPECT_TRUE(equivalent(some[0].value, everything[i].value)) << i;
  }
  ASSERT_TRUE(decode_node_properties("key", bytes, kLimits, {}, &some, &written).ok());
  EXPECT_TRUE(some.empty());
  EXPECT_EQ(decode_node_properties("k", bytes, {100, 100, 8}, {}, &some, &written).code(), ErrorCode::kCorruption);
}

TEST(RecordTest, UnknownTokensAreDamage) {
  StoredNode node;
  const Status status = decode_node("\x01\x02", node_bytes(), {100, 100, 8}, &node);
  EXPECT_EQ(status.code(), ErrorCode::kCorruption);
  EXPECT_NE(status.message().find("0102"), std::string::npos) << status.message();
  EXPECT_EQ(decode_node("k", node_bytes(), {9, 100, 100}, &node).code(), ErrorCode::kCorruption);
}

TEST(RecordTest, DamagedBytesNeverCrash) {
  const std::string good = node_bytes();
  StoredNode node;
  StoredRelationship relationship;
  std::mt19937_64 random(5);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    (void)decode_node("k", good.substr(0, cut), kLimits, &node);
  }
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (uint64_t k = 1 + random() % 4; k > 0; --k) bad[random() % bad.size()] = static_cast<char>(random());
    (void)decode_node("k", bad, kLimits, &node);
    (void)decode_relationship("k", bad, kLimits, &relationship);
    const KeyId wanted[] = {KeyId(3), KeyId(6)};
    (void)decode_node_properties("k", bad, kLimits, wanted, &node.properties, &node.written);
  }
}

// A record is a flatbuffer of typed fields, not a blob in one: flatc shows them.
TEST(RecordTest, FlatcShowsTypedFields) {
  if (std::system("flatc --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "flatc is not installed";
  }
  const auto directory =
      std::filesystem::temp_directory_path() / ("lora-record-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "node.bin", std::ios::binary) << node_bytes();
  const std::string command =
      "cd " + directory.string() + " && flatc --json --raw-binary --strict-json " LORA_RECORD_FBS " -- node.bin";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::stringstream json;
  json << std::ifstream(directory / "node.json").rdbuf();
  std::filesystem::remove_all(directory);
  const std::string text = json.str();
  for (const char* part :
       {"\"labels\"", "\"integers\"", "-42", "\"floats\"", "2.5", "\"strings\"", "text", "\"kTrue\""}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

}  // namespace
}  // namespace lora::graph

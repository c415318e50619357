// Keys of grouping, DISTINCT and joins agree with equivalence of values, whatever kinds of columns hold them.
#include "cypher/exec/hash_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include <algorithm>
#include <random>

namespace lora::cypher {
namespace {

Column column_of(const List& values) {
  Column c;
  for (const Value& v : values) c.push(v);
  return c;
}

std::vector<uint32_t> entries_of(KeyStore* store, const Column& c) {
  std::vector<uint32_t> entries, added;
  store->find_or_add({&c}, c.size(), &entries, &added);
  return entries;
}

TEST(KeyStoreTest, NumbersAgreeAcrossKindsOfColumns) {
  KeyStore store(1);
  EXPECT_EQ(entries_of(&store, column_of({Value::integer(1), Value::integer(2), Value::integer(1)})),
            (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(entries_of(&store, column_of({Value::floating(1), Value::floating(1.5)})), (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(entries_of(&store, column_of({Value::string("1"), Value::integer(2), Value::floating(1.5)})),
            (std::vector<uint32_t>{3, 1, 2}));
}

TEST(KeyStoreTest, NullAndNanAreEquivalentToThemselves) {
  KeyStore store(1);
  EXPECT_EQ(
      entries_of(&store, column_of({Value(), Value::floating(0.0 / 0.0), Value(), Value::floating(-(0.0 / 0.0))})),
      (std::vector<uint32_t>{0, 1, 0, 1}));
  EXPECT_EQ(entries_of(&store, column_of({Value::floating(0.0), Value::floating(-0.0), Value::integer(0)})),
            (std::vector<uint32_t>{2, 2, 2}));
}

TEST(KeyStoreTest, ShortTextsAreToldApartAndMeetLongOnes) {
  std::mt19937 random(7);
  const auto any_text = [&](size_t length_max) {
    std::string text(random() % (length_max + 1), ' ');
    for (char& c : text) c = "\0ab\xff"[random() % 4];
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    KeyStore store(1);
    std::map<std::string, uint32_t> want;
    for (int batch = 0; batch < 5; ++batch) {
      // Short ones first, in some rounds with others behind them, or as values, or with nulls.
      const size_t length_max = batch < 2 ? 7 : 5 + random() % 9;
      Column c;
      c.reset(Column::Kind::kStrings);
      std::vector<std::string> texts(1 + random() % 40);
      for (std::string& text : texts) {
        text = round % 10 == 0 ? std::string() : any_text(length_max);
        c.push(Value::string(text));
      }
      if (batch == 4 && round % 3 == 0) c.to_values();
      const std::vector<uint32_t> entries = entries_of(&store, c);
      for (size_t i = 0; i < texts.size(); ++i) {
        const auto entry = want.try_emplace(texts[i], static_cast<uint32_t>(want.size())).first->second;
        ASSERT_EQ(entries[i], entry) << "round " << round << ", batch " << batch << ", row " << i;
      }
      std::vector<uint64_t> hashes;
      KeyStore::hash_rows({&c}, c.size(), &hashes);
      for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(store.find({&c}, i, hashes[i]), entries[i]);
    }
  }
}

TEST(KeyStoreTest, WholeNumbersCloseTogether) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    KeyStore store(1);
    std::map<double, uint32_t> want;
    uint32_t null_entry = UINT32_MAX, count = 0;
    for (int batch = 0; batch < 6; ++batch) {
      // From small numbers to larger and negative ones, floats among them, and nulls.
      const int64_t limit = int64_t{1} << (5 + random() % 12);
      List values;
      for (int i = 0; i < 400; ++i) {
        const auto number = static_cast<int64_t>(random() % limit);
        values.push_back(batch > 1 && random() % 50 == 0
                             ? Value()
                             : Value::integer(batch > 3 && random() % 9 == 0 ? -number : number));
      }
      Column c = column_of(values);
      if (batch == 5 && round % 2 == 0) {
        List floats;
        for (const Value& v : values)
          floats.push_back(v.is_null() ? v : Value::floating(static_cast<double>(v.as_integer()) / 2));
        c = column_of(values = floats);
      }
      const std::vector<uint32_t> entries = entries_of(&store, c);
      std::vector<uint64_t> hashes;
      KeyStore::hash_rows({&c}, c.size(), &hashes);
      for (size_t i = 0; i < values.size(); ++i) {
        uint32_t entry;
        if (values[i].is_null()) {
          if (null_entry == UINT32_MAX) null_entry = count++;
          entry = null_entry;
        } else {
          const auto [at, added] = want.try_emplace(values[i].as_number(), count);
          count += added ? 1 : 0;
          entry = at->second;
        }
        ASSERT_EQ(entries[i], entry) << "round " << round << ", batch " << batch << ", row " << i;
        ASSERT_EQ(store.find({&c}, i, hashes[i]), entry);
        // Another kind of column finds it, too.
        Column other;
        other.push(values[i].is_null() ? values[i] : Value::floating(values[i].as_number()));
        std::vector<uint64_t> other_hashes;
        KeyStore::hash_rows({&other}, 1, &other_hashes);
        ASSERT_EQ(store.find({&other}, 0, other_hashes[0]), entry);
      }
    }
    ASSERT_EQ(store.size(), count);
  }
}

TEST(KeyStoreTest, NodesAndRelationshipsOfOneIdDiffer) {
  KeyStore store(1);
  EXPECT_EQ(entries_of(&store, column_of({Value::node(NodeId(5)), Value::node(NodeId(5))})),
            (std::vector<uint32_t>{0, 0}));
  EXPECT_EQ(entries_of(&store, column_of({Value::relationship(RelId(5))})), (std::vector<uint32_t>{1}));
  EXPECT_EQ(entries_of(&store, column_of({Value::string("x"), Value::node(NodeId(5))})), (std::vector<uint32_t>{2, 0}));
}

TEST(KeyStoreTest, KeysOfSeveralPartsAreWhole) {
  KeyStore store(2);
  const Column a = column_of({Value::integer(1), Value::integer(1), Value::integer(2)});
  const Column b = column_of({Value::string("x"), Value::string("y"), Value::string("x")});
  std::vector<uint32_t> entries, added;
  store.find_or_add({&a, &b}, 3, &entries, &added);
  EXPECT_EQ(entries, (std::vector<uint32_t>{0, 1, 2}));
  store.find_or_add({&a, &b}, 3, &entries, &added);
  EXPECT_TRUE(added.empty());
}

TEST(KeyStoreTest, StringsAgreeAcrossKindsOfColumns) {
  List values;
  Column texts;
  texts.reset(Column::Kind::kStrings);
  for (size_t length = 0; length < 60; ++length) {
    values.push_back(Value::string(std::string(length, 'a')));
    values.push_back(Value::string(std::string(length, 'a') + "b"));
  }
  values.push_back(Value());
  for (const Value& v : values) texts.push(v);
  ASSERT_EQ(texts.kind, Column::Kind::kStrings);
  const Column boxed = column_of(values);
  KeyStore store(1), other(1);
  const std::vector<uint32_t> entries = entries_of(&store, texts);
  EXPECT_EQ(store.size(), values.size());
  EXPECT_EQ(entries_of(&store, boxed), entries);
  EXPECT_EQ(entries_of(&other, boxed), entries);
  EXPECT_EQ(entries_of(&other, texts), entries);
  KeyStore pairs(2);
  std::vector<uint32_t> first, second, added;
  pairs.find_or_add({&texts, &boxed}, values.size(), &first, &added);
  pairs.find_or_add({&boxed, &texts}, values.size(), &second, &added);
  EXPECT_EQ(first, second);
}

// Ids that lie close together are numbered by an array, others by the hash table; keys are the same after a change.
TEST(KeyStoreTest, EntitiesKeepTheirNumbersWhenIdsGetFarApart) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20; ++round) {
    KeyStore store(1);
    std::vector<uint64_t> known;
    uint64_t range = 1 + random() % 3000;
    for (int batch = 0; batch < 12; ++batch) {
      if (random() % 6 == 0) range = range * (1 + random() % 40) + 1;
      Column c;
      c.reset(Column::Kind::kNodes);
      const size_t rows = 1 + random() % 1500;
      for (size_t i = 0; i < rows; ++i) c.ids.push_back(random() % 50 == 0 ? kNoId : random() % range);
      if (random() % 12 == 0) c.to_values();
      std::vector<uint32_t> entries, added;
      std::vector<uint64_t> hashes;
      store.find_or_add({&c}, c.size(), &entries, &added);
      KeyStore::hash_rows({&c}, c.size(), &hashes);
      for (uint32_t row : added) {
        const Value v = c.get(row);
        known.push_back(v.is_null() ? kNoId : v.node_id().value);
      }
      ASSERT_EQ(store.size(), known.size());
      for (size_t i = 0; i < rows; ++i) {
        const Value v = c.get(i);
        ASSERT_EQ(known[entries[i]], v.is_null() ? kNoId : v.node_id().value) << round << " " << batch;
        ASSERT_EQ(store.find({&c}, i, hashes[i]), entries[i]);
      }
    }
    std::sort(known.begin(), known.end());
    ASSERT_EQ(std::unique(known.begin(), known.end()), known.end());
  }
}

TEST(KeyStoreTest, AgreesWithEquivalenceOnRandomValues) {
  std::mt19937 random(7);
  KeyStore store(1);
  List known;
  for (int round = 0; round < 200; ++round) {
    List values;
    for (size_t i = 0; i < 50; ++i) {
      const auto n = static_cast<int64_t>(random() % 40);
      switch (random() % 7) {
        case 0: values.push_back(Value()); break;
        case 1: values.push_back(Value::floating(static_cast<double>(n) / 2)); break;
        case 2: values.push_back(Value::string("a text too long to be kept inside " + std::to_string(n))); break;
        case 3: values.push_back(Value::string(std::to_string(n))); break;
        case 4: values.push_back(Value::list({Value::integer(n)})); break;
        case 5: values.push_back(Value::node(NodeId(static_cast<uint64_t>(n)))); break;
        default: values.push_back(Value::integer(n)); break;
      }
    }
    const Column c = column_of(values);
    const std::vector<uint32_t> entries = entries_of(&store, c);
    for (size_t i = 0; i < values.size(); ++i) {
      size_t expected = 0;
      while (expected < known.size() && !equivalent(known[expected], values[i])) ++expected;
      if (expected == known.size()) known.push_back(values[i]);
      ASSERT_EQ(entries[i], expected) << "round " << round << " row " << i;
    }
  }
}

// Pairs of numbers, small ones and large, with batches in between that are no plain numbers: always as in a map.
TEST(KeyStoreTest, PairsAreNumberedAsInAMap) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    KeyStore store(2);
    std::map<std::pair<int64_t, int64_t>, uint32_t> model;  // null: INT64_MIN
    const int64_t range = int64_t{1} << (1 + random() % 14);
    for (int batch = 0; batch < 12; ++batch) {
      Column a, b;
      const bool odd = random() % 8 == 0;
      std::vector<std::pair<int64_t, int64_t>> rows;
      for (size_t i = 0; i < 1 + random() % 300; ++i) {
        int64_t x = static_cast<int64_t>(random()) % range, y = static_cast<int64_t>(random()) % (range / 2 + 1);
        if (odd && random() % 4 == 0) x = random() % 2 == 0 ? INT64_MIN : -1 - x;
        rows.emplace_back(x, y);
        a.push(x == INT64_MIN             ? Value()
               : odd && random() % 3 == 0 ? Value::floating(static_cast<double>(x))
                                          : Value::integer(x));
        b.push(Value::integer(y));
      }
      std::vector<uint32_t> entries, added;
      store.find_or_add({&a, &b}, rows.size(), &entries, &added);
      size_t news = 0;
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto [it, is_new] = model.emplace(rows[i], static_cast<uint32_t>(model.size()));
        ASSERT_EQ(entries[i], it->second) << round;
        news += is_new;
      }
      ASSERT_EQ(added.size(), news);
      ASSERT_EQ(store.size(), model.size());
      // What is there is found, as integers and as floats; what is not is not.
      std::vector<uint64_t> hashes;
      for (int look = 0; look < 20; ++look) {
        const int64_t x = static_cast<int64_t>(random()) % (range * 2), y = static_cast<int64_t>(random()) % range;
        Column c, d;
        c.push(look % 2 == 0 ? Value::integer(x) : Value::floating(static_cast<double>(x)));
        d.push(Value::integer(y));
        KeyStore::hash_rows({&c, &d}, 1, &hashes);
        const auto it = model.find({x, y});
        ASSERT_EQ(store.find({&c, &d}, 0, hashes[0]), it == model.end() ? HashIndex::kNone : it->second);
      }
    }
  }
}

}  // namespace
}  // namespace lora::cypher

// Every function row is tried: its example runs and gives what the row says, and wrong arguments are typed errors.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "cypher/database.h"
#include "cypher/functions/function.h"
#include "cypher/functions/reference.h"
#include "tests/support/result_text.h"

namespace lora::cypher {

namespace {

class FunctionsTest : public testing::Test {
 protected:
  FunctionsTest() : db_(std::move(*Database::in_memory())) {}

  // The single value a query gives, as text; an error as its text.
  std::string value(const std::string& query) {
    auto result = db_->execute(query);
    if (!result.ok()) return result.status().to_string();
    if (result->row_count != 1) return std::to_string(result->row_count) + " rows";
    return test::result_text(result->at(0, 0));
  }

  std::unique_ptr<Database> db_;
};

}  // namespace

TEST_F(FunctionsTest, EveryExampleGivesWhatItsRowSays) {
  ASSERT_GT(all_functions().size(), 100u);
  for (const FunctionSpec* spec : all_functions()) {
    SCOPED_TRACE(std::string(spec->name));
    EXPECT_FALSE(spec->description.empty());
    EXPECT_FALSE(spec->category.empty());
    EXPECT_FALSE(spec->example.empty());
    EXPECT_FALSE(spec->example_result.empty());
    EXPECT_EQ(value("RETURN " + std::string(spec->example)), value("RETURN " + std::string(spec->example_result)));
  }
}

TEST_F(FunctionsTest, EveryAggregateExampleGivesWhatItsRowSays) {
  for (const AggregateSpec* spec : all_aggregates()) {
    SCOPED_TRACE(std::string(spec->name));
    EXPECT_EQ(value(std::string(spec->example)), value("RETURN " + std::string(spec->example_result)));
  }
}

TEST_F(FunctionsTest, EveryFunctionIsFoundByEachNameInAnyCase) {
  for (const FunctionSpec* spec : all_functions()) {
    EXPECT_EQ(find_function(spec->name), spec);
    std::string upper(spec->name);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(find_function(upper), spec);
    for (std::string_view alias : spec->aliases) EXPECT_EQ(find_function(alias), spec) << alias;
  }
  EXPECT_EQ(find_function("noSuchFunction"), nullptr);
}

namespace {

// What has to be there: a namespace, then its functions with their argument counts; `2+`: any number from 2 on.
constexpr std::pair<std::string_view, std::string_view> kOffered[] = {
    {"",
     "abs/1 ceil/1 floor/1 round/1-3 sqrt/1 sign/1 log/1 ln/1 log10/1 exp/1 sin/1 cos/1 tan/1 cot/1 asin/1 acos/1 "
     "atan/1 atan2/2 haversin/1 degrees/1 radians/1 pi/0 e/0 rand/0 "
     "toUpper/1 toLower/1 upper/1 lower/1 trim/1-2 btrim/1-2 ltrim/1-2 rtrim/1-2 lpad/2-3 rpad/2-3 replace/3-4 "
     "split/2 substring/2-3 left/2 right/2 reverse/1 normalize/1-2 char_length/1 character_length/1 size/1 "
     "toString/1 toInteger/1 toFloat/1 toBoolean/1 toStringOrNull/1 toIntegerOrNull/1 toFloatOrNull/1 "
     "toBooleanOrNull/1 toStringList/1 toIntegerList/1 toFloatList/1 toBooleanList/1 "
     "head/1 last/1 tail/1 range/2-3 keys/1 labels/1 type/1 id/1 elementId/1 properties/1 nodes/1 relationships/1 "
     "length/1 startNode/1 endNode/1 coalesce/1+ nullIf/2 isEmpty/1 isNaN/1 exists/1 valueType/1 timestamp/0 "
     "timezone/0 randomUUID/0 "
     "date/0-1 time/0-1 localtime/0-1 datetime/0-1 localdatetime/0-1 duration/1 "
     "date.truncate/2-3 time.truncate/2-3 localtime.truncate/2-3 datetime.truncate/2-3 localdatetime.truncate/2-3 "
     "date.transaction/0-1 date.statement/0-1 date.realtime/0-1 time.transaction/0-1 time.statement/0-1 "
     "time.realtime/0-1 localtime.transaction/0-1 localtime.statement/0-1 localtime.realtime/0-1 "
     "datetime.transaction/0-1 datetime.statement/0-1 datetime.realtime/0-1 localdatetime.transaction/0-1 "
     "localdatetime.statement/0-1 localdatetime.realtime/0-1 datetime.fromepoch/2 datetime.fromepochmillis/1 "
     "duration.between/2 duration.inMonths/2 duration.inDays/2 duration.inSeconds/2 "
     "point/1 point.distance/2 distance/2 point.withinBBox/3 vector/3 vector.similarity.cosine/2 "
     "vector.similarity.euclidean/2 vector_distance/3 vector_norm/2 vector_dimension_count/1"},
    {"list.",
     "sum/1 avg/1 min/1 max/1 product/1 stdev/1 median/1 sort/1-2 reverse/1 unique/1 first/1 rest/1 init/1 last/1 "
     "at/2 slice/2-3 size/1 range/2-3 contains/2 contains_all/2 has_duplicates/1 all_distinct/1 equal_unordered/2 "
     "is_empty/1 index_of/2 indexes_of/2 find_duplicates/1 count_by/1 union/2 intersect/2 diff/2 symmetric_diff/2 "
     "zip/2 chunks/2 split_by/2 windows/2-3 scan/1 repeat/2 flatten/1-2 sample/1-2 shuffle/1 combinations/2 "
     "concat/2+ append/2 prepend/2 take/2 drop/2 take_last/2 drop_last/2 insert/3 remove/2 compact/1"},
    {"string.",
     "upper/1 lower/1 capitalize/1-2 case/2 replace/3-4 find/2-3 count/2 before/2 after/2 split/2 join/2 pad/3-4 "
     "pad_left/2-3 pad_right/2-3 repeat/2 slugify/1 escape/2 hex/1 char_at/2 code_at/2 regex_groups/2-3 matches/2 "
     "starts_with/2 ends_with/2 contains/2 words/1 is_blank/1 length/1 url_encode/1 url_decode/1 swap_case/1 trim/1-2 "
     "trim_left/1-2 trim_right/1-2 slice/2-3 prefix/2 suffix/2 reverse/1 normalize/1-2"},
    {"text.", "distance/3 similarity/3 phonetic/2 phonetic_match/3"},
    {"map.",
     "from/1-2 set/3 remove/2 merge/2-3 deep_merge/2-3 compact/1 group_by/2 flatten/1-2 unflatten/1-2 get_path/2-3 "
     "set_path/3 remove_path/2 entries/1-2 values/1-2 keys/1 has_key/2 pick/2 rename/3 invert/1 get/2-3 size/1 "
     "index_by/2"},
    {"number.",
     "format/1-3 to_base/2 from_base/2 to_roman/1 from_roman/1 bitop/3 is_integer/1 is_even/1 is_odd/1 is_positive/1 "
     "is_negative/1 is_zero/1 is_nan/1 is_finite/1 is_infinite/1"},
    {"bits.", "and/2 or/2 xor/2 not/1 shift_left/2 shift_right/2"},
    {"math.",
     "min/1+ max/1+ round/1-3 trunc/1 sigmoid/1 tanh/1 cosh/1 sinh/1 cot/1 coth/1 atan2/2 pow/2 hypot/2 log_base/2 "
     "gcd/2 lcm/2 clamp/3 lerp/3 abs/1 ceil/1 floor/1 sqrt/1 sign/1 log/1 ln/1 log10/1 exp/1 sin/1 cos/1 tan/1 "
     "asin/1 acos/1 atan/1 degrees/1 radians/1 pi/0 e/0 random/0"},
    {"temporal.",
     "now/0-1 today/0 timestamp/0 timezone/0 parse/1-3 format/1-2 reformat/3 convert/3 add/2 get/2 fields/1 "
     "truncate/2 between/2 in_days/2"},
    {"geo.", "distance/2 within_bbox/3 point/1"},
    {"vector.", "dimension/1 distance/3 similarity/2-3 norm/2 coordinates/2"},
    {"bytes.",
     "size/1 from_string/1 to_string/1 base64_encode/1 base64_decode/1 hex_encode/1 hex_decode/1 compress/1 "
     "decompress/1"},
    {"crypto.", "blake3/1 crc32/1"},
    {"uuid.", "new/0 from_string/1 is_valid/1"},
    {"json.", "encode/1-2 decode/1 path/2"},
    {"node.", "id/1 labels/1 has_label/2 keys/1 properties/1"},
    {"edge.", "id/1 type/1 keys/1 properties/1 start/1 end/1"},
    {"path.", "nodes/1 edges/1 length/1 first/1 last/1"},
    {"value.", "size/1 keys/1 properties/1 reverse/1 coalesce/1+ is_null/1 is_not_null/1 id/1"},
    {"type.", "of/1 is/2"},
    {"cast.", "to/2 try/2 can/2"},
};
constexpr std::string_view kAggregates =
    "count/0-1 sum/1 avg/1 min/1 max/1 collect/1 stdev/1 stdevp/1 percentileCont/2 percentileDisc/2";

// Calls f(name, min, max) for each entry of a list like those above.
template <typename F>
void for_each_offered(std::string_view list, F f) {
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    const size_t slash = entry.find('/');
    const std::string counts(entry.substr(slash + 1));
    const int min = std::stoi(counts);
    const int max = counts.ends_with('+')                   ? 255
                    : counts.find('-') != std::string::npos ? std::stoi(counts.substr(counts.find('-') + 1))
                                                            : min;
    f(std::string(entry.substr(0, slash)), min, max);
  }
}

}  // namespace

TEST_F(FunctionsTest, EveryFunctionOfBothVocabulariesIsThereWithItsArgumentCounts) {
  for (const auto& [space, list] : kOffered) {
    for_each_offered(list, [&, prefix = space](const std::string& name, int min, int max) {
      const std::string full = std::string(prefix) + name;
      const FunctionSpec* spec = find_function(full);
      ASSERT_NE(spec, nullptr) << full;
      EXPECT_EQ(int{spec->min_args}, min) << full;
      EXPECT_EQ(int{spec->max_args}, max) << full;
    });
  }
  for_each_offered(kAggregates, [&](const std::string& name, int min, int max) {
    const AggregateSpec* spec = find_aggregate(name);
    ASSERT_NE(spec, nullptr) << name;
    EXPECT_EQ(int{spec->min_args}, min) << name;
    EXPECT_EQ(int{spec->max_args}, max) << name;
  });
}

TEST(ReferenceTest, DocumentIsWhatTheRegistrySays) {
  std::ifstream file(std::string(LORA_SOURCE_DIR) + "/cypher/functions/REFERENCE.md", std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == function_reference()) << "write it anew: lora_reference cypher/functions/REFERENCE.md";
}

TEST_F(FunctionsTest, NowTakesFiveKinds) {
  EXPECT_EQ(
      value("RETURN [valueType(temporal.now()), valueType(temporal.now('date')), valueType(temporal.now('time')), "
            "valueType(temporal.now('local_time')), valueType(temporal.now('local_datetime'))]"),
      value("RETURN [valueType(datetime()), valueType(date()), valueType(time()), valueType(localtime()), "
            "valueType(localdatetime())]"));
  EXPECT_NE(value("RETURN temporal.now('noon')").find("LORA_TYPE"), std::string::npos);
}

TEST_F(FunctionsTest, SimilarityIsScaledToOne) {
  // cosine (1 + cos) / 2, euclidean 1 / (1 + d^2)
  EXPECT_EQ(value("RETURN [vector.similarity([1, 0], [-1, 0]), vector.similarity([1, 0], [0, 1], 'COSINE'), "
                  "round(vector.similarity([1, 1], [1, 1]), 9)]"),
            value("RETURN [0.0, 0.5, 1.0]"));
  EXPECT_EQ(
      value("RETURN [vector.similarity([0, 0], [3, 4], 'EUCLIDEAN'), vector.similarity.euclidean([0, 0], [0, 2])]"),
      value("RETURN [1.0 / 26, 0.2]"));
}

TEST_F(FunctionsTest, DistanceOnTheGlobeIsHaversineAndHeightCounts) {
  // A quarter of a great circle on a sphere of 6 371 km.
  EXPECT_EQ(value("RETURN round(geo.distance(point({longitude: 0, latitude: 0}), point({longitude: 90, latitude: 0})) "
                  "- pi() * 6371000 / 2, 3)"),
            "0.0");
  EXPECT_EQ(value("RETURN round(geo.distance(point({longitude: 5, latitude: 5, height: 0}), "
                  "point({longitude: 5, latitude: 5, height: 100})), 6)"),
            "100.0");
}

TEST_F(FunctionsTest, TypeArgumentsAreBareOrText) {
  EXPECT_EQ(value("RETURN [type.is(1, INTEGER), type.is(1, 'INTEGER'), type.is(['a'], LIST<STRING NOT NULL>), "
                  "type.is([null], 'LIST<STRING NOT NULL>'), type.is(1.5, INTEGER | FLOAT)]"),
            "[true, true, true, false, true]");
  EXPECT_EQ(value("RETURN [cast.to('1', INTEGER), cast.to(1, 'STRING'), cast.try('x', 'INTEGER'), "
                  "cast.can('x', INTEGER), cast.can('2024-01-31', DATE)]"),
            "[1, '1', null, false, true]");
  // Two texts with other types are two plans.
  EXPECT_EQ(value("RETURN cast.to('7', 'INTEGER')"), "7");
  EXPECT_EQ(value("RETURN cast.to('7', 'FLOAT')"), "7.0");
  EXPECT_EQ(db_->execute("RETURN cast.to(1, 'NONSENSE')").status().info().phase, "compile time");
  EXPECT_EQ(db_->execute("WITH 'INTEGER' AS t RETURN cast.to(1, t)").status().info().phase, "compile time");
}

// Blocks of 64 bytes, chunks of 1 024, and trees of them: around each border. The hashes are another implementation's.
TEST_F(FunctionsTest, Blake3AroundBlocksAndChunks) {
  constexpr std::pair<int, std::string_view> kKnown[] = {
      {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
      {64, "472c51290d607f100d2036fdcedd7590bba245e9adeb21364a063b7bb4ca81c7"},
      {65, "f345679d9055e53939e92c04ff4f6c9d824b849810d4b598f54baa23336cde99"},
      {1024, "5a1c9e5d85d9898297037e8e24f69bb0e604a84c91c3b3ef4784a374812900d9"},
      {1025, "c59d2e12583df14d951e757a42f1734d355c8c5b1db6b6a33ab2bfabeed40c7d"},
      {2048, "11654ac17d073b0905429320fee0a34776cb5f10a9767287c70b627fc4f45539"},
      {2049, "32e4e6d05329fdf8777c2c1f87926ca72210a03abeec282a3b7946783abbd5db"},
      {5000, "09d0d29a5f2dc69dff0809823ca867836c3a3cfb00e12df06d92e3f0f70629e9"},
      {31744, "af069bb3716c13a788099469b423e0b3b03a9b98f7f0fa093e334f70767901d4"}};
  for (const auto& [size, hash] : kKnown) {
    EXPECT_EQ(value("RETURN crypto.blake3(string.repeat('a', " + std::to_string(size) + "))"),
              "'" + std::string(hash) + "'")
        << size;
  }
}

// Whatever the arguments are, a call gives a value or a typed error.
TEST_F(FunctionsTest, OddArgumentsAreAnswersOrTypedErrors) {
  const char* const odd[] = {"null",
                             "true",
                             "-9223372036854775808",
                             "9223372036854775807",
                             "0.0 / 0.0",
                             "1.0 / 0.0",
                             "''",
                             "'é\\u0000'",
                             "[]",
                             "[null, 1, 'a']",
                             "{}",
                             "{a: {b: 1}}",
                             "date('-999999999-01-01')",
                             "duration('PT-0.000000001S')",
                             "point({x: 0, y: 0})"};
  for (const FunctionSpec* spec : all_functions()) {
    for (const char* argument : odd) {
      for (int count = spec->min_args; count <= std::min<int>(spec->max_args, spec->min_args + 2); ++count) {
        if (count == 0) continue;
        std::string call = "WITH " + std::string(argument) + " AS x RETURN " + std::string(spec->name) + "(x";
        for (int i = 1; i < count; ++i) call += ", x";
        auto result = db_->execute(call + ")");
        if (!result.ok()) {
          EXPECT_NE(result.status().code(), ErrorCode::kInternal) << call << result.status().to_string();
        }
      }
    }
  }
}

TEST_F(FunctionsTest, NearNamesAreSuggested) {
  EXPECT_EQ(nearest_function("toUper"), "toUpper");
  EXPECT_EQ(nearest_function("zzzzzzzzzzzz"), "");
}

}  // namespace lora::cypher

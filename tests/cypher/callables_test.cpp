// Functions and procedures that a C++ program registers. What is the same from Python is tested there.
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "cypher/database.h"
#include "cypher/procedures/signature.h"
#include "tests/support/result_text.h"

namespace lora {

namespace {

class CallablesTest : public testing::Test {
 protected:
  CallablesTest() : db_(std::move(*Database::in_memory())) {}

  // The single value a query gives, as text; an error as its text.
  std::string value(const std::string& query) {
    auto result = db_->execute(query);
    if (!result.ok()) return result.status().to_string();
    if (result->row_count != 1) return std::to_string(result->row_count) + " rows";
    return test::result_text(result->at(0, 0));
  }
  ErrorCode code(const std::string& query) {
    auto result = db_->execute(query);
    return result.ok() ? ErrorCode::kOk : result.status().code();
  }

  std::unique_ptr<Database> db_;
};

ScalarCallable constant(Value v) {
  return [v](CallContext&, std::span<const Value>) { return Result<Value>(v); };
}

// 0, 1, 2, ... without end; *made counts them.
ProcedureCallable endless(std::atomic<int>* made) {
  return [made](CallContext&, std::span<const Value>) -> Result<RowProducer> {
    return RowProducer([made, i = int64_t{0}](CallContext&, List* row) mutable -> Result<bool> {
      ++*made;
      row->push_back(Value::integer(i++));
      return true;
    });
  };
}

}  // namespace

TEST_F(CallablesTest, FunctionIsCalledWithCheckedArguments) {
  ASSERT_TRUE(db_->register_function("my.twice(x :: FLOAT) :: FLOAT",
                                     [](CallContext&, std::span<const Value> args) {
                                       return Result<Value>(Value::floating(2 * args[0].as_float()));
                                     })
                  .ok());
  EXPECT_EQ(value("RETURN my.twice(21)"), "42.0");
  EXPECT_EQ(code("RETURN my.twice('x')"), ErrorCode::kSemantic);
  EXPECT_EQ(code("UNWIND [1, 'x'] AS x RETURN my.twice(x)"), ErrorCode::kType);
  EXPECT_EQ(code("RETURN my.twice(null)"), ErrorCode::kType);
}

// Rows enough for whole columns at once, where only built-in functions go.
TEST_F(CallablesTest, DeterministicFunctionRunsOverManyRows) {
  std::atomic<int> calls{0};
  CallableOptions options;
  options.deterministic = true;
  ASSERT_TRUE(db_->register_function(
                     "my.twice(x :: INTEGER) :: INTEGER",
                     [&calls](CallContext&, std::span<const Value> args) {
                       ++calls;
                       return Result<Value>(Value::integer(2 * args[0].as_integer()));
                     },
                     options)
                  .ok());
  EXPECT_EQ(value("UNWIND range(1, 100) AS x RETURN sum(my.twice(x))"), "10100");
  EXPECT_LE(calls, 100);
  EXPECT_EQ(value("UNWIND range(1, 100) AS x WITH x WHERE my.twice(x) > 50 RETURN count(*)"), "75");
  EXPECT_EQ(value("UNWIND range(1, 100) AS x WITH x WHERE abs(my.twice(x)) > 50 RETURN count(*)"), "75");
  EXPECT_EQ(code("UNWIND [1, 2, 3, 4, 'x'] AS x RETURN my.twice(x)"), ErrorCode::kType);
}

TEST_F(CallablesTest, EndlessProcedureUnderALimitIsAskedForFewRows) {
  std::atomic<int> made{0};
  ASSERT_TRUE(db_->register_procedure("my.count() :: (i :: INTEGER)", endless(&made)).ok());
  EXPECT_EQ(value("CALL my.count() YIELD i WITH i LIMIT 3 RETURN sum(i)"), "3");
  EXPECT_LT(made.load(), 10'000);
}

TEST_F(CallablesTest, StatusAndExceptionOfACallableEndTheStatement) {
  ASSERT_TRUE(db_->register_function("my.fail() :: INTEGER",
                                     [](CallContext&, std::span<const Value>) -> Result<Value> {
                                       return Status(ErrorCode::kIo, "no route");
                                     })
                  .ok());
  ASSERT_TRUE(db_->register_function(
                     "my.raise() :: INTEGER",
                     [](CallContext&, std::span<const Value>) -> Result<Value> { throw std::runtime_error("thrown"); })
                  .ok());
  ASSERT_TRUE(db_->register_procedure("my.rows() :: (i :: INTEGER)",
                                      [](CallContext&, std::span<const Value>) -> Result<RowProducer> {
                                        return RowProducer([](CallContext&, List*) -> Result<bool> { throw 5; });
                                      })
                  .ok());
  EXPECT_EQ(code("CREATE (:N {x: my.fail()})"), ErrorCode::kIo);
  auto thrown = db_->execute("CREATE (:N) CREATE (:N {x: my.raise()})");
  EXPECT_EQ(thrown.status().info().detail, "FunctionCallFailed");
  EXPECT_NE(thrown.status().message().find("thrown"), std::string::npos);
  EXPECT_EQ(db_->execute("CALL my.rows()").status().info().detail, "ProcedureCallFailed");
  EXPECT_EQ(value("MATCH (n) RETURN count(n)"), "0");
}

TEST_F(CallablesTest, LongCallStopsWhenItAsks) {
  ASSERT_TRUE(db_->register_function("my.spin() :: INTEGER",
                                     [](CallContext& context, std::span<const Value>) {
                                       for (;;) {
                                         Status status = context.check();
                                         if (!status.ok()) return Result<Value>(std::move(status));
                                       }
                                     })
                  .ok());
  QueryOptions options;
  options.timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(db_->execute("RETURN my.spin()", {}, options).status().code(), ErrorCode::kTimeout);
}

TEST_F(CallablesTest, WrongRowsAreTypeErrors) {
  ASSERT_TRUE(db_->register_procedure("my.rows() :: (a :: INTEGER, b :: STRING)",
                                      [](CallContext&, std::span<const Value>) -> Result<RowProducer> {
                                        return RowProducer([](CallContext&, List* row) -> Result<bool> {
                                          row->push_back(Value::integer(1));
                                          return true;
                                        });
                                      })
                  .ok());
  auto result = db_->execute("CALL my.rows()");
  EXPECT_EQ(result.status().code(), ErrorCode::kType);
  EXPECT_NE(result.status().message().find("`my.rows`"), std::string::npos);
}

TEST_F(CallablesTest, WriteFromWithinIsRefused) {
  ErrorCode inner = ErrorCode::kOk;
  ASSERT_TRUE(db_->register_function("my.write() :: INTEGER",
                                     [&](CallContext&, std::span<const Value>) {
                                       inner = db_->execute("CREATE (:M)").status().code();
                                       return Result<Value>(Value::integer(1));
                                     })
                  .ok());
  EXPECT_EQ(value("CREATE (:N) RETURN my.write()"), "1");
  EXPECT_EQ(inner, ErrorCode::kTransaction);
  EXPECT_EQ(value("MATCH (n) RETURN count(n)"), "1");
}

TEST_F(CallablesTest, ReplacedCallableIsFreedOnceNobodyRunsIt) {
  auto token = std::make_shared<int>(1);
  ASSERT_TRUE(db_->register_function(
                     "my.f() :: INTEGER",
                     [token](CallContext&, std::span<const Value>) { return Result<Value>(Value::integer(*token)); })
                  .ok());
  EXPECT_EQ(value("RETURN my.f()"), "1");
  EXPECT_EQ(token.use_count(), 2);
  ASSERT_TRUE(db_->register_function("MY.F() :: INTEGER", constant(Value::integer(2))).ok());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(value("RETURN my.f()"), "2");
  ASSERT_TRUE(db_->unregister_function("my.f").ok());
  EXPECT_EQ(db_->unregister_function("my.f").code(), ErrorCode::kNotFound);
  EXPECT_EQ(code("RETURN my.f()"), ErrorCode::kSemantic);
}

TEST_F(CallablesTest, ClosedHandleFreesItsCallables) {
  auto token = std::make_shared<int>(1);
  ASSERT_TRUE(db_->register_function(
                     "my.f() :: INTEGER",
                     [token](CallContext&, std::span<const Value>) { return Result<Value>(Value::integer(*token)); })
                  .ok());
  ASSERT_TRUE(db_->close().ok());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(db_->register_function("my.f() :: INTEGER", constant(Value())).code(), ErrorCode::kClosed);
}

TEST_F(CallablesTest, EmptyCallablesAndBadNamesAreRefused) {
  EXPECT_EQ(db_->register_function("my.f() :: INTEGER", nullptr).code(), ErrorCode::kInvalidParams);
  EXPECT_EQ(db_->register_function("f() :: INTEGER", constant(Value())).code(), ErrorCode::kSemantic);
  // Every namespace of a built-in function or procedure.
  for (std::string name : {"db", "DATE", "vector", "bytes", "duration", "point", "node"}) {
    EXPECT_EQ(db_->register_function(name + ".mine() :: INTEGER?", constant(Value())).code(), ErrorCode::kSemantic)
        << name;
  }
}

TEST_F(CallablesTest, IdentityOfAnyValueKeepsEntities) {
  ASSERT_TRUE(db_->register_function("my.same(x :: ANY?) :: ANY?",
                                     [](CallContext&, std::span<const Value> args) { return Result<Value>(args[0]); })
                  .ok());
  ASSERT_TRUE(db_->execute("CREATE (:A {x: 1})-[:R {y: 2}]->(:B)").ok());
  EXPECT_EQ(value("MATCH p = (a:A)-[r]->(b) WITH my.same([a, {r: r}, p]) AS l "
                  "RETURN [l[0].x, l[1].r.y, length(l[2]), nodes(l[2])[0].x]"),
            "[1, 2, 1, 1]");
}

// Signatures come out in one spelling, types as written.
TEST(SignatureTest, ReadsNamesFieldsAndTypes) {
  const auto text = [](std::string_view written, cypher::DeclaredSignature::Kind kind) {
    cypher::DeclaredSignature signature;
    const Status status = signature.read(written, kind);
    return status.ok() ? signature.text : std::string(error_code_name(status.code()));
  };
  using Kind = cypher::DeclaredSignature::Kind;
  EXPECT_EQ(text(" a.b ( x::INTEGER? ,y :: LIST < STRING > ) ::( z :: ANY ) ", Kind::kProcedure),
            "a.b(x :: INTEGER?, y :: LIST < STRING >) :: (z :: ANY)");
  EXPECT_EQ(text("a.b() :: VOID", Kind::kProcedure), "a.b() :: VOID");
  EXPECT_EQ(text("a.b() :: ()", Kind::kProcedure), "a.b() :: VOID");
  EXPECT_EQ(text("a.b()", Kind::kProcedure), "a.b() :: VOID");
  EXPECT_EQ(text("a.b(v :: VECTOR<FLOAT32>(3)) :: NUMBER?", Kind::kFunction),
            "a.b(v :: VECTOR<FLOAT32>(3)) :: NUMBER?");
  for (std::string_view bad :
       {"", "(", ")", "a.b", "a.b(", "a.b)", ".b() :: INTEGER", "a.() :: INTEGER", "a.b(x ::) :: INTEGER",
        "a.b(:: INTEGER) :: INTEGER", "a.b() :: INTEGER STRING", "a.b() : INTEGER", "a.b() :: ?", "a b.c() :: INTEGER",
        "a.b(x :: VECTOR<FLOAT32>(9999)) :: INTEGER"}) {
    EXPECT_EQ(text(bad, Kind::kFunction), "LORA_SEMANTIC") << bad;
  }
}

}  // namespace lora

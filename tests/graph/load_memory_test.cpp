// Memory that cannot be had in the middle of a load of the in-memory form: allocation after allocation fails, once
// each. Nothing leaks (what a thread takes and gives back is counted, so no sanitizer is needed to see it), no lock
// stays held, and no state is half way. The same through queries: database_memory_test.
#include <algorithm>
#include <chrono>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "graph/bulk_load.h"
#include "graph/cache/versions.h"
#include "graph/graph_impl.h"
#include "graph/property_hash.h"
#include "graph/writer_lock.h"
#include "kv/contain.h"
#include "tests/graph/graph_fixture.h"
#include "tests/support/failing_allocations.h"

namespace lora::graph {
namespace {

using namespace cache;  // NOLINT: what is tested
using tests::failing;
using tests::live_allocations;

// Runs `body` with one allocation after the other failing, until none is left; whether it ends with std::bad_alloc or
// does without, it must leave as many pieces of memory as before. Returns how often it ended so.
int64_t sweep(const std::function<void()>& body) {
  tests::prepare_failing();
  body();  // what is made once (shared empty chunks) is there
  int64_t times = 0;
  for (int64_t skip = 0;; ++skip) {
    const int64_t before = live_allocations();
    bool refused = false;
    failing = {true, skip, 0, false, 0};
    try {
      body();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    failing.armed = false;
    EXPECT_EQ(live_allocations(), before) << "allocation " << skip;
    const bool reached = failing.failed > 0;
    EXPECT_TRUE(reached || !refused) << "allocation " << skip;
    times += refused;
    if (!reached || ::testing::Test::HasFailure()) return times;
  }
}

constexpr uint32_t kRows = 60;

// More columns than a fresh block has slots for, of every kind: numbers, booleans, texts that differ (more than an
// arena holds at first) and that repeat, lists, columns that change their kind on the way, long texts, few values.
std::vector<std::vector<Property>> many_properties() {
  std::vector<std::vector<Property>> rows;
  for (uint32_t row = 0; row < kRows; ++row) {
    const std::string text = std::to_string(row) + " is a text that does not fit into a short string, nor into another";
    std::vector<Property> p;
    const auto add = [&p](Value value) { p.push_back({KeyId(static_cast<uint32_t>(p.size())), std::move(value)}); };
    add(Value::integer(row));
    add(Value::floating(row * 0.5));
    add(Value::boolean(row % 2 == 0));
    add(Value::string(text));
    add(Value::string("one text that all of them have, and that is no short one"));
    add(Value::list({Value::integer(row), Value::string(text)}));
    add(row < 20 ? Value::integer(row) : Value::string(text));
    add(row < 20 ? Value::string(text) : Value::list({Value::integer(row)}));
    add(row < 20 ? Value::boolean(true) : Value::floating(row));
    add(Value::string(std::string(300, 'l') + text));
    if (row > 50) add(Value::integer(row));
    rows.push_back(std::move(p));
  }
  return rows;
}

void build_nodes(const std::vector<std::vector<Property>>& rows) {
  EntityBlockBuilder builder;
  const LabelId labels[] = {LabelId(0), LabelId(1), LabelId(2)};
  for (uint32_t row = 0; row < kRows; ++row) {
    builder.add_node(row, std::span(labels).subspan(0, row < 3 ? 1 : row % 4), rows[row]);
  }
  const Loaded<EntityBlock> block = builder.finish();
  ASSERT_EQ(block->column_count, 11);
}

TEST(LoadMemoryTest, BlocksOfNodes) {
  const auto rows = many_properties();
  EXPECT_GT(sweep([&] { build_nodes(rows); }), 50);
}

TEST(LoadMemoryTest, BlocksOfRelationships) {
  const auto rows = many_properties();
  EXPECT_GT(sweep([&] {
              EntityBlockBuilder builder;
              for (uint32_t row = 0; row < kRows; ++row) {
                const uint64_t wide = row > 30 ? uint64_t{1} << 33 : 0;
                builder.add_relationship(row, RelTypeId(row > 10 ? row % 3 : 0), NodeId(row), NodeId(wide + row),
                                         rows[row]);
              }
              ASSERT_EQ(builder.finish()->end(40).value, (uint64_t{1} << 33) + 40);
            }),
            40);
}

// Lists of all sizes: inside the chunk, hubs of some blocks, and one of more than a page.
Loaded<TopologyChunk> build_topology() {
  TopologyBuilder builder;
  std::vector<uint64_t> ids(HubBlock::kPairsMax);
  for (const auto& [row, blocks, count] : {std::tuple{0u, 1u, 10u}, {3u, 1u, 200u}, {4u, 3u, 256u}, {9u, 70u, 256u}}) {
    ids.resize(count);
    for (uint32_t b = 0; b < blocks; ++b) {
      for (uint32_t i = 0; i < count; ++i) ids[i] = (row == 4 ? uint64_t{1} << 32 : 0) + b * count + i;
      const BlockKey key = b == 0 ? BlockKey{} : BlockKey{ids[0], ids[0]};
      if (!builder.add_block(row, key, ids, ids)) ADD_FAILURE() << row << "." << b;
    }
  }
  return builder.finish();
}

TEST(LoadMemoryTest, ListsAndHubs) {
  EXPECT_GT(sweep([] { ASSERT_EQ(build_topology()->degree(9), 70u * 256); }), 80);
}

// 3 630 entries: at the end each of three levels is open, and the middle one is full.
std::vector<std::string> index_entries(bool texts) {
  std::vector<std::string> entries;
  for (uint32_t i = 0; i < 3'630; ++i) {
    char number[16];
    std::snprintf(number, sizeof number, "%08u", i);
    std::string entry = number;
    if (texts) entry += std::string(i % 97, 't');
    entries.push_back(entry + std::string(IndexTree::kIdBytes, '\1'));
  }
  return entries;
}

TEST(LoadMemoryTest, IndexTrees) {
  for (const bool texts : {false, true}) {
    const std::vector<std::string> entries = index_entries(texts);
    EXPECT_GT(sweep([&] {
                IndexTreeBuilder builder(nullptr);
                for (const std::string& entry : entries) builder.add(entry);
                ASSERT_EQ(builder.finish_loaded()->entries, entries.size());
              }),
              60);
  }
}

// Loads as the transaction's own reader does them: into nodes it has copied, where the chunks become its own.
void publish_all(const Root& root, WriteContext* context, const std::vector<std::vector<Property>>& rows,
                 uint64_t index) {
  EntityBlockBuilder nodes;
  for (uint32_t row = 0; row < 5; ++row) nodes.add_node(row, {}, rows[row]);
  root.publish_block(context, EntityKind::kNode, index, nodes.finish());
  root.publish_label_chunk(context, LabelId(1), index, Loaded<LabelChunk>(LabelChunk::make(nullptr)));
  root.publish_topology_chunk(context, RelTypeId(1), Direction::kIn, index, build_topology());
  IndexTreeBuilder tree(nullptr);
  for (uint32_t i = 100; i < 300; ++i) tree.add(std::to_string(i) + "123456");
  root.publish_index(context, IndexId(static_cast<uint32_t>(index)), tree.finish_loaded());
}

Root reserved_root() {
  Root root;
  ReservedTries owner(root);
  root.next_node = 1'000'000;
  root.label_tokens = root.type_tokens = 200;
  root.reserve(1'000'000, 1'000'000, 200, 200, 5'000);
  for (uint32_t i = 0; i < 200; i += 50) {
    root.load_label_count(LabelId(i), i + 1);
    root.load_type_count(RelTypeId(i), i + 2);
    root.load_triple_count(LabelId(i), RelTypeId(7), Direction::kIn, i + 3);
  }
  owner.release();
  return root;
}

TEST(LoadMemoryTest, VersionsAreOpenedReplacedAndFilled) {
  const auto rows = many_properties();
  const auto body = [&] {
    Versions versions([](const kv::Snapshot*) {});
    versions.open(reserved_root());
    publish_all(*versions.published(), nullptr, rows, 3);
    auto context = versions.begin();
    context->begin_statement();
    {
      const auto lock = versions.structure();
      context->root()->edit_fresh_block(*context, EntityKind::kNode, 4);
    }
    const auto statement = [&](uint64_t index) {
      context->begin_statement();
      try {
        publish_all(*context->root(), context.get(), rows, index);
      } catch (const std::bad_alloc&) {
        context->rollback_statement();
        versions.commit(std::move(context), 1, nullptr);  // what stood before is kept
        throw;
      }
      context->finish_statement();
    };
    statement(5);  // beside block 4: the nodes are the transaction's
    statement(7);
    versions.commit(std::move(context), 1, nullptr);
    publish_all(*versions.tip(), nullptr, rows, 6);
    versions.replace(reserved_root());
    const Root& root = *versions.published();
    ASSERT_EQ(root.label_count(LabelId(150)), 151u);
    ASSERT_EQ(root.type_count(RelTypeId(50)), 52u);
    ASSERT_EQ(root.triple_count(LabelId(100), RelTypeId(7), Direction::kIn), 103u);
    ASSERT_EQ(root.triple_count(LabelId(100), RelTypeId(8), Direction::kIn), 0u);
    ASSERT_EQ(root.find_block(EntityKind::kNode, 3), nullptr) << "not loaded";
  };
  EXPECT_GT(sweep(body), 200);
}

// A table that could not be made is not there at all, so that the next scan makes one; one that cannot grow is given
// up, since it would miss what was to be added.
TEST(LoadMemoryTest, HashesOfPropertiesAreWholeOrNotThere) {
  tests::prepare_failing();
  constexpr KeyId kKey(3);
  for (int64_t skip = 0;; ++skip) {
    PropertyHashes hashes(1 << 24);
    failing = {true, skip, 0, false, 0};
    const Status status =
        contain([&] { return hashes.begin(1, kKey, 100) != 0 ? Status() : Status::internal("none"); });
    failing.armed = false;
    if (failing.failed == 0) break;
    EXPECT_EQ(status.code(), ErrorCode::kMemoryLimit);
    EXPECT_EQ(hashes.bytes(), 0u);
    hashes.add(kKey, Value::integer(1), 1);
    EXPECT_NE(hashes.begin(1, kKey, 100), 0u);
  }
  PropertyHashes hashes(1 << 24);
  hashes.finish(kKey, hashes.begin(1, kKey, 100));
  uint64_t added = 0;
  failing = {true, 0, 4096, true, 0};  // there is no larger table
  for (; added < 2000 && failing.failed == 0; ++added) {
    hashes.add(kKey, Value::integer(static_cast<int64_t>(added)), added);
  }
  failing.armed = false;
  EXPECT_LT(added, 2000u);
  std::vector<uint64_t> ids;
  EXPECT_FALSE(hashes.candidates(1, kKey, Value::integer(1), &ids));
  EXPECT_EQ(hashes.bytes(), 0u);
}

// Whoever keeps a closed handle does not keep its caches.
TEST(LoadMemoryTest, ClosingGivesBackWhatWasCached) {
  const TemporaryDirectory directory;
  GraphOptions options;
  options.store.directory = directory.path();
  constexpr int kNodes = 20'000;
  {
    const std::unique_ptr<Graph> graph = must(Graph::open(options));
    Writer writer(*graph);
    for (int i = 0; i < kNodes; ++i)
      writer.node({}, {{"texts", Value::list({Value::string(std::string(300, 'a') + std::to_string(i))})}});
    writer.commit();
    must(graph->close());
  }
  tests::prepare_failing();
  const int64_t before = live_allocations();
  const std::unique_ptr<Graph> graph = must(Graph::open(options));
  const int64_t opened = live_allocations();
  {
    const Snapshot snapshot = graph->snapshot();
    const auto reader = snapshot.reader();
    const KeyId key = *reader->find_key("texts");
    for (uint64_t i = 0; i < kNodes; ++i) ASSERT_TRUE(reader->node_property(NodeId(i), key).is_list());
  }
  const int64_t read = live_allocations();
  EXPECT_GT(read - opened, 1000);  // chunks, and blocks of the store
  must(graph->close());
  EXPECT_LT(live_allocations(), opened);
  // Nearly nothing is left. (Less than nothing when background threads of the first handle were still giving back.)
  EXPECT_LT(live_allocations() - before, (read - opened) / 100);
}

// After a failed sync. Three versions, the later ones with parts of the earlier ones, and loads into each of them.
TEST(LoadMemoryTest, DroppingWhatWasNotPublishedNeedsNoMemory) {
  tests::prepare_failing();
  const auto rows = many_properties();
  Versions versions([](const kv::Snapshot*) {});
  versions.open(reserved_root());
  publish_all(*versions.published(), nullptr, rows, 1);
  const Root* published = versions.published();
  for (uint64_t version = 1; version <= 3; ++version) {
    auto context = versions.begin();
    context->begin_statement();
    {
      const auto lock = versions.structure();
      context->root()->edit_fresh_block(*context, EntityKind::kNode, 10 * version);
      context->root()->edit_fresh_topology_chunk(*context, RelTypeId(1), Direction::kIn, 10 * version);
      context->root()->add_label_count(*context, LabelId(0), 1);
    }
    context->finish_statement();
    versions.commit(std::move(context), version, nullptr);
    publish_all(*versions.tip(), nullptr, rows, 10 * version + 1);
  }
  failing = {true, 0, 0, true, 0};
  versions.drop_unpublished();
  failing.armed = false;
  EXPECT_EQ(failing.failed, 0);
  uint64_t bytes = 0;  // of all that can still be reached
  for (const TrieNode* trie : tries_of(*published)) bytes += tree_bytes(trie);
  EXPECT_EQ(versions.object_bytes(), bytes);
  EXPECT_EQ(versions.tip(), published);
  EXPECT_EQ(versions.stats().live_roots, 1u);
  EXPECT_EQ(published->label_count(LabelId(0)), 1u);
}

// --- the writer ---

constexpr const char* kLongName = "a name that does not fit into a short string";

TEST(WriterMemoryTest, AHolderWithoutMemoryForItsNameGivesTheLockBack) {
  tests::prepare_failing();
  WriterLock lock;
  const auto now = std::chrono::steady_clock::now();
  failing = {true, 0, 0, true, 0};
  const Status taken = contain([&] { return lock.acquire(now, kLongName, 0, {}); });
  failing.armed = false;
  ASSERT_TRUE(taken.ok()) << taken.to_string();
  EXPECT_GT(failing.failed, 0);
  const Status busy = lock.acquire(now, "other", 0, {});
  EXPECT_NE(busy.message().find("unnamed"), std::string::npos) << busy.to_string();
  lock.release();
  EXPECT_TRUE(lock.try_acquire("other"));
}

TEST(WriterMemoryTest, AWaiterWhosePollThrowsIsNotGrantedTheLock) {
  WriterLock lock;
  ASSERT_TRUE(lock.try_acquire("first"));
  const Status waited = contain([&] {
    return lock.acquire(std::chrono::steady_clock::now() + std::chrono::seconds(5), "second", 0,
                        []() -> Status { throw std::bad_alloc(); });
  });
  EXPECT_EQ(waited.code(), ErrorCode::kMemoryLimit);
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // who has waited so long would be next
  lock.release();
  EXPECT_TRUE(lock.try_acquire("third"));
}

// Whatever fails: the statement or load is refused, and the next one finds the writer free.
void expect_writer_free(Graph& graph, int64_t skip) {
  auto next = graph.begin_write(std::chrono::steady_clock::now(), "next", 0, {});
  ASSERT_TRUE(next.ok()) << "allocation " << skip << next.status().to_string();
}

TEST(WriterMemoryTest, TransactionsAndCareGiveTheWriterBack) {
  tests::prepare_failing();
  const std::unique_ptr<Graph> graph = must(Graph::open({}));
  Writer(*graph).commit();
  const std::function<Status()> calls[] = {
      [&] { return graph->begin_write(std::chrono::steady_clock::now(), kLongName, 0, {}).status(); },
      [&] { return graph->verify(true, {}).status(); },
      [&] { return graph->checkpoint(false); },
      [&] { return BulkLoad::begin(*graph, std::chrono::steady_clock::now(), {}).status(); },
  };
  for (const auto& call : calls) {
    for (int64_t skip = 0;; skip += 1 + skip / 32) {
      failing = {true, skip, 0, false, 0};
      const Status status = contain(call);
      failing.armed = false;
      ASSERT_NO_FATAL_FAILURE(expect_writer_free(*graph, skip));
      if (failing.failed == 0) break;
    }
  }
}

// Lists that a statement fills at its end are filled, or the statement fails and leaves nothing.
TEST(WriterMemoryTest, RelationshipsThatWerePutOffAreThereOrNot) {
  tests::prepare_failing();
  const std::unique_ptr<Graph> graph = must(Graph::open({}));
  std::vector<NodeId> nodes;
  {
    Writer writer(*graph);
    for (int i = 0; i < 300; ++i) nodes.push_back(writer.node());
    for (int i = 0; i < 150; ++i) writer.relationship(nodes[0], "R", nodes[static_cast<size_t>(i)]);
    writer.commit();
  }
  int64_t refused = 0;
  for (int64_t skip = 0;; ++skip) {
    Writer writer(*graph);
    const RelTypeId type = must(writer->rel_type("R"));
    must(writer->begin_statement());
    failing = {true, skip, 0, false, 0};
    const Status status = contain([&]() -> Status {
      for (size_t i = 0; i < 120; ++i) {
        LORA_TRY(writer->create_relationship(type, nodes[i % 2], nodes[i * 2], {}).status());
      }
      return writer->finish_statement();
    });
    failing.armed = false;
    if (!status.ok()) writer->rollback_statement();
    refused += !status.ok();
    Reader& reader = writer->reader();
    ASSERT_EQ(reader.degree(nodes[0], Direction::kOut, type), status.ok() ? 210u : 150u) << "allocation " << skip;
    ASSERT_EQ(reader.degree(nodes[1], Direction::kOut, type), status.ok() ? 60u : 0u) << "allocation " << skip;
    must(writer->begin_statement());
    must(writer->create_relationship(type, nodes[7], nodes[8], {}).status());
    must(writer->finish_statement());
    ASSERT_EQ(reader.degree(nodes[7], Direction::kOut, type), 1u);
    if (failing.failed == 0) break;
  }
  EXPECT_GT(refused, 20);
}

// A commit in memory is there or not; when only its way to the store fails, it goes there with a later one.
TEST(WriterMemoryTest, CommitsBehindTheStoreAreWholeOrNotThere) {
  tests::prepare_failing();
  GraphOptions options;
  options.write_behind_from_bytes = 1;
  options.unwritten_keys_max = 0;
  const std::unique_ptr<Graph> graph = must(Graph::open(options));
  int64_t x = 0;
  NodeId node;
  {
    Writer writer(*graph);
    node = writer.node({"A label with quite a long name"}, {{"x", Value::integer(x)}});
    must(writer
             ->create_index({"an index with quite a long name",
                             IndexKind::kRange,
                             EntityKind::kNode,
                             "A label with quite a long name",
                             {"x"}})
             .status());
    writer.commit();
  }
  const auto read = [&] {
    const Snapshot snapshot = graph->snapshot();
    const auto reader = snapshot.reader();
    return reader->node_property(node, *reader->find_key("x")).as_integer();
  };
  int64_t refused = 0, left = 0;
  for (int64_t skip = 0;; ++skip) {
    Writer writer(*graph);
    writer.set(node, "x", Value::integer(x + 1));
    // More names than there is room for among those that are not written yet, now and then.
    for (int64_t n = 0; n <= skip % 5 * 20; ++n) {
      writer.node({"A label with quite a long name"}, {{"x", Value::integer(-1 - skip)}});
    }
    failing = {true, skip / 5, 0, false, 0};
    const Status status = contain([&] { return writer->commit().status(); });
    failing.armed = false;
    refused += !status.ok();
    left += graph->impl()->unwritten->behind;
    x += status.ok();
    ASSERT_EQ(read(), x) << "allocation " << skip << ": " << status.to_string();
    if (failing.failed == 0 && skip % 5 == 4) break;
  }
  EXPECT_GE(refused, 1);
  EXPECT_GT(left, 10) << "the write to the store never failed";
  EXPECT_FALSE(graph->impl()->unwritten->behind);
  const VerifyReport report = must(graph->verify(true, {}));
  for (const std::string& error : report.errors) ADD_FAILURE() << error;
  graph->drop_cache();
  EXPECT_EQ(read(), x);
}

// Entries that the building of an index has made have no names of their own: what is written twice must not lose them.
TEST(WriterMemoryTest, AClearAndAnIndexBehindTheStoreAreWrittenOnce) {
  tests::prepare_failing();
  GraphOptions options;
  options.write_behind_from_bytes = 1;
  options.unwritten_keys_max = 0;
  const std::unique_ptr<Graph> graph = must(Graph::open(options));
  constexpr int kNodes = 20;
  for (int64_t skip = 0;; ++skip) {
    Writer writer(*graph);
    must(writer->clear());
    if (skip != 0) static_cast<void>(writer->drop_index("i"));
    for (int i = 0; i < kNodes; ++i) writer.node({"L"}, {{"x", Value::integer(i)}});
    must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "L", {"x"}}).status());
    failing = {true, skip, 0, false, 0};
    static_cast<void>(contain([&] { return writer->commit().status(); }));
    failing.armed = false;
    const VerifyReport report = must(graph->verify(true, {}));
    for (const std::string& error : report.errors) ADD_FAILURE() << "allocation " << skip << ": " << error;
    if (HasFailure() || failing.failed == 0) break;
  }
  EXPECT_EQ(graph->node_count(), static_cast<uint64_t>(kNodes));
}

// --- bulk load, as lora-import does it ---

constexpr uint64_t kBulkNodes = 20;

Status bulk_fill(Graph& graph, const std::vector<std::vector<Property>>& rows) {
  LORA_ASSIGN(const std::unique_ptr<BulkLoad> load,
              BulkLoad::begin(graph, std::chrono::steady_clock::now() + std::chrono::seconds(1), {}));
  for (int key = 0; key < 11; ++key) {
    LORA_TRY(load->key("a key with a long name, number " + std::to_string(10 + key)).status());
  }
  LORA_ASSIGN(const LabelId label, load->label("A label with quite a long name"));
  LORA_ASSIGN(const RelTypeId type, load->rel_type("A_TYPE_WITH_QUITE_A_LONG_NAME"));
  for (uint64_t i = 0; i < kBulkNodes; ++i) {
    const LabelId labels[] = {label};
    LORA_TRY(load->add_node(labels, rows[i % rows.size()]).status());
  }
  for (uint64_t i = 0; i < 300; ++i) {  // a hub among them
    const auto& properties = rows[i % rows.size()];
    LORA_TRY(load->add_relationship(type, NodeId(0), NodeId(i % kBulkNodes),
                                    std::span(properties).subspan(0, i < 5 ? properties.size() : 0))
                 .status());
  }
  return load->finish({});
}

TEST(BulkLoadMemoryTest, IsThereWholeOrNotAtAll) {
  tests::prepare_failing();
  const auto rows = many_properties();
  int64_t refused = 0;
  for (int64_t skip = 0;; skip += 1 + skip / 16) {
    const std::unique_ptr<Graph> graph = must(Graph::open({}));
    failing = {true, skip, 0, false, 0};
    const Status status = contain([&] { return bulk_fill(*graph, rows); });
    failing.armed = false;
    SCOPED_TRACE(skip);
    if (!status.ok()) {
      ++refused;
      ASSERT_EQ(status.code(), ErrorCode::kMemoryLimit) << status.to_string();
    }
    auto next = graph->begin_write(std::chrono::steady_clock::now(), "next", 0, {});
    // Refused once it was in the store: no writes until it is opened again.
    ASSERT_TRUE(next.ok() || (!status.ok() && next.status().code() == ErrorCode::kInternal))
        << next.status().to_string();
    const bool may_write = next.ok();
    next = Status();
    const uint64_t nodes = graph->node_count();
    ASSERT_EQ(nodes, status.ok() ? kBulkNodes : 0u);
    if (may_write && !status.ok()) {
      const Status again = bulk_fill(*graph, rows);
      ASSERT_TRUE(again.ok()) << again.to_string();
      ASSERT_EQ(graph->node_count(), kBulkNodes);
    }
    if (may_write) {
      const VerifyReport report = must(graph->verify(true, {}));
      ASSERT_TRUE(report.errors.empty()) << report.errors[0];
    }
    if (failing.failed == 0) break;
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace lora::graph

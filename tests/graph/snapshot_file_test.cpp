#include "graph/snapshot_file.h"

#include <zstd.h>

#include <algorithm>
#include <random>

#include "kv/commit_record.h"
#include "kv/encode.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, GraphTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

void fill(Graph& graph, int nodes, const std::string& prefix = "n") {
  Writer writer(graph);
  std::vector<NodeId> ids;
  for (int i = 0; i < nodes; ++i) {
    ids.push_back(i % 3 == 0
                      ? writer.node({"Person", "Odd"}, {{"id", Value::integer(i)}, {"f", Value::floating(i / 2.0)}})
                      : writer.node({"Person"},
                                    {{"id", Value::integer(i)}, {"name", Value::string(prefix + std::to_string(i))}}));
  }
  for (int i = 0; i < nodes; ++i) {
    writer.relationship(ids[0], "HUB", ids[static_cast<size_t>(i)]);
    writer.relationship(ids[static_cast<size_t>(i)], "NEXT", ids[static_cast<size_t>(i * 7 % nodes)],
                        {{"w", Value::integer(i)}});
  }
  must(writer->create_constraint({"", ConstraintKind::kUnique, EntityKind::kNode, "Person", {"id"}}));
  must(writer->create_index({"names", IndexKind::kRange, EntityKind::kNode, "Person", {"name"}}).status());
  must(writer->create_index({"weights", IndexKind::kRange, EntityKind::kRelationship, "NEXT", {"w"}}).status());
  writer.commit();
}

void expect_sound(Graph& graph) {
  const VerifyReport report = must(graph.verify(true, {}));
  for (const std::string& error : report.errors) {
    ADD_FAILURE() << error;
  }
}

// Everything there is, as text.
std::string dump(Graph& graph) {
  const Snapshot snapshot = graph.snapshot();
  const auto reader = snapshot.reader();
  std::string out;
  std::vector<LabelId> labels;
  std::vector<Property> properties;
  const auto add_properties = [&] {
    for (const Property& p : properties) {
      out += " " + std::string(reader->key_name(p.key)) + "=" + std::to_string(hash(p.value));
    }
    out += "\n";
  };
  for (uint64_t id : all(reader->scan_nodes(std::nullopt))) {
    out += "n" + std::to_string(id);
    reader->labels(NodeId(id), &labels);
    for (LabelId label : labels) {
      out += ":" + std::string(reader->label_name(label));
    }
    reader->node_properties(NodeId(id), &properties);
    add_properties();
  }
  for (uint64_t id : all(reader->scan_relationships(std::nullopt))) {
    const auto record = reader->relationship(RelId(id));
    out += "r" + std::to_string(id) + " " + std::to_string(record->start.value) + "-" +
           std::string(reader->rel_type_name(record->type)) + "-" + std::to_string(record->end.value);
    reader->relationship_properties(RelId(id), &properties);
    add_properties();
  }
  for (const IndexInfo& index : reader->schema().indexes) {
    out += index.definition.name + (index.unique ? " unique" : "");
    for (uint64_t id : all(reader->index_range(index.id, {}, {}))) {
      out += " " + std::to_string(id);
    }
    out += "\n";
  }
  must(reader->status());
  return out;
}

TEST_P(GraphTest, SnapshotRoundTripKeepsEverything) {
  fill(graph(), 500);
  const std::string wanted = dump(graph());
  for (auto codec :
       {SnapshotSaveOptions::Codec::kNone, SnapshotSaveOptions::Codec::kGzip, SnapshotSaveOptions::Codec::kZstd}) {
    SnapshotSaveOptions options;
    options.codec = codec;
    const std::string file = save(graph(), options);
    auto other = must(Graph::open({}));
    fill(*other, 40, "other");
    const SnapshotFileMeta meta = must(load(*other, file));
    EXPECT_EQ(meta.node_count, 500u);
    EXPECT_EQ(meta.relationship_count, 1000u);
    EXPECT_EQ(meta.wal_lsn.has_value(), GetParam());
    EXPECT_EQ(dump(*other), wanted);
    expect_sound(*other);
    // It goes on: writes, constraint, more snapshots.
    Writer writer(*other);
    const auto clash =
        writer->create_node(std::vector{must(writer->label("Person"))}, writer.properties({{"id", Value::integer(7)}}));
    EXPECT_EQ(clash.status().code(), ErrorCode::kUniqueConstraint);
    writer->rollback();
    Writer again(*other);
    EXPECT_GE(again.node({"New"}).value, 500u);
    again.commit();
    expect_sound(*other);
  }
}

TEST_P(GraphTest, LoadedSnapshotIsDurableAndOldVersionsGoOn) {
  auto other = must(Graph::open({}));
  fill(*other, 300);
  const std::string file = save(*other);
  fill(graph(), 70, "mine");
  {
    const std::string mine = dump(graph());
    const Snapshot old = graph().snapshot();
    must(load(graph(), file).status());
    const auto reader = old.reader();
    EXPECT_EQ(reader->node_count(), 70u);
    EXPECT_EQ(all(reader->scan_nodes(reader->find_label("Person"))).size(), 70u);
    EXPECT_EQ(reader->node_property(NodeId(1), reader->find_key("name").value()).as_string(), "mine1");
    EXPECT_NE(dump(graph()), mine);
  }
  EXPECT_EQ(dump(graph()), dump(*other));
  reopen();
  EXPECT_EQ(dump(graph()), dump(*other));
  expect_sound(graph());
}

TEST_P(GraphTest, LimitsAreTheLargerOfBoth) {
  auto other = must(Graph::open({}));
  fill(*other, 10);
  const std::string file = save(*other);
  fill(graph(), 100);
  must(load(graph(), file).status());
  reopen();
  Writer writer(graph());
  EXPECT_EQ(writer.node().value, 100u);
}

TEST_P(GraphTest, EmptyGraphReplacesAll) {
  auto other = must(Graph::open({}));
  const std::string file = save(*other);
  fill(graph(), 100);
  must(load(graph(), file).status());
  reopen();
  EXPECT_EQ(dump(graph()), "");
  expect_sound(graph());
  fill(graph(), 20);
  expect_sound(graph());
}

TEST_P(GraphTest, EncryptedSnapshotNeedsItsCredentials) {
  fill(graph(), 200);
  SnapshotSaveOptions options;
  options.crypto.kind = SnapshotCrypto::Kind::kPassword;
  options.crypto.password = "correct horse";
  options.crypto.memory_cost_kib = 64;
  options.crypto.time_cost = 1;
  const std::string file = save(graph(), options);
  EXPECT_EQ(file.find("mine"), std::string::npos);
  auto other = must(Graph::open({}));
  EXPECT_EQ(load(*other, file).status().code(), ErrorCode::kSnapshotCrypto);
  SnapshotCrypto wrong = options.crypto;
  wrong.password = "incorrect horse";
  EXPECT_EQ(load(*other, file, wrong).status().code(), ErrorCode::kSnapshotCrypto);
  must(load(*other, file, options.crypto).status());
  EXPECT_EQ(dump(*other), dump(graph()));

  options.crypto = {};
  options.crypto.kind = SnapshotCrypto::Kind::kKey;
  options.crypto.key = std::string(32, 'k');
  options.crypto.key_id = "main";
  const std::string keyed = save(graph(), options);
  must(load(*other, keyed, options.crypto).status());
  options.crypto.key_id = "spare";
  EXPECT_EQ(load(*other, keyed, options.crypto).status().code(), ErrorCode::kSnapshotCrypto);
  options.crypto.key = "short";
  EXPECT_EQ(load(*other, keyed, options.crypto).status().code(), ErrorCode::kSnapshotCrypto);
}

TEST_P(GraphTest, HeavyKeyDerivationIsRefused) {
  SnapshotSaveOptions options;
  options.crypto.kind = SnapshotCrypto::Kind::kPassword;
  options.crypto.password = "x";
  options.crypto.memory_cost_kib = kKdfMemoryKibMax + 1;
  const ByteSink nowhere = [](ByteView) { return Status(); };
  EXPECT_EQ(graph().save_snapshot(options, nowhere, {}).status().code(), ErrorCode::kSnapshotCrypto);
  options.crypto.memory_cost_kib = 64;
  options.crypto.time_cost = kKdfPassesMax + 1;
  EXPECT_EQ(graph().save_snapshot(options, nowhere, {}).status().code(), ErrorCode::kSnapshotCrypto);
}

TEST_P(GraphTest, ForeignAndNewerFilesAreRefused) {
  EXPECT_EQ(load(graph(), "LORACOL1" + std::string(100, 'x')).status().code(), ErrorCode::kFormatVersion);
  EXPECT_EQ(load(graph(), std::string("LORADB2\0", 8) + std::string(100, 'x')).status().code(),
            ErrorCode::kFormatVersion);
  std::string file = save(graph());
  file[8] = 2;
  EXPECT_EQ(load(graph(), file).status().code(), ErrorCode::kFormatVersion);
  EXPECT_EQ(load(graph(), "").status().code(), ErrorCode::kCorruption);
  EXPECT_EQ(load(graph(), "nonsense nonsense nonsense").status().code(), ErrorCode::kCorruption);
}

TEST_P(GraphTest, FailingSinkAndSourceEndTheOperation) {
  fill(graph(), 300);
  int calls = 0;
  const auto saved =
      graph().save_snapshot({}, [&](ByteView) { return ++calls > 2 ? Status::io("disk on fire") : Status(); }, {});
  EXPECT_EQ(saved.status().message(), "disk on fire");
  const std::string before = dump(graph());
  const auto loaded = graph().load_snapshot({}, [](char*, size_t, size_t*) { return Status::io("pipe broke"); },
                                            std::chrono::steady_clock::now(), {});
  EXPECT_EQ(loaded.status().message(), "pipe broke");
  EXPECT_EQ(dump(graph()), before);
}

// A thousand damaged files: each is refused with a typed error and leaves the graph as it was.
TEST(SnapshotFileTest, DamagedFilesAreRefusedAndChangeNothing) {
  auto source = must(Graph::open({}));
  fill(*source, 150);
  auto target = must(Graph::open({}));
  fill(*target, 12, "target");
  const std::string before = dump(*target);
  std::mt19937_64 random(7);
  for (auto codec :
       {SnapshotSaveOptions::Codec::kNone, SnapshotSaveOptions::Codec::kZstd, SnapshotSaveOptions::Codec::kGzip}) {
    SnapshotSaveOptions options;
    options.codec = codec;
    const std::string good = save(*source, options);
    for (int i = 0; i < 340; ++i) {
      std::string bad = good;
      switch (random() % 5) {
        case 0: bad.resize(random() % bad.size()); break;
        case 1: bad[random() % bad.size()] ^= static_cast<char>(1 << (random() % 8)); break;
        case 2:
          for (int k = 0; k < 8; ++k) bad[random() % bad.size()] = static_cast<char>(random());
          break;
        case 3: bad.insert(random() % bad.size(), std::string(1 + random() % 64, static_cast<char>(random()))); break;
        default: bad.erase(random() % bad.size(), 1 + random() % 64); break;
      }
      if (bad == good) continue;
      const auto result = load(*target, bad);
      ASSERT_FALSE(result.ok()) << "mutation " << i;
      const ErrorCode code = result.status().code();
      ASSERT_TRUE(code == ErrorCode::kCorruption || code == ErrorCode::kFormatVersion ||
                  code == ErrorCode::kSnapshotCodec || code == ErrorCode::kSnapshotCrypto)
          << result.status().to_string();
    }
    ASSERT_EQ(dump(*target), before);
  }
}

// A frame with a right checksum that would grow without end, or asks for much memory, is refused before it does.
TEST(SnapshotFileTest, FramesThatGrowTooMuchAreRefused) {
  auto source = must(Graph::open({}));
  fill(*source, 5);
  const std::string good = save(*source);
  uint32_t header = 0;
  std::memcpy(&header, good.data() + 12, 4);
  const std::string head = good.substr(0, 16 + header + 8);
  const auto frame = [&](uint32_t stored, uint32_t raw, const std::string& content) {
    std::string file = head;
    kv::encode_fixed32(&file, stored);
    kv::encode_fixed32(&file, raw);
    kv::encode_fixed64(&file, kv::checksum64(content));
    return file + content;
  };
  // 64 MiB of zeros in a few kilobytes.
  const std::string zeros(64 << 20, '\0');
  std::string bomb(1 + ZSTD_compressBound(zeros.size()), '\1');
  bomb.resize(1 + ZSTD_compress(bomb.data() + 1, bomb.size() - 1, zeros.data(), zeros.size(), 1));
  ASSERT_LT(bomb.size(), 64u << 10);
  std::string small(1 + ZSTD_compressBound(256 << 10), '\1');
  small.resize(1 + ZSTD_compress(small.data() + 1, small.size() - 1, zeros.data(), 256 << 10, 1));
  ASSERT_LT(small.size(), 200u);
  auto target = must(Graph::open({}));
  fill(*target, 5, "target");
  const std::string before = dump(*target);
  const auto size = [](const std::string& bytes) { return static_cast<uint32_t>(bytes.size()); };
  const std::pair<const char*, std::string> kFiles[] = {
      {"grows beyond what it says", frame(size(bomb), 256 << 10, bomb)},
      {"says that it grows a thousand times", frame(size(small), 256 << 10, small)},
      {"raw length of a GiB", frame(size(bomb), 1u << 30, bomb)},
      {"stored length of 4 GiB", frame(~uint32_t{0}, 256 << 10, bomb)},
      {"stored length of 4 GiB, raw too", frame(~uint32_t{0}, ~uint32_t{0}, bomb)},
  };
  for (const auto& [what, file] : kFiles) {
    EXPECT_EQ(load(*target, file).status().code(), ErrorCode::kCorruption) << what;
    EXPECT_EQ(dump(*target), before);
  }
}

// Entries that are well framed but lie: the checks behind the checksums.
TEST(SnapshotFileTest, WellFramedLiesAreRefused) {
  auto source = must(Graph::open({}));
  fill(*source, 60);
  const std::string good = save(*source);
  std::vector<SnapshotFileReader::Entry> entries;
  SnapshotFileMeta meta;
  {
    size_t at = 0;
    const ByteSource bytes = [&](char* buffer, size_t size, size_t* read) {
      *read = std::min(size, good.size() - at);
      std::memcpy(buffer, good.data() + at, *read);
      at += *read;
      return Status();
    };
    SnapshotFileReader reader(bytes);
    must(reader.begin({}, &meta));
    SnapshotFileReader::Entry entry;
    while (true) {
      must(reader.next(&entry));
      if (entry.section == SnapshotSection::kEnd) break;
      entries.push_back(entry);
    }
  }
  auto target = must(Graph::open({}));
  fill(*target, 5, "target");
  const std::string before = dump(*target);
  const auto attempt = [&](const std::vector<SnapshotFileReader::Entry>& list) {
    std::string file;
    const ByteSink sink = [&](ByteView bytes) {
      file.append(bytes);
      return Status();
    };
    SnapshotFileWriter writer(sink);
    must(writer.begin(meta, {}));
    for (const auto& entry : list) must(writer.add(entry.section, entry.key, entry.value));
    must(writer.finish());
    return load(*target, file).status();
  };
  std::mt19937_64 random(11);
  for (int i = 0; i < 400; ++i) {
    auto list = entries;
    const size_t at = random() % list.size();
    switch (random() % 4) {
      case 0: list.erase(list.begin() + static_cast<long>(at)); break;
      case 1:
        if (list[at].value.empty()) continue;
        list[at].value[random() % list[at].value.size()] ^= static_cast<char>(1 << (random() % 8));
        break;
      case 2:
        if (list[at].key.empty()) continue;
        list[at].key[random() % list[at].key.size()] ^= static_cast<char>(1 << (random() % 8));
        break;
      default: list[at].value.resize(random() % (list[at].value.size() + 1)); break;
    }
    const Status status = attempt(list);
    if (status.ok()) {
      // A changed name, or padding of a record, is no lie that can be seen; what came in must be sound.
      expect_sound(*target);
      target = must(Graph::open({}));
      fill(*target, 5, "target");
      continue;
    }
    ASSERT_TRUE(status.code() == ErrorCode::kCorruption || status.code() == ErrorCode::kUnsupported)
        << status.to_string();
    ASSERT_EQ(dump(*target), before);
  }
  must(attempt(entries));
  EXPECT_EQ(dump(*target), dump(*source));
}

}  // namespace
}  // namespace lora::graph

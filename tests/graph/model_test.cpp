// Random operations on a graph and on a model of maps; after each step the two are compared completely, through the
// open transaction, through new snapshots, after dropping the in-memory form, and after reopening.
//
// LORA_SEED sets the seed, LORA_STEPS the number of steps; both are printed when something differs.
#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "graph/bulk_load.h"
#include "graph/graph_impl.h"
#include "graph/verify.h"
#include "tests/graph/graph_fixture.h"
#include "tests/support/property_column.h"

namespace lora::graph {
namespace {

constexpr int kLabels = 4;
constexpr int kTypes = 3;
constexpr int kKeys = 5;

struct ModelNode {
  std::set<uint32_t> labels;
  std::map<uint32_t, Value> properties;
};
struct ModelRelationship {
  uint32_t type;
  uint64_t start, end;
  std::map<uint32_t, Value> properties;
};
struct ModelIndex {
  std::string name;
  EntityKind entity;
  uint32_t owner;
  std::vector<uint32_t> keys;
  bool unique;
};
struct Model {
  std::map<uint64_t, ModelNode> nodes;
  std::map<uint64_t, ModelRelationship> relationships;
  std::map<uint32_t, ModelIndex> indexes;
};

std::string text(const std::vector<Property>& properties) {
  std::string out;
  for (const Property& p : properties) {
    out += std::to_string(p.key.value) + "#" + std::to_string(hash(p.value)) + " ";
  }
  return out;
}

class ModelTest : public GraphTest {
 protected:
  void SetUp() override {
    options_.ingest_keys_min = 300;
    if (const char* seed = std::getenv("LORA_SEED")) {
      seed_ = std::strtoull(seed, nullptr, 10);
    }
    random_.seed(seed_);
    GraphTest::SetUp();
    auto t = begin(graph());
    for (int i = 0; i < kLabels; ++i) labels_.push_back(must(t->label("L" + std::to_string(i))));
    for (int i = 0; i < kTypes; ++i) types_.push_back(must(t->rel_type("T" + std::to_string(i))));
    for (int i = 0; i < kKeys; ++i) keys_.push_back(must(t->key("k" + std::to_string(i))));
    must(t->commit());
  }

  uint64_t pick(uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
  Value random_value(uint32_t key) {
    // Key 4 takes few values often (for indexes); the others all kinds.
    if (key == 4) return Value::integer(static_cast<int64_t>(pick(1000000)));
    switch (pick(10)) {
      case 0: return Value::integer(static_cast<int64_t>(pick(20)) - 5);
      case 1: return Value::integer(static_cast<int64_t>(random_()));
      case 2: return Value::floating(static_cast<double>(pick(20)));
      case 3: return Value::boolean(pick(2) == 0);
      case 4: return Value::string("s" + std::to_string(pick(10)));
      case 5: return Value::string(std::string(pick(400), static_cast<char>('a' + pick(26))));
      case 6: return Value::list({Value::integer(1), Value::string("x"), Value()});
      case 7: return Value::date({static_cast<int64_t>(pick(10000))});
      case 8: return Value::list(List(pick(5), Value::string("item " + std::to_string(pick(3)))));
      default: return Value::map({{Value::string("a"), Value::integer(static_cast<int64_t>(pick(5)))}});
    }
  }
  template <typename Map>
  uint64_t any_id(const Map& map) {
    auto it = map.lower_bound(pick(map.rbegin()->first + 1));
    return it->first;
  }

  void compare(Reader& reader, const Model& model) {
    SCOPED_TRACE("LORA_SEED=" + std::to_string(seed_));
    ASSERT_EQ(reader.node_count(), model.nodes.size());
    ASSERT_EQ(reader.relationship_count(), model.relationships.size());
    std::vector<uint64_t> ids;
    std::map<uint32_t, std::vector<uint64_t>> by_label;
    std::vector<Property> properties;
    std::vector<LabelId> labels;
    for (const auto& [id, node] : model.nodes) {
      ids.push_back(id);
      reader.labels(NodeId(id), &labels);
      std::set<uint32_t> got;
      for (LabelId l : labels) got.insert(l.value);
      ASSERT_EQ(got, node.labels) << "node " << id;
      for (uint32_t l : node.labels) by_label[l].push_back(id);
      reader.node_properties(NodeId(id), &properties);
      std::vector<Property> wanted;
      for (const auto& [key, value] : node.properties) wanted.push_back({KeyId(key), value});
      ASSERT_EQ(text(properties), text(wanted)) << "node " << id;
    }
    ASSERT_EQ(all(reader.scan_nodes(std::nullopt)), ids);
    for (LabelId label : labels_) {
      ASSERT_EQ(all(reader.scan_nodes(label)), by_label[label.value]);
      ASSERT_EQ(reader.node_count(label), by_label[label.value].size());
    }
    // Relationships and lists.
    std::map<std::tuple<uint64_t, int, uint32_t>, std::vector<std::pair<uint64_t, uint64_t>>> lists;
    std::map<uint32_t, uint64_t> by_type;
    std::map<std::tuple<uint32_t, uint32_t, int>, uint64_t> triples;
    std::vector<uint64_t> relationship_ids;
    for (const auto& [id, r] : model.relationships) {
      relationship_ids.push_back(id);
      const auto record = reader.relationship(RelId(id));
      ASSERT_TRUE(record) << "relationship " << id;
      ASSERT_EQ(record->type.value, r.type);
      ASSERT_EQ(record->start.value, r.start);
      ASSERT_EQ(record->end.value, r.end);
      ASSERT_FALSE(record->deleted);
      reader.relationship_properties(RelId(id), &properties);
      std::vector<Property> wanted;
      for (const auto& [key, value] : r.properties) wanted.push_back({KeyId(key), value});
      ASSERT_EQ(text(properties), text(wanted)) << "relationship " << id;
      lists[{r.start, 0, r.type}].emplace_back(r.end, id);
      lists[{r.end, 1, r.type}].emplace_back(r.start, id);
      by_type[r.type] += 1;
      for (uint32_t l : model.nodes.at(r.start).labels) triples[{l, r.type, 0}] += 1;
      for (uint32_t l : model.nodes.at(r.end).labels) triples[{l, r.type, 1}] += 1;
    }
    ASSERT_EQ(all(reader.scan_relationships(std::nullopt)), relationship_ids);
    for (RelTypeId type : types_) {
      ASSERT_EQ(reader.relationship_count(type), by_type[type.value]);
      for (Direction d : {Direction::kOut, Direction::kIn}) {
        for (LabelId label : labels_) {
          ASSERT_EQ(reader.relationship_count(label, type, d),
                    (triples[{label.value, type.value, static_cast<int>(d)}]));
        }
        for (uint64_t id : ids) {
          auto& wanted = lists[{id, static_cast<int>(d), type.value}];
          std::sort(wanted.begin(), wanted.end());
          ASSERT_EQ(list_of(reader, NodeId(id), d, type), wanted) << "node " << id;
          ASSERT_EQ(reader.degree(NodeId(id), d, type), wanted.size());
        }
      }
    }
    // Indexes: order of scans and single lookups.
    for (const auto& [id, index] : model.indexes) {
      std::vector<std::pair<std::vector<Value>, uint64_t>> entries;
      const auto take = [&](uint64_t entity, const std::map<uint32_t, Value>& values) {
        std::vector<Value> row;
        for (uint32_t key : index.keys) {
          const auto it = values.find(key);
          if (it == values.end() || it->second.is_map()) return;
          row.push_back(it->second);
        }
        entries.emplace_back(row, entity);
      };
      if (index.entity == EntityKind::kNode) {
        for (const auto& [n, node] : model.nodes) {
          if (node.labels.contains(index.owner)) take(n, node.properties);
        }
      } else {
        for (const auto& [r, rel] : model.relationships) {
          if (rel.type == index.owner) take(r, rel.properties);
        }
      }
      std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        for (size_t i = 0; i < a.first.size(); ++i) {
          const int sign = order(a.first[i], b.first[i]);
          if (sign != 0) return sign < 0;
        }
        return a.second < b.second;
      });
      std::vector<uint64_t> wanted;
      for (const auto& entry : entries) wanted.push_back(entry.second);
      ASSERT_EQ(all(reader.index_range(IndexId(id), {}, {})), wanted) << index.name;
      ASSERT_EQ(reader.index_entry_count(IndexId(id)) == wanted.size() || in_transaction_, true) << index.name;
      if (!entries.empty()) {
        const auto& probe = entries[pick(entries.size())];
        std::vector<uint64_t> equal;
        for (const auto& entry : entries) {
          bool same = true;
          for (size_t i = 0; i < probe.first.size(); ++i) {
            same = same && equals(entry.first[i], probe.first[i]) == Ternary::kTrue;
          }
          if (same) equal.push_back(entry.second);
        }
        std::vector<uint64_t> got;
        reader.index_lookup(IndexId(id), probe.first, &got);
        ASSERT_EQ(got, equal) << index.name;
      }
    }
    ASSERT_OK(reader.status());
    reader.unpin_batch();
  }

  // By one property, or by two: what is loaded for that lacks the others.
  void look(Reader& reader, const Model& model) {
    SCOPED_TRACE("LORA_SEED=" + std::to_string(seed_));
    const KeyId key = keys_[pick(kKeys)], other = keys_[pick(kKeys)];
    const auto look_at = [&](const auto& entities, auto&& scan, auto&& gather) {
      std::vector<uint64_t> ids, with, found(100);
      for (const auto& [id, entity] : entities) {
        ids.push_back(id);
        if (entity.properties.contains(key.value)) with.push_back(id);
      }
      if (pick(2) == 0) {
        EntityScan with_key = scan(PropertyTest{key, 'v', Value()});
        std::vector<uint64_t> got;
        while (!with_key.done()) {
          const size_t count = with_key.next(found.data(), found.size());
          got.insert(got.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
        }
        ASSERT_EQ(got, with);
      }
      PropertyColumn column;
      gather(ids, other, &column);
      for (size_t i = 0; i < ids.size(); ++i) {
        const auto& properties = entities.at(ids[i]).properties;
        const auto wanted = properties.find(other.value);
        const Value value = value_of(column, i);
        ASSERT_TRUE(equivalent(value, wanted == properties.end() ? Value() : wanted->second)) << "id " << ids[i];
      }
    };
    look_at(
        model.nodes, [&](PropertyTest test) { return reader.scan_nodes(std::nullopt, {std::move(test)}); },
        [&](const auto& ids, KeyId k, PropertyColumn* out) { reader.gather_node_property(ids, k, out); });
    ASSERT_FALSE(HasFatalFailure());
    look_at(
        model.relationships,
        [&](PropertyTest test) { return reader.scan_relationships(std::nullopt, {std::move(test)}); },
        [&](const auto& ids, KeyId k, PropertyColumn* out) { reader.gather_relationship_property(ids, k, out); });
    ASSERT_OK(reader.status());
    reader.unpin_batch();
  }
  void look_or_compare(Reader& reader, const Model& model) {
    pick(2) == 0 ? look(reader, model) : compare(reader, model);
  }

  // One random write; false when it failed as it should (the statement must be rolled back).
  bool write(Transaction& t, Model& m) {
    const auto unique_clash = [&](EntityKind kind, uint64_t self, const std::set<uint32_t>& owners,
                                  const std::map<uint32_t, Value>& values) {
      for (const auto& [id, index] : m.indexes) {
        if (!index.unique || index.entity != kind || !owners.contains(index.owner)) continue;
        const auto row = [&](const std::map<uint32_t, Value>& from) {
          std::vector<Value> out;
          for (uint32_t key : index.keys) {
            const auto it = from.find(key);
            if (it == from.end()) return std::vector<Value>();
            out.push_back(it->second);
          }
          return out;
        };
        const auto mine = row(values);
        if (mine.empty()) continue;
        for (const auto& [n, node] : m.nodes) {
          if (n != self && node.labels.contains(index.owner)) {
            const auto theirs = row(node.properties);
            bool same = !theirs.empty();
            for (size_t i = 0; same && i < mine.size(); ++i) same = equivalent(mine[i], theirs[i]);
            if (same) return true;
          }
        }
      }
      return false;
    };
    const auto random_properties = [&](std::map<uint32_t, Value>* model) {
      std::vector<Property> out;
      for (uint64_t i = pick(4); i > 0; --i) {
        const KeyId key = keys_[pick(kKeys)];
        const Value value = pick(10) == 0 ? Value() : random_value(key.value);
        out.push_back({key, value});
        if (value.is_null()) {
          model->erase(key.value);
        } else {
          (*model)[key.value] = value;
        }
      }
      return out;
    };
    switch (m.nodes.empty() ? 0 : pick(15)) {
      case 0:
      case 1: {
        ModelNode node;
        std::vector<LabelId> labels;
        for (uint64_t i = pick(3); i > 0; --i) {
          labels.push_back(labels_[pick(kLabels)]);
          node.labels.insert(labels.back().value);
        }
        const auto properties = random_properties(&node.properties);
        const bool clash = unique_clash(EntityKind::kNode, kNoId, node.labels, node.properties);
        const auto id = t.create_node(labels, properties);
        EXPECT_EQ(id.ok(), !clash) << id.status().to_string();
        if (!id.ok()) return false;
        m.nodes[id->value] = node;
        return true;
      }
      case 2:
      case 3:
      case 4:
      case 5: {
        // Often from one node, so that it becomes a hub.
        // Now and then so many that they are put off until lists are read.
        for (uint64_t n = pick(40) == 0 ? 17 + pick(60) : 1; n > 0; --n) {
          ModelRelationship r{
              types_[pick(kTypes)].value, pick(3) == 0 ? m.nodes.begin()->first : any_id(m.nodes), any_id(m.nodes), {}};
          const auto properties = random_properties(&r.properties);
          const RelId id = must(t.create_relationship(RelTypeId(r.type), NodeId(r.start), NodeId(r.end), properties));
          m.relationships[id.value] = r;
        }
        return true;
      }
      case 6:
      case 7: {
        const uint64_t id = any_id(m.nodes);
        const KeyId key = keys_[pick(kKeys)];
        const Value value = pick(4) == 0 ? Value() : random_value(key.value);
        auto values = m.nodes[id].properties;
        if (value.is_null()) {
          values.erase(key.value);
        } else {
          values[key.value] = value;
        }
        const bool clash = unique_clash(EntityKind::kNode, id, m.nodes[id].labels, values);
        const Status status = t.set_node_property(NodeId(id), key, value);
        EXPECT_EQ(status.ok(), !clash) << status.to_string();
        if (!status.ok()) return false;
        m.nodes[id].properties = values;
        return true;
      }
      case 8: {
        if (m.relationships.empty()) return true;
        const uint64_t id = any_id(m.relationships);
        std::map<uint32_t, Value> values;
        const auto properties = random_properties(&values);
        must(t.replace_relationship_properties(RelId(id), properties));
        m.relationships[id].properties = values;
        return true;
      }
      case 9: {
        const uint64_t id = any_id(m.nodes);
        const LabelId label = labels_[pick(kLabels)];
        auto labels = m.nodes[id].labels;
        const bool added = labels.insert(label.value).second;
        const bool clash = added && unique_clash(EntityKind::kNode, id, labels, m.nodes[id].properties);
        const auto result = t.add_label(NodeId(id), label);
        EXPECT_EQ(result.ok(), !clash) << result.status().to_string();
        if (!result.ok()) return false;
        EXPECT_EQ(*result, added);
        m.nodes[id].labels = labels;
        return true;
      }
      case 10: {
        const uint64_t id = any_id(m.nodes);
        const LabelId label = labels_[pick(kLabels)];
        EXPECT_EQ(must(t.remove_label(NodeId(id), label)), m.nodes[id].labels.erase(label.value) == 1);
        return true;
      }
      case 11:
      case 12: {
        if (m.relationships.empty()) return true;
        const uint64_t id = any_id(m.relationships);
        EXPECT_TRUE(must(t.delete_relationship(RelId(id))));
        EXPECT_FALSE(must(t.delete_relationship(RelId(id))));
        EXPECT_TRUE(t.relationship_deleted(RelId(id)));
        m.relationships.erase(id);
        return true;
      }
      case 13: change_many(t, m); return true;
      default: {
        const uint64_t id = any_id(m.nodes);
        const bool connected = std::any_of(m.relationships.begin(), m.relationships.end(),
                                           [&](const auto& r) { return r.second.start == id || r.second.end == id; });
        if (connected && pick(3) == 0) {
          // Plain DELETE of a connected node: the statement fails.
          EXPECT_TRUE(must(t.delete_node(NodeId(id))));
          const Status status = t.finish_statement();
          EXPECT_EQ(status.code(), ErrorCode::kForeignKey);
          return false;
        }
        uint64_t deleted = 0;
        EXPECT_TRUE(must(t.detach_delete_node(NodeId(id), &deleted)));
        const auto size = m.relationships.size();
        std::erase_if(m.relationships, [&](const auto& r) { return r.second.start == id || r.second.end == id; });
        EXPECT_EQ(deleted, size - m.relationships.size());
        m.nodes.erase(id);
        return true;
      }
    }
  }

  // What a graph may begin with.
  void bulk_load(Model& m) {
    const auto load = must(BulkLoad::begin(graph(), std::chrono::steady_clock::now(), {}));
    std::vector<Property> properties;
    const auto some_properties = [&](std::map<uint32_t, Value>* model) {
      for (uint64_t i = pick(5); i > 0; --i) {
        const uint32_t key = keys_[pick(kKeys)].value;
        (*model)[key] = random_value(key);
      }
      properties.clear();
      for (const auto& [key, value] : *model) properties.push_back({KeyId(key), value});
    };
    for (uint64_t i = 200 + pick(80); i > 0; --i) {
      ModelNode node;
      for (uint64_t n = pick(3); n > 0; --n) node.labels.insert(labels_[pick(kLabels)].value);
      std::vector<LabelId> labels;
      for (uint32_t label : node.labels) labels.emplace_back(label);
      some_properties(&node.properties);
      m.nodes[must(load->add_node(labels, properties)).value] = node;
    }
    for (uint64_t i = pick(200); i > 0; --i) {
      ModelRelationship r{types_[pick(kTypes)].value, any_id(m.nodes), any_id(m.nodes), {}};
      some_properties(&r.properties);
      m.relationships[must(load->add_relationship(RelTypeId(r.type), NodeId(r.start), NodeId(r.end), properties))
                          .value] = r;
    }
    must(load->finish({}));
  }

  // One property of all entities, or of some: what a store may keep as columns. Now and then they all go.
  void change_many(Transaction& t, Model& m) {
    if (pick(30) == 0) {
      for (const auto& [id, node] : m.nodes) {
        uint64_t deleted = 0;
        EXPECT_TRUE(must(t.detach_delete_node(NodeId(id), &deleted)));
      }
      m.nodes.clear();
      m.relationships.clear();
      return;
    }
    const KeyId key = keys_[pick(kKeys)];
    const bool unique = std::any_of(m.indexes.begin(), m.indexes.end(), [&](const auto& index) {
      return index.second.unique && index.second.keys.front() == key.value;
    });
    const uint64_t kind = pick(9), one_of = 1 + pick(3);
    const auto value = [&](uint64_t id) -> Value {
      switch (kind) {
        case 0: return Value();
        case 1: return Value::integer(static_cast<int64_t>(id * pick(3)) - 7);
        case 2: return Value::integer(static_cast<int64_t>(random_()));
        case 3: return Value::floating(static_cast<double>(random_()) / 3);
        case 4: return Value::boolean(pick(2) == 0);
        case 5: return Value::string("t" + std::to_string(pick(5)));
        case 6: return Value::string(std::string(pick(300), static_cast<char>('a' + pick(26))));
        default: return pick(8) == 0 ? Value() : random_value(key.value);
      }
    };
    const auto change = [&](auto& entities, auto&& set) {
      for (auto& [id, entity] : entities) {
        if (pick(one_of) != 0) continue;
        const Value to = value(id);
        must(set(id, to));
        if (to.is_null()) {
          entity.properties.erase(key.value);
        } else {
          entity.properties[key.value] = to;
        }
      }
    };
    if (unique || pick(2) == 0) {
      change(m.relationships,
             [&](uint64_t id, const Value& to) { return t.set_relationship_property(RelId(id), key, to); });
    } else {
      change(m.nodes, [&](uint64_t id, const Value& to) { return t.set_node_property(NodeId(id), key, to); });
    }
  }

  void change_schema(Transaction& t, Model& m) {
    if (m.indexes.size() < 3) {
      ModelIndex index;
      index.entity = pick(3) == 0 ? EntityKind::kRelationship : EntityKind::kNode;
      index.unique = index.entity == EntityKind::kNode && pick(2) == 0;
      index.owner = static_cast<uint32_t>(pick(index.entity == EntityKind::kNode ? kLabels : kTypes));
      index.keys = {index.unique ? 4 : static_cast<uint32_t>(pick(kKeys))};
      if (!index.unique && pick(2) == 0) index.keys.push_back((index.keys[0] + 1) % kKeys);
      for (const auto& [id, other] : m.indexes) {
        if (other.entity == index.entity && other.owner == index.owner && other.keys == index.keys) return;
      }
      std::vector<std::string> names;
      for (uint32_t key : index.keys) names.push_back("k" + std::to_string(key));
      const std::string owner = (index.entity == EntityKind::kNode ? "L" : "T") + std::to_string(index.owner);
      index.name = "i" + std::to_string(serial_++);
      must(t.begin_statement());
      Status status;
      if (index.unique) {
        status = t.create_constraint({index.name, ConstraintKind::kUnique, index.entity, owner, names});
      } else {
        status = t.create_index({index.name, IndexKind::kRange, index.entity, owner, names}).status();
      }
      if (!status.ok()) {
        EXPECT_EQ(status.code(), ErrorCode::kUniqueConstraint) << status.to_string();
        t.rollback_statement();
        return;
      }
      must(t.finish_statement());
      m.indexes[t.reader().schema().find_index(index.name)->id.value] = index;
    } else {
      const auto it = std::next(m.indexes.begin(), static_cast<long>(pick(m.indexes.size())));
      must(t.begin_statement());
      must(it->second.unique ? t.drop_constraint(it->second.name) : t.drop_index(it->second.name));
      must(t.finish_statement());
      m.indexes.erase(it);
    }
  }

  // Everything, or only what the store has already.
  void drop_cache() {
    if (pick(2) == 0) {
      graph().drop_cache();
    } else {
      graph().impl()->budget->drop_all();
    }
  }

  void run();
  // Between two transactions.
  virtual void vary() {}
  virtual void before_reopen() {}
  // The graph as a snapshot file says.
  // Blocks in memory say of which rows the store may have records, and whether it may have a head.
  void expect_blocks_know_what_is_stored() {
    if (graph().impl()->unwritten != nullptr) return;
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    for (const EntityKind kind : {EntityKind::kNode, EntityKind::kRelationship}) {
      const auto cursor = graph().store().cursor(space_of(kind), {});
      for (cursor->seek_first(); cursor->valid(); cursor->next()) {
        uint64_t id = 0;
        KeyId key;
        const bool record = parse_id_key(cursor->key(), &id);
        uint64_t index = 0;
        if (parse_grouped_key(cursor->key(), &index, &key)) continue;
        ASSERT_TRUE(record || parse_column_key(cursor->key(), &id, &key));
        const auto no_eviction = graph().impl()->versions->structure();
        const cache::EntityBlock* block = graph().impl()->versions->tip()->find_block(kind, id / 256);
        if (block == nullptr || (block->flags & cache::Object::kStatic) != 0) continue;
        if (record) {
          ASSERT_TRUE((block->stored.records[id % 256 / 64] >> (id % 64) & 1) != 0) << "record of " << id;
        } else if (key == kHeadKey) {
          ASSERT_TRUE(block->stored.head) << "head of " << id;
        }
      }
    }
  }
  void compare_saved(const Model& model) {
    const std::string file = save(graph());
    const std::unique_ptr<Graph> other = must(Graph::open({}));
    must(load(*other, file).status());
    const Snapshot snapshot = other->snapshot();
    compare(*snapshot.reader(), model);
  }

  uint64_t seed_ = 20261122;
  std::mt19937_64 random_;
  std::vector<LabelId> labels_;
  std::vector<RelTypeId> types_;
  std::vector<KeyId> keys_;
  bool in_transaction_ = false;
  bool never_columns_ = false;  // they are written when the version before is in memory
  int serial_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Stores, ModelTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

// The whole test again with no memory at all: everything is read from the store and evicted at once.
class StarvedModelTest : public ModelTest {
 protected:
  void SetUp() override {
    options_.cache_bytes = 1;
    never_columns_ = true;
    ModelTest::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StarvedModelTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

// With no memory at all now and then: what was written with the whole form at hand is read from the store.
class NowAndThenStarvedModelTest : public ModelTest {
 protected:
  void before_reopen() override { options_.cache_bytes = pick(2); }
};
INSTANTIATE_TEST_SUITE_P(Stores, NowAndThenStarvedModelTest, ::testing::Values(true),
                         [](const auto&) { return "Disk"; });

// In memory, where commits are written later: a few of them together, in parts that end commits later, or not at all
// for a while.
class WrittenBehindModelTest : public ModelTest {
 protected:
  void vary() override {
    GraphOptions& options = graph().impl()->options;
    if (pick(8) == 0) options.write_behind_from_bytes = pick(2) == 0 ? 1 : ~uint64_t{0};
    if (pick(8) == 0) options.unwritten_keys_max = std::array{0, 5, 100, 500}[pick(4)];
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, WrittenBehindModelTest, ::testing::Values(false),
                         [](const auto&) { return "Memory"; });

TEST_P(ModelTest, RandomWritesMatchTheModel) {
  run();
}
TEST_P(WrittenBehindModelTest, RandomWritesMatchTheModel) {
  run();
}
TEST_P(StarvedModelTest, RandomWritesMatchTheModel) {
  run();
}
TEST_P(NowAndThenStarvedModelTest, RandomWritesMatchTheModel) {
  run();
}

void ModelTest::run() {
  const char* steps_text = std::getenv("LORA_STEPS");
  const int steps = steps_text == nullptr ? 120 : std::atoi(steps_text);
  Model committed;
  if (!never_columns_ && pick(2) == 0) bulk_load(committed);
  std::vector<std::pair<Snapshot, Model>> pinned;
  for (int step = 0; step < steps && !HasFatalFailure() && !HasNonfatalFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    vary();
    graph().impl()->options.ingest_keys_min = pick(6) == 0 ? 1 : 100'000;  // now and then commits are sorted runs
    graph().impl()->options.batch_bytes_max = pick(6) == 0 ? 1 + pick(3000) : 0;  // or are, once the batch is full
    graph().impl()->options.block_records_max = std::array<uint64_t, 4>{1, 4, 16, 128}[pick(4)];
    Model model = committed;
    auto t = begin(graph());
    in_transaction_ = true;
    if (pick(40) == 0) {
      must(t->begin_statement());
      must(t->clear());
      model.nodes.clear();
      model.relationships.clear();
      if (pick(3) == 0) {
        t->rollback_statement();
        model = committed;
      } else {
        must(t->finish_statement());
      }
    }
    const bool only_many = pick(4) == 0;
    for (uint64_t statements = 1 + pick(4); statements > 0; --statements) {
      if (pick(8) == 0 && !only_many) {
        change_schema(*t, model);
        continue;
      }
      Model before = model;
      must(t->begin_statement());
      bool good = true;
      const uint64_t writes = only_many ? pick(3) : pick(12) == 0 ? 200 : 1 + pick(12);
      for (uint64_t i = 0; i < writes && good; ++i) {
        if (only_many) {
          change_many(*t, model);
        } else {
          good = write(*t, model);
        }
        if (pick(20) == 0) drop_cache();
      }
      if (!good || pick(6) == 0) {
        t->rollback_statement();
        model = std::move(before);
      } else {
        must(t->finish_statement());
      }
      if (pick(4) == 0) look_or_compare(t->reader(), model);
      ASSERT_FALSE(HasFatalFailure());
    }
    look_or_compare(t->reader(), model);
    ASSERT_FALSE(HasFatalFailure());
    {
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      const bool was = std::exchange(in_transaction_, true);
      look_or_compare(*reader, committed);
      in_transaction_ = was;
    }
    if (pick(5) == 0) {
      t->rollback();
    } else {
      must(t->commit());
      committed = std::move(model);
    }
    t.reset();
    in_transaction_ = false;
    switch (pick(8)) {
      case 0: drop_cache(); break;
      case 7: must(load(graph(), save(graph())).status()); break;
      case 1:
        pinned.clear();  // a snapshot may not outlive its graph
        before_reopen();
        reopen();
        break;
      case 2: pinned.emplace_back(graph().snapshot(), committed); break;
      case 3: must(graph().checkpoint(pick(2) == 0)); break;
      case 4: compare_saved(committed); break;
      default: break;
    }
    {
      const Snapshot snapshot = graph().snapshot();
      look_or_compare(*snapshot.reader(), committed);
    }
    ASSERT_FALSE(HasFatalFailure());
    expect_blocks_know_what_is_stored();
    in_transaction_ = true;  // counts of index entries are those of the last commit
    for (auto& [snapshot, model_then] : pinned) {
      look_or_compare(*snapshot.reader(), model_then);
      ASSERT_FALSE(HasFatalFailure());
    }
    in_transaction_ = false;
    if (pinned.size() > 4) {
      pinned.erase(pinned.begin() + static_cast<long>(pick(pinned.size())));
    }
    if (pick(10) == 0) {
      const VerifyReport report = must(graph().verify(true, {}));
      for (const std::string& error : report.errors) ADD_FAILURE() << error;
    }
  }
  const bool by_default = steps_text == nullptr && std::getenv("LORA_SEED") == nullptr;
  if (graph().impl()->unwritten == nullptr && !never_columns_ && by_default) {
    EXPECT_TRUE(graph().impl()->versions->tip()->stored_columns) << "are columns not tested any more?";
  }
}

}  // namespace
}  // namespace lora::graph

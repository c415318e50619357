// What an embedded graph database should keep as its graph grows, as others work beside, as memory runs short, and what
// durable commits cost beside the disk itself. One table with aims, through the C++ API, on the graph of dataset.h.
//
// The two sides of a ratio take turns, and each figure is the median of its turns, so that other work on the machine
// falls on both. The first turn of each side is not counted: all nodes that are used have been used once before, and
// the rows are about cost with data in the cache. Answers are compared with those counted over the plain arrays.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "bench/dataset.h"
#include "bench/machine.h"
#include "cypher/database.h"
#include "graph/bulk_load.h"

namespace lora::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kPlentyBytes = 8ull << 30;         // of cache: all fits
constexpr int64_t kStartDegree = 8;                   // of the nodes that the rows about size begin at
constexpr size_t kReadPasses = 20, kWritePasses = 3;  // over all starts, in a turn
constexpr int kPace = 1'000;                          // commits a second of the writer beside readers

struct Scale {
  size_t small, large;  // persons; ten times as many relationships
  size_t starts;        // nodes that the calls of the rows about size begin at
  double turn_seconds;  // of turns of a time
  size_t memory_calls;
  size_t commits;  // durable ones, for each kind of write
  int rounds;
};
constexpr Scale kSmoke{2'000, 20'000, 100, 0.05, 2'000, 50, 2};
constexpr Scale kMedium{100'000, 1'000'000, 1'000, 1, 20'000, 2'000, 5};

// Read the whole graph, with all properties (what is not asked for is not loaded), and its index.
constexpr const char* kUseAll[] = {"UNWIND range(0, $id) AS i MATCH (p:Person {id: i}) RETURN sum(p.age) AS n",
                                   "MATCH (p:Person) RETURN count(properties(p)) AS n",
                                   "MATCH (a:Person)-[:KNOWS]->(b) WHERE b.age >= 0 RETURN count(*) AS n",
                                   "MATCH (a:Person)<-[:KNOWS]-(b) WHERE b.age >= 0 RETURN count(*) AS n",
                                   "MATCH ()-[r:KNOWS]->() RETURN sum(r.since) AS n"};
constexpr const char* kTwoHops = "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(x) RETURN count(*) AS n";

// --- errors, times ---

void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.to_string());
}

template <typename T>
T must(Result<T> result) {
  must(result.status());
  return std::move(result).value();
}

void check(bool right, const std::string& what) {
  if (!right) throw std::runtime_error("wrong answer: " + what);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double quantile(std::vector<double> samples, double q) {
  check(!samples.empty(), "no samples");
  const auto at = samples.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

// Microseconds that the call took; the answer, if it is one number, in *number.
double timed(Database& db, const char* query, const Params& params, int64_t* number = nullptr) {
  const auto start = Clock::now();
  const QueryResult result = must(db.execute(query, params));
  const double us = seconds_since(start) * 1e6;
  if (number != nullptr) *number = result.at(0, 0).as_integer();
  return us;
}

Params ids(size_t id, size_t other, int64_t unused = 0) {
  return make_params({{"id", Value::integer(static_cast<int64_t>(id))},
                      {"other", Value::integer(static_cast<int64_t>(other))},
                      {"new", Value::integer(unused)}});
}

// --- the report ---

struct Sides {
  double base, other;
};

// Both sides in turns, which of them is first changing.
Sides in_turns(int rounds, const std::function<double()>& base, const std::function<double()>& other) {
  std::vector<double> bases, others;
  for (int round = 0; round <= rounds; ++round) {
    const bool base_first = round % 2 == 0;
    const double first = base_first ? base() : other();
    const double second = base_first ? other() : base();
    if (round == 0) continue;
    bases.push_back(base_first ? first : second);
    others.push_back(base_first ? second : first);
  }
  return {quantile(bases, 0.5), quantile(others, 0.5)};
}

// The table, and the same rows as JSON. "others": per cent of the machine that other processes had since the last row.
class Report {
 public:
  explicit Report(bool judged) : judged_(judged) {
    std::printf("%-56s %26s %9s %9s  %-3s %7s\n%s\n", "row", "measured", "", "aim", "met", "others",
                std::string(117, '-').c_str());
  }

  // `value` is what the aim is for.
  void add(const std::string& name, const Sides& sides, const char* unit, double value, double aim,
           bool at_least = false) {
    const bool reached = at_least ? value >= aim : value <= aim;
    const std::string met = !judged_ ? "-" : reached ? "yes" : "no";
    const Ticks now = Ticks::now();
    const double others = taken_by_others(last_, now);
    last_ = now;
    std::printf("%-56s %10.2f %10.2f %-4s %9.2f %s %6.4g  %-3s %5.0f %%\n", name.c_str(), sides.base, sides.other, unit,
                value, at_least ? ">=" : "<=", aim, met.c_str(), others);
    std::fflush(stdout);
    std::ostringstream row;
    row << R"({"row": ")" << name << R"(", "base": )" << sides.base << R"(, "other": )" << sides.other
        << R"(, "unit": ")" << unit << R"(", "value": )" << value << R"(, "aim": )" << aim << R"(, "at_least": )"
        << (at_least ? "true" : "false") << R"(, "met": ")" << met << R"(", "others": )" << others << "}";
    json_ += (json_.empty() ? "\n  " : ",\n  ") + row.str();
  }
  void add_ratio(const std::string& name, const Sides& sides, const char* unit, double aim, bool at_least = false) {
    add(name, sides, unit, sides.other / sides.base, aim, at_least);
  }
  void write_json(const std::string& path, const std::string& size, int rounds) const {
    std::ofstream out(path);
    out << R"({"size": ")" << size << R"(", "rounds": )" << rounds << R"(, "cores": )"
        << std::thread::hardware_concurrency() << R"(, "rows": [)" << json_ << "\n]}\n";
    if (!out.flush()) throw std::runtime_error("cannot write `" + path + "`");
  }

 private:
  bool judged_;
  Ticks last_ = Ticks::now();
  std::string json_;
};

// --- graphs ---

// The plain arrays, and answers counted over them.
struct Plain {
  Dataset data;
  std::vector<int64_t> degrees, two_hops;  // by node

  explicit Plain(size_t persons) : data(make_dataset(persons, persons * 10)), degrees(persons), two_hops(persons) {
    for (const Dataset::Knows& k : data.knows) ++degrees[k.from];
    for (const Dataset::Knows& k : data.knows) two_hops[k.from] += degrees[k.to];
  }
};

struct Place {
  const char* name;
  std::string directory;  // empty: in memory

  SyncLevel sync = SyncLevel::kInterval;

  std::unique_ptr<Database> open(uint64_t cache_bytes, const std::string& file) const {
    DatabaseOptions options;
    options.cache_bytes = cache_bytes;
    if (directory.empty()) return must(Database::in_memory(options));
    options.database_dir = directory;
    options.sync = sync;
    return must(Database::open(file, options));
  }
};

// A database that holds a graph, and how much it should hold.
struct Loaded {
  std::unique_ptr<Database> db;
  const Plain& plain;
  uint64_t nodes, relationships;
  size_t turns = 0;
  int64_t unused = 1'000'000'000;  // the next id of a new node

  Loaded(const Place& place, const std::string& file, const Plain& of)
      : db(place.open(kPlentyBytes, file)),
        plain(of),
        nodes(of.data.persons.size()),
        relationships(of.data.knows.size()) {
    const auto load = must(graph::BulkLoad::begin(db->graph(), Clock::now() + std::chrono::seconds(5), {}));
    const LabelId labels[] = {must(load->label("Person"))};
    const RelTypeId knows = must(load->rel_type("KNOWS"));
    std::vector<KeyId> keys;
    for (const char* key : {"id", "name", "age", "city", "created", "score", "since"}) {
      keys.push_back(must(load->key(key)));
    }
    for (const Dataset::Person& p : plain.data.persons) {
      const graph::Property properties[] = {{keys[0], Value::integer(p.id)},      {keys[1], Value::string(p.name)},
                                            {keys[2], Value::integer(p.age)},     {keys[3], Value::string(p.city)},
                                            {keys[4], Value::integer(p.created)}, {keys[5], Value::floating(p.score)}};
      must(load->add_node(labels, properties));
    }
    for (const Dataset::Knows& k : plain.data.knows) {
      const graph::Property since[] = {{keys[6], Value::integer(k.since)}};
      must(load->add_relationship(knows, NodeId(k.from), NodeId(k.to), since));
    }
    must(load->finish({}));
    must(db->execute("CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE"));
    must(db->checkpoint());
    check_counts();
  }
  void check_counts() const {
    check(must(db->node_count()) == nodes, "count of nodes");
    check(must(db->relationship_count()) == relationships, "count of relationships");
  }
  size_t random_person(std::mt19937_64& random) const { return random() % plain.data.persons.size(); }
};

// --- 1: cost and the size of the graph ---

struct Operation {
  const char* name;
  const char* query;
  enum : uint8_t { kAge, kDegree, kTwoHops, kNode, kProperty, kRelationship } what;  // is asked for, or made
  double aim;
};
constexpr Operation kCreateRelationship{
    "create relationship", "MATCH (a:Person {id: $id}), (b:Person {id: $other}) CREATE (a)-[:KNOWS {since: 2020}]->(b)",
    Operation::kRelationship, 1.5};
constexpr Operation kOperations[] = {
    {"lookup by id", "MATCH (p:Person {id: $id}) RETURN p.age AS n", Operation::kAge, 1.3},
    {"1 hop, count", "MATCH (p:Person {id: $id})-[:KNOWS]->(x) RETURN count(*) AS n", Operation::kDegree, 1.3},
    {"2 hops, count", kTwoHops, Operation::kTwoHops, 1.3},
    {"create node",
     "CREATE (:Person {id: $new, name: 'somebody', age: 42, city: 'city1', created: 1600000000, score: 1.5})",
     Operation::kNode, 1.5},
    {"set property by id", "MATCH (p:Person {id: $id}) SET p.age = $new", Operation::kProperty, 1.5},
    kCreateRelationship,
};

// The median time of calls for each of `starts`, some times over.
double turn(Loaded& loaded, const Operation& operation, const std::vector<size_t>& starts) {
  const bool reads = operation.what <= Operation::kTwoHops;
  std::vector<double> samples;
  for (const size_t end = loaded.turns + (reads ? kReadPasses : kWritePasses); loaded.turns < end; ++loaded.turns) {
    for (size_t i = 0; i < starts.size(); ++i) {
      const Params params = ids(starts[i], starts[(i + 1 + loaded.turns) % starts.size()], loaded.unused++);
      int64_t number = 0;
      samples.push_back(timed(*loaded.db, operation.query, params, reads ? &number : nullptr));
      if (operation.what == Operation::kAge) check(number == loaded.plain.data.persons[starts[i]].age, "age");
      if (operation.what == Operation::kDegree) check(number == loaded.plain.degrees[starts[i]], "1 hop");
      if (operation.what == Operation::kTwoHops) check(number == loaded.plain.two_hops[starts[i]], "2 hops");
    }
  }
  if (operation.what == Operation::kNode) loaded.nodes += samples.size();
  if (operation.what == Operation::kRelationship) loaded.relationships += samples.size();
  return quantile(std::move(samples), 0.5);
}

// The nodes of kStartDegree in a random order.
std::vector<size_t> of_start_degree(const Plain& plain) {
  std::vector<size_t> out;
  for (size_t id = 0; id < plain.degrees.size(); ++id) {
    if (plain.degrees[id] == kStartDegree) out.push_back(id);
  }
  std::shuffle(out.begin(), out.end(), std::mt19937_64(1));
  return out;
}

void measure_scale(const Scale& scale, const std::vector<Place>& places, const Plain& small, Report& report) {
  const Plain large(scale.large);
  // Nodes of both graphs, one by one with the same answers to both hop counts.
  std::vector<size_t> small_starts, large_starts;
  std::unordered_map<int64_t, std::vector<size_t>> by_two_hops;
  for (const size_t id : of_start_degree(large)) by_two_hops[large.two_hops[id]].push_back(id);
  for (const size_t id : of_start_degree(small)) {
    std::vector<size_t>& alike = by_two_hops[small.two_hops[id]];
    if (alike.empty() || small_starts.size() == scale.starts) continue;
    small_starts.push_back(id);
    large_starts.push_back(alike.back());
    alike.pop_back();
  }
  if (small_starts.size() < scale.starts) throw std::runtime_error("too few nodes alike in both graphs");
  for (const Place& place : places) {
    Loaded base(place, "small", small), other(place, "large", large);
    for (const Operation& operation : kOperations) {
      const Sides sides = in_turns(
          scale.rounds, [&] { return turn(base, operation, small_starts); },
          [&] { return turn(other, operation, large_starts); });
      report.add_ratio(std::string("size, ") + place.name + ": " + operation.name, sides, "us", operation.aim);
    }
    base.check_counts();
    other.check_counts();
  }
}

// --- 2: threads beside each other ---

// 2-hop counts from random nodes for some time: microseconds of each. Relationships may have been added meanwhile.
std::vector<double> read_for(const Loaded& loaded, double seconds, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> samples;
  for (const auto start = Clock::now(); seconds_since(start) < seconds;) {
    const size_t id = loaded.random_person(random);
    int64_t number = 0;
    samples.push_back(timed(*loaded.db, kTwoHops, ids(id, id), &number));
    check(number >= loaded.plain.two_hops[id], "2 hops");
  }
  return samples;
}

// Thousands of answers a second of so many threads.
double throughput(const Loaded& loaded, double seconds, uint64_t threads) {
  std::vector<std::future<std::vector<double>>> readers;
  for (uint64_t i = 0; i < threads; ++i) {
    readers.push_back(std::async(std::launch::async, [&, i] { return read_for(loaded, seconds, i); }));
  }
  double answers = 0;
  for (auto& reader : readers) answers += static_cast<double>(reader.get().size());
  return answers / seconds / 1000;
}

// Creates relationships between random nodes for some time, kPace a second: how many.
uint64_t write_paced(const Loaded& loaded, double seconds) {
  std::mt19937_64 random(3);
  uint64_t commits = 0;
  for (const auto start = Clock::now(); seconds_since(start) < seconds; ++commits) {
    const size_t from = loaded.random_person(random), to = loaded.random_person(random);
    timed(*loaded.db, kCreateRelationship.query, ids(from, to));
    std::this_thread::sleep_until(start + (commits + 1) * std::chrono::seconds(1) / kPace);
  }
  return commits;
}

void measure_concurrency(const Scale& scale, const std::vector<Place>& places, const Plain& plain, Report& report) {
  for (const Place& place : places) {
    Loaded loaded(place, "threads", plain);
    const std::string prefix = std::string("threads, ") + place.name + ": ";
    const double seconds = scale.turn_seconds;
    const auto p99 = [&] { return quantile(read_for(loaded, seconds, 2), 0.99); };
    double slowest = kPace;
    const auto p99_beside_writer = [&] {
      auto writer = std::async(std::launch::async, [&] { return write_paced(loaded, seconds); });
      const double us = p99();
      const uint64_t commits = writer.get();
      loaded.relationships += commits;
      slowest = std::min(slowest, static_cast<double>(commits) / seconds);
      return us;
    };
    const Sides beside = in_turns(scale.rounds, p99, p99_beside_writer);
    report.add_ratio(prefix + "reader p99, writer idle and at work", beside, "us", 2);
    report.add(prefix + "that writer's pace", {kPace, slowest}, "/s", slowest, 0.99 * kPace, true);
    const Sides readers = in_turns(
        scale.rounds, [&] { return throughput(loaded, seconds, 1); }, [&] { return throughput(loaded, seconds, 2); });
    report.add_ratio(prefix + "one reader and two", readers, "k/s", 1.8, true);

    std::vector<size_t> starts;
    std::mt19937_64 random(5);
    while (starts.size() < scale.starts) starts.push_back(loaded.random_person(random));
    const auto write = [&] { return turn(loaded, kCreateRelationship, starts); };
    const auto write_beside_stream = [&] {
      const auto reader = must(loaded.db->stream("MATCH (p:Person) RETURN p.name"));
      std::vector<Value> values;
      size_t rows = 0;
      must(reader->next(&values, &rows));
      return write();
    };
    const Sides writers = in_turns(scale.rounds, write, write_beside_stream);
    report.add_ratio(prefix + "write, without and with an open stream", writers, "us", 1.1);
    loaded.check_counts();
  }
}

// --- 3: more data than memory ---

struct Visit {
  double form_bytes, mean_us, growth_bytes, answers;
};

// In a process of its own: opens the database, uses all of it once, then counts 2 hops from random nodes, the same each
// time. Prints a Visit.
void run_child(const Place& place, uint64_t cache_bytes, size_t persons, size_t calls) {
  const double before = own_memory("VmRSS:");
  const auto db = place.open(cache_bytes, "data");
  int64_t answers = 0;
  const auto ask = [&](const char* query, const Params& params) {
    int64_t number = 0;
    const double us = timed(*db, query, params, &number);
    answers += number;
    return us;
  };
  for (const char* query : kUseAll) ask(query, ids(persons - 1, 0));
  std::mt19937_64 random(4);
  double us = 0;
  for (size_t i = 0; i < 2 * calls; ++i) {
    const double took = ask(kTwoHops, ids(random() % persons, 0));
    if (i >= calls) us += took;
  }
  const double form = static_cast<double>(must(db->stats()).cache_bytes_used);
  std::printf("%.0f %.9g %.0f %lld\n", form, us / static_cast<double>(calls), own_memory("VmHWM:") - before,
              static_cast<long long>(answers));
}

Visit visit(const Place& place, uint64_t cache_bytes, size_t persons, size_t calls) {
  const std::string command = "exec '" + fs::read_symlink("/proc/self/exe").string() + "' --child '" + place.directory +
                              "' --child-numbers " + std::to_string(cache_bytes) + " " + std::to_string(persons) + " " +
                              std::to_string(calls);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no child process");
  Visit out{};
  const int read = std::fscanf(pipe, "%lf %lf %lf %lf", &out.form_bytes, &out.mean_us, &out.growth_bytes, &out.answers);
  if (::pclose(pipe) != 0 || read != 4) throw std::runtime_error("the child process failed");
  return out;
}

void measure_memory(const Scale& scale, const Place& disk, const Plain& plain, Report& report) {
  must(Loaded(disk, "data", plain).db->close());
  const Visit whole = visit(disk, kPlentyBytes, scale.small, scale.memory_calls);
  const auto tenth = static_cast<uint64_t>(whole.form_bytes / 10);
  double growth = 0;
  const auto turn = [&](uint64_t cache_bytes) {
    const Visit seen = visit(disk, cache_bytes, scale.small, scale.memory_calls);
    check(seen.answers == whole.answers, "larger than memory");
    if (cache_bytes == tenth) growth = std::max(growth, seen.growth_bytes);
    return seen.mean_us;
  };
  const Sides sides = in_turns(
      scale.rounds, [&] { return turn(kPlentyBytes); }, [&] { return turn(tenth); });
  report.add_ratio("memory: 2 hops, count, all and a tenth cached", sides, "us", 10);
  const double mib = 1 << 20, cache = static_cast<double>(tenth) / mib;
  report.add("memory: the cache, and growth of the process", {cache, growth / mib}, "MiB", growth / mib, cache + 64);
}

// --- 4: durable commits ---

// A file that is appended to and synced, as plainly as can be.
class RawLog {
 public:
  explicit RawLog(const std::string& path) : file_(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) {
    if (file_ < 0) throw std::runtime_error("cannot write `" + path + "`");
  }
  ~RawLog() { ::close(file_); }
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;

  double append(size_t bytes) {
    content_.resize(bytes, 'x');
    const auto start = Clock::now();
    if (::write(file_, content_.data(), bytes) != static_cast<ssize_t>(bytes) || ::fdatasync(file_) != 0) {
      throw std::runtime_error("cannot append and sync");
    }
    return seconds_since(start) * 1e6;
  }

 private:
  int file_;
  std::string content_;
};

// Single writes, one after the other, and after each an append to a plain file of as many bytes as such a write adds to
// the log. Then commits a second of 16 threads.
void measure_durable(const Scale& scale, const Place& disk, const Plain& plain, Report& report) {
  Loaded loaded({disk.name, disk.directory, SyncLevel::kCommit}, "durable", plain);
  for (const char* query : kUseAll) timed(*loaded.db, query, ids(loaded.plain.data.persons.size() - 1, 0));
  RawLog raw(disk.directory + "/raw.log");
  std::mt19937_64 random(6);
  for (const Operation& operation : kOperations) {
    if (operation.what <= Operation::kTwoHops) continue;
    const auto write = [&] {
      const size_t id = loaded.random_person(random), other = loaded.random_person(random);
      return timed(*loaded.db, operation.query, ids(id, other, loaded.unused++));
    };
    const size_t tried = scale.commits / 10;
    must(loaded.db->checkpoint());
    const uint64_t before = must(loaded.db->stats()).store.wal_bytes;
    for (size_t i = 0; i < tried; ++i) write();
    const uint64_t bytes = (must(loaded.db->stats()).store.wal_bytes - before) / tried;
    std::vector<double> commits, appends;
    for (size_t i = 0; i < scale.commits; ++i) {
      commits.push_back(write());
      appends.push_back(raw.append(bytes));
    }
    const Sides sides{quantile(std::move(appends), 0.5), quantile(std::move(commits), 0.5)};
    report.add(std::string("durable, append and sync, ") + operation.name, sides, "us", sides.other - sides.base, 15);
    const size_t writes = tried + scale.commits;
    if (operation.what == Operation::kNode) loaded.nodes += writes;
    if (operation.what == Operation::kRelationship) loaded.relationships += writes;
  }
  constexpr int64_t kThreads = 16;
  const auto commits_of = [&](int64_t threads) {
    std::vector<std::future<uint64_t>> writers;
    for (int64_t t = 0; t < threads; ++t) {
      writers.push_back(std::async(std::launch::async, [&, t] {
        uint64_t commits = 0;
        for (const auto start = Clock::now(); seconds_since(start) < scale.turn_seconds; ++commits) {
          const int64_t unused = loaded.unused + t * 100'000'000 + static_cast<int64_t>(commits);
          must(loaded.db->execute("CREATE (:Person {id: $id})", make_params({{"id", Value::integer(unused)}})));
        }
        return commits;
      }));
    }
    uint64_t commits = 0;
    for (auto& writer : writers) commits += writer.get();
    loaded.nodes += commits;
    loaded.unused += kThreads * 100'000'000;
    return static_cast<double>(commits) / scale.turn_seconds;
  };
  const Sides sides = in_turns(
      scale.rounds, [&] { return commits_of(1); }, [&] { return commits_of(kThreads); });
  report.add("durable, commits a second: one thread and 16", sides, "/s", sides.other, 20'000, true);
  loaded.check_counts();
}

int run(int argc, char** argv) {
  std::string size = "medium", json, child, directory = fs::temp_directory_path().string();
  std::vector<std::string> only = {"scale", "concurrency", "memory", "durable"};
  std::vector<uint64_t> numbers;
  int rounds = 0;
  size_t starts = 0;
  CLI::App app("Cost by the size of the graph, beside other threads, with little memory, and of durable commits.",
               "limits");
  app.add_option("--size", size, "smoke: small graphs, aims printed and not judged")
      ->check(CLI::IsMember({"smoke", "medium"}))
      ->capture_default_str();
  app.add_option("--only", only, "parts to measure")->delimiter(',')->check(CLI::IsMember(only))->capture_default_str();
  app.add_option("--rounds", rounds, "turns of each side that count")->check(CLI::PositiveNumber);
  app.add_option("--starts", starts, "nodes used by the rows about size")->check(CLI::PositiveNumber);
  app.add_option("--json", json, "also write the rows to this file");
  app.add_option("--dir", directory, "where databases on disk are made")->capture_default_str();
  app.add_option("--child", child)->group("");
  app.add_option("--child-numbers", numbers)->expected(3)->group("");
  CLI11_PARSE(app, argc, argv);
  if (!child.empty()) {
    run_child({"on disk", child}, numbers.at(0), numbers.at(1), numbers.at(2));
    return 0;
  }
  Scale scale = size == "smoke" ? kSmoke : kMedium;
  if (rounds > 0) scale.rounds = rounds;
  if (starts > 0) scale.starts = starts;
  const fs::path scratch = fs::path(directory) / ("lora-limits-" + std::to_string(::getpid()));
  fs::create_directories(scratch);
  const auto remove = [](const fs::path* path) {
    std::error_code ignored;
    fs::remove_all(*path, ignored);
  };
  const std::unique_ptr<const fs::path, decltype(remove)> removed_at_end(&scratch, remove);
  const std::vector<Place> places = {{"in memory", ""}, {"on disk", scratch.string()}};
  const auto wanted = [&](const char* part) { return std::find(only.begin(), only.end(), part) != only.end(); };
  std::printf("%zu and %zu persons, %d rounds, %u cores, on disk sync=interval; medians of turns\n", scale.small,
              scale.large, scale.rounds, std::thread::hardware_concurrency());
  const Plain small(scale.small);
  Report report(size != "smoke");
  if (wanted("scale")) measure_scale(scale, places, small, report);
  if (wanted("concurrency")) measure_concurrency(scale, places, small, report);
  if (wanted("memory")) measure_memory(scale, places[1], small, report);
  if (wanted("durable")) measure_durable(scale, places[1], small, report);
  if (!json.empty()) report.write_json(json, size, scale.rounds);
  return 0;
}

}  // namespace

}  // namespace lora::bench

int main(int argc, char** argv) {
  try {
    return lora::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "limits: %s\n", error.what());
    return 1;
  }
}

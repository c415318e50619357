// Expected answers of the peer benchmark, counted over plain adjacency arrays: the independent judge of every engine.
//
// Usage: reference PERSONS KNOWS [STARTS] [PAIRS] [DIRECTORY]. Writes persons.csv and knows.csv, without a header, into
// DIRECTORY if one is named. Prints one JSON object: "digest" (CRC-32 of the dataset's CSV texts,
// as dataset.py), "starts" and "pairs" (the parameters drawn), and "answers": for each workload one list of rows a
// parameter. Paths are Cypher's: no relationship twice in one path. engines/reference.py computes the same in Python.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bench/dataset.h"

namespace lora::bench {

namespace {

using Adjacency = std::vector<std::vector<uint32_t>>;  // sorted targets by source

class Crc32 {
 public:
  Crc32() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
      table_[i] = c;
    }
  }
  void add(const char* text, size_t size) {
    for (size_t i = 0; i < size; ++i)
      state_ = table_[(state_ ^ static_cast<unsigned char>(text[i])) & 0xFF] ^ (state_ >> 8);
  }
  uint32_t value() const { return ~state_; }

 private:
  std::array<uint32_t, 256> table_;
  uint32_t state_ = 0xFFFFFFFFu;
};

class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t n) {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return (z ^ (z >> 31)) % n;
  }

 private:
  uint64_t state_;
};

// Rows as JSON text, one string a parameter.
class Answers {
 public:
  void add(const char* workload, std::string rows) { lists_[workload].push_back(std::move(rows)); }
  void add(const char* workload, int64_t n) { add(workload, "[[" + std::to_string(n) + "]]"); }
  void print() const {
    std::printf("{");
    const char* comma = "";
    for (const auto& [workload, rows] : lists_) {
      std::printf("%s\n\"%s\":[", comma, workload);
      for (size_t i = 0; i < rows.size(); ++i) std::printf("%s%s", i == 0 ? "" : ",", rows[i].c_str());
      std::printf("]");
      comma = ",";
    }
    std::printf("}");
  }

 private:
  std::map<const char*, std::vector<std::string>,
           decltype([](const char* a, const char* b) { return std::string(a) < b; })>
      lists_;
};

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string row(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}  // the data holds no character to escape

bool knows(const Adjacency& out, uint32_t from, uint32_t to) {
  return std::binary_search(out[from].begin(), out[from].end(), to);
}

// The `n` pairs (count, id) with the largest counts, ties by id, as rows [id, count].
std::string top(std::vector<std::pair<int64_t, int64_t>> counted, size_t n) {
  std::sort(counted.begin(), counted.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<std::string> rows;
  for (size_t i = 0; i < std::min(n, counted.size()); ++i)
    rows.push_back(row({std::to_string(counted[i].second), std::to_string(counted[i].first)}));
  return row(rows);
}

// Distances from `from` up to `limit`; -1: farther. `back` is the length of the shortest way back to `from` itself.
std::vector<int> distances(const Adjacency& out, uint32_t from, int limit, int* back) {
  std::vector<int> distance(out.size(), -1);
  distance[from] = 0;
  *back = -1;
  std::vector<uint32_t> layer{from}, next;
  for (int length = 1; length <= limit && !layer.empty(); ++length) {
    for (const uint32_t a : layer) {
      for (const uint32_t b : out[a]) {
        if (b == from && *back < 0) *back = length;
        if (distance[b] < 0) {
          distance[b] = length;
          next.push_back(b);
        }
      }
    }
    layer.swap(next);
    next.clear();
  }
  return distance;
}

void from_one(const Dataset& data, const Adjacency& out, uint32_t p, Answers* answers) {
  answers->add("lookup", row({row({quoted(data.persons[p].name)})}));
  answers->add("name_equality", 1);  // names are unique
  answers->add("hop1_count", static_cast<int64_t>(out[p].size()));
  std::vector<std::string> friends;
  int64_t hop2 = 0, filtered = 0, walks3 = 0, mutual = 0, triangles = 0;
  std::vector<int64_t> paths(out.size(), 0);
  for (const uint32_t a : out[p]) {
    friends.push_back(row({std::to_string(a), quoted(data.persons[a].name)}));
    mutual += knows(out, a, p);
    for (const uint32_t b : out[a]) {
      ++hop2;
      ++paths[b];
      filtered += data.persons[b].age > 60;
      triangles += knows(out, p, b);
      walks3 += static_cast<int64_t>(out[b].size());
    }
  }
  answers->add("hop1_rows", row(friends));
  answers->add("hop2_count", hop2);
  answers->add("hop2_distinct",
               static_cast<int64_t>(std::count_if(paths.begin(), paths.end(), [](int64_t n) { return n > 0; })));
  answers->add("hop2_filter", filtered);
  // The only way to use a relationship twice within three steps: p to a, back to p, and to a again.
  answers->add("hop3_count", walks3 - mutual);
  answers->add("hop3_walks", walks3);
  answers->add("triangles_around", triangles);
  std::vector<std::pair<int64_t, int64_t>> recommended;
  for (uint32_t x = 0; x < out.size(); ++x) {
    if (paths[x] > 0 && x != p && !knows(out, p, x)) recommended.emplace_back(paths[x], x);
  }
  answers->add("fof_recommend", top(std::move(recommended), 10));
  int back = -1;
  const std::vector<int> distance = distances(out, p, 3, &back);
  answers->add(
      "var1_3_distinct",
      static_cast<int64_t>(std::count_if(distance.begin(), distance.end(), [](int d) { return d > 0; })) + (back > 0));
}

// The five eldest friends, and how many friends above 40 each has beside `p`.
void ten_lines(const Dataset& data, const Adjacency& out, uint32_t p, Answers* answers) {
  std::vector<std::pair<int64_t, uint32_t>> eldest, older;
  for (const uint32_t f : out[p]) eldest.emplace_back(-data.persons[f].age, f);
  std::sort(eldest.begin(), eldest.end());
  eldest.resize(std::min<size_t>(eldest.size(), 5));
  for (const auto& [age, f] : eldest) {
    older.emplace_back(
        -std::count_if(out[f].begin(), out[f].end(), [&](uint32_t g) { return data.persons[g].age > 40 && g != p; }),
        f);
  }
  std::sort(older.begin(), older.end());
  std::vector<std::string> rows;
  for (const auto& [count, f] : older) {
    rows.push_back(row({std::to_string(f), std::to_string(data.persons[f].age), std::to_string(-count)}));
  }
  answers->add("ten_lines", row(rows));
}

int64_t triangles(const Adjacency& out) {
  int64_t count = 0;
  std::vector<uint8_t> marked(out.size(), 0);
  for (const std::vector<uint32_t>& targets : out) {
    for (const uint32_t c : targets) marked[c] = 1;
    for (const uint32_t b : targets) {
      for (const uint32_t c : out[b]) count += marked[c];
    }
    for (const uint32_t c : targets) marked[c] = 0;
  }
  return count;
}

// What two nodes' cities, or a node's degree, are grouped by.
void groups(const Dataset& data, const Adjacency& out, Answers* answers) {
  std::map<int64_t, int64_t> degrees;
  for (const std::vector<uint32_t>& targets : out) {
    if (!targets.empty()) ++degrees[static_cast<int64_t>(targets.size())];
  }
  std::vector<std::string> rows;
  for (auto it = degrees.rbegin(); it != degrees.rend() && rows.size() < 10; ++it) {
    rows.push_back(row({std::to_string(it->first), std::to_string(it->second)}));
  }
  answers->add("degree_distribution", row(rows));
  std::map<std::pair<std::string, std::string>, int64_t> pairs;
  for (const Dataset::Knows& k : data.knows) ++pairs[{data.persons[k.from].city, data.persons[k.to].city}];
  std::vector<std::pair<int64_t, std::pair<std::string, std::string>>> commonest;
  for (const auto& [cities, count] : pairs) commonest.emplace_back(-count, cities);
  std::sort(commonest.begin(), commonest.end());
  rows.clear();
  for (size_t i = 0; i < std::min<size_t>(5, commonest.size()); ++i) {
    const auto& [count, cities] = commonest[i];
    rows.push_back(row({quoted(cities.first), quoted(cities.second), std::to_string(-count)}));
  }
  answers->add("city_pairs", row(rows));
}

void from_all(const Dataset& data, const Adjacency& out, const Adjacency& in, Answers* answers) {
  answers->add("return_1", 1);
  answers->add("count_nodes", static_cast<int64_t>(data.persons.size()));
  answers->add("count_rels", static_cast<int64_t>(data.knows.size()));
  answers->add("lookup_missing", "[]");
  answers->add("full_hop1_count", static_cast<int64_t>(data.knows.size()));
  answers->add("full_triangles", triangles(out));
  int64_t listed = 0, upper = 0, cases = 0, older_known = 0;
  const std::set<std::string> some_cities = {"city1", "city2", "city3", "city5", "city8"};
  std::set<int64_t> floors;
  std::set<std::pair<std::string, int64_t>> joined;
  int64_t older = 0, named = 0, recent = 0, ids = 0, hop2 = 0, unknown = 0, compound = 0, graces = 0;
  std::vector<std::string> names;
  double sum = 0, least = data.persons[0].score, most = least;
  std::map<std::string, std::pair<int64_t, int64_t>> cities;  // number, sum of ages
  std::vector<std::pair<int64_t, int64_t>> ages, followers;
  for (const Dataset::Person& p : data.persons) {
    older += p.age > 60;
    named += p.name.find("Hopper") != std::string::npos;
    compound += p.age > 30 && p.age <= 60 && p.score < 500 && p.city != "city1";
    graces += p.name.starts_with("Grace ");
    listed += some_cities.contains(p.city) && p.age >= 20 && p.age <= 60 && p.age % 10 == 0;
    upper += p.city == "city7";
    cases += p.age < 30 ? 1 : p.age < 60 ? 2 : 0;
    floors.insert(static_cast<int64_t>(std::floor(p.score / 10)));
    joined.emplace(p.city, p.age);
    names.push_back(p.name);
    ids += p.id;
    sum += p.score;
    least = std::min(least, p.score);
    most = std::max(most, p.score);
    auto& [number_of, sum_of_ages] = cities[p.city];
    ++number_of;
    sum_of_ages += p.age;
    ages.emplace_back(p.age, p.id);
    const auto& followed_by = in[static_cast<size_t>(p.id)];
    hop2 += static_cast<int64_t>(followed_by.size() * out[static_cast<size_t>(p.id)].size());
    unknown += followed_by.empty();
    followers.emplace_back(followed_by.size(), p.id);
  }
  for (const Dataset::Knows& k : data.knows) {
    recent += k.since > 2015;
    older_known += data.persons[k.to].age > data.persons[k.from].age;
  }
  answers->add("in_lists", listed);
  answers->add("upper_text", upper);
  answers->add("case_sum", cases);
  answers->add("distinct_floor", static_cast<int64_t>(floors.size()));
  answers->add("distinct_joined", static_cast<int64_t>(joined.size()));
  answers->add("older_known", older_known);
  answers->add("filter_count", older);
  answers->add("compound_filter", compound);
  answers->add("starts_with", graces);
  answers->add("distinct_city", static_cast<int64_t>(cities.size()));
  std::sort(names.begin(), names.end());
  std::vector<std::string> rows;
  for (size_t i = names.size() / 2; i < std::min(names.size() / 2 + 10, names.size()); ++i) {
    rows.push_back(row({quoted(names[i])}));
  }
  answers->add("order_skip", row(rows));
  answers->add("distinct_name", std::unique(names.begin(), names.end()) - names.begin());
  const auto few = static_cast<int64_t>(std::min<size_t>(1000, data.persons.size()));
  answers->add("return_1000", row({row({std::to_string(few), std::to_string(few * (few - 1) / 2)})}));
  answers->add("string_contains", named);
  answers->add("rel_filter", recent);
  answers->add("return_rows", row({row({std::to_string(data.persons.size()), std::to_string(ids)})}));
  answers->add("sum_score", row({row({number(sum), number(least), number(most)})}));
  answers->add("full_hop2_count", hop2);
  answers->add("not_followed", unknown);
  answers->add("top10_age", top(std::move(ages), 10));
  answers->add("top3_followed", top(std::move(followers), 3));
  std::vector<std::pair<std::string, std::pair<int64_t, int64_t>>> by_size(cities.begin(), cities.end());
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto& a, const auto& b) { return a.second.first > b.second.first; });
  rows.clear();
  std::vector<std::string> collected;
  for (size_t i = 0; i < std::min<size_t>(5, by_size.size()); ++i) {
    const auto& [city, counted] = by_size[i];
    collected.push_back(row({quoted(city), std::to_string(counted.first)}));
    rows.push_back(row({quoted(city), std::to_string(counted.first),
                        number(static_cast<double>(counted.second) / static_cast<double>(counted.first))}));
  }
  answers->add("group_by_city", row(rows));
  answers->add("collect_by_city", row(collected));
}

// One table as CSV text: its CRC-32 and, if wanted, its file, which gets its name when it is whole.
class Csv {
 public:
  Csv(const std::string& directory, const char* name) {
    if (directory.empty()) return;
    path_ = directory + "/" + name;
    file_ = std::fopen((path_ + ".tmp").c_str(), "wb");
    good_ = file_ != nullptr;
  }
  void add(const char* line, int size) {
    crc_.add(line, static_cast<size_t>(size));
    if (file_ != nullptr) good_ = std::fwrite(line, 1, static_cast<size_t>(size), file_) > 0 && good_;
  }
  // False, and said on standard error, if the file could not be written.
  bool finish() {
    if (file_ != nullptr) good_ = std::fclose(file_) == 0 && good_;
    if (good_ && !path_.empty()) good_ = std::rename((path_ + ".tmp").c_str(), path_.c_str()) == 0;
    if (!good_) std::fprintf(stderr, "cannot write %s\n", path_.c_str());
    return good_;
  }
  uint32_t crc() const { return crc_.value(); }

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
  bool good_ = true;
  Crc32 crc_;
};

int run(size_t persons, size_t relationships, size_t starts, size_t pairs, const std::string& directory) {
  const Dataset data = make_dataset(persons, relationships);
  Csv person_csv(directory, "persons.csv"), knows_csv(directory, "knows.csv");
  char line[256];
  for (const Dataset::Person& p : data.persons) {
    person_csv.add(line, std::snprintf(line, sizeof line, "%lld,%s,%lld,%s,%lld,%.3f\n", static_cast<long long>(p.id),
                                       p.name.c_str(), static_cast<long long>(p.age), p.city.c_str(),
                                       static_cast<long long>(p.created), p.score));
  }
  Adjacency out(persons), in(persons);
  for (const Dataset::Knows& k : data.knows) {
    knows_csv.add(line,
                  std::snprintf(line, sizeof line, "%u,%u,%lld\n", k.from, k.to, static_cast<long long>(k.since)));
    out[k.from].push_back(k.to);
    in[k.to].push_back(k.from);
  }
  if (!person_csv.finish() || !knows_csv.finish()) return 1;
  for (Adjacency* lists : {&out, &in}) {
    for (std::vector<uint32_t>& list : *lists) std::sort(list.begin(), list.end());
  }
  SplitMix random(7);
  Answers answers;
  std::printf(
      "{\"digest\":{\"persons\":%zu,\"knows\":%zu,\"persons_crc32\":\"%08x\",\"knows_crc32\":\"%08x\"},\n\"starts\":[",
      data.persons.size(), data.knows.size(), person_csv.crc(), knows_csv.crc());
  for (size_t i = 0; i < starts; ++i) {
    const auto p = static_cast<uint32_t>(random.below(persons));
    std::printf("%s%u", i == 0 ? "" : ",", p);
    from_one(data, out, p, &answers);
    ten_lines(data, out, p, &answers);
  }
  std::printf("],\n\"pairs\":[");
  for (size_t i = 0; i < pairs; ++i) {
    const auto a = static_cast<uint32_t>(random.below(persons));
    const auto b = static_cast<uint32_t>((a + 1 + random.below(persons - 1)) % persons);
    std::printf("%s[%u,%u]", i == 0 ? "" : ",", a, b);
    int64_t common = 0;
    for (const uint32_t m : out[a]) common += knows(out, b, m);
    answers.add("mutual_friends", common);
    int back = -1;
    const int distance = distances(out, a, 15, &back)[b];
    answers.add("shortest_path", distance < 0 ? std::string("[]") : row({row({std::to_string(distance)})}));
  }
  from_all(data, out, in, &answers);
  groups(data, out, &answers);
  std::printf("],\n\"answers\":");
  answers.print();
  std::printf("}\n");
  return 0;
}

size_t argument(int argc, char** argv, int at, size_t otherwise) {
  return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
}

}  // namespace

}  // namespace lora::bench

int main(int argc, char** argv) {
  using lora::bench::argument;
  const size_t persons = argument(argc, argv, 1, 0), knows = argument(argc, argv, 2, 0);
  if (argc > 6 || persons < 2 || knows < 1 || persons > 100'000'000) {
    std::fprintf(stderr, "usage: reference PERSONS KNOWS [STARTS] [PAIRS] [DIRECTORY]\n");
    return 2;
  }
  return lora::bench::run(persons, knows, argument(argc, argv, 3, 20), argument(argc, argv, 4, 10),
                          argc > 5 ? argv[5] : "");
}

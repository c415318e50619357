#include "bench/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

namespace lora::bench {

namespace {

class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

void shuffle(std::vector<uint32_t>* items, size_t first, SplitMix* random) {
  for (size_t i = items->size(); i > first + 1; --i) {
    std::swap((*items)[i - 1], (*items)[first + random->below(i - first)]);
  }
}

}  // namespace

Dataset make_dataset(size_t persons, size_t knows, uint64_t seed) {
  static constexpr const char* kGiven[] = {"Ada",     "Alan",    "Grace",  "Edsger", "Barbara", "Donald",
                                           "Frances", "Ken",     "Radia",  "Linus",  "Margo",   "Tony",
                                           "Leslie",  "Niklaus", "Sophie", "Dennis"};
  static constexpr const char* kFamily[] = {"Lovelace", "Turing",  "Hopper", "Dijkstra", "Liskov", "Knuth",  "Allen",
                                            "Perlman",  "Seltzer", "Hoare",  "Lamport",  "Wirth",  "Wilson", "Ritchie"};
  SplitMix random(seed);
  Dataset data;
  data.persons.reserve(persons);
  for (size_t i = 0; i < persons; ++i) {
    Dataset::Person p;
    p.id = static_cast<int64_t>(i);
    // Drawn in statements of their own: the order of evaluation inside one expression is the compiler's choice.
    const char* const given = kGiven[random.below(std::size(kGiven))];
    const char* const family = kFamily[random.below(std::size(kFamily))];
    p.name = std::string(given) + " " + family + " " + std::to_string(i);
    p.age = 18 + static_cast<int64_t>(random.below(73));
    p.city = "city" + std::to_string(random.below(100));
    p.created = 1'500'000'000 + static_cast<int64_t>(random.below(200'000'000));
    p.score = std::floor(random.unit() * 1'000'000) / 1000;
    data.persons.push_back(std::move(p));
  }
  // Who follows, and who is followed: two rankings with common hubs.
  std::vector<uint32_t> out_rank(persons);
  std::iota(out_rank.begin(), out_rank.end(), 0);
  shuffle(&out_rank, 0, &random);
  std::vector<uint32_t> in_rank = out_rank;
  shuffle(&in_rank, persons / 100, &random);
  std::vector<double> cumulative(persons);
  double total = 0;
  for (size_t i = 0; i < persons; ++i) cumulative[i] = total += 1 / std::pow(static_cast<double>(i) + 20, 0.6);
  std::unordered_set<uint64_t> seen;
  seen.reserve(knows * 2);
  data.knows.reserve(knows);
  double carried = 0;
  for (size_t i = 0; i < persons && data.knows.size() < knows; ++i) {
    const double share = (i == 0 ? cumulative[0] : cumulative[i] - cumulative[i - 1]) / total;
    carried += share * static_cast<double>(knows);
    const size_t wanted = i + 1 == persons ? knows - data.knows.size() : static_cast<size_t>(carried);
    carried -= static_cast<double>(wanted);
    const uint32_t from = out_rank[i];
    for (size_t made = 0, tries = 0; made < wanted && tries < 20 * wanted + 1000; ++tries) {
      const double x = random.unit() * total;
      const auto rank =
          static_cast<size_t>(std::lower_bound(cumulative.begin(), cumulative.end(), x) - cumulative.begin());
      const uint32_t to = in_rank[std::min(rank, persons - 1)];
      if (to == from || !seen.insert(uint64_t{from} << 32 | to).second) continue;
      data.knows.push_back({from, to, 1990 + static_cast<int64_t>(random.below(35))});
      ++made;
    }
  }
  return data;
}

}  // namespace lora::bench

// The benchmark graph: Person nodes with six properties and KNOWS relationships, degrees after a power law, the same
// for every engine and run (fixed seed). bench/dataset.py makes the same data for other engines; a test compares both.
//
// Generator: SplitMix64. Out-degrees are proportional to 1 / (rank + 20)^0.6 over shuffled ranks and add up to the
// number wanted; targets are drawn from a distribution of the same kind over another shuffle that shares its first
// hundredth, so that the hubs of both directions coincide. No self loops, no parallel relationships.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lora::bench {

struct Dataset {
  struct Person {
    int64_t id;
    std::string name;  // "given family n"
    int64_t age;       // 18 to 90
    std::string city;  // one of 100
    int64_t created;   // seconds since the epoch
    double score;      // 0 to 1000
  };
  struct Knows {
    uint32_t from, to;  // indexes into persons
    int64_t since;      // a year
  };
  std::vector<Person> persons;
  std::vector<Knows> knows;
};

Dataset make_dataset(size_t persons, size_t knows, uint64_t seed = 20240607);

}  // namespace lora::bench

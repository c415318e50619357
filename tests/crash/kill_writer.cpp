// The writer that kill_test.cpp kills: kill_writer DIRECTORY FIRST PIPE. Each transaction makes node n and links it to
// node n - 1; its number goes down the pipe (a file descriptor) once it is acknowledged. Now and then it flushes, or
// rewrites a property of everything.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cypher/database.h"

using namespace lora;

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int pipe = std::atoi(argv[3]);
  DatabaseOptions options;
  options.database_dir = argv[1];
  options.cache_bytes = 64 << 20;
  auto opened = Database::open("kill", options);
  if (!opened.ok()) {
    std::fprintf(stderr, "child: %s\n", opened.status().to_string().c_str());
    return 3;
  }
  Database& db = **opened;
  for (int64_t n = std::atoll(argv[2]);; ++n) {
    const Params params = make_params({{"n", Value::integer(n)}});
    auto done = db.execute(
        "OPTIONAL MATCH (p:N {n: $n - 1}) CREATE (x:N {n: $n}) "
        "FOREACH (q IN CASE WHEN p IS NULL THEN [] ELSE [p] END | CREATE (q)-[:NEXT {n: $n}]->(x))",
        params);
    if (!done.ok()) {
      std::fprintf(stderr, "child: %s\n", done.status().to_string().c_str());
      return 4;
    }
    if (write(pipe, &n, sizeof n) != sizeof n) return 5;
    if (n % 37 == 0 && !db.checkpoint().ok()) return 6;
    if (n % 23 == 0 && !db.execute("MATCH (x:N) WHERE x.n % 5 = 0 SET x.seen = $n", params).ok()) return 7;
  }
}

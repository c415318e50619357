#include "bench/machine.h"

#include <sys/times.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace lora::bench {

double own_memory(const std::string& line) {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    double kilobytes = 0;
    if (word == line && in >> kilobytes) return kilobytes * 1024;
  }
  throw std::runtime_error("no " + line + " in /proc/self/status");
}

Ticks Ticks::now() {
  Ticks out;
  std::ifstream in("/proc/stat");
  std::string cpu;
  in >> cpu;
  long ticks = 0;
  // user, nice, system, idle, iowait, irq, softirq, steal
  for (int field = 0; field < 8 && in >> ticks; ++field) {
    out.all += ticks;
    if (field != 3 && field != 4) out.busy += ticks;
  }
  tms used{};
  ::times(&used);
  out.own = used.tms_utime + used.tms_stime + used.tms_cutime + used.tms_cstime;
  return out;
}

double taken_by_others(const Ticks& from, const Ticks& to) {
  const long others = (to.busy - from.busy) - (to.own - from.own);
  return 100 * static_cast<double>(std::max(others, 0L)) / static_cast<double>(std::max(to.all - from.all, 1L));
}

}  // namespace lora::bench

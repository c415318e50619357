// What Linux says about this process and the machine it shares.
#pragma once

#include <string>

namespace lora::bench {

// A line of /proc/self/status in bytes: "VmRSS:" is resident memory, "VmHWM:" the most it ever was. Throws
// std::runtime_error when there is no such line.
double own_memory(const std::string& line);

// Processor time in ticks: of the whole machine, with and without idling, and of this process and the children it has
// waited for.
struct Ticks {
  long all = 0, busy = 0, own = 0;
  static Ticks now();
};

// Per cent of the machine's processor time between the two that went to other processes.
double taken_by_others(const Ticks& from, const Ticks& to);

}  // namespace lora::bench

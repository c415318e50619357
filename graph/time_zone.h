// IANA time zones from the system's database (/usr/share/zoneinfo), read on first use; nothing is ever downloaded.
//
// The database of distributions differs in two ways, which would make the same text mean different instants:
//   * before 1970 some keep one history per city, some (as IANA itself) one per region. Names that IANA links are read
//     through the link for instants before 1970.
//   * after the last listed transition (2037) the rule in the file's footer holds.
// Threads: callable from any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "kv/status.h"

namespace lora::time_zone {

// OK when the name is in the database; otherwise an error that names it (or says that there is no database).
Status check(std::string_view name);

// Seconds east of UTC at an instant (seconds since the epoch, UTC).
Result<int32_t> offset_at(std::string_view name, int64_t instant);

// What a local time (seconds since 1970-01-01T00:00:00 local) means in a zone.
struct LocalOffset {
  // The offset to use. In an overlap the one before the clock goes back; in a gap the one before it: local - offset is
  // then the instant, at which the zone already has another offset.
  int32_t offset = 0;
  // In an overlap: the later offset. Otherwise equal to `offset`.
  int32_t other = 0;
  bool gap = false;
};
Result<LocalOffset> offset_of_local(std::string_view name, int64_t local);

}  // namespace lora::time_zone

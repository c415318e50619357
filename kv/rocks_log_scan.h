// Reads RocksDB's write-ahead log files directly, also behind a damaged place where RocksDB's own recovery stops, to
// find out what was promised there: every commit record names the highest commit that was durable when it was written.
//
// The format (RocksDB's log_format.h): blocks of 32 KiB; records
//   crc (4, masked CRC32C of type and bytes) | length (2) | type (1: full 1, first 2, middle 3, last 4) | bytes
// none of which crosses a block; fewer than 7 bytes at the end of a block are zeros. After damage the
// scan goes on at the next place in the block where a record with a right checksum starts.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <string>

#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::kv {

struct LogScan {
  uint64_t bytes = 0;        // in all log files
  uint64_t last_commit = 0;  // highest commit number in a readable record
  uint64_t promised = 0;     // highest durable_upto in a readable record
  bool damaged = false;      // some bytes are no readable record; a torn tail is, too
};

// Scans every *.log of `directory`. Reads only. kIo when a file cannot be read.
Result<LogScan> scan_logs(rocksdb::FileSystem& files, const std::string& directory);

inline constexpr size_t kLogBlockBytes = 32768;
inline constexpr size_t kLogHeaderBytes = 7;
// Of a record with its header, as the header says; 0: a header of zeros, where nothing has been written. `rest` begins
// with a whole header.
size_t log_record_bytes(ByteView rest);
// Is this a whole record, and its checksum right?
bool is_log_record(ByteView record);

uint32_t crc32c(uint32_t crc, ByteView bytes);

}  // namespace lora::kv

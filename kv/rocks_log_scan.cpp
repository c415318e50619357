#include "kv/rocks_log_scan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "kv/commit_record.h"
#include "kv/encode.h"
#include "kv/rocks_status.h"

namespace lora::kv {
namespace {

constexpr uint32_t kMaskDelta = 0xa282ead8;
enum RecordType : uint8_t { kZero = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4, kTypeMax = 9 };

// Slicing by eight: 8 tables, 8 bytes a step.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    }
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

uint32_t mask(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + kMaskDelta;
}

// The commit record is the last entry of its batch: tag "value, default column family", key, value.
void read_batch(ByteView batch, LogScan* scan) {
  std::string pattern(1, '\x01');
  encode_sized(&pattern, kCommitRecordKey);
  size_t at = batch.rfind(pattern);
  // The pattern may also occur inside the record's payload; the real one ends where the batch ends.
  for (int tries = 0; at != ByteView::npos && tries < 8; ++tries) {
    Decoder in(batch.substr(at + pattern.size()));
    ByteView value;
    CommitRecord record;
    if (in.sized(&value) && in.done() && decode_commit_record(value, &record)) {
      scan->last_commit = std::max(scan->last_commit, record.number);
      scan->promised = std::max(scan->promised, record.durable_upto);
      return;
    }
    if (at == 0) {
      return;
    }
    at = batch.rfind(pattern, at - 1);
  }
}

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

bool starts_with_record(ByteView rest, uint8_t* type, ByteView* bytes) {
  const uint16_t length = __builtin_bswap16(load_u16(rest.data() + 4));
  *type = static_cast<uint8_t>(rest[6]);
  // The cheap conditions first: behind damage this is asked at every byte.
  if (*type == kZero || *type > kTypeMax || length > rest.size() - kLogHeaderBytes) {
    return false;
  }
  const uint32_t crc = __builtin_bswap32(load_u32(rest.data()));
  *bytes = rest.substr(kLogHeaderBytes, length);
  return mask(crc32c(0, rest.substr(6, size_t{length} + 1))) == crc;
}

class LogFile {
 public:
  explicit LogFile(LogScan* scan) : scan_(scan) {}

  void block(ByteView rest) {
    while (rest.size() >= kLogHeaderBytes) {
      if (rest[6] == kZero && all_zero(rest)) {
        ended_ = true;  // prepared, never written
        return;
      }
      uint8_t type = kZero;
      ByteView bytes;
      if (!starts_with_record(rest, &type, &bytes)) {
        damage();
        do {
          rest.remove_prefix(1);
        } while (rest.size() >= kLogHeaderBytes && !starts_with_record(rest, &type, &bytes));
        continue;
      }
      record(type, bytes);
      rest.remove_prefix(kLogHeaderBytes + bytes.size());
    }
    if (!all_zero(rest)) {
      damage();
    }
  }

  void end() {
    if (open_) {
      damage();  // the file ends inside a batch
    }
  }

 private:
  void damage() {
    scan_->damaged = true;
    open_ = false;
    batch_.clear();
  }

  void record(uint8_t type, ByteView bytes) {
    if (ended_) {
      damage();  // what came before it never reached the disk
      ended_ = false;
    }
    if (type == kFull || type == kFirst) {
      if (open_) {
        damage();
      }
      if (type == kFull) {
        read_batch(bytes, scan_);
        return;
      }
      batch_.assign(bytes);
      open_ = true;
      return;
    }
    if (type != kMiddle && type != kLast) {
      return;  // a kind this store never asks for (compression, recycling): says nothing about commits
    }
    if (!open_) {
      scan_->damaged = true;
      return;
    }
    batch_.append(bytes);
    if (type == kLast) {
      read_batch(batch_, scan_);
      batch_.clear();
      open_ = false;
    }
  }

  LogScan* scan_;
  std::string batch_;
  bool open_ = false;
  bool ended_ = false;  // zeros have been met
};

Status scan_file(rocksdb::FileSystem& files, const std::string& path, LogScan* scan) {
  const std::string doing = "read log `" + path + "`";
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  LORA_TRY(from_rocks(files.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr), doing));
  LogFile log(scan);
  std::vector<char> scratch(kLogBlockBytes);
  std::string block;
  while (true) {
    rocksdb::Slice got;
    LORA_TRY(from_rocks(file->Read(kLogBlockBytes - block.size(), rocksdb::IOOptions(), &got, scratch.data(), nullptr),
                        doing));
    block.append(got.data(), got.size());
    scan->bytes += got.size();
    if (got.empty() || block.size() == kLogBlockBytes) {
      log.block(block);
      block.clear();
      if (got.empty()) {
        break;
      }
    }
  }
  log.end();
  return Status();
}

}  // namespace

size_t log_record_bytes(ByteView rest) {
  const uint16_t length = __builtin_bswap16(load_u16(rest.data() + 4));
  return length == 0 && rest[6] == kZero ? 0 : kLogHeaderBytes + length;
}

bool is_log_record(ByteView record) {
  uint8_t type = kZero;
  ByteView bytes;
  return record.size() >= kLogHeaderBytes && starts_with_record(record, &type, &bytes);
}

uint32_t crc32c(uint32_t crc, ByteView bytes) {
  crc = ~crc;
  const char* at = bytes.data();
  size_t left = bytes.size();
  while (left >= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    word ^= crc;
    crc = kTables[7][word & 0xFF] ^ kTables[6][(word >> 8) & 0xFF] ^ kTables[5][(word >> 16) & 0xFF] ^
          kTables[4][(word >> 24) & 0xFF] ^ kTables[3][(word >> 32) & 0xFF] ^ kTables[2][(word >> 40) & 0xFF] ^
          kTables[1][(word >> 48) & 0xFF] ^ kTables[0][word >> 56];
    at += 8;
    left -= 8;
  }
  while (left-- > 0) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*at++)) & 0xFF];
  }
  return ~crc;
}

Result<LogScan> scan_logs(rocksdb::FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  LORA_TRY(from_rocks(files.GetChildren(directory, rocksdb::IOOptions(), &names, nullptr), "list `" + directory + "`"));
  LogScan scan;
  for (const std::string& name : names) {
    if (name.ends_with(".log")) {
      LORA_TRY(scan_file(files, directory + "/" + name, &scan));
    }
  }
  return scan;
}

}  // namespace lora::kv

// The record that every commit carries under kCommitRecordKey of Keyspace::kMeta, and the rule for that keyspace:
// keys that start with the byte 00 belong to the store. They are hidden from get() and cursors and refused in batches.
//
//   offset size  field            note
//   0      1     version          01
//   1      8     number           little endian; the first commit of a database is 1
//   9      8     durable_upto     little endian; highest commit known to be on disk when this one was written
//   17     8     batch_checksum   XXH3-64 of the batch's bytes before the record was added; 0 for an ingest
//   25     n     payload          the caller's bytes
//   25+n   8     checksum         XXH3-64 of everything before it
//
// Example: commit 5, durable 4, batch checksum 0, payload "p":
//   01 | 05 00 00 00 00 00 00 00 | 04 00 00 00 00 00 00 00 | 00 00 00 00 00 00 00 00 | 70 | 8 bytes of checksum
#pragma once

#include <cstdint>
#include <string>

#include "kv/bytes.h"

namespace lora::kv {

inline constexpr ByteView kCommitRecordKey(
    "\x00"
    "commit",
    7);
inline constexpr ByteView kIdentityKey(
    "\x00"
    "id",
    3);  // value: the 16 bytes of the database id
// The first key of kMeta that callers may use.
inline constexpr ByteView kMetaFirstKey("\x01", 1);

constexpr bool is_reserved_meta_key(ByteView key) {
  return key < kMetaFirstKey;
}

struct CommitRecord {
  uint64_t number = 0;
  uint64_t durable_upto = 0;
  uint64_t batch_checksum = 0;
  ByteView payload;  // a view into the caller's or the decoded bytes
};

uint64_t checksum64(ByteView bytes);  // XXH3-64, seed 0

// Replaces *out.
void encode_commit_record(const CommitRecord& record, std::string* out);
// False for bytes that encode_commit_record() did not make; record->payload views `bytes`.
bool decode_commit_record(ByteView bytes, CommitRecord* record);

}  // namespace lora::kv

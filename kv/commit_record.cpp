#include "kv/commit_record.h"

#include <xxhash.h>

#include "kv/encode.h"

namespace lora::kv {
namespace {
constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderBytes = 25;
constexpr size_t kChecksumBytes = 8;
}  // namespace

uint64_t checksum64(ByteView bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

void encode_commit_record(const CommitRecord& record, std::string* out) {
  out->clear();
  encode_u8(out, kVersion);
  encode_fixed64(out, record.number);
  encode_fixed64(out, record.durable_upto);
  encode_fixed64(out, record.batch_checksum);
  out->append(record.payload);
  encode_fixed64(out, checksum64(*out));
}

bool decode_commit_record(ByteView bytes, CommitRecord* record) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return false;
  }
  const ByteView body = bytes.substr(0, bytes.size() - kChecksumBytes);
  Decoder tail(bytes.substr(body.size()));
  uint64_t checksum = 0;
  if (!tail.fixed64(&checksum) || checksum != checksum64(body)) {
    return false;
  }
  Decoder in(body);
  uint8_t version = 0;
  if (!in.u8(&version) || version != kVersion || !in.fixed64(&record->number) || !in.fixed64(&record->durable_upto) ||
      !in.fixed64(&record->batch_checksum)) {
    return false;
  }
  record->payload = in.rest();
  return true;
}

}  // namespace lora::kv

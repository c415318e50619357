#include "kv/encode.h"

namespace lora::kv {

static_assert(std::endian::native == std::endian::little, "the word codes assume a little-endian machine");

void encode_bytes(std::string* out, ByteView value) {
  while (!value.empty()) {
    const void* zero = std::memchr(value.data(), 0, value.size());
    if (zero == nullptr) {
      out->append(value);
      break;
    }
    const size_t before = static_cast<size_t>(static_cast<const char*>(zero) - value.data());
    out->append(value.data(), before);
    out->append("\x00\xFF", 2);
    value.remove_prefix(before + 1);
  }
  out->append("\x00\x00", 2);
}

void encode_fixed32(std::string* out, uint32_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void encode_fixed64(std::string* out, uint64_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void encode_varint(std::string* out, uint64_t value) {
  char bytes[kVarintBytesMax];
  out->append(bytes, static_cast<size_t>(store_varint(bytes, value) - bytes));
}

void encode_sized(std::string* out, ByteView value) {
  encode_varint(out, value.size());
  out->append(value);
}

std::string prefix_end(ByteView prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF) {
    prefix.remove_suffix(1);
  }
  std::string end(prefix);
  if (!end.empty()) {
    end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  }
  return end;
}

bool Decoder::bytes(std::string* value) {
  value->clear();
  const char* at = at_;
  while (at != end_) {
    const void* found = std::memchr(at, 0, static_cast<size_t>(end_ - at));
    const char* zero = static_cast<const char*>(found);
    if (zero == nullptr || zero + 1 == end_) {
      return false;
    }
    value->append(at, static_cast<size_t>(zero - at));
    const uint8_t mark = static_cast<uint8_t>(zero[1]);
    at = zero + 2;
    if (mark == 0x00) {
      at_ = at;
      return true;
    }
    if (mark != 0xFF) {
      return false;
    }
    value->push_back('\0');
  }
  return false;
}

bool Decoder::long_varint(uint64_t* value) {
  uint64_t result = 0;
  const char* at = at_;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at == end_) {
      return false;
    }
    const uint8_t byte = static_cast<uint8_t>(*at++);
    if (shift == 63 && byte > 1) {
      return false;
    }
    result |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift != 0) {
        return false;  // a longer form than needed
      }
      *value = result;
      at_ = at;
      return true;
    }
  }
  return false;
}

bool Decoder::sized(ByteView* value) {
  const char* const start = at_;
  uint64_t size = 0;
  if (!varint(&size) || !raw(size, value)) {
    at_ = start;
    return false;
  }
  return true;
}

bool Decoder::raw(size_t count, ByteView* value) {
  if (count > static_cast<size_t>(end_ - at_)) {
    return false;
  }
  *value = ByteView(at_, count);
  at_ += count;
  return true;
}

}  // namespace lora::kv

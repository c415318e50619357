// Version of what this folder writes into the store, and the enums that are persisted.
//
// How to change the format: give the new version the next number, keep the constant of the old one here, teach the
// decoder of the changed piece to read both, add a database of the old version to tests/format, and say in README.md
// what changed. A version that was released is frozen: its byte tables in layout.h and record.fbs do not change any
// more. A database with a version above kFormatVersion is refused with kFormatVersion, never half read.
#pragma once

#include <cstdint>

namespace lora::graph {

inline constexpr uint32_t kFormatVersion1 = 1;  // first version
inline constexpr uint32_t kFormatVersion2 = 2;  // columns beside records
// Integers in bits, and heads in place of records; written from the first column or head on.
inline constexpr uint32_t kFormatVersion3 = 3;
// Columns of blocks with heads under keys of their own; written from the first such head on.
inline constexpr uint32_t kFormatVersion4 = 4;
inline constexpr uint32_t kFormatVersion = kFormatVersion4;

// The first word of the format key's value (kMeta, key 01), "LORG" read as little endian.
inline constexpr uint32_t kFormatMagic = 0x47524f4c;

// Persisted: never renumber.
enum class TokenKind : uint8_t { kLabel = 0, kRelType = 1, kKey = 2 };
inline constexpr int kTokenKindCount = 3;

}  // namespace lora::graph

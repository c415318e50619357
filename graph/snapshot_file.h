// The single-file snapshot of a graph: a stream of entries in checked, compressed and perhaps encrypted frames.
//
//   offset  size  field
//   0       8     magic "LORASNAP"
//   8       4     format version, little endian like all numbers here: 1
//   12      4     header length n, at most 64 KiB
//   16      n     header (below)
//   16+n    8     XXH3-64 of all before
//   then          frames, each: u32 stored length, u32 raw length, u64 XXH3-64 of the stored bytes, the stored bytes
//                 raw length <= 256 KiB; stored length <= raw length + 64; the end is a frame of 16 bytes with both
//                 lengths 0 and the checksum of nothing
//   last    32    BLAKE2b-256 of all before
//
//   header: u8 codec (0 none, 1 gzip, 2 zstd), u8 encryption (0 none, 1 password, 2 key), u64 nodes, u64 relationships,
//     u64 commit number + 1 of the saved version (0: in-memory database), sized key id of at most 1 024 bytes;
//     password: fixed32 memory KiB, fixed32 passes, fixed32 lanes, 16 bytes salt; encrypted: 24 bytes secretstream
//     header
//   frame content: u8 form (0 as it is, 1 compressed with the codec), then the bytes. Compressed means for gzip a zlib
//     stream (RFC 1950), for zstd one frame. What would shrink to a thousandth or less is written as it is; a reader
//     refuses a frame that claims to have shrunk so far.
//   encrypted: the content is one message of libsodium's secretstream (XChaCha20-Poly1305), 17 bytes longer than it;
//     the header is additional data of the first message. The last message has raw length 0 and the tag FINAL, and
//     only the end frame follows. Key: the given 32 bytes, or Argon2id of the password.
//
//   The raw frames, joined, are entries: u8 section, varint key length, key, varint value length, value; sections
//   ascend, keys of a section ascend strictly. Keys and values are those of layout.h:
//     1 names  2 definitions  3 counters (one entry: a commit payload)  4 nodes  5 relationships  6 adjacency
//     7 labels  8 index entries  255 end (both lengths 0)
//
// A reader trusts nothing: every length is bounded before memory is taken, every frame's checksum comes before its
// decompression, and an entry grows only as its bytes arrive. Newer versions and foreign files (LoraDB's LORACOL1) are
// refused with kFormatVersion.
// Memory: some ten frames, and the largest entry. Threads: one at a time; writing a file of more than a frame starts
// one that packs frames, and which never calls the sink.
#pragma once

#include <memory>
#include <string>

#include "graph/graph.h"
#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::graph {

inline constexpr uint32_t kSnapshotVersion1 = 1;
inline constexpr uint32_t kSnapshotVersion = kSnapshotVersion1;
inline constexpr size_t kSnapshotFrameBytes = 256u << 10;
inline constexpr uint32_t kSnapshotRatioMax = 1'000;
inline constexpr uint32_t kKdfMemoryKibMax = 1u << 20;  // 1 GiB
inline constexpr uint32_t kKdfPassesMax = 64;

enum class SnapshotSection : uint8_t {
  kNames = 1,
  kDefinitions = 2,
  kCounters = 3,
  kNodes = 4,
  kRelationships = 5,
  kAdjacency = 6,
  kLabels = 7,
  kIndexes = 8,
  kEnd = 255,
};

class SnapshotFileWriter {
 public:
  explicit SnapshotFileWriter(const ByteSink& sink);
  ~SnapshotFileWriter();
  // Writes the header. Bad key-derivation parameters: kSnapshotCrypto.
  Status begin(const SnapshotFileMeta& meta, const SnapshotSaveOptions& options);
  Status add(SnapshotSection section, ByteView key, ByteView value);
  Status finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class SnapshotFileReader {
 public:
  explicit SnapshotFileReader(const ByteSource& source);
  ~SnapshotFileReader();
  // Reads and checks the header. kFormatVersion, kSnapshotCodec, kSnapshotCrypto, kCorruption.
  Status begin(const SnapshotCrypto& crypto, SnapshotFileMeta* meta);
  struct Entry {
    SnapshotSection section;
    std::string key;
    std::string value;
  };
  // The next entry; kEnd once the whole file, its last checksum included, has been read and nothing follows.
  Status next(Entry* entry);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lora::graph

#include "graph/snapshot_file.h"

#include <fmt/format.h>
#include <sodium.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "kv/contain.h"
#include "kv/encode.h"

namespace lora::graph {

namespace {

constexpr ByteView kMagic("LORASNAP", 8);
constexpr ByteView kForeignMagic("LORACOL1", 8);
constexpr ByteView kForeignArchive("LORADB2", 7);
constexpr size_t kHeaderBytesMax = 64u << 10;
constexpr size_t kStoredSlack = 64;
constexpr size_t kEntryKeyBytesMax = 1u << 20;
constexpr uint64_t kEntryValueBytesMax = uint64_t{5} << 28;  // a record of 1 GiB and its frame
constexpr size_t kPlain = 0;
constexpr size_t kPacked = 1;
constexpr size_t kFrameHead = 16;

enum class Encryption : uint8_t { kNone = 0, kPassword = 1, kKey = 2 };

Status damaged_file(std::string_view what) {
  return Status::corruption(fmt::format("snapshot file: {}", what));
}
Status crypto_error(std::string message) {
  return {ErrorCode::kSnapshotCrypto, std::move(message)};
}

// Key material leaves no copy behind.
struct SecretKey {
  unsigned char bytes[crypto_secretstream_xchacha20poly1305_KEYBYTES];
  SecretKey() { std::memset(bytes, 0, sizeof(bytes)); }
  ~SecretKey() { sodium_memzero(bytes, sizeof(bytes)); }
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
};

Status check_kdf(uint32_t memory_kib, uint32_t passes, uint32_t lanes) {
  if (memory_kib > kKdfMemoryKibMax || memory_kib < 8) {
    return crypto_error(
        fmt::format("memory cost `{}` KiB is out of range; 8 to {} KiB are allowed", memory_kib, kKdfMemoryKibMax));
  }
  if (passes > kKdfPassesMax || passes < 1) {
    return crypto_error(
        fmt::format("time cost `{}` is out of range; 1 to {} passes are allowed", passes, kKdfPassesMax));
  }
  if (lanes != 1) {
    return crypto_error(fmt::format("parallelism `{}` is not offered; use 1", lanes));
  }
  return Status();
}

Status derive_key(const SnapshotCrypto& crypto, uint32_t memory_kib, uint32_t passes, const unsigned char* salt,
                  SecretKey* key) {
  if (crypto_pwhash(key->bytes, sizeof(key->bytes), crypto.password.data(), crypto.password.size(), salt, passes,
                    size_t{memory_kib} << 10, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {ErrorCode::kMemoryLimit, fmt::format("not enough memory to derive a key with `{}` KiB", memory_kib)};
  }
  return Status();
}

Status start_sodium() {
  return sodium_init() < 0 ? Status::internal("libsodium did not start") : Status();
}

}  // namespace

// --- writing ---

// Full frames are packed, encrypted and hashed on a thread of their own, so that this goes on beside the reading of
// what is in the next; the sink is called by the caller's thread alone.
struct SnapshotFileWriter::Impl {
  explicit Impl(const ByteSink& s) : sink(s) {}
  ~Impl() {
    if (thread.joinable()) {
      {
        const std::lock_guard<std::mutex> lock(mutex);
        ends = true;
        waiting.clear();
        changed.notify_all();
      }
      thread.join();
    }
    sodium_memzero(&stream, sizeof(stream));
  }

  const ByteSink& sink;
  SnapshotSaveOptions options;
  std::string raw;  // the frame that is being filled

  // The thread's, while it works; else the caller's.
  crypto_generichash_state hash;
  bool encrypted = false;
  bool first_message = true;
  std::string header;
  crypto_secretstream_xchacha20poly1305_state stream;
  std::string content;

  static constexpr size_t kWaitingMax = 4;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting, ready;  // raw frames; frames for the sink
  bool working = false;
  bool ends = false;
  Status failure;
  std::thread thread;

  void hash_in(ByteView bytes) {
    crypto_generichash_update(&hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  Status emit(ByteView bytes) {
    hash_in(bytes);
    return sink(bytes);
  }

  void pack(const std::string& from) {
    content.assign(1, static_cast<char>(kPlain));
    size_t packed = 0;
    if (options.codec == SnapshotSaveOptions::Codec::kZstd && !from.empty()) {
      content.resize(1 + ZSTD_compressBound(from.size()));
      const size_t result =
          ZSTD_compress(content.data() + 1, content.size() - 1, from.data(), from.size(), options.level);
      packed = ZSTD_isError(result) ? 0 : result;
    } else if (options.codec == SnapshotSaveOptions::Codec::kGzip && !from.empty()) {
      uLongf size = compressBound(static_cast<uLong>(from.size()));
      content.resize(1 + size);
      const int result =
          compress2(reinterpret_cast<Bytef*>(content.data() + 1), &size, reinterpret_cast<const Bytef*>(from.data()),
                    static_cast<uLong>(from.size()), options.level);
      packed = result == Z_OK ? size : 0;
    }
    if (packed != 0 && packed < from.size() && from.size() / packed < kSnapshotRatioMax) {
      content[0] = static_cast<char>(kPacked);
      content.resize(1 + packed);
    } else {
      content.resize(1);
      content[0] = static_cast<char>(kPlain);
      content.append(from);
    }
  }

  // The frame as it stands in the file.
  std::string make_frame(const std::string& from, bool last) {
    pack(from);
    std::string frame(kFrameHead, '\0');
    if (encrypted) {
      frame.resize(kFrameHead + content.size() + crypto_secretstream_xchacha20poly1305_ABYTES);
      const ByteView extra = first_message ? ByteView(header) : ByteView();
      crypto_secretstream_xchacha20poly1305_push(&stream, reinterpret_cast<unsigned char*>(frame.data() + kFrameHead),
                                                 nullptr, reinterpret_cast<const unsigned char*>(content.data()),
                                                 content.size(), reinterpret_cast<const unsigned char*>(extra.data()),
                                                 extra.size(),
                                                 last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
      first_message = false;
    } else {
      frame.append(content);
    }
    const ByteView stored = ByteView(frame).substr(kFrameHead);
    std::string head;
    kv::encode_fixed32(&head, static_cast<uint32_t>(stored.size()));
    kv::encode_fixed32(&head, static_cast<uint32_t>(from.size()));
    kv::encode_fixed64(&head, XXH3_64bits(stored.data(), stored.size()));
    frame.replace(0, kFrameHead, head);
    hash_in(frame);
    return frame;
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return ends || !waiting.empty(); });
      if (waiting.empty()) {
        return;
      }
      const std::string from = std::move(waiting.front());
      waiting.pop_front();
      working = true;
      lock.unlock();
      std::string frame;
      Status made = contain([&] {
        frame = make_frame(from, false);
        return Status();
      });
      lock.lock();
      working = false;
      if (made.ok()) {
        made = contain([&] {
          ready.push_back(std::move(frame));
          return Status();
        });
      }
      if (failure.ok()) {
        failure = made;
      }
      changed.notify_all();
    }
  }

  // Gives the sink what is ready, once `until` holds.
  template <typename Until>
  Status give_ready(const Until& until) {
    std::deque<std::string> frames;
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return !failure.ok() || until(); });
      LORA_TRY(failure);
      std::swap(frames, ready);
    }
    for (const std::string& frame : frames) {
      LORA_TRY(sink(frame));
    }
    return Status();
  }

  // A full frame is in `raw`.
  Status write_frame() {
    if (!thread.joinable()) {
      thread = std::thread([this] { work(); });
    }
    LORA_TRY(give_ready([this] { return waiting.size() < kWaitingMax; }));
    std::string next;
    next.reserve(kSnapshotFrameBytes);
    const std::lock_guard<std::mutex> lock(mutex);
    waiting.push_back(std::exchange(raw, std::move(next)));
    changed.notify_all();
    return Status();
  }

  // What is left, on the caller's thread, after all frames before.
  Status write_rest() {
    if (thread.joinable()) {
      LORA_TRY(give_ready([this] { return waiting.empty() && !working; }));
    }
    if (!raw.empty()) {
      LORA_TRY(sink(make_frame(raw, false)));
    }
    return encrypted ? sink(make_frame(std::string(), true)) : Status();
  }

  Status append(ByteView bytes) {
    while (!bytes.empty()) {
      const size_t take = std::min(bytes.size(), kSnapshotFrameBytes - raw.size());
      raw.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (raw.size() == kSnapshotFrameBytes) {
        LORA_TRY(write_frame());
      }
    }
    return Status();
  }
};

SnapshotFileWriter::SnapshotFileWriter(const ByteSink& sink) : impl_(std::make_unique<Impl>(sink)) {}
SnapshotFileWriter::~SnapshotFileWriter() = default;

Status SnapshotFileWriter::begin(const SnapshotFileMeta& meta, const SnapshotSaveOptions& options) {
  Impl& out = *impl_;
  LORA_TRY(start_sodium());
  out.options = options;
  const SnapshotCrypto& crypto = options.crypto;
  out.encrypted = crypto.kind != SnapshotCrypto::Kind::kNone;
  crypto_generichash_init(&out.hash, nullptr, 0, 32);

  std::string header;
  kv::encode_u8(&header, static_cast<uint8_t>(options.codec));
  kv::encode_u8(&header, static_cast<uint8_t>(crypto.kind));
  kv::encode_fixed64(&header, meta.node_count);
  kv::encode_fixed64(&header, meta.relationship_count);
  kv::encode_fixed64(&header, meta.wal_lsn ? *meta.wal_lsn + 1 : 0);
  if (crypto.key_id.size() > 1024) {
    return crypto_error("the key id is longer than 1 024 bytes");
  }
  kv::encode_sized(&header, crypto.key_id);
  SecretKey key;
  if (crypto.kind == SnapshotCrypto::Kind::kPassword) {
    LORA_TRY(check_kdf(crypto.memory_cost_kib, crypto.time_cost, crypto.parallelism));
    unsigned char salt[crypto_pwhash_SALTBYTES];
    randombytes_buf(salt, sizeof(salt));
    kv::encode_fixed32(&header, crypto.memory_cost_kib);
    kv::encode_fixed32(&header, crypto.time_cost);
    kv::encode_fixed32(&header, crypto.parallelism);
    header.append(reinterpret_cast<const char*>(salt), sizeof(salt));
    LORA_TRY(derive_key(crypto, crypto.memory_cost_kib, crypto.time_cost, salt, &key));
  } else if (crypto.kind == SnapshotCrypto::Kind::kKey) {
    if (crypto.key.size() != sizeof(key.bytes)) {
      return crypto_error(fmt::format("a key has 32 bytes, this one `{}`", crypto.key.size()));
    }
    std::memcpy(key.bytes, crypto.key.data(), sizeof(key.bytes));
  }
  if (out.encrypted) {
    unsigned char stream_header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    crypto_secretstream_xchacha20poly1305_init_push(&out.stream, stream_header, key.bytes);
    header.append(reinterpret_cast<const char*>(stream_header), sizeof(stream_header));
  }
  std::string head(kMagic);
  kv::encode_fixed32(&head, kSnapshotVersion);
  kv::encode_fixed32(&head, static_cast<uint32_t>(header.size()));
  head += header;
  kv::encode_fixed64(&head, XXH3_64bits(head.data(), head.size()));
  out.header = std::move(header);
  return out.emit(head);
}

Status SnapshotFileWriter::add(SnapshotSection section, ByteView key, ByteView value) {
  constexpr size_t kLengthBytesMax = 21;  // a section and two varints
  std::string& raw = impl_->raw;
  if (key.size() + value.size() + kLengthBytesMax < kSnapshotFrameBytes - raw.size()) {
    kv::encode_u8(&raw, static_cast<uint8_t>(section));
    kv::encode_varint(&raw, key.size());
    raw.append(key);
    kv::encode_varint(&raw, value.size());
    raw.append(value);
    return Status();
  }
  // It goes on in the next frame.
  std::string head;
  kv::encode_u8(&head, static_cast<uint8_t>(section));
  kv::encode_varint(&head, key.size());
  LORA_TRY(impl_->append(head));
  LORA_TRY(impl_->append(key));
  head.clear();
  kv::encode_varint(&head, value.size());
  LORA_TRY(impl_->append(head));
  return impl_->append(value);
}

Status SnapshotFileWriter::finish() {
  Impl& out = *impl_;
  LORA_TRY(add(SnapshotSection::kEnd, {}, {}));
  LORA_TRY(out.write_rest());
  std::string end;
  kv::encode_fixed32(&end, 0);
  kv::encode_fixed32(&end, 0);
  kv::encode_fixed64(&end, XXH3_64bits("", 0));
  LORA_TRY(out.emit(end));
  unsigned char digest[32];
  crypto_generichash_final(&out.hash, digest, sizeof(digest));
  return out.sink({reinterpret_cast<const char*>(digest), sizeof(digest)});
}

// --- reading ---

struct SnapshotFileReader::Impl {
  const ByteSource& source;
  crypto_generichash_state hash;
  uint8_t codec = 0;
  bool encrypted = false;
  bool first_message = true;
  bool final_seen = false;
  bool ended = false;
  std::string header;
  crypto_secretstream_xchacha20poly1305_state stream;
  std::string stored;
  std::string content;
  std::string raw;
  size_t at = 0;
  SnapshotSection last_section = SnapshotSection::kNames;
  std::string last_key;
  bool any = false;

  explicit Impl(const ByteSource& s) : source(s) {}
  ~Impl() { sodium_memzero(&stream, sizeof(stream)); }

  // Exactly `size` bytes; they are hashed.
  Status take(char* to, size_t size, bool hashed = true) {
    size_t done = 0;
    while (done < size) {
      size_t count = 0;
      LORA_TRY(source(to + done, size - done, &count));
      if (count == 0) {
        return damaged_file("ends too early");
      }
      if (count > size - done) {
        return Status::internal("a snapshot source gave more than was asked for");
      }
      done += count;
    }
    if (hashed) {
      crypto_generichash_update(&hash, reinterpret_cast<const unsigned char*>(to), size);
    }
    return Status();
  }

  // The next frame into `raw`; *end at the end frame.
  Status read_frame(bool* end) {
    char head[kFrameHead];
    LORA_TRY(take(head, sizeof(head)));
    kv::Decoder in({head, sizeof(head)});
    uint32_t stored_size = 0;
    uint32_t raw_size = 0;
    uint64_t checksum = 0;
    if (!in.fixed32(&stored_size) || !in.fixed32(&raw_size) || !in.fixed64(&checksum) ||
        raw_size > kSnapshotFrameBytes || stored_size > size_t{raw_size} + kStoredSlack) {
      return damaged_file("a frame's lengths are out of range");
    }
    *end = stored_size == 0;
    if (*end) {
      if (raw_size != 0 || checksum != XXH3_64bits("", 0)) {
        return damaged_file("the end frame is not one");
      }
      return Status();
    }
    stored.resize(stored_size);
    LORA_TRY(take(stored.data(), stored.size()));
    if (XXH3_64bits(stored.data(), stored.size()) != checksum) {
      return damaged_file("a frame's checksum does not match");
    }
    ByteView packed(stored);
    if (encrypted) {
      if (final_seen || stored.size() < crypto_secretstream_xchacha20poly1305_ABYTES) {
        return damaged_file("an encrypted frame is too short or too much");
      }
      content.resize(stored.size() - crypto_secretstream_xchacha20poly1305_ABYTES);
      unsigned char tag = 0;
      const ByteView extra = first_message ? ByteView(header) : ByteView();
      if (crypto_secretstream_xchacha20poly1305_pull(
              &stream, reinterpret_cast<unsigned char*>(content.data()), nullptr, &tag,
              reinterpret_cast<const unsigned char*>(stored.data()), stored.size(),
              reinterpret_cast<const unsigned char*>(extra.data()), extra.size()) != 0) {
        // The checksum was right, so the first message failing means the key; a later one, tampering.
        return first_message ? crypto_error("wrong password or key for this snapshot")
                             : damaged_file("an encrypted frame was tampered with");
      }
      first_message = false;
      final_seen = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
      packed = content;
    }
    return unpack(packed, raw_size);
  }

  Status unpack(ByteView packed, uint32_t raw_size) {
    if (packed.empty()) {
      return damaged_file("a frame has no content");
    }
    const auto form = static_cast<uint8_t>(packed.front());
    packed.remove_prefix(1);
    at = 0;
    raw.clear();
    if (form == kPlain) {
      if (packed.size() != raw_size) {
        return damaged_file("a frame's length does not match");
      }
      raw.assign(packed);
      return Status();
    }
    if (form != kPacked || codec == 0) {
      return damaged_file("a frame has an unknown form");
    }
    if (packed.empty() || raw_size / packed.size() >= kSnapshotRatioMax) {
      return damaged_file("a frame claims to grow more than a thousand times");
    }
    raw.resize(raw_size);
    bool good = false;
    if (codec == 2) {
      // One-shot into a buffer of the declared size: never more than that, whatever the frame says.
      good = ZSTD_decompress(raw.data(), raw.size(), packed.data(), packed.size()) == raw_size;
    } else {
      uLongf size = raw_size;
      uLong from = static_cast<uLong>(packed.size());
      good = uncompress2(reinterpret_cast<Bytef*>(raw.data()), &size, reinterpret_cast<const Bytef*>(packed.data()),
                         &from) == Z_OK &&
             size == raw_size && from == packed.size();
    }
    return good ? Status() : damaged_file("a frame cannot be decompressed");
  }

  // Makes at least one more raw byte available.
  Status more() {
    while (at == raw.size()) {
      bool end = false;
      LORA_TRY(read_frame(&end));
      if (end || final_seen) {
        return damaged_file("ends in the middle of an entry");
      }
    }
    return Status();
  }
  Status byte(uint8_t* out) {
    if (at == raw.size()) {
      LORA_TRY(more());
    }
    *out = static_cast<uint8_t>(raw[at++]);
    return Status();
  }
  Status varint(uint64_t* out) {
    *out = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      uint8_t b = 0;
      LORA_TRY(byte(&b));
      *out |= uint64_t{b & 0x7fu} << shift;
      if (b < 0x80) {
        return Status();
      }
    }
    return damaged_file("a length is too long");
  }
  // Grows as the bytes arrive: a large claim alone takes no memory.
  Status bytes(uint64_t size, std::string* out) {
    out->clear();
    while (out->size() < size) {
      LORA_TRY(more());
      const size_t take = static_cast<size_t>(std::min<uint64_t>(raw.size() - at, size - out->size()));
      out->append(raw, at, take);
      at += take;
    }
    return Status();
  }

  Status finish() {
    bool end = false;
    if (at != raw.size()) {
      return damaged_file("something follows the last entry");
    }
    if (encrypted) {
      LORA_TRY(read_frame(&end));
      if (end || !final_seen || !raw.empty()) {
        return damaged_file("the encrypted stream has been cut");
      }
    }
    LORA_TRY(read_frame(&end));
    if (!end) {
      return damaged_file("something follows the last entry");
    }
    unsigned char digest[32];
    unsigned char there[32];
    crypto_generichash_final(&hash, digest, sizeof(digest));
    LORA_TRY(take(reinterpret_cast<char*>(there), sizeof(there), false));
    if (std::memcmp(digest, there, sizeof(digest)) != 0) {
      return damaged_file("the checksum of the whole does not match");
    }
    char extra = 0;
    size_t count = 0;
    LORA_TRY(source(&extra, 1, &count));
    if (count != 0) {
      return damaged_file("something follows the end");
    }
    ended = true;
    return Status();
  }
};

SnapshotFileReader::SnapshotFileReader(const ByteSource& source) : impl_(std::make_unique<Impl>(source)) {}
SnapshotFileReader::~SnapshotFileReader() = default;

Status SnapshotFileReader::begin(const SnapshotCrypto& crypto, SnapshotFileMeta* meta) {
  Impl& in = *impl_;
  LORA_TRY(start_sodium());
  crypto_generichash_init(&in.hash, nullptr, 0, 32);
  std::string head(16, '\0');
  LORA_TRY(in.take(head.data(), 8));
  if (ByteView(head).substr(0, 8) == kForeignMagic || ByteView(head).substr(0, 7) == kForeignArchive) {
    return {ErrorCode::kFormatVersion,
            "this file was written by the Rust LoraDB; export the graph there as Cypher or JSON and import that"};
  }
  if (ByteView(head).substr(0, 8) != kMagic) {
    return damaged_file("does not begin like a snapshot");
  }
  LORA_TRY(in.take(head.data() + 8, 8));
  kv::Decoder fixed(ByteView(head).substr(8));
  uint32_t version = 0;
  uint32_t size = 0;
  fixed.fixed32(&version);
  fixed.fixed32(&size);
  if (version == 0 || version > kSnapshotVersion) {
    return {
        ErrorCode::kFormatVersion,
        fmt::format("the snapshot has format version `{}`, this program knows up to `{}`", version, kSnapshotVersion)};
  }
  if (size > kHeaderBytesMax) {
    return damaged_file("the header is too long");
  }
  head.resize(16 + size + 8);
  LORA_TRY(in.take(head.data() + 16, size + 8));
  uint64_t checksum = 0;
  kv::Decoder tail(ByteView(head).substr(16 + size));
  tail.fixed64(&checksum);
  if (XXH3_64bits(head.data(), 16 + size) != checksum) {
    return damaged_file("the header's checksum does not match");
  }
  in.header = head.substr(16, size);
  kv::Decoder d(in.header);
  uint8_t encryption = 0;
  uint64_t lsn = 0;
  ByteView key_id;
  if (!d.u8(&in.codec) || !d.u8(&encryption) || !d.fixed64(&meta->node_count) ||
      !d.fixed64(&meta->relationship_count) || !d.fixed64(&lsn) || !d.sized(&key_id)) {
    return damaged_file("the header is too short");
  }
  meta->format_version = version;
  meta->wal_lsn = lsn == 0 ? std::nullopt : std::optional<uint64_t>(lsn - 1);
  if (in.codec > 2) {
    return {ErrorCode::kSnapshotCodec,
            fmt::format("the snapshot has codec `{}`, which this program does not know", in.codec)};
  }
  if (encryption > static_cast<uint8_t>(Encryption::kKey)) {
    return crypto_error(fmt::format("the snapshot has encryption `{}`, which this program does not know", encryption));
  }
  in.encrypted = encryption != 0;
  SecretKey key;
  if (encryption == static_cast<uint8_t>(Encryption::kPassword)) {
    uint32_t memory = 0;
    uint32_t passes = 0;
    uint32_t lanes = 0;
    ByteView salt;
    if (!d.fixed32(&memory) || !d.fixed32(&passes) || !d.fixed32(&lanes) || !d.raw(crypto_pwhash_SALTBYTES, &salt)) {
      return damaged_file("the header is too short");
    }
    LORA_TRY(check_kdf(memory, passes, lanes));
    if (crypto.kind != SnapshotCrypto::Kind::kPassword) {
      return crypto_error("the snapshot is encrypted with a password; give it in the credentials");
    }
    LORA_TRY(derive_key(crypto, memory, passes, reinterpret_cast<const unsigned char*>(salt.data()), &key));
  } else if (encryption == static_cast<uint8_t>(Encryption::kKey)) {
    if (crypto.kind != SnapshotCrypto::Kind::kKey) {
      return crypto_error("the snapshot is encrypted with a key; give it in the credentials");
    }
    if (crypto.key.size() != sizeof(key.bytes)) {
      return crypto_error(fmt::format("a key has 32 bytes, this one `{}`", crypto.key.size()));
    }
    std::memcpy(key.bytes, crypto.key.data(), sizeof(key.bytes));
  }
  if (in.encrypted) {
    if (!crypto.key_id.empty() && crypto.key_id != key_id) {
      return crypto_error(
          fmt::format("the snapshot was encrypted with key `{}`, given was `{}`", key_id, crypto.key_id));
    }
    ByteView stream_header;
    if (!d.raw(crypto_secretstream_xchacha20poly1305_HEADERBYTES, &stream_header) ||
        crypto_secretstream_xchacha20poly1305_init_pull(
            &in.stream, reinterpret_cast<const unsigned char*>(stream_header.data()), key.bytes) != 0) {
      return damaged_file("the header is too short");
    }
  }
  return d.done() ? Status() : damaged_file("the header is too long");
}

Status SnapshotFileReader::next(Entry* entry) {
  Impl& in = *impl_;
  uint8_t section = 0;
  uint64_t size = 0;
  LORA_TRY(in.byte(&section));
  entry->section = static_cast<SnapshotSection>(section);
  if (entry->section != SnapshotSection::kEnd && (section < 1 || section > 8)) {
    return damaged_file("an entry belongs to no known section");
  }
  LORA_TRY(in.varint(&size));
  if (size > kEntryKeyBytesMax) {
    return damaged_file("a key is too long");
  }
  LORA_TRY(in.bytes(size, &entry->key));
  LORA_TRY(in.varint(&size));
  if (size > kEntryValueBytesMax) {
    return damaged_file("a value is too long");
  }
  LORA_TRY(in.bytes(size, &entry->value));
  if (entry->section == SnapshotSection::kEnd) {
    if (!entry->key.empty() || !entry->value.empty()) {
      return damaged_file("the end entry is not empty");
    }
    return in.finish();
  }
  if (in.any &&
      (entry->section < in.last_section || (entry->section == in.last_section && entry->key <= in.last_key))) {
    return damaged_file("entries are out of order");
  }
  in.any = true;
  in.last_section = entry->section;
  in.last_key = entry->key;
  return Status();
}

}  // namespace lora::graph

#include "kv/rocks_log_files.h"

#include <algorithm>
#include <cstring>

#include "kv/rocks_log_scan.h"

namespace lora::kv {

namespace {

constexpr uint64_t kPieceBytes = 64 << 10;
const char kZeros[kPieceBytes] = {};
const char kTornRecord[kLogHeaderBytes + 1] = "\xff\xff\xff\xff\0\0\x01";  // no bytes, and not their checksum

}  // namespace

// --- writing ---

void LogSizes::add(const std::string& path, const std::atomic<uint64_t>* bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  sizes_[path] = bytes;
}

void LogSizes::remove(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  sizes_.erase(path);
}

std::optional<uint64_t> LogSizes::find(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = sizes_.find(path);
  if (at == sizes_.end()) return std::nullopt;
  return at->second->load(std::memory_order_relaxed);
}

PreparedLog::PreparedLog(std::unique_ptr<rocksdb::FSWritableFile>&& target, rocksdb::FileSystem* files,
                         std::string path, LogSizes* sizes)
    : rocksdb::FSWritableFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)), sizes_(sizes) {
  sizes_->add(path_, &written_);
}

PreparedLog::~PreparedLog() {
  sizes_->remove(path_);
}

void PreparedLog::prepare(uint64_t size) {
  const rocksdb::IOOptions options;
  if (zeros_ == nullptr && !files_->NewRandomRWFile(path_, rocksdb::FileOptions(), &zeros_, nullptr).ok()) {
    zeros_ = nullptr;
    plain_ = true;
    return;
  }
  // As much again as there is, so that a log of few commits costs little more than them.
  const uint64_t end = size + std::clamp<uint64_t>(size, kAheadMin, kAhead);
  // Not where the append will write: it would only be written twice.
  for (uint64_t at = std::max(prepared_, size); at < end; at += kPieceBytes) {
    const rocksdb::Slice piece(kZeros, std::min(kPieceBytes, end - at));
    if (!zeros_->Write(at, piece, options, nullptr).ok()) {
      plain_ = true;  // the append itself tells what is wrong
      return;
    }
    prepared_ = at + piece.size();
  }
}

rocksdb::IOStatus PreparedLog::Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* context) {
  const uint64_t end = written_.load(std::memory_order_relaxed) + data.size();
  if (!plain_ && end > prepared_) prepare(end);
  rocksdb::IOStatus status = target()->Append(data, options, context);
  if (status.ok()) written_.store(end, std::memory_order_relaxed);
  return status;
}

rocksdb::IOStatus PreparedLog::Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                                      const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) {
  return Append(data, options, context);
}

rocksdb::IOStatus PreparedLog::Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) {
  if (zeros_ != nullptr) {
    zeros_->Close(options, context).PermitUncheckedError();
    zeros_ = nullptr;
    plain_ = true;
    // Zeros that stay cost nothing but their place.
    target()->Truncate(written_, options, context).PermitUncheckedError();
  }
  return target()->Close(options, context);
}

// --- reading ---

size_t LogReader::records_in(const char* bytes, size_t size) {
  const uint64_t end = position_ + size;
  while (!raw_ && header_ < end) {
    const uint64_t left = kLogBlockBytes - header_ % kLogBlockBytes;
    if (left < kLogHeaderBytes) {  // the rest of a block
      header_ += left;
      continue;
    }
    const ByteView rest(bytes + (header_ - position_), end - header_);
    if (rest.size() < kLogHeaderBytes) return follow_ ? header_ - position_ : size;
    const size_t length = log_record_bytes(rest);
    if (length == 0) {
      ended_ = !follow_;
      return header_ - position_;
    }
    if (length > left) {
      raw_ = !follow_;  // damage, which is RocksDB's to find
      return follow_ ? header_ - position_ : size;
    }
    if (follow_ && (length > rest.size() || !is_log_record(rest.substr(0, length)))) return header_ - position_;
    header_ += length;
  }
  return size;
}

rocksdb::IOStatus LogReader::Read(size_t n, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                                  rocksdb::IODebugContext* context) {
  *result = rocksdb::Slice();
  if (ended_) return rocksdb::IOStatus::OK();
  rocksdb::IOStatus status = file_->Read(position_, n, options, result, scratch, context);
  if (!status.ok()) return status;
  size_t size = records_in(result->data(), result->size());
  if (ended_) {  // there is room for it where the header of zeros was
    std::memmove(scratch, result->data(), size);
    std::memcpy(scratch + size, kTornRecord, kLogHeaderBytes);
    size += kLogHeaderBytes;
    *result = rocksdb::Slice(scratch, size);
  } else {
    *result = rocksdb::Slice(result->data(), size);
  }
  position_ += size;
  return status;
}

rocksdb::IOStatus LogReader::Skip(uint64_t n) {
  position_ += n;
  raw_ = true;
  return rocksdb::IOStatus::OK();
}

}  // namespace lora::kv

#include "kv/rocks_log_files.h"

#include <algorithm>
#include <cstring>

#include "kv/rocks_log_scan.h"

namespace lora::kv {

namespace {

constexpr uint64_t kPieceBytes = 64 << 10;
const char kZeros[kPieceBytes] = {};

}  // namespace

// --- writing ---

void OpenLogs::add(WrittenLog* log) {
  const std::lock_guard<std::mutex> lock(mutex_);
  logs_[log->path()] = log;
}

void OpenLogs::remove(WrittenLog* log) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = logs_.find(log->path());
  if (at != logs_.end() && at->second == log) logs_.erase(at);
}

rocksdb::IOStatus OpenLogs::sync() {
  const std::lock_guard<std::mutex> lock(mutex_);  // none is closed meanwhile
  for (const auto& [path, log] : logs_) {
    if (log->size() == 0) continue;
    rocksdb::IOStatus status = log->Sync(rocksdb::IOOptions(), nullptr);
    if (!status.ok()) return status;
  }
  return rocksdb::IOStatus::OK();
}

std::optional<uint64_t> OpenLogs::size(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = logs_.find(path);
  if (at == logs_.end()) return std::nullopt;
  return at->second->size();
}

WrittenLog::WrittenLog(std::unique_ptr<rocksdb::FSWritableFile>&& target, rocksdb::FileSystem* files, std::string path,
                       bool ahead, OpenLogs* logs)
    : rocksdb::FSWritableFileOwnerWrapper(std::move(target)),
      files_(files),
      path_(std::move(path)),
      logs_(logs),
      plain_(!ahead) {
  logs_->add(this);
}

WrittenLog::~WrittenLog() {
  logs_->remove(this);
}

void WrittenLog::prepare(uint64_t size) {
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

rocksdb::IOStatus WrittenLog::Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                                     rocksdb::IODebugContext* context) {
  const uint64_t end = written_.load(std::memory_order_relaxed) + data.size();
  if (!plain_ && end > prepared_) prepare(end);
  rocksdb::IOStatus status = target()->Append(data, options, context);
  if (status.ok()) written_.store(end, std::memory_order_relaxed);
  return status;
}

rocksdb::IOStatus WrittenLog::Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                                     const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) {
  return Append(data, options, context);
}

rocksdb::IOStatus WrittenLog::Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) {
  logs_->remove(this);
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
    if (rest.size() < kLogHeaderBytes) {  // torn
      raw_ = !follow_;
      return follow_ ? header_ - position_ : size;
    }
    const size_t length = log_record_bytes(rest);
    if (length == 0) return header_ - position_;
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
  rocksdb::IOStatus status = file_->Read(position_, n, options, result, scratch, context);
  if (!status.ok()) return status;
  *result = rocksdb::Slice(result->data(), records_in(result->data(), result->size()));
  position_ += result->size();
  return status;
}

rocksdb::IOStatus LogReader::Skip(uint64_t n) {
  position_ += n;
  raw_ = true;
  return rocksdb::IOStatus::OK();
}

}  // namespace lora::kv

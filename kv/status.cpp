#include "kv/status.h"

#include "kv/check.h"

namespace lora {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk: return "OK";
    case ErrorCode::kParse: return "LORA_PARSE";
    case ErrorCode::kSemantic: return "LORA_SEMANTIC";
    case ErrorCode::kType: return "LORA_TYPE";
    case ErrorCode::kArithmetic: return "LORA_ARITHMETIC";
    case ErrorCode::kParameterMissing: return "LORA_PARAMETER_MISSING";
    case ErrorCode::kInvalidParams: return "LORA_INVALID_PARAMS";
    case ErrorCode::kReadOnly: return "LORA_READ_ONLY";
    case ErrorCode::kNotFound: return "LORA_NOT_FOUND";
    case ErrorCode::kConstraint: return "LORA_CONSTRAINT";
    case ErrorCode::kUniqueConstraint: return "LORA_UNIQUE_CONSTRAINT";
    case ErrorCode::kNotNullConstraint: return "LORA_NOT_NULL_CONSTRAINT";
    case ErrorCode::kForeignKey: return "LORA_FOREIGN_KEY";
    case ErrorCode::kTransaction: return "LORA_TRANSACTION";
    case ErrorCode::kInvalidVector: return "LORA_INVALID_VECTOR";
    case ErrorCode::kTimeout: return "LORA_TIMEOUT";
    case ErrorCode::kInterrupted: return "LORA_INTERRUPTED";
    case ErrorCode::kMemoryLimit: return "LORA_MEMORY_LIMIT";
    case ErrorCode::kDatabaseName: return "LORA_DATABASE_NAME";
    case ErrorCode::kConfig: return "LORA_CONFIG";
    case ErrorCode::kLimit: return "LORA_LIMIT";
    case ErrorCode::kClosed: return "LORA_CLOSED";
    case ErrorCode::kForked: return "LORA_FORKED";
    case ErrorCode::kLocked: return "LORA_LOCKED";
    case ErrorCode::kIo: return "LORA_IO";
    case ErrorCode::kDiskFull: return "LORA_DISK_FULL";
    case ErrorCode::kCorruption: return "LORA_CORRUPTION";
    case ErrorCode::kFormatVersion: return "LORA_FORMAT_VERSION";
    case ErrorCode::kSnapshotCodec: return "LORA_SNAPSHOT_CODEC";
    case ErrorCode::kSnapshotCrypto: return "LORA_SNAPSHOT_CRYPTO";
    case ErrorCode::kUnsupported: return "LORA_UNSUPPORTED";
    case ErrorCode::kInternal: return "LORA_INTERNAL";
  }
  return "LORA_INTERNAL";
}

namespace {

// Names, paths and values come from users, so a message may get as long as they like; nobody reads a megabyte.
constexpr size_t kMessageBytesMax = 4'096;
constexpr size_t kMessageEndBytes = 1'024;  // of a longer one: where the hint is

std::string clipped(std::string message) {
  if (message.size() <= kMessageBytesMax) {
    return message;
  }
  const auto inside = [&](size_t at) { return (static_cast<unsigned char>(message[at]) & 0xC0) == 0x80; };
  size_t from = kMessageBytesMax - kMessageEndBytes;
  size_t to = message.size() - kMessageEndBytes;
  while (from > 0 && inside(from)) {
    --from;
  }
  while (to < message.size() && inside(to)) {
    ++to;
  }
  return message.replace(from, to - from, "...");
}

// Shared by all: made when the program begins, never freed.
ErrorInfo* const shared_no_memory = new ErrorInfo{
    .code = ErrorCode::kMemoryLimit,
    .message =
        "the process gets no more memory from the system; return less at once, or lower `query_memory_bytes` and "
        "`cache_bytes`"};

ErrorInfo* copied(ErrorInfo* info) {
  return info == nullptr || info == shared_no_memory ? info : new ErrorInfo(*info);
}

}  // namespace

void Status::Free::operator()(ErrorInfo* info) const noexcept {
  if (info != shared_no_memory) {
    delete info;
  }
}

Status Status::no_memory() noexcept {
  Status status;
  status.info_.reset(shared_no_memory);
  return status;
}

Status::Status(ErrorCode code, std::string message) : info_(new ErrorInfo()) {
  LORA_DCHECK(code != ErrorCode::kOk);
  info_->code = code;
  info_->message = clipped(std::move(message));
}

Status::Status(ErrorInfo info) : info_(new ErrorInfo(std::move(info))) {
  LORA_DCHECK(info_->code != ErrorCode::kOk);
}

Status::Status(const Status& other) : info_(copied(other.info_.get())) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) {
    info_.reset(copied(other.info_.get()));
  }
  return *this;
}

Status Status::runtime(ErrorCode code, std::string_view type, std::string_view detail, std::string message) {
  Status status(code, std::move(message));
  status.info_->type = type;
  status.info_->phase = "runtime";
  status.info_->detail = detail;
  return status;
}

Status Status::compile_time(ErrorCode code, std::string_view type, std::string_view detail, std::string message,
                            int64_t offset) {
  Status status(code, std::move(message));
  status.info_->type = type;
  status.info_->phase = "compile time";
  status.info_->detail = detail;
  status.info_->offset = offset;
  return status;
}

Status Status::limit(std::string_view which, std::string message) {
  Status status(ErrorCode::kLimit, std::move(message));
  status.info_->detail = which;
  return status;
}

const ErrorInfo& Status::info() const {
  static const ErrorInfo kOkInfo;
  return info_ ? *info_ : kOkInfo;
}

const std::string& Status::message() const {
  return info().message;
}

ErrorInfo& Status::mutable_info() {
  LORA_CHECK(info_ != nullptr);
  if (info_.get() == shared_no_memory) {
    info_.reset(new ErrorInfo(*shared_no_memory));
  }
  return *info_;
}

std::string Status::to_string() const {
  if (ok()) {
    return "OK";
  }
  std::string text(error_code_name(info_->code));
  text += ": ";
  text += info_->message;
  return text;
}

}  // namespace lora

#include "kv/rocks_status.h"

#include <rocksdb/status.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lora::kv {
namespace {

bool mentions(const std::string& text, const char* phrase) {
  return text.find(phrase) != std::string::npos;
}

// RocksDB has a subcode for ENOSPC only; the other two ways of being full show in the system's words.
bool is_disk_full(const rocksdb::Status& status, const std::string& text) {
  return status.IsNoSpace() || status.subcode() == rocksdb::Status::SubCode::kSpaceLimit ||
         mentions(text, "No space left on device") || mentions(text, "Disk quota exceeded") ||
         mentions(text, "File too large");
}

ErrorCode code_of(const rocksdb::Status& status, const std::string& text) {
  using Code = rocksdb::Status::Code;
  // A failed write may come wrapped in any code once RocksDB has stopped, so this goes first.
  if (is_disk_full(status, text)) {
    return ErrorCode::kDiskFull;
  }
  switch (status.code()) {
    case Code::kOk: return ErrorCode::kOk;
    case Code::kNotFound: return ErrorCode::kNotFound;
    case Code::kCorruption: return ErrorCode::kCorruption;
    case Code::kNotSupported: return ErrorCode::kUnsupported;
    case Code::kInvalidArgument: return ErrorCode::kConfig;
    case Code::kIOError:
      if (status.IsPathNotFound()) {
        return ErrorCode::kNotFound;
      }
      // PosixFileSystem's words for a lock of another process and of this one, then the memory file system's.
      if ((mentions(text, "While lock file") && mentions(text, "temporarily unavailable")) ||
          mentions(text, "lock hold by current process") || mentions(text, "lock is already held")) {
        return ErrorCode::kLocked;
      }
      return ErrorCode::kIo;
    case Code::kTimedOut: return ErrorCode::kTimeout;
    case Code::kAborted:
    case Code::kShutdownInProgress: return ErrorCode::kClosed;
    case Code::kBusy:
    case Code::kTryAgain:
    case Code::kIncomplete: return ErrorCode::kIo;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

Status from_rocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) {
    return Status();
  }
  const std::string text = status.ToString();
  return {code_of(status, text), std::string(doing) + ": " + text};
}

Status from_errno(int error, std::string_view doing) {
  ErrorCode code = ErrorCode::kIo;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = ErrorCode::kDiskFull;
  } else if (error == ENOENT) {
    code = ErrorCode::kNotFound;
  } else if (error == EWOULDBLOCK) {
    code = ErrorCode::kLocked;
  }
  char buffer[128];
  return {code, std::string(doing) + ": " + strerror_r(error, buffer, sizeof(buffer))};
}

}  // namespace lora::kv

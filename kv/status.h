// Status and Result: how every layer reports failure. No exception crosses a layer.
//
// A Status is one pointer: null means OK, so success costs nothing to return. The code is
// interface (stable `LORA_*` text, see error_code_name); the message is not.
// Message style: lower case, no full stop, the offending value in backticks, a hint after "; ". The middle of a message
// of more than 4 KiB is left out.
//
// Threads: values; share them like any other value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lora {

// Stable: the text form is API. Add at the end, never renumber.
enum class ErrorCode : uint8_t {
  kOk = 0,
  kParse,
  kSemantic,
  kType,
  kArithmetic,
  kParameterMissing,
  kInvalidParams,
  kReadOnly,
  kNotFound,
  kConstraint,
  kUniqueConstraint,
  kNotNullConstraint,
  kForeignKey,
  kTransaction,
  kInvalidVector,
  kTimeout,
  kInterrupted,
  kMemoryLimit,
  kDatabaseName,
  kConfig,
  kLimit,
  kClosed,
  kForked,
  kLocked,
  kIo,
  kDiskFull,
  kCorruption,
  kFormatVersion,
  kSnapshotCodec,
  kSnapshotCrypto,
  kUnsupported,
  kInternal,
};

// "LORA_PARSE", "LORA_SEMANTIC", ...; "OK" for kOk.
std::string_view error_code_name(ErrorCode code);

// What went wrong and where. The `type`, `phase` and `detail` words are those of the openCypher
// TCK ("SyntaxError", "compile time", "UndefinedVariable"); empty where they do not apply.
struct ErrorInfo {
  ErrorCode code = ErrorCode::kOk;
  std::string message;
  std::string type;
  std::string phase;
  std::string detail;
  int64_t offset = -1;  // bytes into the query text; -1: no position
  int32_t line = 0;     // 1-based; 0: no position
  int32_t column = 0;   // 1-based, in code points; 0: no position
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(ErrorCode code, std::string message);
  explicit Status(ErrorInfo info);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status ok_status() { return Status(); }

  // Shorthands for the codes that layers raise most.
  static Status io(std::string message) { return {ErrorCode::kIo, std::move(message)}; }
  static Status corruption(std::string message) { return {ErrorCode::kCorruption, std::move(message)}; }
  static Status internal(std::string message) { return {ErrorCode::kInternal, std::move(message)}; }
  static Status unsupported(std::string message) { return {ErrorCode::kUnsupported, std::move(message)}; }
  static Status config(std::string message) { return {ErrorCode::kConfig, std::move(message)}; }
  // A failure while a statement runs, in TCK words: runtime phase, `type` and `detail`.
  static Status runtime(ErrorCode code, std::string_view type, std::string_view detail, std::string message);
  // A failure before anything runs: compile time phase.
  static Status compile_time(ErrorCode code, std::string_view type, std::string_view detail, std::string message,
                             int64_t offset = -1);
  // kLimit; `which` becomes `detail`: "depth", "text size", "transaction size", "value size", ...
  static Status limit(std::string_view which, std::string message);
  // kMemoryLimit: the system gives no more memory. Needs none itself, nor do copies of it.
  static Status no_memory() noexcept;

  bool ok() const { return info_ == nullptr; }
  ErrorCode code() const { return info_ ? info_->code : ErrorCode::kOk; }
  // Empty when OK.
  const std::string& message() const;
  // The full record; a static OK record when ok().
  const ErrorInfo& info() const;
  // For the layer that knows more (a position, TCK words). No-op target when OK is a bug of the caller.
  ErrorInfo& mutable_info();

  // "LORA_PARSE: message"; "OK" when ok().
  std::string to_string() const;

 private:
  struct Free {
    void operator()(ErrorInfo* info) const noexcept;
  };
  std::unique_ptr<ErrorInfo, Free> info_;
};

// A value or the Status that says why there is none. Never holds an OK status.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT: implicit on purpose
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  Status status() const& { return ok() ? Status() : std::get<1>(state_); }
  Status status() && { return ok() ? Status() : std::move(std::get<1>(state_)); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace lora

#define LORA_CONCAT_INNER(a, b) a##b
#define LORA_CONCAT(a, b) LORA_CONCAT_INNER(a, b)

// Evaluates an expression of type Status; returns it from the caller when it is not OK.
#define LORA_TRY(expr)                        \
  do {                                        \
    ::lora::Status lora_try_status = (expr);  \
    if (!lora_try_status.ok()) [[unlikely]] { \
      return lora_try_status;                 \
    }                                         \
  } while (0)

// LORA_ASSIGN(auto x, make_x()): x from a Result, or returns its Status. NOLINTBEGIN(bugprone-macro-parentheses)
#define LORA_ASSIGN(lhs, expr) LORA_ASSIGN_IMPL(LORA_CONCAT(lora_result_, __LINE__), lhs, expr)
#define LORA_ASSIGN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                     \
  if (!tmp.ok()) [[unlikely]] {          \
    return std::move(tmp).status();      \
  }                                      \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses): `lhs` may be a declaration

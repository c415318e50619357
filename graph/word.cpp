#include "graph/word.h"

namespace lora {

namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

bool nanos_of(int64_t seconds, int32_t nanos, int64_t* word) {
  return !__builtin_mul_overflow(seconds, kNanosPerSecond, word) && !__builtin_add_overflow(*word, nanos, word);
}

// Of nanoseconds since the epoch: whole seconds, and what is left, which is not negative.
int64_t seconds_of(int64_t word, int32_t* nanos) {
  int64_t seconds = word / kNanosPerSecond, left = word % kNanosPerSecond;
  if (left < 0) {
    left += kNanosPerSecond;
    --seconds;
  }
  *nanos = static_cast<int32_t>(left);
  return seconds;
}

}  // namespace

bool word_of(const Value& value, int64_t* word) {
  switch (value.type()) {
    case ValueType::kBoolean: *word = value.as_boolean() ? 1 : 0; return true;
    case ValueType::kDate: *word = value.as_date().days; return true;
    case ValueType::kLocalTime: *word = value.as_local_time().nanos; return true;
    case ValueType::kTime: {
      const Time time = value.as_time();
      *word = time.nanos - int64_t{time.offset_seconds} * kNanosPerSecond;
      return true;
    }
    case ValueType::kLocalDateTime: {
      const LocalDateTime time = value.as_local_date_time();
      return nanos_of(time.seconds, time.nanos, word);
    }
    case ValueType::kDateTime: return nanos_of(value.as_date_time().seconds, value.as_date_time().nanos, word);
    default: return false;
  }
}

bool to_word(const Value& value, WordType* type, int64_t* word) {
  if (!word_of(value, word)) return false;
  *type = {value.type(), 0};
  if (value.type() == ValueType::kTime) type->offset_seconds = value.as_time().offset_seconds;
  if (value.type() == ValueType::kDateTime) {
    if (!value.as_date_time().zone.empty()) return false;
    type->offset_seconds = value.as_date_time().offset_seconds;
  }
  return true;
}

Value from_word(WordType type, int64_t word) {
  switch (type.type) {
    case ValueType::kBoolean: return Value::boolean(word != 0);
    case ValueType::kDate: return Value::date({word});
    case ValueType::kLocalTime: return Value::local_time({word});
    case ValueType::kTime:
      return Value::time({word + int64_t{type.offset_seconds} * kNanosPerSecond, type.offset_seconds});
    case ValueType::kLocalDateTime: {
      LocalDateTime time;
      time.seconds = seconds_of(word, &time.nanos);
      return Value::local_date_time(time);
    }
    case ValueType::kDateTime: {
      DateTime time;
      time.seconds = seconds_of(word, &time.nanos);
      time.offset_seconds = type.offset_seconds;
      return Value::date_time(std::move(time));
    }
    default: return Value();
  }
}

}  // namespace lora

// Functions of text. Positions and lengths count code points; text is valid UTF-8.
#include <utf8proc.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <string>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "cypher/functions/families.h"
#include "cypher/functions/letter_case.h"
#include "cypher/functions/row.h"

namespace lora::cypher {

namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Byte offset of code point `index`, or text.size() when it is past the end.
size_t byte_offset(std::string_view text, int64_t index) {
  size_t i = 0;
  while (i < text.size() && index > 0) {
    ++i;
    while (i < text.size() && is_continuation(text[i])) ++i;
    --index;
  }
  return i;
}

// A function that gives a piece of its first argument.
template <Status (*piece)(std::string_view text, Args more, std::string_view* out)>
Status piece_of(EvalContext&, Args args, Value* out) {
  std::string_view part;
  LORA_TRY(piece(args[0].as_string(), args.subspan(1), &part));
  *out = Value::string(part);
  return Status();
}

template <std::string (*convert)(std::string_view)>
Status change_case(EvalContext& context, std::span<const Value> args, Value* out) {
  return give_text(context, convert(args[0].as_string()), out);
}

// Length in bytes of the white space at text[i], or 0.
size_t space_length(std::string_view text, size_t i) {
  utf8proc_int32_t point = 0;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                                       static_cast<utf8proc_ssize_t>(text.size() - i), &point);
  if (length <= 0) return 0;
  const auto category = utf8proc_category(point);
  const bool space = (point >= 9 && point <= 13) || (point >= 28 && point <= 31) || category == UTF8PROC_CATEGORY_ZS ||
                     category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
  return space ? static_cast<size_t>(length) : 0;
}

// Length in bytes of a character of `set` at text[i], or 0.
size_t member_length(std::string_view text, size_t i, std::string_view set) {
  size_t end = i + 1;
  while (end < text.size() && is_continuation(text[end])) ++end;
  const std::string_view character = text.substr(i, end - i);
  for (size_t s = 0; s < set.size();) {
    size_t next = s + 1;
    while (next < set.size() && is_continuation(set[next])) ++next;
    if (set.substr(s, next - s) == character) return character.size();
    s = next;
  }
  return 0;
}

template <bool left, bool right>
Status trim(std::string_view text, Args more, std::string_view* out) {
  const std::string_view set = !more.empty() ? more[0].as_string() : std::string_view();
  const auto removable = [&](size_t i) { return !more.empty() ? member_length(text, i, set) : space_length(text, i); };
  if (left) {
    while (!text.empty()) {
      const size_t n = removable(0);
      if (n == 0) break;
      text.remove_prefix(n);
    }
  }
  if (right) {
    while (!text.empty()) {
      size_t start = text.size() - 1;
      while (start > 0 && is_continuation(text[start])) --start;
      if (removable(start) == 0) break;
      text.remove_suffix(text.size() - start);
    }
  }
  *out = text;
  return Status();
}

Status replace(EvalContext& context, std::span<const Value> args, Value* out) {
  const std::string_view text = args[0].as_string(), from = args[1].as_string(), to = args[2].as_string();
  int64_t limit = args.size() > 3 ? args[3].as_integer() : INT64_MAX;
  if (from.empty() || limit <= 0) {
    *out = args[0];
    return Status();
  }
  // Counted first: the size decides whether it is made at all.
  uint64_t hits = 0;
  for (size_t hit = text.find(from); hit != std::string_view::npos && limit > 0;
       hit = text.find(from, hit + from.size()), --limit) {
    if ((++hits & 1023) == 0) LORA_TRY(context.control->tick());
  }
  const uint64_t size = text.size() - hits * from.size() + hits * to.size();
  LORA_TRY(context.control->check_total(2 * size));
  std::string result;
  result.reserve(size);
  size_t at = 0;
  for (; hits > 0; --hits) {
    if ((hits & 1023) == 0) LORA_TRY(context.control->tick());
    const size_t hit = text.find(from, at);
    result.append(text.substr(at, hit - at)).append(to);
    at = hit + from.size();
  }
  result.append(text.substr(at));
  *out = Value::string(result);
  return Status();
}

Status split(EvalContext&, std::span<const Value> args, Value* out) {
  const std::string_view text = args[0].as_string();
  List parts;
  std::vector<std::string_view> separators;
  if (args[1].is_list()) {
    for (const Value& v : args[1].as_list()) {
      if (!v.is_string()) return argument_type_error("split", v);
      separators.push_back(v.as_string());
    }
  } else {
    separators.push_back(args[1].as_string());
  }
  if (separators.size() == 1 && !separators[0].empty() && !text.empty()) {
    size_t begin = 0;
    for (size_t hit = text.find(separators[0]); hit != std::string_view::npos; hit = text.find(separators[0], begin)) {
      parts.push_back(Value::string(text.substr(begin, hit - begin)));
      begin = hit + separators[0].size();
    }
    parts.push_back(Value::string(text.substr(begin)));
    *out = Value::list(std::move(parts));
    return Status();
  }
  const bool by_character = separators.size() == 1 && separators[0].empty();
  size_t start = 0;
  for (size_t i = 0; i <= text.size() && !text.empty();) {
    if (by_character) {
      if (i == text.size()) break;
      size_t next = i + 1;
      while (next < text.size() && is_continuation(text[next])) ++next;
      parts.push_back(Value::string(text.substr(i, next - i)));
      i = start = next;
      continue;
    }
    size_t matched = 0;
    for (std::string_view s : separators) {
      if (!s.empty() && text.substr(i).starts_with(s)) matched = std::max(matched, s.size());
    }
    if (matched > 0) {
      parts.push_back(Value::string(text.substr(start, i - start)));
      i += matched;
      start = i;
    } else {
      ++i;
    }
  }
  if (!by_character || text.empty()) parts.push_back(Value::string(text.substr(start)));
  *out = Value::list(std::move(parts));
  return Status();
}

Status substring(std::string_view text, Args more, std::string_view* out) {
  const int64_t start = more[0].as_integer();
  if (start < 0) return number_out_of_range("the start of `substring()` must not be negative");
  if (more.size() > 1 && more[1].as_integer() < 0) {
    return number_out_of_range("the length of `substring()` must not be negative");
  }
  const std::string_view rest = text.substr(byte_offset(text, start));
  *out = more.size() > 1 ? rest.substr(0, byte_offset(rest, more[1].as_integer())) : rest;
  return Status();
}

Status left(std::string_view text, Args more, std::string_view* out) {
  if (more[0].as_integer() < 0) return number_out_of_range("the length of `left()` must not be negative");
  *out = text.substr(0, byte_offset(text, more[0].as_integer()));
  return Status();
}

Status right(std::string_view text, Args more, std::string_view* out) {
  if (more[0].as_integer() < 0) return number_out_of_range("the length of `right()` must not be negative");
  const int64_t skip = code_points(text) - more[0].as_integer();
  *out = text.substr(byte_offset(text, skip));
  return Status();
}

template <bool at_left>
Status pad(EvalContext& context, std::span<const Value> args, Value* out) {
  const std::string_view text = args[0].as_string();
  const int64_t wanted = args[1].as_integer();
  const std::string_view filler = args.size() > 2 ? args[2].as_string() : std::string_view(" ");
  const int64_t missing = wanted - code_points(text);
  if (missing <= 0 || filler.empty()) {
    *out = args[0];
    return Status();
  }
  const int64_t filler_points = code_points(filler);
  const auto repeats = static_cast<uint64_t>(missing / filler_points) + 1;
  if (repeats > (uint64_t{1} << 32) / filler.size()) return context.control->charge_made(UINT64_MAX / 2);
  LORA_TRY(context.control->charge_made(repeats * filler.size()));
  std::string padding;
  for (uint64_t i = 0; i < repeats; ++i) padding.append(filler);
  padding.resize(byte_offset(padding, missing));
  *out = Value::string(at_left ? padding + std::string(text) : std::string(text) + padding);
  return Status();
}

Status char_length(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::integer(code_points(args[0].as_string()));
  return Status();
}

Status normalize(EvalContext&, std::span<const Value> args, Value* out) {
  const std::string_view form = args.size() > 1 ? args[1].as_string() : std::string_view("NFC");
  int options = UTF8PROC_STABLE;
  if (form == "NFC" || form == "NFKC") {
    options |= UTF8PROC_COMPOSE;
  } else if (form == "NFD" || form == "NFKD") {
    options |= UTF8PROC_DECOMPOSE;
  } else {
    return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue",
                           "unknown normal form `" + std::string(form) + "`; use NFC, NFD, NFKC or NFKD");
  }
  if (form.size() == 4) options |= UTF8PROC_COMPAT;
  const std::string_view text = args[0].as_string();
  utf8proc_uint8_t* result = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &result, static_cast<utf8proc_option_t>(options));
  if (length < 0) {
    return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue", "the text is not valid UTF-8");
  }
  *out = Value::string({reinterpret_cast<const char*>(result), static_cast<size_t>(length)});
  std::free(result);
  return Status();
}

}  // namespace

int64_t code_points(std::string_view text) {
  int64_t count = 0;
  size_t i = 0;
  // A byte 10xxxxxx goes on with the character before it.
#if defined(__SSE2__)
  const __m128i last_continuation = _mm_set1_epi8(static_cast<char>(0xbf));  // the greatest of them as signed numbers
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    count += std::popcount(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, last_continuation))));
  }
#endif
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t eight;
    std::memcpy(&eight, text.data() + i, 8);
    count += 8 - std::popcount((eight >> 7) & (~eight >> 6) & 0x0101010101010101ull);
  }
  for (; i < text.size(); ++i) count += !is_continuation(text[i]);
  return count;
}

std::span<const FunctionSpec> string_functions() {
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  constexpr std::string_view kCategory = "String";
  const ArgSpec text{"text", kStringType};
  static const std::vector<FunctionSpec> table = {
      with_typed({.convert = upper_text}, {"toUpper",
                                           {"upper", "string.upper"},
                                           {text},
                                           1,
                                           1,
                                           kStringType,
                                           kPure,
                                           kNull,
                                           kCategory,
                                           "Text in upper case.",
                                           "toUpper('abc')",
                                           "'ABC'",
                                           change_case<upper_text>}),
      with_typed({.convert = lower_text}, {"toLower",
                                           {"lower", "string.lower"},
                                           {text},
                                           1,
                                           1,
                                           kStringType,
                                           kPure,
                                           kNull,
                                           kCategory,
                                           "Text in lower case.",
                                           "toLower('ABC')",
                                           "'abc'",
                                           change_case<lower_text>}),
      with_typed({.piece = trim<true, true>}, {"trim",
                                               {"btrim", "string.trim"},
                                               {text, {"characters", kStringType}},
                                               1,
                                               2,
                                               kStringType,
                                               kPure,
                                               kNull,
                                               kCategory,
                                               "Text without the white space, or the given characters, at both ends.",
                                               "trim('  a ')",
                                               "'a'",
                                               piece_of<trim<true, true>>}),
      with_typed({.piece = trim<true, false>}, {"ltrim",
                                                {"string.trim_left"},
                                                {text, {"characters", kStringType}},
                                                1,
                                                2,
                                                kStringType,
                                                kPure,
                                                kNull,
                                                kCategory,
                                                "Text without the white space, or the given characters, at its start.",
                                                "ltrim(' a')",
                                                "'a'",
                                                piece_of<trim<true, false>>}),
      with_typed({.piece = trim<false, true>}, {"rtrim",
                                                {"string.trim_right"},
                                                {text, {"characters", kStringType}},
                                                1,
                                                2,
                                                kStringType,
                                                kPure,
                                                kNull,
                                                kCategory,
                                                "Text without the white space, or the given characters, at its end.",
                                                "rtrim('a ')",
                                                "'a'",
                                                piece_of<trim<false, true>>}),
      {"replace",
       {"string.replace"},
       {text, {"search", kStringType}, {"with", kStringType}, {"limit", kIntegerType}},
       3,
       4,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Every occurrence (or the first `limit`) of a text replaced.",
       "replace('hello', 'l', 'w')",
       "'hewwo'",
       replace},
      {"split",
       {"string.split"},
       {text, {"separator", kStringType | kListType}},
       2,
       2,
       kListType,
       kPure,
       kNull,
       kCategory,
       "The pieces of a text between separators.",
       "split('a,b', ',')",
       "['a', 'b']",
       split},
      with_typed({.piece = substring}, {"substring",
                                        {},
                                        {text, {"start", kIntegerType}, {"length", kIntegerType}},
                                        2,
                                        3,
                                        kStringType,
                                        kPure,
                                        kNull,
                                        kCategory,
                                        "The part of a text from a 0-based start.",
                                        "substring('hello', 1, 3)",
                                        "'ell'",
                                        piece_of<substring>}),
      with_typed({.piece = left}, {"left",
                                   {"string.prefix"},
                                   {text, {"length", kIntegerType}},
                                   2,
                                   2,
                                   kStringType,
                                   kPure,
                                   kNull,
                                   kCategory,
                                   "The first characters of a text.",
                                   "left('hello', 3)",
                                   "'hel'",
                                   piece_of<left>}),
      with_typed({.piece = right}, {"right",
                                    {"string.suffix"},
                                    {text, {"length", kIntegerType}},
                                    2,
                                    2,
                                    kStringType,
                                    kPure,
                                    kNull,
                                    kCategory,
                                    "The last characters of a text.",
                                    "right('hello', 3)",
                                    "'llo'",
                                    piece_of<right>}),
      {"lpad",
       {"string.pad_left"},
       {text, {"length", kIntegerType}, {"filler", kStringType}},
       2,
       3,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Text filled up at its start to a length.",
       "lpad('5', 3, '0')",
       "'005'",
       pad<true>},
      {"rpad",
       {"string.pad_right"},
       {text, {"length", kIntegerType}, {"filler", kStringType}},
       2,
       3,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Text filled up at its end to a length.",
       "rpad('5', 3, '0')",
       "'500'",
       pad<false>},
      with_typed({.measure = code_points}, {"char_length",
                                            {"character_length", "string.length"},
                                            {text},
                                            1,
                                            1,
                                            kIntegerType,
                                            kPure,
                                            kNull,
                                            kCategory,
                                            "The number of characters of a text.",
                                            "char_length('abc')",
                                            "3",
                                            char_length}),
      {"normalize",
       {"string.normalize"},
       {text, {"form", kStringType}},
       1,
       2,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Text in a Unicode normal form (NFC when not named).",
       "normalize('é') = 'é'",
       "true",
       normalize},
  };
  return table;
}

}  // namespace lora::cypher

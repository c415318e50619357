// Rules: the Unicode standard, section 3.13 (default case conversion) and SpecialCasing.txt. The library maps one
// character to one; what expands is found through its full case folding, whose letters are put in upper case.
#include "cypher/functions/letter_case.h"

#include <utf8proc.h>

#include <algorithm>

namespace lora::cypher {

namespace {

constexpr utf8proc_int32_t kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;
constexpr utf8proc_int32_t kDottedCapitalI = 0x130, kDotAbove = 0x307;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void append(std::string* out, utf8proc_int32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto written = utf8proc_encode_char(point, bytes);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(written));
}

// The character at text[at] and its bytes; no bytes when there is none.
size_t read(std::string_view text, size_t at, utf8proc_int32_t* point) {
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), point);
  return length > 0 ? static_cast<size_t>(length) : 0;
}

void append_upper(std::string* out, utf8proc_int32_t point) {
  if (utf8proc_category(point) != UTF8PROC_CATEGORY_LU) {
    utf8proc_int32_t folded[8];
    int boundary = 0;
    const auto n = utf8proc_decompose_char(point, folded, 8, UTF8PROC_CASEFOLD, &boundary);
    if (n > 1 && n <= 8) {
      for (int i = 0; i < n; ++i) append(out, utf8proc_toupper(folded[i]));
      return;
    }
  }
  append(out, utf8proc_toupper(point));
}

bool is_cased(utf8proc_int32_t point) {
  const auto category = utf8proc_category(point);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

// What may stand between the letters of one word: marks, modifiers, apostrophes and the like.
bool is_case_ignorable(utf8proc_int32_t point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return point == '\'' || point == '.' || point == ':' || point == 0xB7 || point == 0x2019;
  }
}

// Whether the next character from text[at] on that counts is a cased letter.
bool word_goes_on(std::string_view text, size_t at) {
  while (at < text.size()) {
    utf8proc_int32_t point = 0;
    const size_t length = read(text, at, &point);
    if (length == 0) return false;
    if (!is_case_ignorable(point)) return is_cased(point);
    at += length;
  }
  return false;
}

}  // namespace

std::string upper_text(std::string_view text) {
  std::string out(text);
  if (is_ascii(text)) {
    for (char& c : out) c = static_cast<char>(c - (c >= 'a' && c <= 'z' ? 'a' - 'A' : 0));
    return out;
  }
  out.clear();
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t point = 0;
    const size_t length = read(text, i, &point);
    if (length == 0) {
      out += text[i++];
      continue;
    }
    append_upper(&out, point);
    i += length;
  }
  return out;
}

std::string lower_text(std::string_view text) {
  std::string out(text);
  if (is_ascii(text)) {
    for (char& c : out) c = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
    return out;
  }
  out.clear();
  bool inside_word = false;  // a cased letter came before, with nothing but ignorable characters since
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t point = 0;
    const size_t length = read(text, i, &point);
    if (length == 0) {
      out += text[i++];
      inside_word = false;
      continue;
    }
    i += length;
    if (point == kCapitalSigma) {
      append(&out, inside_word && !word_goes_on(text, i) ? kFinalSigma : kSigma);
    } else if (point == kDottedCapitalI) {
      append(&out, 'i');
      append(&out, kDotAbove);
    } else {
      append(&out, utf8proc_tolower(point));
    }
    if (!is_case_ignorable(point)) inside_word = is_cased(point);
  }
  return out;
}

}  // namespace lora::cypher

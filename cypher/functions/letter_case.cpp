// Rules: the Unicode standard, section 3.13 (default case conversion) and SpecialCasing.txt. The library maps one
// character to one; what expands is found through its full case folding, whose letters are put in upper case.
#include "cypher/functions/letter_case.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>

namespace lora::cypher {

namespace {

constexpr utf8proc_int32_t kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;
constexpr utf8proc_int32_t kDottedCapitalI = 0x130, kDotAbove = 0x307;

bool is_ascii(std::string_view text) {
  uint64_t all = 0;
  size_t i = 0;
  for (uint64_t eight; i + sizeof eight <= text.size(); i += sizeof eight) {
    std::memcpy(&eight, text.data() + i, sizeof eight);
    all |= eight;
  }
  for (; i < text.size(); ++i) all |= static_cast<unsigned char>(text[i]);
  return (all & 0x8080808080808080ull) == 0;
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

struct Range {
  utf8proc_int32_t first, last;
};

// Ascending.
bool is_in(std::span<const Range> ranges, utf8proc_int32_t point) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), point,
                                      [](utf8proc_int32_t p, const Range& range) { return p < range.first; });
  return after != ranges.begin() && point <= std::prev(after)->last;
}

// Cased (Unicode 14, as the library): letters of two cases, and what Other_Lowercase and Other_Uppercase add that is
// not case-ignorable as well: ordinals, Roman numerals, letters in circles and squares.
bool is_cased(utf8proc_int32_t point) {
  static constexpr Range kOther[] = {{0xAA, 0xAA},       {0xBA, 0xBA},       {0x2160, 0x217F},  {0x24B6, 0x24E9},
                                     {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_SO: return is_in(kOther, point);
    default: return false;
  }
}

// Case_Ignorable: what may stand between the letters of one word. Marks, modifiers, and the apostrophes, dots and
// colons whose Word_Break is Single_Quote, MidNumLet or MidLetter. Modifier letters that are cased too are skipped.
bool is_case_ignorable(utf8proc_int32_t point) {
  static constexpr Range kBetween[] = {{0x27, 0x27},     {0x2E, 0x2E},     {0x3A, 0x3A},     {0xB7, 0xB7},
                                       {0x387, 0x387},   {0x55F, 0x55F},   {0x5F4, 0x5F4},   {0x2018, 0x2019},
                                       {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52},
                                       {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A}};
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF: return is_in(kBetween, point);
    default: return false;
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

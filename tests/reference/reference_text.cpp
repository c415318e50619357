// Texts of the reference evaluator: code points, letters, and regular expressions tried in every way.
#include <functional>

#include "tests/reference/reference_values.h"

namespace lora::reference {

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t c = length == 1 ? first : first & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; ++k) c = (c << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    out.push_back(c);
    i += length;
  }
  return out;
}

std::string utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) {
    const auto add = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
      add(c);
    } else if (c < 0x800) {
      add(0xc0 | (c >> 6));
      add(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      add(0xe0 | (c >> 12));
      add(0x80 | ((c >> 6) & 0x3f));
      add(0x80 | (c & 0x3f));
    } else {
      add(0xf0 | (c >> 18));
      add(0x80 | ((c >> 12) & 0x3f));
      add(0x80 | ((c >> 6) & 0x3f));
      add(0x80 | (c & 0x3f));
    }
  }
  return out;
}

// Of ASCII and Latin-1.
char32_t in_case(char32_t c, bool upper) {
  if (c >= 'a' && c <= 'z') return upper ? c - 32 : c;
  if (c >= 'A' && c <= 'Z') return upper ? c : c + 32;
  if (c == 0xdf || c == 0xff || c == 0xb5) throw NotCompared("a letter whose case is elsewhere");
  if (c >= 0xe0 && c <= 0xfe && c != 0xf7) return upper ? c - 32 : c;
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return upper ? c : c + 32;
  if (c >= 0x100 && c < 0x3000) throw NotCompared("a letter whose case is elsewhere");
  return c;
}

namespace {

// Literals, `.`, sets, groups, `|`, `* + ? {m,n}`, and `(?i)` in front.
class Regex {
 public:
  Regex(std::u32string pattern, std::u32string text) : p_(std::move(pattern)), t_(std::move(text)) {
    if (p_.starts_with(U"(?i)")) {
      p_.erase(0, 4);
      for (auto* s : {&p_, &t_}) {
        for (char32_t& c : *s) c = in_case(c, false);
      }
    }
  }

  bool matches_whole() {
    return either(0, p_.size(), 0, [&](size_t end) { return end == t_.size(); });
  }

 private:
  using Then = std::function<bool(size_t)>;  // goes on at a place of the text

  // The end of the piece at `at`: a character, a set or a group.
  size_t piece_end(size_t at, size_t end) const {
    if (p_[at] == U'[') {
      const size_t close = p_.find(U']', at);
      if (close >= end) throw NotCompared("a form of a regular expression");
      return close + 1;
    }
    if (p_[at] != U'(') {
      if (std::u32string_view(U"\\^$*+?{").find(p_[at]) != std::u32string_view::npos) {
        throw NotCompared("a form of a regular expression");
      }
      return at + 1;
    }
    int open = 0;
    for (size_t i = at; i < end; ++i) {
      open += p_[i] == U'(' ? 1 : p_[i] == U')' ? -1 : 0;
      if (open == 0) return i + 1;
    }
    throw NotCompared("a form of a regular expression");
  }

  bool either(size_t at, size_t end, size_t place, const Then& then) {
    int open = 0;
    size_t from = at;
    for (size_t i = at; i <= end; ++i) {
      if (i < end) open += p_[i] == U'(' ? 1 : p_[i] == U')' ? -1 : 0;
      if (i != end && !(p_[i] == U'|' && open == 0)) continue;
      if (sequence(from, i, place, then)) return true;
      from = i + 1;
    }
    return false;
  }

  bool sequence(size_t at, size_t end, size_t place, const Then& then) {
    if (at == end) return then(place);
    const size_t stop = piece_end(at, end);
    size_t low = 1, high = 1, next = stop;
    if (stop < end && p_[stop] == U'*') low = 0, high = SIZE_MAX, ++next;
    if (stop < end && p_[stop] == U'+') high = SIZE_MAX, ++next;
    if (stop < end && p_[stop] == U'?') low = 0, ++next;
    if (stop < end && p_[stop] == U'{') {
      low = p_[stop + 1] - U'0';
      high = p_[stop + 3] - U'0';
      next = stop + 5;
    }
    return times(at, stop, low, high, place, [&](size_t after) { return sequence(next, end, after, then); });
  }

  bool times(size_t at, size_t stop, size_t low, size_t high, size_t place, const Then& then) {
    if (low == 0 && then(place)) return true;
    if (high == 0) return false;
    return once(at, stop, place, [&](size_t after) {
      if (after == place && low == 0) return false;  // an empty round more changes nothing
      return times(at, stop, low == 0 ? 0 : low - 1, high == SIZE_MAX ? high : high - 1, after, then);
    });
  }

  bool once(size_t at, size_t stop, size_t place, const Then& then) {
    if (p_[at] == U'(') return either(at + 1, stop - 1, place, then);
    if (place == t_.size()) return false;
    bool fits = p_[at] == U'.' ? t_[place] != U'\n' : p_[at] == t_[place];
    if (p_[at] == U'[') {
      const bool other = p_[at + 1] == U'^';
      fits = other;
      for (size_t i = at + (other ? 2 : 1); i + 1 < stop; ++i) {
        if (p_[i] == t_[place]) fits = !other;
      }
    }
    return fits && then(place + 1);
  }

  std::u32string p_, t_;
};

}  // namespace

bool matches(std::string_view text, std::string_view pattern) {
  return Regex(code_points(pattern), code_points(text)).matches_whole();
}

}  // namespace lora::reference

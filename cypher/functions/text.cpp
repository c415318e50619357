// The namespace `text`, and what `string` has beyond Cypher's own functions. Positions and lengths count code points.
#include <re2/re2.h>
#include <utf8proc.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "cypher/functions/letter_case.h"
#include "cypher/functions/regex.h"
#include "cypher/functions/row.h"
#include "graph/json.h"
#include "graph/text.h"

namespace lora::cypher {

namespace {

using Points = std::vector<utf8proc_int32_t>;

Points points_of(std::string_view text) {
  Points points;
  points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t point = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                                         static_cast<utf8proc_ssize_t>(text.size() - i), &point);
    points.push_back(length > 0 ? point : 0xFFFD);
    i += length > 0 ? static_cast<size_t>(length) : 1;
  }
  return points;
}

void append_point(std::string* out, utf8proc_int32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(point, bytes);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
}

std::string text_of(const Points& points) {
  std::string out;
  for (utf8proc_int32_t p : points) append_point(&out, p);
  return out;
}

bool is_space(utf8proc_int32_t p) {
  const auto category = utf8proc_category(p);
  return (p >= 9 && p <= 13) || (p >= 28 && p <= 31) || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_word(utf8proc_int32_t p) {
  switch (utf8proc_category(p)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND: return true;
    default: return false;
  }
}

bool is_upper(utf8proc_int32_t p) {
  return utf8proc_category(p) == UTF8PROC_CATEGORY_LU;
}

std::string upper_first(const Points& word, bool lower_rest) {
  std::string out;
  for (size_t i = 0; i < word.size(); ++i) {
    append_point(&out, i == 0 ? utf8proc_totitle(word[i]) : lower_rest ? utf8proc_tolower(word[i]) : word[i]);
  }
  return out;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Words by what is no letter or digit, and by a capital after a small letter.
std::vector<Points> words_of(std::string_view text, bool at_capitals) {
  std::vector<Points> words;
  Points word;
  utf8proc_int32_t before = 0;
  for (utf8proc_int32_t p : points_of(text)) {
    if (!is_word(p) || (at_capitals && is_upper(p) && before != 0 && !is_upper(before))) {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    }
    if (is_word(p)) word.push_back(p);
    before = is_word(p) ? p : 0;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// --- case ---

Status capitalize(EvalContext& context, Args args, Value* out) {
  const std::string mode = args.size() > 1 ? ascii_lower(args[1].as_string()) : "first";
  const Points points = points_of(args[0].as_string());
  if (mode == "first") return give_text(context, upper_first(points, false), out);
  if (mode != "words") {
    return bad_argument("`string.capitalize()` takes `first` or `words`, not `" + std::string(args[1].as_string()) +
                        "`");
  }
  std::string text;
  bool inside = false;
  for (utf8proc_int32_t p : points) {
    append_point(&text, inside ? p : utf8proc_totitle(p));
    inside = is_word(p);
  }
  return give_text(context, text, out);
}

Status change_style(EvalContext& context, Args args, Value* out) {
  const std::string style = ascii_lower(args[1].as_string());
  if (style == "lower") return give_text(context, lower_text(args[0].as_string()), out);
  if (style == "upper") return give_text(context, upper_text(args[0].as_string()), out);
  const bool camel = style == "camel", pascal = style == "pascal", title = style == "title";
  const bool constant = style == "constant", snake = style == "snake", kebab = style == "kebab";
  if (!camel && !pascal && !title && !constant && !snake && !kebab) {
    return bad_argument("unknown style `" + std::string(args[1].as_string()) +
                        "`; use upper, lower, title, camel, pascal, snake, kebab or constant");
  }
  std::string text;
  const std::vector<Points> words = words_of(args[0].as_string(), true);
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += title ? " " : kebab ? "-" : snake || constant ? "_" : "";
    Points word = words[i];
    for (auto& p : word) p = constant ? utf8proc_toupper(p) : utf8proc_tolower(p);
    text += pascal || title || (camel && i > 0) ? upper_first(word, false) : text_of(word);
  }
  return give_text(context, text, out);
}

Status swap_case(EvalContext& context, Args args, Value* out) {
  Points points = points_of(args[0].as_string());
  for (auto& p : points) p = is_upper(p) ? utf8proc_tolower(p) : utf8proc_toupper(p);
  return give_text(context, text_of(points), out);
}

Status slugify(EvalContext& context, Args args, Value* out) {
  // Letters with marks become the letters alone.
  utf8proc_uint8_t* mapped = nullptr;
  const std::string_view text = args[0].as_string();
  const auto n = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK | UTF8PROC_STABLE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  const std::string plain =
      n >= 0 ? std::string(reinterpret_cast<char*>(mapped), static_cast<size_t>(n)) : std::string(text);
  std::string slug;
  for (Points& word : words_of(plain, false)) {
    for (auto& p : word) p = utf8proc_tolower(p);
    if (!slug.empty()) slug += '-';
    slug += text_of(word);
  }
  return give_text(context, slug, out);
}

// --- places ---

// The code point index of a byte offset.
int64_t point_index(std::string_view text, size_t offset) {
  int64_t count = 0;
  for (char c : text.substr(0, offset)) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}
size_t byte_offset(std::string_view text, int64_t index) {
  size_t i = 0;
  for (; i < text.size() && index > 0; --index) {
    do {
      ++i;
    } while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80);
  }
  return i;
}

Status find(EvalContext&, Args args, Value* out) {
  const std::string_view text = args[0].as_string();
  const int64_t from = args.size() > 2 ? args[2].as_integer() : 0;
  const size_t at = text.find(args[1].as_string(), byte_offset(text, from));
  *out = at == std::string_view::npos ? Value() : Value::integer(point_index(text, at));
  return Status();
}

Status count(EvalContext&, Args args, Value* out) {
  const std::string_view text = args[0].as_string(), wanted = args[1].as_string();
  int64_t n = 0;
  for (size_t at = text.find(wanted); !wanted.empty() && at != std::string_view::npos;
       at = text.find(wanted, at + wanted.size())) {
    ++n;
  }
  *out = Value::integer(n);
  return Status();
}

template <bool before>
Status part(EvalContext&, Args args, Value* out) {
  const std::string_view text = args[0].as_string(), mark = args[1].as_string();
  const size_t at = text.find(mark);
  *out = at == std::string_view::npos ? Value()
         : before                     ? Value::string(text.substr(0, at))
                                      : Value::string(text.substr(at + mark.size()));
  return Status();
}

Status slice(EvalContext&, Args args, Value* out) {
  const std::string_view text = args[0].as_string();
  const int64_t size = point_index(text, text.size());
  const auto place = [&](int64_t i) {
    return std::clamp<int64_t>(i < 0 ? std::max<int64_t>(i, -size) + size : i, 0, size);
  };
  const int64_t from = place(args[1].as_integer());
  const int64_t to = args.size() > 2 ? place(args[2].as_integer()) : size;
  const size_t start = byte_offset(text, from), end = byte_offset(text, std::max(from, to));
  *out = Value::string(text.substr(start, end - start));
  return Status();
}

template <bool code>
Status character(EvalContext&, Args args, Value* out) {
  const Points points = points_of(args[0].as_string());
  const int64_t i = args[1].as_integer(), size = static_cast<int64_t>(points.size());
  *out = Value();
  if (i < -size || i >= size) return Status();
  const utf8proc_int32_t p = points[static_cast<size_t>(i < 0 ? i + size : i)];
  std::string text;
  append_point(&text, p);
  *out = code ? Value::integer(p) : Value::string(text);
  return Status();
}

Status words(EvalContext& context, Args args, Value* out) {
  List list;
  for (const Points& word : words_of(args[0].as_string(), false)) list.push_back(Value::string(text_of(word)));
  LORA_TRY(context.control->charge_made(args[0].as_string().size()));
  return give_list(context, std::move(list), out);
}

Status is_blank(EvalContext&, Args args, Value* out) {
  const Points points = points_of(args[0].as_string());
  *out = Value::boolean(std::all_of(points.begin(), points.end(), is_space));
  return Status();
}

template <int place>  // 0: start, 1: end, 2: anywhere
Status has_part(EvalContext&, Args args, Value* out) {
  const std::string_view text = args[0].as_string(), wanted = args[1].as_string();
  *out = Value::boolean(place == 0   ? text.starts_with(wanted)
                        : place == 1 ? text.ends_with(wanted)
                                     : text.find(wanted) != std::string_view::npos);
  return Status();
}

// --- building ---

Status join(EvalContext& context, Args args, Value* out) {
  // The elements may be one large text many times.
  LORA_TRY(context.control->check_total(args[0].heap_bytes() + args[0].as_list().size() * args[1].as_string().size()));
  std::string text;
  bool first = true;
  for (const Value& v : args[0].as_list()) {
    if (v.is_null()) continue;
    if (!std::exchange(first, false)) text += args[1].as_string();
    append_text(&text, v);
  }
  return give_text(context, text, out);
}

constexpr uint64_t kTextBytesMax = 256u << 20;

Status repeat(EvalContext& context, Args args, Value* out) {
  const std::string_view text = args[0].as_string();
  const int64_t n = text.empty() ? 0 : std::max<int64_t>(args[1].as_integer(), 0);
  if (static_cast<uint64_t>(n) > kTextBytesMax / std::max<size_t>(text.size(), 1)) {
    return Status::limit("value size", "`string.repeat()` makes at most 256 MiB");
  }
  LORA_TRY(context.control->charge_made(static_cast<uint64_t>(n) * text.size()));
  std::string all;
  all.reserve(static_cast<size_t>(n) * text.size());
  for (int64_t i = 0; i < n; ++i) all += text;
  *out = Value::string(all);
  return Status();
}

// pad(text, length, filler[, side])
Status pad(EvalContext& context, Args args, Value* out) {
  const Points points = points_of(args[0].as_string()), filler = points_of(args[2].as_string());
  const std::string side = args.size() > 3 ? ascii_lower(args[3].as_string()) : "both";
  if (side != "left" && side != "right" && side != "both") {
    return bad_argument("`string.pad()` fills at `left`, `right` or `both`, not at `" + side + "`");
  }
  const int64_t missing = args[1].as_integer() - static_cast<int64_t>(points.size());
  if (missing <= 0 || filler.empty()) {
    *out = args[0];
    return Status();
  }
  if (missing > static_cast<int64_t>(kTextBytesMax / 4)) {
    return Status::limit("value size", "`string.pad()` makes at most 256 MiB");
  }
  const int64_t left = side == "left" ? missing : side == "right" ? 0 : missing / 2;
  LORA_TRY(context.control->charge_made(static_cast<uint64_t>(missing) * 4));
  std::string text;
  const auto fill = [&](int64_t n) {
    for (int64_t i = 0; i < n; ++i) append_point(&text, filler[static_cast<size_t>(i) % filler.size()]);
  };
  fill(left);
  text += args[0].as_string();
  fill(missing - left);
  *out = Value::string(text);
  return Status();
}

// --- encodings ---

constexpr char kHex[] = "0123456789ABCDEF";

std::string url_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x80 && std::isalnum(u) != 0) || std::strchr("-_.~", c) != nullptr) {
      out += c;
    } else {
      out += {'%', kHex[u >> 4], kHex[u & 15]};
    }
  }
  return out;
}

Status url_encode(EvalContext& context, Args args, Value* out) {
  return give_text(context, url_encoded(args[0].as_string()), out);
}

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

Status url_decode(EvalContext& context, Args args, Value* out) {
  const std::string_view text = args[0].as_string();
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else if (i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      return bad_argument("`" + std::string(text) + "` is no URL-encoded text: `%` needs two hexadecimal digits");
    }
  }
  if (!is_utf8(decoded)) return bad_argument("what `" + std::string(text) + "` stands for is not UTF-8");
  return give_text(context, decoded, out);
}

Status hex(EvalContext& context, Args args, Value* out) {
  std::string text;
  for (char c : args[0].as_string()) {
    const auto u = static_cast<unsigned char>(c);
    text += {static_cast<char>(std::tolower(kHex[u >> 4])), static_cast<char>(std::tolower(kHex[u & 15]))};
  }
  return give_text(context, text, out);
}

Status escape(EvalContext& context, Args args, Value* out) {
  const std::string kind = ascii_lower(args[1].as_string());
  const std::string_view text = args[0].as_string();
  std::string escaped;
  if (kind == "json") {
    append_json_string(&escaped, text);
    escaped = escaped.substr(1, escaped.size() - 2);
  } else if (kind == "html") {
    for (char c : text) {
      switch (c) {
        case '&': escaped += "&amp;"; break;
        case '<': escaped += "&lt;"; break;
        case '>': escaped += "&gt;"; break;
        case '"': escaped += "&quot;"; break;
        case '\'': escaped += "&#39;"; break;
        default: escaped += c;
      }
    }
  } else if (kind == "regex") {
    escaped = re2::RE2::QuoteMeta(re2::StringPiece(text.data(), text.size()));
  } else if (kind == "cypher") {
    append_quoted(&escaped, text);
    escaped = escaped.substr(1, escaped.size() - 2);
  } else if (kind == "url") {
    escaped = url_encoded(text);
  } else {
    return bad_argument("unknown escape `" + std::string(args[1].as_string()) +
                        "`; use json, html, regex, cypher or url");
  }
  return give_text(context, escaped, out);
}

// --- regular expressions ---

Status matches(EvalContext&, Args args, Value* out) {
  std::unique_ptr<re2::RE2> regex;
  LORA_TRY(compile_regex(args[1].as_string(), &regex));
  const std::string_view text = args[0].as_string();
  LORA_TRY(check_regex_work(*regex, text, 0));
  *out = Value::boolean(re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex));
  return Status();
}

// The groups of the first match, the whole first; null without one. With `all`: a list of those of each match.
Status regex_groups(EvalContext& context, Args args, Value* out) {
  std::unique_ptr<re2::RE2> regex;
  LORA_TRY(compile_regex(args[1].as_string(), &regex));
  const std::string_view text = args[0].as_string();
  const re2::StringPiece input(text.data(), text.size());
  const bool all = args.size() > 2 && args[2].as_boolean();
  std::vector<re2::StringPiece> groups(static_cast<size_t>(regex->NumberOfCapturingGroups()) + 1);
  LORA_TRY(check_regex_work(*regex, text, groups.size()));
  List found;
  size_t at = 0;
  while (at <= text.size() &&
         regex->Match(input, at, text.size(), re2::RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) {
    LORA_TRY(context.control->charge_made(groups.size() * 2 * sizeof(Value)));
    LORA_TRY(context.control->tick());
    List one;
    for (const re2::StringPiece& g : groups) {
      one.push_back(g.data() == nullptr ? Value() : Value::string(std::string_view(g.data(), g.size())));
    }
    found.push_back(Value::list(std::move(one)));
    if (!all) break;
    const size_t end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
    at = groups[0].empty() ? byte_offset(text.substr(end), 1) + end + (end == text.size() ? 1 : 0) : end;
  }
  if (all) return give_list(context, std::move(found), out);
  *out = found.empty() ? Value() : found[0];
  return Status();
}

// --- likeness ---

constexpr size_t kComparedMax = 1 << 16;  // code points; the work grows with the product of both lengths

Status compared(EvalContext& context, Args args, Points* a, Points* b) {
  *a = points_of(args[0].as_string());
  *b = points_of(args[1].as_string());
  if (a->size() > kComparedMax || b->size() > kComparedMax) {
    return Status::limit("value size", "texts of more than 65536 characters are not compared");
  }
  return context.control->charge_made((a->size() + b->size()) * 16);
}

// Insertions, deletions, replacements, and with `swaps` exchanges of neighbours.
Status edit_distance(EvalContext& context, const Points& a, const Points& b, bool swaps, int64_t* out) {
  std::vector<int64_t> before, row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int64_t>(j);
  before = row;
  for (size_t i = 1; i <= a.size(); ++i) {
    LORA_TRY(context.control->tick());
    next[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (swaps && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
    }
    before.swap(row);
    row.swap(next);
  }
  *out = row[b.size()];
  return Status();
}

double jaro(const Points& a, const Points& b) {
  if (a.empty() && b.empty()) return 1;
  const size_t longest = std::max(a.size(), b.size());
  const size_t window = longest / 2 > 0 ? longest / 2 - 1 : 0;
  std::vector<bool> taken(b.size());
  Points left, right;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = i > window ? i - window : 0; j < std::min(b.size(), i + window + 1); ++j) {
      if (taken[j] || a[i] != b[j]) continue;
      taken[j] = true;
      left.push_back(a[i]);
      break;
    }
  }
  for (size_t j = 0; j < b.size(); ++j) {
    if (taken[j]) right.push_back(b[j]);
  }
  if (left.empty()) return 0;
  double misplaced = 0;
  for (size_t i = 0; i < left.size(); ++i) misplaced += left[i] != right[i];
  const auto m = static_cast<double>(left.size());
  return (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) + (m - misplaced / 2) / m) / 3;
}

double jaro_winkler(const Points& a, const Points& b) {
  constexpr size_t kPrefixMax = 4;
  constexpr double kWeight = 0.1;
  size_t prefix = 0;
  while (prefix < kPrefixMax && prefix < a.size() && prefix < b.size() && a[prefix] == b[prefix]) ++prefix;
  const double j = jaro(a, b);
  return j + static_cast<double>(prefix) * kWeight * (1 - j);
}

// Pairs of neighbours, each once.
std::vector<std::pair<utf8proc_int32_t, utf8proc_int32_t>> pairs_of(const Points& p) {
  std::vector<std::pair<utf8proc_int32_t, utf8proc_int32_t>> pairs;
  for (size_t i = 1; i < p.size(); ++i) pairs.emplace_back(p[i - 1], p[i]);
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

double shared_pairs(const Points& a, const Points& b, bool dice) {
  const auto pa = pairs_of(a), pb = pairs_of(b);
  if (pa.empty() && pb.empty()) return a == b ? 1 : 0;
  std::vector<std::pair<utf8proc_int32_t, utf8proc_int32_t>> both;
  std::set_intersection(pa.begin(), pa.end(), pb.begin(), pb.end(), std::back_inserter(both));
  const auto n = static_cast<double>(both.size()), sum = static_cast<double>(pa.size() + pb.size());
  return dice ? 2 * n / sum : n / (sum - n);
}

Status distance(EvalContext& context, Args args, Value* out) {
  const std::string metric = ascii_lower(args[2].as_string());
  Points a, b;
  LORA_TRY(compared(context, args, &a, &b));
  int64_t d = 0;
  if (metric == "levenshtein" || metric == "damerau_levenshtein") {
    LORA_TRY(edit_distance(context, a, b, metric != "levenshtein", &d));
  } else if (metric == "hamming") {
    if (a.size() != b.size()) return bad_argument("the Hamming distance needs texts of one length");
    for (size_t i = 0; i < a.size(); ++i) d += a[i] != b[i];
  } else {
    return bad_argument("unknown distance `" + std::string(args[2].as_string()) +
                        "`; use levenshtein, damerau_levenshtein or hamming");
  }
  *out = Value::integer(d);
  return Status();
}

Status similarity(EvalContext& context, Args args, Value* out) {
  const std::string metric = ascii_lower(args[2].as_string());
  Points a, b;
  LORA_TRY(compared(context, args, &a, &b));
  double s = 0;
  if (metric == "levenshtein" || metric == "damerau_levenshtein") {
    int64_t d = 0;
    LORA_TRY(edit_distance(context, a, b, metric != "levenshtein", &d));
    const size_t longest = std::max(a.size(), b.size());
    s = longest == 0 ? 1 : 1 - static_cast<double>(d) / static_cast<double>(longest);
  } else if (metric == "jaro" || metric == "jaro_winkler") {
    s = metric == "jaro" ? jaro(a, b) : jaro_winkler(a, b);
  } else if (metric == "dice" || metric == "jaccard") {
    s = shared_pairs(a, b, metric == "dice");
  } else {
    return bad_argument("unknown similarity `" + std::string(args[2].as_string()) +
                        "`; use levenshtein, damerau_levenshtein, jaro, jaro_winkler, dice or jaccard");
  }
  *out = Value::floating(s);
  return Status();
}

// American Soundex: a letter and three digits; letters other than A to Z do not count.
std::string soundex(std::string_view text) {
  constexpr std::string_view kCodes = "01230120022455012623010202";  // A to Z; 0: a vowel, H, W or Y
  std::string out;
  char last = '0';
  for (char c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (c < 'A' || c > 'Z') continue;
    const char code = kCodes[static_cast<size_t>(c - 'A')];
    if (out.empty()) {
      out += c;
    } else if (code != '0' && code != last) {
      out += code;
    }
    // H and W do not part letters of one code.
    if (c != 'H' && c != 'W') last = code;
    if (out.size() == 4) break;
  }
  if (!out.empty()) out.resize(4, '0');
  return out;
}

Status phonetic_of(std::string_view text, std::string_view algorithm, std::string* out) {
  if (ascii_lower(algorithm) != "soundex") {
    return bad_argument("unknown phonetic algorithm `" + std::string(algorithm) + "`; use soundex");
  }
  *out = soundex(text);
  return Status();
}

Status phonetic(EvalContext&, Args args, Value* out) {
  std::string code;
  LORA_TRY(phonetic_of(args[0].as_string(), args[1].as_string(), &code));
  *out = Value::string(code);
  return Status();
}

Status phonetic_match(EvalContext&, Args args, Value* out) {
  std::string a, b;
  LORA_TRY(phonetic_of(args[0].as_string(), args[2].as_string(), &a));
  LORA_TRY(phonetic_of(args[1].as_string(), args[2].as_string(), &b));
  *out = Value::boolean(!a.empty() && a == b);
  return Status();
}

}  // namespace

std::span<const FunctionSpec> text_functions() {
  const RowMaker row("String");
  const ArgSpec text{"text", kStringType}, wanted{"wanted", kStringType}, index{"index", kIntegerType},
      pattern{"pattern", kStringType}, a{"a", kStringType}, b{"b", kStringType}, metric{"metric", kStringType},
      algorithm{"algorithm", kStringType};
  constexpr TypeSet kNullable = type_bit(ValueType::kNull);
  static const std::vector<FunctionSpec> table = {
      row("string.capitalize", {text, {"mode", kStringType}}, 1, kStringType,
          "The text with a capital at its start, or with the mode `words` at that of each word.",
          "string.capitalize('ada lovelace', 'words')", "'Ada Lovelace'", capitalize),
      row("string.case", {text, {"style", kStringType}}, 2, kStringType,
          "The text as upper, lower, title, camel, pascal, snake, kebab or constant.",
          "string.case('helloWorld again', 'snake')", "'hello_world_again'", change_style),
      row("string.swap_case", {text}, 1, kStringType, "Small letters as capitals and the other way round.",
          "string.swap_case('Ada')", "'aDA'", swap_case),
      row("string.slugify", {text}, 1, kStringType, "Small letters and digits with hyphens between the words.",
          "string.slugify('Crème Brûlée, twice!')", "'creme-brulee-twice'", slugify),
      row("string.find", {text, wanted, {"from", kIntegerType}}, 2, kIntegerType | kNullable,
          "Where a text is found first; null: nowhere.", "string.find('banana', 'an', 2)", "3", find),
      row("string.count", {text, wanted}, 2, kIntegerType, "How often a text is found, without overlaps.",
          "string.count('banana', 'an')", "2", count),
      row("string.before", {text, {"mark", kStringType}}, 2, kStringType | kNullable,
          "What stands before the first mark; null without one.", "string.before('a=b', '=')", "'a'", part<true>),
      row("string.after", {text, {"mark", kStringType}}, 2, kStringType | kNullable,
          "What stands after the first mark; null without one.", "string.after('a=b', '=')", "'b'", part<false>),
      row("string.slice", {text, {"from", kIntegerType}, {"to", kIntegerType}}, 2, kStringType,
          "The characters from an index up to, not including, another; negative from the end.",
          "string.slice('hello', 1, -1)", "'ell'", slice),
      row("string.char_at", {text, index}, 2, kStringType | kNullable,
          "The character at an index, negative from the end; null beyond.", "string.char_at('abc', -1)", "'c'",
          character<false>),
      row("string.code_at", {text, index}, 2, kIntegerType | kNullable,
          "The code point at an index, negative from the end; null beyond.", "string.code_at('abc', 0)", "97",
          character<true>),
      row("string.words", {text}, 1, kListType, "The words: letters and digits.", "string.words('one, two')",
          "['one', 'two']", words),
      row("string.is_blank", {text}, 1, kBooleanType, "Whether there is nothing but white space.",
          "string.is_blank('  ')", "true", is_blank),
      row("string.starts_with", {text, wanted}, 2, kBooleanType, "Whether the text starts so.",
          "string.starts_with('hello', 'he')", "true", has_part<0>),
      row("string.ends_with", {text, wanted}, 2, kBooleanType, "Whether the text ends so.",
          "string.ends_with('hello', 'lo')", "true", has_part<1>),
      row("string.contains", {text, wanted}, 2, kBooleanType, "Whether a text is inside.",
          "string.contains('hello', 'ell')", "true", has_part<2>),
      row("string.join", {{"list", kListType}, {"separator", kStringType}}, 2, kStringType,
          "The texts of the elements with a separator between them; nulls are left out.",
          "string.join(['a', 1, null], '-')", "'a-1'", join),
      row("string.repeat", {text, {"count", kIntegerType}}, 2, kStringType, "The text so many times.",
          "string.repeat('ab', 3)", "'ababab'", repeat),
      row("string.pad", {text, {"length", kIntegerType}, {"filler", kStringType}, {"side", kStringType}}, 3,
          kStringType, "The text filled up to a length, at `left`, `right` or `both`.", "string.pad('x', 5, '-')",
          "'--x--'", pad),
      row("string.url_encode", {text}, 1, kStringType, "The text as it stands in a URL.", "string.url_encode('a b&c')",
          "'a%20b%26c'", url_encode),
      row("string.url_decode", {text}, 1, kStringType, "The text that a part of a URL stands for.",
          "string.url_decode('a%20b%26c')", "'a b&c'", url_decode),
      row("string.hex", {text}, 1, kStringType, "The UTF-8 bytes as hexadecimal digits.", "string.hex('aé')",
          "'61c3a9'", hex),
      row("string.escape", {text, {"kind", kStringType}}, 2, kStringType,
          "The text as it stands in json, html, a regex, a cypher text or a url.", "string.escape('<a>', 'html')",
          "'&lt;a&gt;'", escape),
      row("string.matches", {text, pattern}, 2, kBooleanType, "Whether a regular expression matches the whole text.",
          "string.matches('abc', 'a.*')", "true", matches),
      row("string.regex_groups", {text, pattern, {"all", kBooleanType}}, 2, kListType | kNullable,
          "The groups of the first match, the whole match first; with `all`, a list of those of each match.",
          "string.regex_groups('k=v', '(\\\\w)=(\\\\w)')", "['k=v', 'k', 'v']", regex_groups),
      row("text.distance", {a, b, metric}, 3, kIntegerType,
          "How far two texts are apart: levenshtein, damerau_levenshtein or hamming.",
          "text.distance('kitten', 'sitting', 'levenshtein')", "3", distance),
      row("text.similarity", {a, b, metric}, 3, kFloatType,
          "How alike two texts are, 0 to 1: levenshtein, damerau_levenshtein, jaro, jaro_winkler, dice or jaccard.",
          "round(text.similarity('MARTHA', 'MARHTA', 'jaro_winkler'), 3)", "0.961", similarity),
      row("text.phonetic", {text, algorithm}, 2, kStringType, "How a text sounds: soundex.",
          "text.phonetic('Robert', 'soundex')", "'R163'", phonetic),
      row("text.phonetic_match", {a, b, algorithm}, 3, kBooleanType, "Whether two texts sound alike: soundex.",
          "text.phonetic_match('Robert', 'Rupert', 'soundex')", "true", phonetic_match),
  };
  return table;
}

}  // namespace lora::cypher

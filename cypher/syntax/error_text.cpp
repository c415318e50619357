#include "cypher/syntax/error_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "cypher/syntax/lexer.h"

namespace lora::cypher {
namespace {

// Columns of the terminal shown of the offending line.
constexpr size_t kShownWidth = 100;
constexpr size_t kTabWidth = 4;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Width of the character at text[i] on a terminal; `length` is its bytes.
size_t width_at(std::string_view text, size_t i, size_t& length) {
  utf8proc_int32_t c = -1;
  auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                            static_cast<utf8proc_ssize_t>(text.size() - i), &c);
  if (n <= 0) {
    length = 1;
    return 1;
  }
  length = static_cast<size_t>(n);
  int width = utf8proc_charwidth(c);
  return width < 0 ? 0 : static_cast<size_t>(width);
}

// The text with tabs and control characters as spaces, bad UTF-8 as `?`; and its width.
void append_shown(std::string_view text, std::string& out, size_t& width) {
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c == '\t') {
      out.append(kTabWidth, ' ');
      width += kTabWidth;
      ++i;
    } else if (c < 32 || c == 127) {
      out += ' ';
      ++width;
      ++i;
    } else if (c < 0x80) {
      out += static_cast<char>(c);
      ++width;
      ++i;
    } else {
      size_t length;
      size_t w = width_at(text, i, length);
      if (length == 1) {
        out += '?';
        w = 1;
      } else {
        out += text.substr(i, length);
      }
      width += w;
      i += length;
    }
  }
}

size_t back_up(std::string_view text, size_t at, size_t stop) {
  while (at > stop && at < text.size() && is_continuation(text[at])) --at;
  return at;
}

}  // namespace

void find_line_and_column(std::string_view text, size_t offset, int32_t& line, int32_t& column) {
  offset = std::min(offset, text.size());
  std::string_view before = text.substr(0, offset);
  line = 1 + static_cast<int32_t>(std::count(before.begin(), before.end(), '\n'));
  size_t start = before.rfind('\n');
  start = start == std::string_view::npos ? 0 : start + 1;
  column = 1;
  for (size_t i = start; i < offset; ++i) {
    if (!is_continuation(text[i])) ++column;
  }
}

Status add_error_context(Status status, std::string_view text) {
  if (status.ok()) return status;
  ErrorInfo& info = status.mutable_info();
  if (info.offset < 0 || info.line > 0 || static_cast<uint64_t>(info.offset) > text.size()) return status;
  auto offset = static_cast<size_t>(info.offset);
  // An error at the end of the text is shown after the last character that counts.
  if (offset == text.size()) {
    while (offset > 0 && (text[offset - 1] == ' ' || text[offset - 1] == '\n' || text[offset - 1] == '\r' ||
                          text[offset - 1] == '\t'))
      --offset;
  }
  find_line_and_column(text, offset, info.line, info.column);

  size_t line_start = offset == 0 ? 0 : text.rfind('\n', offset - 1);
  line_start = line_start == std::string_view::npos || offset == 0 ? 0 : line_start + 1;
  size_t line_end = text.find('\n', offset);
  if (line_end == std::string_view::npos) line_end = text.size();
  if (line_end > line_start && text[line_end - 1] == '\r' && line_end - 1 >= offset) --line_end;

  // Clip: at most kShownWidth bytes, two thirds of them before the place.
  size_t from = line_start;
  size_t to = line_end;
  if (line_end - line_start > kShownWidth) {
    size_t ahead = std::min(offset - line_start, kShownWidth * 2 / 3);
    from = back_up(text, offset - ahead, line_start);
    to = std::min(line_end, from + kShownWidth);
    if (to - from < kShownWidth) from = back_up(text, to - std::min(to - line_start, kShownWidth), line_start);
    if (to < line_end) to = back_up(text, to, from);
  }
  std::string shown;
  size_t width = 0;
  if (from > line_start) {
    shown += "...";
    width = 3;
  }
  append_shown(text.substr(from, offset - from), shown, width);
  size_t rest_width = 0;
  append_shown(text.substr(offset, to > offset ? to - offset : 0), shown, rest_width);
  if (to < line_end) shown += "...";

  // The hint stays last: it starts at the last "; " outside of back quotes.
  std::string_view message = info.message;
  size_t hint = std::string_view::npos;
  bool quoted = false;
  for (size_t i = 0; i + 1 < message.size(); ++i) {
    if (message[i] == '`') quoted = !quoted;
    if (!quoted && message[i] == ';' && message[i + 1] == ' ' && message.substr(i + 2, 5) != "found") hint = i;
  }
  std::string out(message.substr(0, hint));
  out += concat({" (line ", std::to_string(info.line), ", column ", std::to_string(info.column), ")"});
  out += concat({"\n  ", shown, "\n  ", std::string(width, ' '), "^"});
  if (hint != std::string_view::npos) {
    out += "\n";
    out += message.substr(hint + 2);
  }
  info.message = std::move(out);
  return status;
}

}  // namespace lora::cypher

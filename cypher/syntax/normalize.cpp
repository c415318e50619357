#include "cypher/syntax/normalize.h"

#include <algorithm>
#include <cstring>

#include "cypher/syntax/lexer.h"
#include "cypher/syntax/lexer_inline.h"
#include "cypher/syntax/parser.h"

namespace lora::cypher {
namespace {

using namespace detail;

bool is_name(const Token& t) {
  return t.kind == TokenKind::kWord || t.kind == TokenKind::kQuotedName;
}
bool goes_before_index(Keyword keyword) {
  switch (keyword) {
    case Keyword::kCREATE:
    case Keyword::kREPLACE:
    case Keyword::kUNIQUE:
    case Keyword::kRANGE:
    case Keyword::kBTREE:
    case Keyword::kTEXT:
    case Keyword::kPOINT:
    case Keyword::kLOOKUP:
    case Keyword::kVECTOR:
    case Keyword::kFULLTEXT: return true;
    default: return false;
  }
}

class Normalizer {
 public:
  Normalizer(std::string_view text, Normalized& out) : text_(text), out_(out) {}

  void run() {
    out_.key.clear();
    out_.values.clear();
    out_.offsets.clear();
    if (text_.size() > kTextMax || !pass()) {
      // Not sure: the text itself is the key. The first byte tells such keys from the others, which begin with a word.
      out_.key.assign(1, kVerbatim);
      out_.key.append(text_);
      out_.values.clear();
      out_.offsets.clear();
    }
  }

 private:
  // What an open bracket is, for the literals directly in it.
  enum class Inside : uint8_t { kOrdinary, kRelationship, kQuantifier, kVectorSize };
  struct Open {
    TokenKind close;
    Inside inside;
  };
  // An item of RETURN that may turn out to have no AS.
  struct Item {
    uint32_t text_start;
    uint32_t key_start;
    uint32_t value_count;
    uint32_t changes;
    uint32_t depth;
    uint32_t tests;  // WHENs whose THEN has not come: commas there belong to CASE
    bool first;      // no token of it seen yet
  };
  static constexpr char kVerbatim = '\x01';
  static constexpr size_t kOpenMax = 64;
  static constexpr size_t kItemsMax = 8;

  bool pass() {
    const size_t n = text_.size();
    out_.key.reserve(n + 32);
    size_t at = 0;
    while (true) {
      if (pass_blank(text_, &at)) {
        Status error;
        at = skip_blank(text_, static_cast<uint32_t>(at), error);
        if (!error.ok()) return false;
      }
      if (at >= n) break;
      size_t end = next_token(at);
      if (token_.kind == TokenKind::kError) return false;
      close_gap(at);
      token_end_ = static_cast<uint32_t>(end);
      if (!step()) return false;
      before2_ = before_;
      before_ = token_;
      before_end_ = token_end_;
      ++seen_;
      at = end;
    }
    while (item_count_ > 0) finish_item();
    flush(before_end_);
    while (!out_.key.empty() && (out_.key.back() == ';' || out_.key.back() == ' ')) out_.key.pop_back();
    return true;
  }

  // Scans the token at `at` into token_; returns its end.
  size_t next_token(size_t at) {
    const char* p = text_.data();
    const size_t n = text_.size();
    if (const size_t end = scan_common(p, at, n, token_); end != 0) return end;
    if (kCharClasses[static_cast<unsigned char>(p[at])] == kDigit) {
      size_t end = at + 1;
      while (end < n && kCharClasses[static_cast<unsigned char>(p[end])] == kDigit) ++end;
      const bool whole = end == n || (p[end] != '.' && kCharClasses[static_cast<unsigned char>(p[end])] != kNameStart);
      if (whole && end - at <= 18) {
        token_ = Token{
            static_cast<uint32_t>(at), static_cast<uint32_t>(end - at), TokenKind::kInteger, Keyword::kNone, true, 0};
        return end;
      }
    }
    Status error;
    return lex_one(text_, static_cast<uint32_t>(at), token_, error);
  }

  // --- the key: runs of the text, with blanks and comments between tokens as at most one blank ---

  void flush(uint32_t end) {
    if (end > run_start_) out_.key.append(text_.data() + run_start_, end - run_start_);
    run_start_ = end;
  }
  void close_gap(size_t at) {
    size_t gap = at - before_end_;
    if (gap == 0 || (gap == 1 && text_[before_end_] == ' ' && seen_ > 0)) return;
    flush(before_end_);
    if (seen_ > 0) out_.key += ' ';
    run_start_ = static_cast<uint32_t>(at);
    ++changes_;
  }

  bool step() {
    // Schema commands keep their text.
    if (seen_ < 8 && token_.kind == TokenKind::kWord) {
      bool schema = false;
      switch (token_.keyword) {
        case Keyword::kSHOW:
        case Keyword::kDROP:
          if (seen_ == 0 || before_.keyword == Keyword::kEXPLAIN || before_.keyword == Keyword::kPROFILE) schema = true;
          break;
        case Keyword::kINDEX:
        case Keyword::kCONSTRAINT: schema = goes_before_index(before_.keyword); break;
        case Keyword::kCYPHER: schema = seen_ == 0; break;
        default: break;
      }
      if (schema) return false;
    }
    if (item_count_ > 0 && ends_item()) {
      bool comma = token_.kind == TokenKind::kComma;
      finish_item();
      if (comma) return start_item();
    } else if (item_count_ > 0 && items_[item_count_ - 1].first) {
      Item& item = items_[item_count_ - 1];
      if (token_.keyword == Keyword::kDISTINCT) return true;
      item.first = false;
      item.text_start = token_.offset;
      flush(token_.offset);
      item.key_start = static_cast<uint32_t>(out_.key.size());
      item.changes = changes_;
    }
    switch (token_.kind) {
      case TokenKind::kLeftParen:
      case TokenKind::kLeftBracket:
      case TokenKind::kLeftBrace: return open();
      case TokenKind::kRightParen:
      case TokenKind::kRightBracket:
      case TokenKind::kRightBrace:
        if (open_count_ == 0 || opens_[open_count_ - 1].close != token_.kind) return false;
        --open_count_;
        return true;
      case TokenKind::kWord:
        if (token_.keyword == Keyword::kNone) break;
        return word();
      case TokenKind::kInteger:
      case TokenKind::kFloat:
      case TokenKind::kString:
        if (keeps_literal()) break;
        return strip();
      default: break;
    }
    return true;
  }

  bool open() {
    if (open_count_ == kOpenMax) return false;
    Open o{TokenKind::kRightParen, Inside::kOrdinary};
    if (token_.kind == TokenKind::kLeftBracket) {
      o.close = TokenKind::kRightBracket;
      if (before_.kind == TokenKind::kMinus) o.inside = Inside::kRelationship;
    } else if (token_.kind == TokenKind::kLeftBrace) {
      o.close = TokenKind::kRightBrace;
      if (before_.kind == TokenKind::kRightParen || before_.kind == TokenKind::kMinus ||
          before_.kind == TokenKind::kGreater) {
        Status error;
        uint32_t next = skip_blank(text_, token_end_, error);
        char c = next < text_.size() ? text_[next] : '\0';
        if ((c >= '0' && c <= '9') || c == ',') o.inside = Inside::kQuantifier;
      }
    } else if (before_.keyword == Keyword::kVECTOR || before_.kind == TokenKind::kGreater) {
      o.inside = Inside::kVectorSize;
    }
    opens_[open_count_++] = o;
    return true;
  }

  bool word() {
    bool property = before_.kind == TokenKind::kDot || before_.kind == TokenKind::kDollar;
    switch (token_.keyword) {
      case Keyword::kTRUE:
      case Keyword::kFALSE: {
        if (property || before_.kind == TokenKind::kColon || before_.kind == TokenKind::kAmpersand ||
            before_.kind == TokenKind::kExclamation || before_.kind == TokenKind::kPipe ||
            before_.keyword == Keyword::kAS) {
          // A property, label or alias of that name; or a map value, which is worth a look.
          bool map_value = before_.kind == TokenKind::kColon && open_count_ > 0 &&
                           opens_[open_count_ - 1].close == TokenKind::kRightBrace && is_name(before2_);
          if (!map_value) break;
        }
        // Not a key or a function (`true:`, `true(`), nor the variable of a node (`(true)`) or relationship.
        Status error;
        uint32_t next = skip_blank(text_, token_end_, error);
        char c = next < text_.size() ? text_[next] : '\0';
        if (c == ':' || c == '(' || c == '.' || c == '{' || keeps_literal()) break;
        if (before_.kind == TokenKind::kLeftParen && c == ')') break;
        if (before_.kind == TokenKind::kLeftBracket && opens_[open_count_ - 1].inside == Inside::kRelationship) break;
        return strip();
      }
      case Keyword::kWHEN:
      case Keyword::kTHEN:
        if (item_count_ > 0 && items_[item_count_ - 1].depth == open_count_ && is_case_word()) {
          uint32_t& tests = items_[item_count_ - 1].tests;
          if (token_.keyword == Keyword::kWHEN) {
            ++tests;
          } else if (tests > 0) {
            --tests;
          }
        }
        break;
      case Keyword::kWHERE:
        if (!property && open_count_ > 0 && opens_[open_count_ - 1].inside == Inside::kRelationship) {
          opens_[open_count_ - 1].inside = Inside::kOrdinary;
        }
        break;
      case Keyword::kRETURN:
        if (!property && before_.keyword != Keyword::kAS) {
          // Two in one bracket without UNION between them: a variable of that name. Leave it.
          if (item_count_ > 0 && items_[item_count_ - 1].depth == open_count_) return false;
          return start_item();
        }
        break;
      default: break;
    }
    return true;
  }

  // WHEN and THEN as such: not a property, label, alias or variable (`when.x`) of that name.
  bool is_case_word() const {
    switch (before_.kind) {
      case TokenKind::kDot:
      case TokenKind::kColon:
      case TokenKind::kPipe:
      case TokenKind::kAmpersand:
      case TokenKind::kExclamation: return false;
      default: break;
    }
    if (before_.keyword == Keyword::kAS) return false;
    Status error;
    uint32_t next = skip_blank(text_, token_end_, error);
    return next >= text_.size() || text_[next] != '.' ||
           (next + 1 < text_.size() && text_[next + 1] >= '0' && text_[next + 1] <= '9');
  }

  // The literal at hand is one that the compiler needs.
  bool keeps_literal() const {
    if (open_count_ > 0 && opens_[open_count_ - 1].inside != Inside::kOrdinary) return true;
    switch (before_.keyword) {
      case Keyword::kOF:
      case Keyword::kSHORTEST:
      case Keyword::kANY:
      case Keyword::kFIELDTERMINATOR: return true;
      case Keyword::kIN: return token_.kind != TokenKind::kString;
      default: return false;
    }
  }

  bool strip() {
    if (seen_ == 0) return false;
    std::string_view text = text_.substr(token_.offset, token_.length());
    char mark;
    switch (token_.kind) {
      case TokenKind::kInteger: {
        mark = 'i';
        if (token_.plain && text.size() <= 18) {
          int64_t value = 0;
          for (char c : text) value = value * 10 + (c - '0');
          out_.values.push_back(Value::integer(value));
          break;
        }
        auto value = decode_integer(text, token_.offset, false);
        if (!value.ok()) return true;
        out_.values.push_back(Value::integer(*value));
        break;
      }
      case TokenKind::kFloat: {
        auto value = decode_float(text, token_.offset);
        if (!value.ok()) return true;
        out_.values.push_back(Value::floating(*value));
        mark = 'f';
        break;
      }
      case TokenKind::kString:
        if (token_.plain) {
          out_.values.push_back(Value::string(text.substr(1, text.size() - 2)));
        } else {
          std::string decoded;
          if (!decode_string(text, token_.offset, decoded).ok()) return false;
          out_.values.push_back(Value::string(decoded));
        }
        mark = 's';
        break;
      default:
        out_.values.push_back(Value::boolean(token_.keyword == Keyword::kTRUE));
        mark = 'b';
        break;
    }
    out_.offsets.push_back(token_.offset);
    flush(token_.offset);
    out_.key += '?';
    out_.key += mark;
    run_start_ = token_end_;
    ++changes_;
    return true;
  }

  // --- RETURN items ---

  bool start_item() {
    if (item_count_ == kItemsMax) return false;
    Item item{};
    item.value_count = static_cast<uint32_t>(out_.values.size());
    item.depth = open_count_;
    item.first = true;
    items_[item_count_++] = item;
    return true;
  }

  // Whether the token at hand ends the innermost open item.
  bool ends_item() const {
    const Item& item = items_[item_count_ - 1];
    if (open_count_ > item.depth) return false;
    switch (token_.kind) {
      case TokenKind::kComma: return item.tests == 0;
      case TokenKind::kSemicolon:
      case TokenKind::kRightBrace:
      case TokenKind::kRightParen:
      case TokenKind::kRightBracket: return true;
      default: break;
    }
    if (before_.kind == TokenKind::kDot || item.first) return false;
    switch (token_.keyword) {
      case Keyword::kUNION: return !joins(before_);
      case Keyword::kORDER: return next_word() == Keyword::kBY;
      case Keyword::kSKIP:
      case Keyword::kLIMIT:
      case Keyword::kOFFSET: {
        Status error;
        uint32_t next = skip_blank(text_, token_end_, error);
        char c = next < text_.size() ? text_[next] : '\0';
        return (c >= '0' && c <= '9') || c == '$';
      }
      default: return false;
    }
  }

  // Tokens after which an operand must come, so that a keyword there is a name.
  static bool joins(const Token& t) {
    switch (t.kind) {
      case TokenKind::kWord:
        switch (t.keyword) {
          case Keyword::kAND:
          case Keyword::kOR:
          case Keyword::kXOR:
          case Keyword::kNOT:
          case Keyword::kIN:
          case Keyword::kAS:
          case Keyword::kDISTINCT:
          case Keyword::kRETURN:
          case Keyword::kCONTAINS:
          case Keyword::kCASE:
          case Keyword::kWHEN:
          case Keyword::kTHEN:
          case Keyword::kELSE:
          case Keyword::kWITH: return true;
          default: return false;
        }
      case TokenKind::kRightParen:
      case TokenKind::kRightBracket:
      case TokenKind::kRightBrace:
      case TokenKind::kQuotedName:
      case TokenKind::kString:
      case TokenKind::kInteger:
      case TokenKind::kFloat:
      case TokenKind::kStar:
      case TokenKind::kParameter: return false;
      default: return true;
    }
  }

  Keyword next_word() const {
    Status error;
    uint32_t next = skip_blank(text_, token_end_, error);
    if (!error.ok()) return Keyword::kNone;
    Token t;
    lex_one(text_, next, t, error);
    return t.kind == TokenKind::kWord ? t.keyword : Keyword::kNone;
  }

  // The innermost item is complete: its last token is before_. Without AS its text names the column and stays.
  void finish_item() {
    const Item item = items_[--item_count_];
    if (item.first) return;
    bool aliased = is_name(before_) && before2_.keyword == Keyword::kAS && before2_.offset > item.text_start;
    if (aliased) return;
    if (item.changes == changes_) return;
    out_.key.resize(item.key_start);
    run_start_ = item.text_start;
    flush(before_end_);
    // The gap before the token at hand is closed already when it is not a single blank.
    if (token_.offset > before_end_) {
      if (token_.offset != before_end_ + 1 || text_[before_end_] != ' ') {
        out_.key += ' ';
        run_start_ = token_.offset;
      }
    }
    out_.values.resize(item.value_count);
    out_.offsets.resize(item.value_count);
  }

  std::string_view text_;
  Normalized& out_;
  Token token_{};
  Token before_{};
  Token before2_{};
  uint32_t token_end_ = 0;
  uint32_t before_end_ = 0;
  uint64_t seen_ = 0;
  uint32_t run_start_ = 0;  // the text from here on is not in the key yet
  uint32_t changes_ = 0;    // places where the key differs from the text
  uint32_t open_count_ = 0;
  uint32_t item_count_ = 0;
  Open opens_[kOpenMax];
  Item items_[kItemsMax];
};

}  // namespace

void normalize(std::string_view text, Normalized& out) {
  Normalizer(text, out).run();
}

Normalized normalize(std::string_view text) {
  Normalized out;
  normalize(text, out);
  return out;
}

}  // namespace lora::cypher

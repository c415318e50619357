#include "tests/reference/shrink.h"

#include <algorithm>
#include <vector>

namespace lora::reference {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (text[at] == ' ') {
      at = end;
      continue;
    }
    if (text[at] == '\'') {
      end = text.find('\'', at + 1);
      end = end == std::string::npos ? text.size() : end + 1;
    } else if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    } else if (text[at] == '<' || text[at] == '>' || text[at] == '-') {
      while (end < text.size() && (text[end] == '<' || text[end] == '>' || text[end] == '-' || text[end] == '=')) ++end;
    }
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string text_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const bool tight = text.empty() || ((word == "(" || word == ":" || word == ")") && text.back() != ' ' &&
                                        is_word(text.back()) && word != "(");
    text += (tight ? "" : " ") + word;
  }
  return text;
}

class Shrinker {
 public:
  Shrinker(Case best, const std::function<bool(const Case&)>& fails, size_t tries)
      : best_(std::move(best)), fails_(fails), tries_(tries) {}

  Case run() {
    for (bool better = true; better && tries_ > 0;) {
      better = query();
      better |= graph();
    }
    return best_;
  }

 private:
  bool attempt(Case smaller) {
    if (tries_ == 0) return false;
    --tries_;
    if (!fails_(smaller)) return false;
    best_ = std::move(smaller);
    return true;
  }

  bool query() {
    bool better = false;
    std::vector<std::string> words = words_of(best_.query);
    const auto try_words = [&](std::vector<std::string> fewer) {
      if (!attempt({best_.graph, text_of(fewer)})) return false;
      words = std::move(fewer);
      better = true;
      return true;
    };
    for (size_t length = words.size(); length > 0; length = std::min(length - 1, words.size())) {
      for (size_t at = 0; at + length <= words.size() && tries_ > 0;) {
        std::vector<std::string> fewer = words;
        bool cut = balanced(words, at, length);
        if (cut) {
          fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(at), fewer.begin() + static_cast<ptrdiff_t>(at + length));
          cut = !fewer.empty() && try_words(fewer);
          // A whole expression becomes the least one.
          for (const char* least : {"1", "true", "null"}) {
            if (cut || length < 3) break;
            std::vector<std::string> plain = fewer;
            plain.insert(plain.begin() + static_cast<ptrdiff_t>(at), least);
            if (try_words(plain)) break;
          }
        }
        if (!cut) ++at;
      }
    }
    return better;
  }

  static bool balanced(const std::vector<std::string>& words, size_t at, size_t length) {
    int open = 0;
    for (size_t i = at; i < at + length; ++i) {
      if (words[i] == "(" || words[i] == "[" || words[i] == "{") ++open;
      if (words[i] == ")" || words[i] == "]" || words[i] == "}") --open;
      if (open < 0) return false;
    }
    return open == 0;
  }

  bool graph() {
    bool better = false;
    const auto change = [&](auto&& edit) {
      Case smaller = best_;
      edit(smaller.graph);
      if (attempt(std::move(smaller))) better = true;
    };
    const ReferenceGraph whole = best_.graph;
    for (const auto& [id, r] : whole.relationships) {
      change([&](ReferenceGraph& g) { g.relationships.erase(id); });
    }
    for (const auto& [id, n] : whole.nodes) {
      const bool alone =
          std::none_of(best_.graph.relationships.begin(), best_.graph.relationships.end(),
                       [&, id = id](const auto& r) { return r.second.start == id || r.second.end == id; });
      if (alone) change([&](ReferenceGraph& g) { g.nodes.erase(id); });
    }
    for (const auto& [id, n] : whole.nodes) {
      if (!best_.graph.nodes.contains(id)) continue;
      for (const std::string& label : n.labels) {
        change([&](ReferenceGraph& g) { g.nodes.at(id).labels.erase(label); });
      }
      for (const auto& [key, value] : n.properties) {
        change([&](ReferenceGraph& g) { g.nodes.at(id).properties.erase(key); });
      }
    }
    for (const auto& [id, r] : whole.relationships) {
      if (!best_.graph.relationships.contains(id)) continue;
      for (const auto& [key, value] : r.properties) {
        change([&](ReferenceGraph& g) { g.relationships.at(id).properties.erase(key); });
      }
    }
    return better;
  }

  Case best_;
  const std::function<bool(const Case&)>& fails_;
  size_t tries_;
};

}  // namespace

Case shrink(Case failing, const std::function<bool(const Case&)>& fails, size_t tries_max) {
  return Shrinker(std::move(failing), fails, tries_max).run();
}

}  // namespace lora::reference

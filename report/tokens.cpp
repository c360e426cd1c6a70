#include "report/tokens.hpp"

#include <algorithm>
#include <array>

namespace tenbit::report {

namespace {

enum class char_class : std::uint8_t { letter, ideograph, digit, space, newline, other };

struct scanned_char {
  char_class kind = char_class::other;
  std::size_t bytes = 1;
  char ascii = 0; // lower case; 0 outside ASCII
};

char_class classify_ascii(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
    return char_class::letter;
  if (c >= '0' && c <= '9')
    return char_class::digit;
  if (c == '\n' || c == '\r')
    return char_class::newline;
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' ? char_class::space : char_class::other;
}

struct code_range {
  std::uint32_t first, last;
};

template <std::size_t N> bool within(std::uint32_t code, const std::array<code_range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const code_range& r) { return code >= r.first && code <= r.last; });
}

// Blocks, not the full category tables: enough for an estimate.
constexpr std::array<code_range, 6> spaces{{{0x85, 0x85},
                                            {0xA0, 0xA0},
                                            {0x2000, 0x200A},
                                            {0x2028, 0x2029},
                                            {0x202F, 0x202F},
                                            {0x3000, 0x3000}}};
constexpr std::array<code_range, 9> symbols{{{0x80, 0xBF},
                                             {0xD7, 0xD7},
                                             {0xF7, 0xF7},
                                             {0x200B, 0x2BFF},
                                             {0x3001, 0x303F},
                                             {0xE000, 0xF8FF},
                                             {0xFE00, 0xFE6F},
                                             {0xFF00, 0xFF20},
                                             {0x1F000, 0x1FAFF}}};
constexpr std::array<code_range, 4> ideographs{
    {{0x2E80, 0x9FFF}, {0xAC00, 0xD7AF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF}}};

char_class classify(std::uint32_t code) {
  if (within(code, spaces))
    return char_class::space;
  if (within(code, symbols))
    return char_class::other;
  return within(code, ideographs) ? char_class::ideograph : char_class::letter;
}

// The character at `at`. An ill-formed byte counts as one symbol.
scanned_char scan(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) {
    const char c = text[at];
    return {classify_ascii(c), 1, c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
  if (length == 1 || lead > 0xF4 || at + length > text.size())
    return {};
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0U) != 0x80U)
      return {};
    code = code << 6 | (next & 0x3FU);
  }
  return {classify(code), length, 0};
}

bool is_letter(char_class kind) {
  return kind == char_class::letter || kind == char_class::ideograph;
}

std::uint64_t ceil_div(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}

// Whole words of up to nine letters are nearly always in the vocabulary; longer ones fall apart
// into pieces of about five. Outside ASCII about two letters share a token; an ideograph takes one
// or more.
struct word_cost {
  std::uint64_t ascii = 0, foreign = 0, ideographs = 0;
  [[nodiscard]] std::uint64_t tokens() const {
    const std::uint64_t latin = ascii == 0 ? 0 : ascii <= 9 ? 1 : 1 + ceil_div(ascii - 9, 5);
    return std::max<std::uint64_t>(1, latin + ceil_div(foreign, 2) + ideographs);
  }
};

class cl100k_splitter {
public:
  explicit cl100k_splitter(std::string_view text) : text_(text) {}

  std::uint64_t count() {
    std::uint64_t tokens = 0;
    while (at_ < text_.size())
      tokens += contraction() ? 1 : piece();
    return tokens;
  }

private:
  // 's 't 'm 'd 're 've 'll, in any case.
  bool contraction() {
    if (text_[at_] != '\'' || at_ + 1 >= text_.size())
      return false;
    const char first = scan(text_, at_ + 1).ascii;
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      at_ += 2;
      return true;
    }
    const char second = at_ + 2 < text_.size() ? scan(text_, at_ + 2).ascii : '\0';
    const bool pair = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                      (first == 'l' && second == 'l');
    if (pair)
      at_ += 3;
    return pair;
  }

  std::uint64_t piece() {
    const scanned_char here = scan(text_, at_);
    if (is_letter(here.kind))
      return word();
    if (here.kind == char_class::digit)
      return digits();
    const std::size_t after = at_ + here.bytes;
    const bool leads = here.kind == char_class::space || here.kind == char_class::other;
    if (leads && after < text_.size() && is_letter(scan(text_, after).kind)) {
      at_ = after; // one character before a word is part of it
      const bool merged = here.ascii == ' ' || here.ascii == '\t' || here.ascii == '_' ||
                          here.ascii == '.' || here.ascii == '(' || here.ascii == '/';
      return word() + (merged || here.kind == char_class::space ? 0 : 1);
    }
    if (here.kind == char_class::other)
      return punctuation();
    if (here.ascii == ' ' && after < text_.size() && scan(text_, after).kind == char_class::other) {
      at_ = after;
      return punctuation();
    }
    return white_space();
  }

  std::uint64_t word() {
    word_cost cost;
    while (at_ < text_.size()) {
      const scanned_char c = scan(text_, at_);
      if (!is_letter(c.kind))
        break;
      ++(c.kind == char_class::ideograph ? cost.ideographs
         : c.ascii != 0                  ? cost.ascii
                                         : cost.foreign);
      at_ += c.bytes;
    }
    return cost.tokens();
  }

  std::uint64_t digits() {
    for (int taken = 0; taken < 3 && at_ < text_.size(); ++taken) {
      if (scan(text_, at_).kind != char_class::digit)
        break;
      ++at_;
    }
    return 1;
  }

  // A run of symbols and the line ends after it. Common runs merge three by three; a symbol outside
  // ASCII takes about two tokens of its own.
  std::uint64_t punctuation() {
    std::uint64_t ascii = 0, foreign = 0;
    while (at_ < text_.size()) {
      const scanned_char c = scan(text_, at_);
      if (c.kind != char_class::other)
        break;
      ++(c.ascii != 0 ? ascii : foreign);
      at_ += c.bytes;
    }
    while (at_ < text_.size() && scan(text_, at_).kind == char_class::newline)
      ++at_;
    return std::max<std::uint64_t>(1, ceil_div(ascii, 3) + 2 * foreign);
  }

  // Up to the last line end; else all but the last space, which belongs to the word after it.
  std::uint64_t white_space() {
    std::size_t end = at_, last_line_end = 0, last_start = at_;
    while (end < text_.size()) {
      const scanned_char c = scan(text_, end);
      if (c.kind != char_class::space && c.kind != char_class::newline)
        break;
      last_start = end;
      end += c.bytes;
      if (c.kind == char_class::newline)
        last_line_end = end;
    }
    if (last_line_end > at_)
      at_ = last_line_end;
    else
      at_ = end < text_.size() && last_start > at_ ? last_start : end;
    return 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace

std::uint64_t estimate_cl100k_tokens(std::string_view text) {
  return cl100k_splitter(text).count();
}

} // namespace tenbit::report

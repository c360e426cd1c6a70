#include "config/toml_guard.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::config {
namespace {

// Walks over TOML text, telling keys and values from comments and the four kinds of strings. It may
// lose its way after a syntax error, but there toml++ stops.
class scanner {
public:
  explicit scanner(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) // a byte order mark is allowed
      text_.remove_prefix(3);
  }

  std::optional<syntax_error> first_fault() {
    std::size_t parts = 1;
    while (at_ < text_.size() && !fault_) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (c == '.' && ++parts > limits::config_key_parts_max)
        found(fmt::format("a key has more than {} parts", limits::config_key_parts_max));
      if (foreign())
        found("a character that is not ASCII stands outside of quotes");
      if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos)
        parts = 1;
      advance();
    }
    return fault_;
  }

private:
  void found(std::string message) {
    if (!fault_)
      fault_ = syntax_error{line_, std::move(message)};
  }
  void advance(std::size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count) // a string that never ends may ask for more
      if (text_[at_++] == '\n')
        ++line_;
  }
  bool stands(std::string_view what) const { return text_.substr(at_, what.size()) == what; }
  bool blank() const {
    return at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos;
  }
  bool foreign() const {
    return at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80U;
  }

  void skip_escape(bool multi_line) {
    advance();
    if (multi_line && blank()) { // the line goes on at the next character that is no blank
      while (blank())
        advance();
    } else if (!foreign()) {
      advance();
      return;
    }
    if (foreign())
      found("a character that is not ASCII follows a backslash");
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool multi_line = stands(three);
    const std::string_view end = std::string_view(three).substr(multi_line ? 0 : 2);
    advance(end.size());
    while (at_ < text_.size() && !stands(end) && !fault_) {
      if (!multi_line && text_[at_] == '\n')
        return; // a syntax error that toml++ reports
      if (quote == '"' && text_[at_] == '\\')
        skip_escape(multi_line);
      else
        advance();
    }
    advance(end.size());
    for (int extra = 0; multi_line && extra < 2 && stands(end.substr(2)); ++extra)
      advance(); // up to two quotes may stand before the closing three
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::optional<syntax_error> fault_;
};

} // namespace

std::optional<syntax_error> dangerous_toml(std::string_view text) {
  return scanner(text).first_fault();
}

std::uint32_t line_of_heading_without_key(std::string_view text) {
  std::uint32_t number = 0;
  for (std::string_view line : split_lines(text)) {
    ++number;
    line = trim(line);
    if (!line.starts_with('['))
      continue;
    line = trim(line.substr(line.starts_with("[[") ? 2 : 1));
    const char first = line.empty() ? ']' : lower_ascii(line.substr(0, 1))[0];
    if (std::string_view("abcdefghijklmnopqrstuvwxyz0123456789_-\"']").find(first) ==
        std::string_view::npos)
      return number;
  }
  return 0;
}

} // namespace tenbit::config

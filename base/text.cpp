#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>

namespace tenbit {
namespace {

struct decoded {
  std::uint32_t code = 0;
  std::size_t length = 0; // 0: the byte at this place is ill-formed
};

bool continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

decoded decode_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80U)
    return {lead, 1};
  std::size_t length = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if ((lead & 0xE0U) == 0xC0U) {
    length = 2, code = lead & 0x1FU, least = 0x80U;
  } else if ((lead & 0xF0U) == 0xE0U) {
    length = 3, code = lead & 0x0FU, least = 0x800U;
  } else if ((lead & 0xF8U) == 0xF0U) {
    length = 4, code = lead & 0x07U, least = 0x10000U;
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (!continuation(text, at + i))
      return {};
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  if (code < least || code > 0x10FFFFU || (code >= 0xD800U && code <= 0xDFFFU))
    return {};
  return {code, length};
}

bool bidirectional_control(std::uint32_t code) {
  return (code >= 0x202AU && code <= 0x202EU) || (code >= 0x2066U && code <= 0x2069U) ||
         code == 0x200EU || code == 0x200FU;
}

void append_safe(std::string& out, std::string_view text, std::size_t at, const decoded& here) {
  if (here.length == 0)
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
  else if (here.code < 0x20U || here.code == 0x7FU || (here.code >= 0x80U && here.code < 0xA0U))
    out += fmt::format("\\x{:02x}", here.code);
  else if (bidirectional_control(here.code))
    out += fmt::format("\\u{:04x}", here.code);
  else
    out.append(text.substr(at, here.length));
}

// Insertions, deletions, replacements and swaps of neighbours, the commonest slip, cost one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1); // two rows up
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] != b[j - 1] ? 1U : 0U);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

} // namespace

bool valid_utf8(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = 0;
    if (at + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & high_bits) == 0) { // ASCII, most of what there is
        at += sizeof eight;
        continue;
      }
    }
    const auto here = decode_at(text, at);
    if (here.length == 0)
      return false;
    at += here.length;
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto here = decode_at(text, at);
    if (here.length == 0)
      out += "\xEF\xBF\xBD";
    else
      out.append(text.substr(at, here.length));
    at += std::max<std::size_t>(here.length, 1);
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto here = decode_at(text, at);
    if (text[at] == '\n' || text[at] == '\t')
      out.push_back(text[at]);
    else
      append_safe(out, text, at, here);
    at += std::max<std::size_t>(here.length, 1);
  }
  return out;
}

std::string one_line(std::string_view text, std::size_t max_chars) {
  std::string out;
  std::size_t shown = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (shown == max_chars)
      return out + "…";
    const auto here = decode_at(text, at);
    if (text[at] == '\n')
      out += "\\n";
    else if (text[at] == '\t')
      out += "\\t";
    else
      append_safe(out, text, at, here);
    at += std::max<std::size_t>(here.length, 1);
    ++shown;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view blank = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& names) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  for (std::string_view name : names) {
    const auto distance = edit_distance(typed, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

} // namespace tenbit

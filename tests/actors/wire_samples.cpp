#include "tests/actors/wire_samples.hpp"

#include "actors/wire.hpp"

namespace tenbit::wire_test {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto low = [&](int shift) {
    out.push_back(static_cast<char>(0x80U | (code >> shift & 0x3FU)));
  };
  if (code < 0x80U) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800U) {
    out.push_back(static_cast<char>(0xC0U | code >> 6));
    low(0);
  } else if (code < 0x10000U) {
    out.push_back(static_cast<char>(0xE0U | code >> 12));
    low(6), low(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | code >> 18));
    low(12), low(6), low(0);
  }
}

} // namespace

source counting() {
  auto next = std::make_shared<std::uint64_t>(0);
  source out;
  out.number = [next] { return ++*next; };
  out.text = [next] { return "t" + std::to_string(++*next); };
  out.items = [] { return std::size_t{2}; };
  out.coin = [] { return true; };
  return out;
}

source random_source(std::uint64_t seed) {
  auto random = std::make_shared<std::mt19937_64>(seed);
  source out;
  out.number = [random] { return (*random)() >> ((*random)() % 64); };
  out.text = [random] {
    std::string text;
    for (auto left = (*random)() % 12; left > 0; --left) {
      const auto code = static_cast<std::uint32_t>((*random)() >> ((*random)() % 21 + 43));
      const bool character = code < 0xD800U || (code > 0xDFFFU && code <= 0x10FFFFU);
      append_utf8(text, character ? code : 0x20U);
    }
    return text;
  };
  out.items = [random] { return static_cast<std::size_t>((*random)() % 20); };
  out.coin = [random] { return (*random)() % 2 == 0; };
  return out;
}

std::uint64_t last_of(party) {
  return static_cast<std::uint64_t>(party::grader);
}
std::uint64_t last_of(answer) {
  return static_cast<std::uint64_t>(answer::unknown);
}
std::uint64_t last_of(chat_role) {
  return static_cast<std::uint64_t>(chat_role::assistant);
}
std::uint64_t last_of(call_error) {
  return static_cast<std::uint64_t>(call_error::diverged);
}
std::uint64_t last_of(release_kind) {
  return static_cast<std::uint64_t>(release_kind::diverged);
}
std::uint64_t last_of(endpoint_action) {
  return static_cast<std::uint64_t>(endpoint_action::limit);
}

std::uint64_t last_of(lease_phase) {
  return static_cast<std::uint64_t>(lease_phase::grading);
}

bool same_gold(const gold& a, const gold& b) {
  return wire::encode(to_peer(grade_request{{}, a})) == wire::encode(to_peer(grade_request{{}, b}));
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

} // namespace tenbit::wire_test

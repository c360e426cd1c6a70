// Rendering and matching of arith's sentence templates.
//
// Pure functions, thread-safe, never fail on input: text that does not match is a false, never an
// error. One match reads at most a bounded number of bytes (template, one name, seven digits), so a
// scan of hostile text is linear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "benchmarks/arith_language.hpp"

namespace tenbit::arith {

// What the slots of one problem stand for. Person, other and thing are the same through a problem;
// the numbers belong to one clause.
struct bindings {
  const person* who = nullptr;
  const person* other = nullptr;
  std::string_view thing;
  std::int64_t a = 0;
  std::int64_t b = 0;
};

// The template with its slots filled. Every slot it uses must be bound; equation fills {=}.
[[nodiscard]] std::string render(std::string_view pattern, const bindings& bound,
                                 std::string_view equation = {});

// Matches the template at text[at]. On success moves `at` behind it and binds the slots that were
// not bound; on failure leaves both as they are.
[[nodiscard]] bool match(std::string_view pattern, const frame& story, std::string_view text,
                         std::size_t& at, bindings& bound);

} // namespace tenbit::arith

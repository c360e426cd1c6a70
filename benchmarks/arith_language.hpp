// The closed language of arith: story frames, their sentence templates, and what each sentence
// computes.
//
// One table serves both directions: generate() renders the templates and parse() matches them, so
// the two cannot drift apart. Changing a text here changes every arith problem, hence every
// experiment's identity. Immutable static tables, thread-safe; never fails.
//
// Slots of a template: {N} the person, {O} another person, {S} {s} She/she, {H} {h} Her/her, {t}
// the frame's thing, {a} {b} numbers of the clause, {=} the equation of a step.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenbit::arith {

struct person {
  std::string_view name;
  bool female = true;
};

// How the generator draws a number of a clause. The parser takes any number that computes.
enum class draw : std::uint8_t {
  amount,  // a count of things
  part,    // less than the running value
  factor,  // a small multiplier, divisor or count of groups
  price,   // dollars for one thing, or another small rate
  percent, // of the running value
};

// One step: result = left operation right. Operands: 'V' the running value before the clause, 'P'
// the result of the previous step, 'a' 'b' the numbers of the clause, '2' and 'H' (one hundred)
// constants.
struct step_rule {
  char left;
  char operation;
  char right;
  std::string_view sentence; // with {=}
  std::string_view quantity; // what the result is
};

// A part of the question: an opening, a middle or a finish. After it the running value is the
// result of its last step; an opening without steps sets it to {a}.
struct clause {
  std::string_view text;
  std::vector<draw> draws; // of {a} and {b}
  std::vector<step_rule> steps;
};

struct frame {
  std::vector<std::string_view> things;
  std::vector<clause> openings;
  std::vector<clause> middles;
  std::vector<clause> finishes;
};

[[nodiscard]] const std::vector<person>& people();
[[nodiscard]] const std::vector<frame>& frames();

// The frames, one maker each; frames() is the list of them.
[[nodiscard]] frame shop_frame();
[[nodiscard]] frame farm_frame();
[[nodiscard]] frame school_frame();
[[nodiscard]] frame travel_frame();
[[nodiscard]] frame baking_frame();
[[nodiscard]] frame savings_frame();

} // namespace tenbit::arith

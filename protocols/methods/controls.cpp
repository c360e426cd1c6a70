// Controls: the protocol with answers that hold no information. What they gain, asking itself
// gains.
#include "base/random.hpp"
#include "protocols/methods/methods.hpp"
#include "protocols/parsing.hpp"
#include "protocols/requests.hpp"

namespace tenbit::methods {
namespace {

answers coin_flips(std::uint64_t seed, std::size_t count) {
  random_stream random(seed);
  answers out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back((random.next() >> 63U) != 0 ? answer::yes : answer::no);
  return out;
}

} // namespace

program random_bits(context& ctx) {
  const auto draft = co_await ctx.generate(requests::draft(ctx.input()));
  const auto written = co_await ctx.generate(requests::questions(ctx.input(), draft.text));
  const auto questions = parse_questions(written.text, ctx.arm().questions, ctx.switches());
  if (questions.empty())
    co_return unchanged(draft);
  const auto drawn = coin_flips(ctx.seed(), questions.size());
  const auto answer =
      co_await ctx.generate(requests::revision(ctx.input(), draft.text, questions, drawn));
  co_return outcome{draft, answer, questions, {}, false};
}

program constant_yes(context& ctx) {
  const auto draft = co_await ctx.generate(requests::draft(ctx.input()));
  const auto written = co_await ctx.generate(requests::questions(ctx.input(), draft.text));
  const auto questions = parse_questions(written.text, ctx.arm().questions, ctx.switches());
  if (questions.empty())
    co_return unchanged(draft);
  const answers agreed(questions.size(), answer::yes);
  const auto answer =
      co_await ctx.generate(requests::revision(ctx.input(), draft.text, questions, agreed));
  co_return outcome{draft, answer, questions, {}, false};
}

} // namespace tenbit::methods

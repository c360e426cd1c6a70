#include "protocols/methods/methods.hpp"
#include "protocols/parsing.hpp"
#include "protocols/requests.hpp"

namespace tenbit::methods {

program qa(context& ctx) {
  const auto draft = co_await ctx.generate(requests::draft(ctx.input()));
  const auto written = co_await ctx.generate(requests::questions(ctx.input(), draft.text));
  const auto questions = parse_questions(written.text, ctx.arm().questions, ctx.switches());
  if (questions.empty())
    co_return unchanged(draft);
  const auto bits = co_await ctx.ask(requests::ask(ctx.input(), draft.text, questions));
  const auto answer =
      co_await ctx.generate(requests::revision(ctx.input(), draft.text, questions, bits));
  co_return outcome{draft, answer, questions, bits, false};
}

} // namespace tenbit::methods

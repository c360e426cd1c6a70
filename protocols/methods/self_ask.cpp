#include "protocols/methods/methods.hpp"
#include "protocols/oracle_protocol.hpp"
#include "protocols/parsing.hpp"
#include "protocols/requests.hpp"

namespace tenbit::methods {
namespace {

// Answers of the replies to requests::self_answers, which belong to one question each or to all.
using parsed = std::vector<std::optional<answer>>;

parsed parse_all(const context& ctx, const std::vector<generated>& replies, std::size_t questions) {
  const std::size_t per_reply = replies.size() == questions ? 1 : questions;
  parsed out;
  for (const generated& reply : replies) {
    const auto some = parse_answers(reply.text, per_reply, *ctx.input().exp, ctx.arm());
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

// The questions that have no answer yet; in one call the whole list is asked again.
std::vector<std::string> unanswered(const context& ctx, const std::vector<std::string>& questions,
                                    const parsed& so_far) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < questions.size(); ++i)
    if (!so_far[i])
      out.push_back(questions[i]);
  return out.empty() || ctx.arm().answers == answer_mode::each ? out : questions;
}

// Answers of the second try go where the first has none.
void fill(const context& ctx, parsed& first, const parsed& second) {
  const bool each = ctx.arm().answers == answer_mode::each;
  std::size_t next = 0; // in `second`, which holds only what was asked again
  for (std::size_t i = 0; i < first.size(); ++i)
    if (!first[i])
      first[i] = second[each ? next++ : i];
}

// What could not be parsed twice is no, as for the sender's answers.
answers settled(const parsed& found) {
  answers out;
  for (const auto& one : found)
    out.push_back(one.value_or(answer::no));
  return out;
}

} // namespace

program self_ask(context& ctx) {
  const auto draft = co_await ctx.generate(requests::draft(ctx.input()));
  const auto written = co_await ctx.generate(requests::questions(ctx.input(), draft.text));
  const auto questions = parse_questions(written.text, ctx.arm().questions, ctx.switches());
  if (questions.empty())
    co_return unchanged(draft);
  const auto replies =
      co_await ctx.all(requests::self_answers(ctx.input(), draft.text, questions, false));
  auto found = parse_all(ctx, replies, questions.size());
  const auto again = unanswered(ctx, questions, found);
  if (!again.empty()) {
    const auto second =
        co_await ctx.all(requests::self_answers(ctx.input(), draft.text, again, true));
    fill(ctx, found, parse_all(ctx, second, again.size()));
  }
  const auto own = settled(found);
  const auto answer =
      co_await ctx.generate(requests::revision(ctx.input(), draft.text, questions, own));
  co_return outcome{draft, answer, questions, {}, false};
}

} // namespace tenbit::methods

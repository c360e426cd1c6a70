#include <algorithm>

#include "benchmarks/grading.hpp"
#include "protocols/methods/methods.hpp"
#include "protocols/requests.hpp"

namespace tenbit::methods {
namespace {

// The first text whose answer the most texts give; texts without an answer have no vote. When
// nobody votes, the first text.
const generated& majority(const std::vector<generated>& texts) {
  struct candidate {
    std::string value;
    std::size_t first = 0;
    std::size_t votes = 0;
  };
  std::vector<candidate> candidates; // in order of their first text
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = extract_answer(texts[i].text);
    if (!value)
      continue;
    const auto known = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const candidate& c) { return c.value == *value; });
    if (known == candidates.end())
      candidates.push_back({std::move(*value), i, 1});
    else
      ++known->votes;
  }
  if (candidates.empty())
    return texts.front();
  const auto best =
      std::max_element(candidates.begin(), candidates.end(),
                       [](const candidate& a, const candidate& b) { return a.votes < b.votes; });
  return texts[best->first];
}

} // namespace

program resample(context& ctx) {
  // Nothing depends on the draft, so all texts are in flight together.
  std::vector<generate_request> wanted;
  wanted.push_back(requests::draft(ctx.input()));
  for (std::uint32_t k = 1; k <= ctx.arm().samples; ++k)
    wanted.push_back(requests::sample(ctx.input(), k));
  const auto texts = co_await ctx.all(std::move(wanted));
  outcome out;
  out.draft = texts.front();
  out.answer = ctx.arm().samples == 1 ? texts.back() : majority(texts);
  co_return out;
}

} // namespace tenbit::methods

#include "coordinator/gold_vault.hpp"

namespace tenbit {

std::vector<problem_row> gold_vault::rows(const benchmark& b) {
  std::vector<problem_row> out;
  out.reserve(b.problems.size());
  for (std::size_t i = 0; i < b.problems.size(); ++i)
    out.push_back({b.problems[i].id, b.problems[i].question, b.golds[i].answer(gold_key{}),
                   b.golds[i].solution(gold_key{})});
  return out;
}

expected<gold, store_failure> gold_vault::fetch(const store& s, problem_index task) {
  auto row = s.sealed(task);
  if (!row)
    return fail(row.error());
  return gold(std::move(row->gold_answer), std::move(row->gold_solution));
}

} // namespace tenbit

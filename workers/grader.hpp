// The grader: sees gold and final answers, and says right or wrong. Pure, thread-safe.
#pragma once

#include "actors/messages.hpp"
#include "config/experiment.hpp"

namespace tenbit {

class grader {
public:
  explicit grader(std::shared_ptr<const experiment> exp) : exp_(std::move(exp)) {}
  // Extracts and grades the draft and the final answer of one arm; the outcome is ready to be
  // committed.
  [[nodiscard]] outcome_event grade(const grade_request& request) const;

private:
  std::shared_ptr<const experiment> exp_;
};

} // namespace tenbit

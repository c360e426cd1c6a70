// P(yes) / (P(yes) + P(no)) out of the alternatives of one answer token.
//
// Labels are the words yes and no in any case, with blanks before or after (" Yes", "YES", "no"). A
// token that is listed twice counts once, with its larger probability. Pure; not thread-safe. Never
// fails.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit {

class yes_no {
public:
  // A natural logarithm of a probability. Values that cannot be one (NaN, above 0.001) are passed
  // over.
  void add(std::string_view token, double logprob);
  // Empty when neither label was there.
  [[nodiscard]] std::optional<double> p_yes() const;

private:
  struct label {
    std::string token;
    double probability = 0;
    bool yes = false;
  };
  std::vector<label> labels_;
};

} // namespace tenbit

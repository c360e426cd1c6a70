#include "endpoints/yes_no.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace tenbit {
namespace {

constexpr std::size_t labels_max = 64; // spellings with blanks; a hostile list does not grow memory

std::optional<bool> label_of(std::string_view token) {
  if (token.size() > 16)
    return std::nullopt;
  // Tokenizers mark a leading blank in their own ways: U+2581 (SentencePiece) and U+0120
  // (byte-level BPE).
  for (std::string_view blank : {"\xE2\x96\x81", "\xC4\xA0"})
    if (token.substr(0, blank.size()) == blank)
      token.remove_prefix(blank.size());
  const std::string word = lower_ascii(trim(token));
  if (word == "yes")
    return true;
  if (word == "no")
    return false;
  return std::nullopt;
}

} // namespace

void yes_no::add(std::string_view token, double logprob) {
  if (!(logprob <= 0.001))
    return;
  const auto yes = label_of(token);
  if (!yes)
    return;
  const double probability = std::min(1.0, std::exp(logprob));
  const auto known = std::find_if(labels_.begin(), labels_.end(),
                                  [&](const label& l) { return l.token == token; });
  if (known != labels_.end())
    known->probability = std::max(known->probability, probability);
  else if (labels_.size() < labels_max)
    labels_.push_back({std::string(token), probability, *yes});
}

std::optional<double> yes_no::p_yes() const {
  double yes = 0;
  double sum = 0;
  for (const auto& l : labels_) {
    yes += l.yes ? l.probability : 0;
    sum += l.probability;
  }
  if (!(sum > 0))
    return std::nullopt;
  return yes / sum;
}

} // namespace tenbit

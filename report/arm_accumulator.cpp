#include <algorithm>
#include <cmath>

#include "report/accumulate.hpp"
#include "report/tokens.hpp"

namespace tenbit::report {

namespace {

// A coder gives no answer less than this; without it one answer against a probability of 0 would
// make the sum infinite.
constexpr double least_probability = 0x1.0p-16;

// Bytes of the container beside its payload (codec/container.hpp pads the payload to whole bytes).
std::uint64_t header_of(const outcome_event& outcome) {
  const std::uint64_t payload = (outcome.payload_bits + 7) / 8;
  return outcome.bitstream.size() > payload ? outcome.bitstream.size() - payload : 0;
}

double share_of(std::uint64_t right, std::uint64_t done) {
  return static_cast<double>(right) / static_cast<double>(done);
}

} // namespace

std::optional<double> draft_summary::recovery() const {
  if (wrong() == 0)
    return std::nullopt;
  return share_of(gained, wrong());
}

void arm_accumulator::running::add(std::uint64_t value, bool first) {
  sum += value;
  min = first ? value : std::min(min, value);
  max = std::max(max, value);
}

spread arm_accumulator::running::over(std::uint64_t n) const {
  return {share_of(sum, n), min, max};
}

void arm_accumulator::add(const arm_task& own) {
  failed_ += own.failed;
  if (own.done > 0)
    share_.add(own.right, own.done);
}

void arm_accumulator::add_outcome(const outcome_event& outcome) {
  const bool first = outcomes_ == 0;
  ++outcomes_;
  payload_.add(outcome.payload_bits, first);
  header_.add(header_of(outcome), first);
  questions_ += outcome.questions;
  if (!outcome.draft_call)
    return;
  ++drafts_.n;
  drafts_.right += outcome.draft_correct ? 1 : 0;
  drafts_.gained += !outcome.draft_correct && outcome.correct ? 1 : 0;
  drafts_.lost += outcome.draft_correct && !outcome.correct ? 1 : 0;
}

void arm_accumulator::add_bits(const std::vector<const bit_event*>& bits) {
  for (const bit_event* bit : bits) {
    ++answered_;
    by_default_ += bit->by_default ? 1 : 0;
    asked_again_ += bit->asked_again ? 1 : 0;
    if (!bit->p_yes || bit->value == answer::unknown)
      continue;
    const double p = bit->value == answer::yes ? *bit->p_yes : 1 - *bit->p_yes;
    ++with_p_;
    ideal_bits_ -= std::log2(std::clamp(p, least_probability, 1.0));
  }
}

void arm_accumulator::add_compared(const outcome_event& outcome, std::uint64_t tokens,
                                   std::uint64_t bytes) {
  ++compared_;
  compared_bits_ += outcome.payload_bits;
  compared_tokens_ += tokens;
  compared_bytes_ += bytes;
}

void arm_accumulator::add_gap(const arm_task& own, const arm_task& solver,
                              const arm_task& answerer) {
  if (own.done == 0 || solver.done == 0 || answerer.done == 0)
    return;
  ++gap_cells_[{own.right, own.done, solver.right, solver.done, answerer.right, answerer.done}];
}

void arm_accumulator::add_resample(const arm_task& own, const arm_task& resample) {
  if (own.done == 0 || resample.done == 0)
    return;
  // Shares compared crosswise, in whole numbers.
  const std::uint64_t left = own.right * resample.done;
  const std::uint64_t right = resample.right * own.done;
  better_ += left > right ? 1 : 0;
  worse_ += left < right ? 1 : 0;
}

gap_estimate arm_accumulator::gap() const {
  std::vector<gap_cell> cells;
  cells.reserve(gap_cells_.size());
  for (const auto& [key, problems] : gap_cells_)
    cells.push_back(
        {share_of(key[0], key[1]), share_of(key[2], key[3]), share_of(key[4], key[5]), problems});
  return estimate_gap_closed(cells);
}

resample_summary arm_accumulator::against_resample() const {
  return {{}, better_, worse_, mcnemar(better_, worse_)};
}

void arm_accumulator::finish(arm_summary& into) const {
  into.n = share_.done();
  into.right = share_.right();
  into.problems = share_.problems();
  into.failed = failed_;
  if (share_.done() > 0)
    into.accuracy = share_ci{share_.share(), share_.ci()};
  if (drafts_.n > 0)
    into.drafts = drafts_;
  if (outcomes_ > 0)
    finish_bits(into);
}

void arm_accumulator::finish_bits(arm_summary& into) const {
  bits_summary bits;
  bits.payload = payload_.over(outcomes_);
  bits.header_bytes = header_.over(outcomes_);
  bits.questions = share_of(questions_, outcomes_);
  bits.answered = answered_;
  bits.by_default = by_default_;
  bits.asked_again = asked_again_;
  if (answered_ > 0 && with_p_ == answered_)
    bits.ideal_bits = ideal_bits_ / static_cast<double>(outcomes_);
  bits.compared = compared_;
  const double sent = static_cast<double>(compared_bits_); // the means' common divisor cancels
  if (compared_tokens_ > 0)
    bits.ratio_compat = sent / (static_cast<double>(compared_tokens_) * cl100k_bits_per_token);
  if (compared_bytes_ > 0)
    bits.ratio_utf8 = sent / (static_cast<double>(compared_bytes_) * 8);
  into.bits = bits;
}

} // namespace tenbit::report

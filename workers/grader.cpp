#include "workers/grader.hpp"

#include "benchmarks/grading.hpp"

namespace tenbit {
namespace {

struct verdict {
  std::string extracted;
  bool correct = false;
};

verdict judge(std::string_view text, std::string_view gold_answer, bool authors) {
  const auto extracted = authors ? extract_answer_authors(text) : extract_answer(text);
  if (!extracted)
    return {};
  const bool correct =
      authors ? same_answer_authors(*extracted, gold_answer) : same_answer(*extracted, gold_answer);
  return {*extracted, correct};
}

} // namespace

outcome_event grader::grade(const grade_request& request) const {
  const arm_finished& done = request.finished;
  const std::string& gold_answer = request.reference.answer(gold_key{});
  const bool authors = exp_->switches.authors_grading;
  outcome_event out;
  out.where = done.where;
  out.draft_call = done.draft_call;
  out.answer_call = done.answer_call;
  out.answer_hash = hash_bytes(done.answer_text);
  out.questions = done.questions;
  out.payload_bits = done.payload_bits;
  out.bitstream = done.bitstream;
  const verdict last = judge(done.answer_text, gold_answer, authors);
  out.final_answer = last.extracted;
  out.correct = last.correct;
  if (done.draft_call) {
    const verdict first = judge(done.draft_text, gold_answer, authors);
    out.draft_answer = first.extracted;
    out.draft_correct = first.correct;
  }
  return out;
}

} // namespace tenbit

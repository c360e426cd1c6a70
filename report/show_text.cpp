#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "report/show.hpp"

namespace tenbit::report {

namespace {

constexpr std::size_t short_text_bytes = 2000; // a screen; --full shows all
constexpr std::size_t short_hex_digits = 64;

enum class colour { bold, good, bad, odd };

class page {
public:
  page(const transcript& t, const show_options& options) : t_(t), options_(options) {}

  std::string finish() {
    head();
    for (const auto& [where, end] : t_.view.ends)
      if (!options_.arm || *options_.arm == where.arm)
        arm(where, end);
    if (options_.full)
      calls();
    return std::move(out_);
  }

private:
  std::string paint(std::string_view text, colour c) const {
    if (!options_.colour)
      return std::string(text);
    const auto code = [c] {
      switch (c) {
      case colour::bold:
        return 1;
      case colour::good:
        return 32;
      case colour::bad:
        return 31;
      case colour::odd:
        return 33;
      }
      assertion_failed("colour", __FILE__, __LINE__);
    };
    return fmt::format("\x1b[{}m{}\x1b[0m", code(), text);
  }

  static std::string name(std::string_view text) {
    return one_line(text, limits::shown_name_chars_max);
  }

  void title(std::string_view text) { out_ += '\n' + paint(text, colour::bold) + '\n'; }

  // Text from outside, indented, made harmless and, unless all is wanted, cut.
  void body(std::string_view text) {
    std::size_t shown = text.size();
    if (!options_.full && shown > short_text_bytes) {
      shown = short_text_bytes;
      while (shown > 0 && (static_cast<unsigned char>(text[shown]) & 0xC0U) == 0x80U)
        --shown;
    }
    const std::string safe = printable(text.substr(0, shown));
    for (const std::string_view line : split_lines(safe))
      out_ += fmt::format("  {}\n", line);
    if (shown < text.size())
      out_ += fmt::format("  … {} bytes more (--full shows all)\n", text.size() - shown);
  }

  void head() {
    out_ += paint(fmt::format("problem {}  {}", t_.index.value, name(t_.problem.id)), colour::bold);
    out_ += fmt::format("  task {}\n", to_string(t_.state.status));
    origins();
    if (t_.simulated)
      out_ += paint("*** simulated: no language model answered.", colour::odd) + '\n';
    body(t_.problem.question);
    out_ += fmt::format("gold: {}\n", name(t_.problem.gold_answer));
    if (t_.view.ends.empty())
      out_ += "no arm has answered yet\n";
  }

  void origins() {
    std::string line;
    for (const auto& [peer, events] : t_.by)
      line += fmt::format("{}{} from {}", line.empty() ? "" : ", ", events, name(peer));
    if (!line.empty())
      out_ += fmt::format("events of the journal: {}\n", line);
  }

  void arm(arm_trial where, const arm_trial_view& end) {
    const arm_spec& spec = t_.exp.arms[where.arm.value];
    std::string line = fmt::format("== {}, trial {}: {}, solver {}", name(spec.name),
                                   where.trial.value, to_string(spec.method), name(spec.solver));
    if (!spec.questioner.empty())
      line += fmt::format(", questioner {}", name(spec.questioner));
    if (!spec.answerer.empty())
      line += fmt::format(", answerer {}", name(spec.answerer));
    if (spec.method == method_kind::qa)
      line += fmt::format(", reference {}", to_string(spec.reference));
    title(line);
    const outcome_event* outcome = end.outcome;
    if (outcome != nullptr && outcome->draft_call) {
      call("draft", *outcome->draft_call, party::receiver);
      verdict("draft answer", outcome->draft_answer, outcome->draft_correct);
    }
    questions(end);
    if (outcome == nullptr) {
      unfinished(end);
      return;
    }
    if (outcome->questions > 0 && end.bits.empty())
      out_ += fmt::format("{} questions asked; no answer crossed\n", outcome->questions);
    call(outcome->questions > 0 ? "revision" : "answer", outcome->answer_call,
         answering_party(t_.exp, where));
    verdict("final answer", outcome->final_answer, outcome->correct);
    bits(*outcome);
  }

  void call(std::string_view what, const call_id& id, party by) {
    const call_event* made = t_.view.find(id, by);
    if (made == nullptr) {
      out_ += fmt::format("{}: call {} is not in the journal\n", what, short_id(id));
      return;
    }
    const token_usage& usage = made->reply.usage;
    out_ +=
        fmt::format("{}: call {}, {}, {} + {} tokens{}{}\n", what, short_id(id), name(made->model),
                    usage.prompt, usage.completion, usage.reported ? "" : " (estimated)",
                    made->reply.finish_reason == "length" ? ", cut at its token limit" : "");
    body(made->reply.text);
  }

  void verdict(std::string_view what, std::string_view given, bool right) {
    out_ += fmt::format("{}: {}  {}\n", what, given.empty() ? "(none found)" : name(given),
                        right ? paint("right", colour::good) : paint("wrong", colour::bad));
  }

  void questions(const arm_trial_view& end) {
    if (!end.bits.empty())
      out_ += "questions and answers:\n";
    for (const bit_event* bit : end.bits) {
      out_ += fmt::format("  {:>3}. {}\n", bit->index.value + 1,
                          options_.full ? one_line(bit->question, bit->question.size())
                                        : one_line(bit->question, short_text_bytes / 4));
      std::string line = fmt::format("       {}", paint(to_string(bit->value), colour::bold));
      if (bit->p_yes)
        line += fmt::format("  P(yes) {:.3f}", *bit->p_yes);
      if (bit->asked_again)
        line += "  " + paint("asked again", colour::odd);
      if (bit->by_default)
        line += "  " + paint("by default", colour::odd);
      out_ += fmt::format("{}  call {}\n", line, short_id(bit->source));
    }
  }

  void unfinished(const arm_trial_view& end) {
    if (end.failure == nullptr)
      out_ += "not finished yet\n";
    else
      out_ += fmt::format("{}: {}: {}\n", paint("failed", colour::bad),
                          to_string(end.failure->kind), one_line(end.failure->message, 300));
  }

  void bits(const outcome_event& end) {
    if (end.bitstream.empty()) {
      out_ += fmt::format("{} bits crossed; no .tbit\n", end.payload_bits);
      return;
    }
    payload_text payload = payload_of(end);
    if (!payload.error.empty())
      payload.hex = fmt::format("(unreadable: {})", one_line(payload.error, 200));
    else if (payload.hex.empty())
      payload.hex = "(empty)";
    else if (!options_.full && payload.hex.size() > short_hex_digits)
      payload.hex = payload.hex.substr(0, short_hex_digits) + "…";
    out_ += fmt::format("{} bits crossed: {}  .tbit {} bytes\n", end.payload_bits, payload.hex,
                        end.bitstream.size());
  }

  void calls() {
    title("== all calls, in the order they were paid");
    for (const call_event* made : t_.view.calls) {
      out_ += fmt::format("request of call {}, {} by {}, sample {}\n", short_id(made->id),
                          name(made->model), to_string(made->by), made->k);
      messages(made->request);
      call("reply", made->id, made->by);
    }
  }

  void messages(const std::string& request) {
    const auto parsed = nlohmann::json::parse(request, nullptr, false);
    const auto list = parsed.is_object() ? parsed.find("messages") : parsed.end();
    if (!parsed.is_object() || list == parsed.end() || !list->is_array()) {
      body(request);
      return;
    }
    for (const auto& message : *list)
      if (message.is_object() && message.contains("content") && message["content"].is_string())
        body(message["content"].get_ref<const std::string&>());
  }

  const transcript& t_;
  const show_options& options_;
  std::string out_;
};

} // namespace

std::string show_text(const transcript& t, const show_options& options) {
  return page(t, options).finish();
}

} // namespace tenbit::report

// Bytes of an event: one msgpack array, read back whole or not at all.
//
//   event   = call | bit | outcome | failure            version is 1, kind is the second number
//   call    = [1, 0, id, by, model, k, request, text, finish_reason, served_model,
//              prompt_tokens, completion_tokens, usage_reported, p_yes,
//              queued_us, first_byte_us, total_us, attempts, replica, unix_ms]
//   bit     = [1, 1, arm, trial, index, value, question_hash, question, p_yes,
//              asked_again, by_default, source]
//   outcome = [1, 2, arm, trial, draft_call?, answer_call, answer_hash, draft_answer, final_answer,
//              draft_correct, correct, questions, payload_bits, bitstream]
//   failure = [1, 3, arm, trial, error, message]
//
//   id, question_hash, source, draft_call, answer_call, answer_hash = bin of 32 bytes
//   draft_call? may be nil;  p_yes = float64 or nil;  bitstream = bin
//   by, value, error = number of the enumerator;  texts = str;  flags = bool;
//   all other fields = unsigned integer within the width of the field's type
//   everything in its shortest form, so an event has one encoding
//
// A change of any of this is a new version number; version 1 stays readable.
#include "actors/event.hpp"

#include <fmt/format.h>

#include "actors/msgpack_io.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

using msgpack_io::like;

constexpr std::uint64_t version = 1;
enum class kind : std::uint8_t { call = 0, bit = 1, outcome = 2, failure = 3 };

// -- the fields of each kind, in order -----------------------------------------------------------

void place(auto& io, like<arm_trial> auto& where) {
  io.number("arm", where.arm.value);
  io.number("trial", where.trial.value);
}

void p_yes(auto& io, like<std::optional<double>> auto& value) {
  io.optional("p_yes", value, [](auto& to, auto& number) { to.real("p_yes", number); });
}

void fields(auto& io, like<call_event> auto& e) {
  io.hash("id", e.id.value);
  io.choice("by", party::grader, e.by);
  io.str("model", e.model);
  io.number("k", e.k);
  io.str("request", e.request);
  io.str("text", e.reply.text);
  io.str("finish_reason", e.reply.finish_reason);
  io.str("served_model", e.reply.served_model);
  io.number("prompt_tokens", e.reply.usage.prompt);
  io.number("completion_tokens", e.reply.usage.completion);
  io.flag("usage_reported", e.reply.usage.reported);
  p_yes(io, e.reply.p_yes);
  io.number("queued_us", e.reply.timing.queued_us);
  io.number("first_byte_us", e.reply.timing.first_byte_us);
  io.number("total_us", e.reply.timing.total_us);
  io.number("attempts", e.reply.attempts);
  io.number("replica", e.reply.replica);
  io.number("unix_ms", e.unix_ms);
}

void fields(auto& io, like<bit_event> auto& e) {
  place(io, e.where);
  io.number("index", e.index.value);
  io.choice("value", answer::unknown, e.value);
  io.hash("question_hash", e.question_hash);
  io.str("question", e.question);
  p_yes(io, e.p_yes);
  io.flag("asked_again", e.asked_again);
  io.flag("by_default", e.by_default);
  io.hash("source", e.source.value);
}

void fields(auto& io, like<outcome_event> auto& e) {
  place(io, e.where);
  io.optional("draft_call", e.draft_call,
              [](auto& to, auto& id) { to.hash("draft_call", id.value); });
  io.hash("answer_call", e.answer_call.value);
  io.hash("answer_hash", e.answer_hash);
  io.str("draft_answer", e.draft_answer);
  io.str("final_answer", e.final_answer);
  io.flag("draft_correct", e.draft_correct);
  io.flag("correct", e.correct);
  io.number("questions", e.questions);
  io.number("payload_bits", e.payload_bits);
  io.bytes("bitstream", limits::event_bytes_max, e.bitstream);
}

void fields(auto& io, like<failure_event> auto& e) {
  place(io, e.where);
  io.choice("error", call_error::diverged, e.kind);
  io.str("message", e.message);
}

constexpr kind kind_of(const call_event&) {
  return kind::call;
}
constexpr kind kind_of(const bit_event&) {
  return kind::bit;
}
constexpr kind kind_of(const outcome_event&) {
  return kind::outcome;
}
constexpr kind kind_of(const failure_event&) {
  return kind::failure;
}

void put(auto& io, const event& e) {
  io.tuple("event", [&e](auto& inner) {
    inner.number("version", version);
    std::visit(
        [&inner](const auto& one) {
          inner.choice("kind", kind::failure, kind_of(one));
          fields(inner, one);
        },
        e);
  });
}

// -- reading -------------------------------------------------------------------------------------

void read_kind(msgpack_io::reader& from, kind what, event& out) {
  switch (what) {
  case kind::call:
    return fields(from, out.emplace<call_event>());
  case kind::bit:
    return fields(from, out.emplace<bit_event>());
  case kind::outcome:
    return fields(from, out.emplace<outcome_event>());
  case kind::failure:
    return fields(from, out.emplace<failure_event>());
  }
  assertion_failed("kind", __FILE__, __LINE__);
}

void read_event(msgpack_io::reader& from, event& out) {
  from.tuple("event", [&out](msgpack_io::reader& inner) {
    std::uint64_t found = 0;
    auto what = kind::call;
    inner.number("version", found);
    if (found != version)
      return inner.fail(fmt::format("version {} is not known, only {}", found, version));
    inner.choice("kind", kind::failure, what);
    if (inner.ok())
      read_kind(inner, what, out);
  });
}

// Looks at the texts and floats alone.
class checker {
public:
  [[nodiscard]] bool good() const { return good_; }
  void number(std::string_view, auto) {}
  void choice(std::string_view, auto, auto) {}
  void flag(std::string_view, bool) {}
  void str(std::string_view, const std::string& value) { good_ = good_ && valid_utf8(value); }
  void bytes(std::string_view, std::size_t, const std::string&) {}
  void hash(std::string_view, const hash256&) {}
  void real(std::string_view, double value) { good_ = good_ && std::isfinite(value); }
  template <class T> void optional(std::string_view, const std::optional<T>& value, auto&& field) {
    if (value)
      field(*this, *value);
  }

private:
  bool good_ = true;
};

} // namespace

std::string_view to_string(party who) {
  switch (who) {
  case party::receiver:
    return "receiver";
  case party::sender:
    return "sender";
  case party::grader:
    return "grader";
  }
  assertion_failed("party", __FILE__, __LINE__);
}

std::string_view to_string(answer a) {
  switch (a) {
  case answer::no:
    return "no";
  case answer::yes:
    return "yes";
  case answer::unknown:
    return "unknown";
  }
  assertion_failed("answer", __FILE__, __LINE__);
}

bool well_formed(const event& e) {
  checker look;
  std::visit([&look](const auto& one) { fields(look, one); }, e);
  return look.good();
}

std::size_t encoded_bytes_max(const event& e) {
  msgpack_io::sizer size;
  put(size, e);
  return size.bytes_max();
}

void encode_to(const event& e, std::string& out) {
  msgpack_io::writer to(out);
  put(to, e);
}

std::string encode(const event& e) {
  std::string out;
  out.reserve(encoded_bytes_max(e));
  encode_to(e, out);
  return out;
}

expected<event, std::string> decode_event(std::string_view bytes) {
  if (bytes.size() > limits::event_bytes_max)
    return fail(fmt::format("event: {} bytes, at most {} are allowed", bytes.size(),
                            limits::event_bytes_max));
  msgpack_io::reader from(bytes);
  event out;
  read_event(from, out);
  if (auto mistake = from.finish(); !mistake.empty())
    return fail("event: " + mistake);
  return out;
}

} // namespace tenbit

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
//
// A change of any of this is a new version number; version 1 stays readable.
#include "actors/event.hpp"

#include <bit>
#include <fmt/format.h>
#include <limits>
#include <msgpack.hpp>
#include <type_traits>

#include "config/limits.hpp"

namespace tenbit {
namespace {

constexpr std::uint64_t version = 1;
enum class kind : std::uint8_t { call = 0, bit = 1, outcome = 2, failure = 3 };
constexpr std::uint32_t call_fields = 20;
constexpr std::uint32_t bit_fields = 12;
constexpr std::uint32_t outcome_fields = 14;
constexpr std::uint32_t failure_fields = 6;
constexpr std::size_t array_max = call_fields; // of the kinds above, the longest

// -- writing -------------------------------------------------------------------------------------

struct string_sink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

class writer {
public:
  writer(std::string& out, kind what, std::uint32_t fields) : sink_{out}, pack_(sink_) {
    pack_.pack_array(fields);
    number(version);
    number(static_cast<std::uint64_t>(what));
  }
  void number(std::uint64_t value) { pack_.pack_uint64(value); }
  void flag(bool value) {
    if (value)
      pack_.pack_true();
    else
      pack_.pack_false();
  }
  void text(std::string_view value) {
    TENBIT_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    pack_.pack_str(static_cast<std::uint32_t>(value.size()));
    pack_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  void bytes(std::string_view value) {
    TENBIT_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    pack_.pack_bin(static_cast<std::uint32_t>(value.size()));
    pack_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  void hash(const hash256& value) { bytes(value.view()); }
  void real(const std::optional<double>& value) {
    if (!value)
      return nil();
    // Not pack_double: it writes whole numbers as integers, and a field has one form here.
    const auto bits = std::bit_cast<std::uint64_t>(*value);
    char bytes[9] = {'\xcb'};
    for (int i = 0; i < 8; ++i)
      bytes[i + 1] = static_cast<char>(bits >> (56 - 8 * i));
    sink_.write(bytes, sizeof bytes);
  }
  void nil() { pack_.pack_nil(); }
  void place(const arm_trial& where) {
    number(where.arm.value);
    number(where.trial.value);
  }

private:
  string_sink sink_;
  msgpack::packer<string_sink> pack_;
};

void write(const call_event& e, std::string& out) {
  writer to(out, kind::call, call_fields);
  to.hash(e.id.value);
  to.number(static_cast<std::uint64_t>(e.by));
  to.text(e.model);
  to.number(e.k);
  to.text(e.request);
  to.text(e.reply.text);
  to.text(e.reply.finish_reason);
  to.text(e.reply.served_model);
  to.number(e.reply.usage.prompt);
  to.number(e.reply.usage.completion);
  to.flag(e.reply.usage.reported);
  to.real(e.reply.p_yes);
  to.number(e.reply.timing.queued_us);
  to.number(e.reply.timing.first_byte_us);
  to.number(e.reply.timing.total_us);
  to.number(e.reply.attempts);
  to.number(e.reply.replica);
  to.number(e.unix_ms);
}

void write(const bit_event& e, std::string& out) {
  writer to(out, kind::bit, bit_fields);
  to.place(e.where);
  to.number(e.index.value);
  to.number(static_cast<std::uint64_t>(e.value));
  to.hash(e.question_hash);
  to.text(e.question);
  to.real(e.p_yes);
  to.flag(e.asked_again);
  to.flag(e.by_default);
  to.hash(e.source.value);
}

void write(const outcome_event& e, std::string& out) {
  writer to(out, kind::outcome, outcome_fields);
  to.place(e.where);
  if (e.draft_call)
    to.hash(e.draft_call->value);
  else
    to.nil();
  to.hash(e.answer_call.value);
  to.hash(e.answer_hash);
  to.text(e.draft_answer);
  to.text(e.final_answer);
  to.flag(e.draft_correct);
  to.flag(e.correct);
  to.number(e.questions);
  to.number(e.payload_bits);
  to.bytes(e.bitstream);
}

void write(const failure_event& e, std::string& out) {
  writer to(out, kind::failure, failure_fields);
  to.place(e.where);
  to.number(static_cast<std::uint64_t>(e.kind));
  to.text(e.message);
}

// -- reading -------------------------------------------------------------------------------------

// Takes the fields in order. The first that does not fit is remembered; later ones read as empty.
class reader {
public:
  explicit reader(const msgpack::object_array& array) : array_(array) {}

  template <class Number> void number(std::string_view name, Number& out) {
    const auto* field = next(name, msgpack::type::POSITIVE_INTEGER);
    if (field == nullptr)
      return;
    if (field->via.u64 > std::numeric_limits<Number>::max())
      return wrong(name, "is too large");
    out = static_cast<Number>(field->via.u64);
  }
  template <class Enum> void choice(std::string_view name, Enum last, Enum& out) {
    std::uint64_t value = 0;
    number(name, value);
    if (value > static_cast<std::uint64_t>(last))
      return wrong(name, "is not a known value");
    out = static_cast<Enum>(value);
  }
  void flag(std::string_view name, bool& out) {
    if (const auto* field = next(name, msgpack::type::BOOLEAN))
      out = field->via.boolean;
  }
  void text(std::string_view name, std::string& out) {
    if (const auto* field = next(name, msgpack::type::STR))
      out.assign(field->via.str.ptr, field->via.str.size);
  }
  void bytes(std::string_view name, std::string& out) {
    if (const auto* field = next(name, msgpack::type::BIN))
      out.assign(field->via.bin.ptr, field->via.bin.size);
  }
  void hash(std::string_view name, hash256& out) {
    const auto* field = next(name, msgpack::type::BIN);
    if (field == nullptr)
      return;
    const auto value = hash256::from_bytes({field->via.bin.ptr, field->via.bin.size});
    if (!value)
      return wrong(name, "is not 32 bytes");
    out = *value;
  }
  void real(std::string_view name, std::optional<double>& out) {
    if (take_nil())
      return;
    if (const auto* field = next(name, msgpack::type::FLOAT64))
      out = field->via.f64;
  }
  // True, and the field is taken, when it is nil.
  bool take_nil() {
    const bool nil = at_ < array_.size && array_.ptr[at_].type == msgpack::type::NIL;
    at_ += nil ? 1 : 0;
    return nil;
  }
  void place(arm_trial& out) {
    number("arm", out.arm.value);
    number("trial", out.trial.value);
  }
  // The first mistake; empty when all fields were taken and fitted.
  [[nodiscard]] std::string mistake() const {
    if (mistake_.empty() && at_ != array_.size)
      return "more fields than the kind has";
    return mistake_;
  }

private:
  void wrong(std::string_view name, std::string_view what) {
    if (mistake_.empty())
      mistake_ = fmt::format("field {} ({}) {}", at_, name, what);
  }
  const msgpack::object* next(std::string_view name, msgpack::type::object_type type) {
    if (!mistake_.empty())
      return nullptr;
    if (at_ >= array_.size) {
      wrong(name, "is missing");
      return nullptr;
    }
    const auto& field = array_.ptr[at_++];
    if (field.type != type) {
      wrong(name, "has another type");
      return nullptr;
    }
    return &field;
  }

  const msgpack::object_array& array_;
  std::uint32_t at_ = 0;
  std::string mistake_;
};

void read(reader& from, call_event& e) {
  from.hash("id", e.id.value);
  from.choice("by", party::grader, e.by);
  from.text("model", e.model);
  from.number("k", e.k);
  from.text("request", e.request);
  from.text("text", e.reply.text);
  from.text("finish_reason", e.reply.finish_reason);
  from.text("served_model", e.reply.served_model);
  from.number("prompt_tokens", e.reply.usage.prompt);
  from.number("completion_tokens", e.reply.usage.completion);
  from.flag("usage_reported", e.reply.usage.reported);
  from.real("p_yes", e.reply.p_yes);
  from.number("queued_us", e.reply.timing.queued_us);
  from.number("first_byte_us", e.reply.timing.first_byte_us);
  from.number("total_us", e.reply.timing.total_us);
  from.number("attempts", e.reply.attempts);
  from.number("replica", e.reply.replica);
  from.number("unix_ms", e.unix_ms);
}

void read(reader& from, bit_event& e) {
  from.place(e.where);
  from.number("index", e.index.value);
  from.choice("value", answer::unknown, e.value);
  from.hash("question_hash", e.question_hash);
  from.text("question", e.question);
  from.real("p_yes", e.p_yes);
  from.flag("asked_again", e.asked_again);
  from.flag("by_default", e.by_default);
  from.hash("source", e.source.value);
}

void read(reader& from, outcome_event& e) {
  from.place(e.where);
  if (!from.take_nil())
    from.hash("draft_call", e.draft_call.emplace().value);
  from.hash("answer_call", e.answer_call.value);
  from.hash("answer_hash", e.answer_hash);
  from.text("draft_answer", e.draft_answer);
  from.text("final_answer", e.final_answer);
  from.flag("draft_correct", e.draft_correct);
  from.flag("correct", e.correct);
  from.number("questions", e.questions);
  from.number("payload_bits", e.payload_bits);
  from.bytes("bitstream", e.bitstream);
}

void read(reader& from, failure_event& e) {
  from.place(e.where);
  from.choice("error", call_error::cancelled, e.kind);
  from.text("message", e.message);
}

template <class Event> expected<event, std::string> read_as(reader& from) {
  Event e;
  read(from, e);
  if (auto mistake = from.mistake(); !mistake.empty())
    return fail("event: " + mistake);
  return event(std::move(e));
}

expected<event, std::string> read_event(const msgpack::object& object) {
  if (object.type != msgpack::type::ARRAY)
    return fail(std::string("event: not an array"));
  reader from(object.via.array);
  std::uint64_t found = 0;
  auto what = kind::call;
  from.number("version", found);
  if (found != version)
    return fail(fmt::format("event: version {} is not known, only {}", found, version));
  from.choice("kind", kind::failure, what);
  switch (what) {
  case kind::call:
    return read_as<call_event>(from);
  case kind::bit:
    return read_as<bit_event>(from);
  case kind::outcome:
    return read_as<outcome_event>(from);
  case kind::failure:
    return read_as<failure_event>(from);
  }
  assertion_failed("kind", __FILE__, __LINE__);
}

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

void encode_to(const event& e, std::string& out) {
  std::visit([&out](const auto& one) { write(one, out); }, e);
}

std::string encode(const event& e) {
  std::string out;
  encode_to(e, out);
  return out;
}

expected<event, std::string> decode_event(std::string_view bytes) {
  if (bytes.size() > limits::event_bytes_max)
    return fail(fmt::format("event: {} bytes, at most {} are allowed", bytes.size(),
                            limits::event_bytes_max));
  const msgpack::unpack_limit bounds(array_max, 0, limits::event_bytes_max, limits::event_bytes_max,
                                     0, 1);
  // Texts stay where they are until a field takes them.
  const auto in_place = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  try {
    msgpack::zone zone;
    std::size_t end = 0;
    const auto object =
        msgpack::unpack(zone, bytes.data(), bytes.size(), end, in_place, nullptr, bounds);
    if (end != bytes.size())
      return fail(fmt::format("event: {} bytes after its end", bytes.size() - end));
    return read_event(object);
  } catch (const std::exception& error) {
    return fail(fmt::format("event: not a msgpack array of the grammar: {}", error.what()));
  }
}

} // namespace tenbit

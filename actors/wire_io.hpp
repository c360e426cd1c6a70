// INTERNAL: what the frames of both directions share: numbers of the types, the frame around a
// message, and fields that come in several messages. The grammar stands at the top of wire.cpp.
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <tuple>
#include <utility>

#include "actors/msgpack_io.hpp"
#include "actors/wire.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::wire {

using msgpack_io::like;
using msgpack_io::reader;
using msgpack_io::sizer;
using msgpack_io::writer;

struct type_of {
  std::uint64_t number; // fixed forever; that of a type that goes is never used again
  std::string_view name;
};
// A message without a row here does not compile.
template <class Message> struct row;
template <> struct row<hello> { static constexpr type_of type{1, "hello"}; };
template <> struct row<heartbeat> { static constexpr type_of type{2, "heartbeat"}; };
template <> struct row<goodbye> { static constexpr type_of type{3, "goodbye"}; };
template <> struct row<append_request> { static constexpr type_of type{4, "append_request"}; };
template <> struct row<ask_message> { static constexpr type_of type{5, "ask_message"}; };
template <> struct row<text_request> { static constexpr type_of type{6, "text_request"}; };
template <> struct row<arm_finished> { static constexpr type_of type{7, "arm_finished"}; };
template <> struct row<task_released> { static constexpr type_of type{8, "task_released"}; };
template <> struct row<oracle_append> { static constexpr type_of type{9, "oracle_append"}; };
template <> struct row<oracle_failed> { static constexpr type_of type{10, "oracle_failed"}; };
template <> struct row<oracle_text_reply> {
  static constexpr type_of type{11, "oracle_text_reply"};
};
template <> struct row<forgotten> { static constexpr type_of type{12, "forgotten"}; };
template <> struct row<graded> { static constexpr type_of type{13, "graded"}; };
template <> struct row<experiment_refused> {
  static constexpr type_of type{14, "experiment_refused"};
};

template <> struct row<welcome> { static constexpr type_of type{64, "welcome"}; };
template <> struct row<refused> { static constexpr type_of type{65, "refused"}; };
template <> struct row<hello_wanted> { static constexpr type_of type{66, "hello_wanted"}; };
template <> struct row<experiment_text> { static constexpr type_of type{67, "experiment_text"}; };
template <> struct row<heartbeat_ack> { static constexpr type_of type{68, "heartbeat_ack"}; };
template <> struct row<leave_order> { static constexpr type_of type{69, "leave_order"}; };
template <> struct row<grant> { static constexpr type_of type{70, "grant"}; };
template <> struct row<appended> { static constexpr type_of type{71, "appended"}; };
template <> struct row<bits_reply> { static constexpr type_of type{72, "bits_reply"}; };
template <> struct row<text_reply> { static constexpr type_of type{73, "text_reply"}; };
template <> struct row<arm_closed> { static constexpr type_of type{74, "arm_closed"}; };
template <> struct row<release_ack> { static constexpr type_of type{75, "release_ack"}; };
template <> struct row<revoke> { static constexpr type_of type{76, "revoke"}; };
template <> struct row<hand_back> { static constexpr type_of type{77, "hand_back"}; };
template <> struct row<oracle_ask> { static constexpr type_of type{78, "oracle_ask"}; };
template <> struct row<oracle_text> { static constexpr type_of type{79, "oracle_text"}; };
template <> struct row<oracle_appended> { static constexpr type_of type{80, "oracle_appended"}; };
template <> struct row<forget_task> { static constexpr type_of type{81, "forget_task"}; };
template <> struct row<grade_request> { static constexpr type_of type{82, "grade_request"}; };
template <> struct row<endpoint_order> { static constexpr type_of type{83, "endpoint_order"}; };

// -- fields of several messages ------------------------------------------------------------------

void task_fields(auto& io, like<task_id> auto& task) {
  io.number("experiment", task.experiment.value);
  io.number("problem", task.problem.value);
}

// task, lease: what a message of a lease begins with.
void lease_fields(auto& io, auto& message) {
  task_fields(io, message.task);
  io.number("lease", message.lease.value);
}

void place_fields(auto& io, like<arm_trial> auto& where) {
  io.number("arm", where.arm.value);
  io.number("trial", where.trial.value);
}

// Cut to so many bytes and repaired, so that a text for people never makes a frame bad.
[[nodiscard]] std::string sendable(std::string_view text, std::size_t bytes_max);

void note(auto& io, std::string_view name, std::size_t bytes_max, like<std::string> auto& value) {
  if constexpr (std::is_const_v<std::remove_reference_t<decltype(value)>>) {
    if (value.size() > bytes_max || !valid_utf8(value)) {
      const std::string shown = sendable(value, bytes_max);
      return io.text(name, bytes_max, shown);
    }
  }
  io.text(name, bytes_max, value);
}

void failure_fields(auto& io, like<ask_failure> auto& failure) {
  io.choice("kind", call_error::diverged, failure.kind);
  note(io, "message", limits::frame_note_bytes_max, failure.message);
}

void questions_field(auto& io, like<std::vector<std::string>> auto& questions) {
  io.list("questions", limits::questions_max, questions, [](auto& to, auto& question) {
    to.text("question", limits::prompt_bytes_max, question);
  });
}

// An event is a bin of its own encoding.
void event_field(sizer& io, const event& e);
void event_field(writer& io, const event& e);
void event_field(reader& io, event& e);

void events_field(auto& io, std::size_t items_max, like<std::vector<event>> auto& events) {
  io.list("events", items_max, events, [](auto& to, auto& e) { event_field(to, e); });
}

void receipts_field(auto& io, like<std::vector<receipt>> auto& receipts) {
  io.list("receipts", limits::receipts_max, receipts, [](auto& to, auto& one) {
    to.tuple("receipt", [&one](auto& inner) {
      inner.number("experiment", one.experiment.value);
      inner.number("incarnation", one.incarnation);
      inner.number("commit_seq", one.commit_seq);
      inner.hash("seal", one.seal);
    });
  });
}

void request_fields(auto& io, like<generate_request> auto& request) {
  io.text("model", limits::config_text_bytes_max, request.model);
  io.list("messages", limits::frame_items_max, request.messages, [](auto& to, auto& message) {
    to.tuple("message", [&message](auto& inner) {
      inner.choice("role", chat_role::assistant, message.role);
      inner.text("content", limits::prompt_bytes_max, message.content);
    });
  });
  const auto real = [](auto& to, auto& value) { to.finite("sampling", value); };
  io.optional("temperature", request.settings.temperature, real);
  io.optional("top_p", request.settings.top_p, real);
  io.optional("seed", request.settings.seed,
              [](auto& to, auto& value) { to.number("seed", value); });
  io.number("max_tokens", request.settings.max_tokens);
  io.flag("yes_no", request.settings.yes_no);
  io.number("k", request.k);
}

void finished_fields(auto& io, like<arm_finished> auto& m) {
  lease_fields(io, m);
  place_fields(io, m.where);
  io.optional("draft_call", m.draft_call,
              [](auto& to, auto& id) { to.hash("draft_call", id.value); });
  io.text("draft_text", limits::reply_text_bytes_max, m.draft_text);
  io.hash("answer_call", m.answer_call.value);
  io.text("answer_text", limits::reply_text_bytes_max, m.answer_text);
  io.number("questions", m.questions);
  io.number("payload_bits", m.payload_bits);
  io.bytes("bitstream", limits::event_bytes_max, m.bitstream);
}

// -- the frame -----------------------------------------------------------------------------------

void put_frame(auto& io, const auto& message, auto&& fields_of) {
  io.tuple("frame", [&](auto& inner) {
    inner.number("version", version);
    inner.number("type", row<std::remove_cvref_t<decltype(message)>>::type.number);
    fields_of(inner, message);
  });
}

// fields_of(io, message) lists the fields of any message of the variant.
template <class Variant> std::string encode_frame(const Variant& message, auto fields_of) {
  std::string out;
  std::visit(
      [&](const auto& one) {
        sizer size;
        put_frame(size, one, fields_of);
        out.reserve(size.bytes_max());
        writer to(out);
        put_frame(to, one, fields_of);
      },
      message);
  return out;
}

// The version was read and is ours, and the size is within the limit; else it fails the reader.
[[nodiscard]] bool take_version(reader& from, std::size_t frame_bytes, frame_error& error);

// Reads the fields of the alternative that has this number; false when none has.
template <class Variant, std::size_t... at>
bool read_type(reader& from, std::uint64_t number, Variant& out, std::string_view& name,
               auto& fields_of, std::index_sequence<at...>) {
  const auto matches = [&]<std::size_t i>() {
    constexpr type_of type = row<std::variant_alternative_t<i, Variant>>::type;
    if (type.number != number)
      return false;
    name = type.name;
    fields_of(from, out.template emplace<i>());
    return true;
  };
  return (matches.template operator()<at>() || ...);
}

template <class Variant>
expected<Variant, frame_error> decode_frame(std::string_view bytes, auto fields_of) {
  reader from(bytes);
  Variant out;
  frame_error error;
  std::string_view name = "frame";
  from.tuple("frame", [&](reader& io) {
    if (!take_version(io, bytes.size(), error))
      return;
    std::uint64_t number = 0;
    io.number("type", number);
    constexpr std::make_index_sequence<std::variant_size_v<Variant>> all;
    if (io.ok() && !read_type(io, number, out, name, fields_of, all))
      io.fail(fmt::format("type {} is not known", number));
  });
  const std::string mistake = from.finish();
  if (mistake.empty())
    return out;
  error.message = fmt::format("{}: {}", name, mistake);
  return fail(std::move(error));
}

} // namespace tenbit::wire

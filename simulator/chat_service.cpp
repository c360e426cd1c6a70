#include "simulator/chat_service.hpp"

#include <cmath>
#include <iterator>
#include <numbers>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t bytes_per_token = 4;
constexpr std::size_t piece_bytes = 64; // of a stream that is not paced
constexpr double delay_ms_max = 600'000;

std::uint64_t tokens(std::size_t bytes) {
  return (bytes + bytes_per_token - 1) / bytes_per_token;
}

void refuse_in(int status, std::string_view message, const http_form& form, write_plan& plan) {
  plan.bytes.clear();
  append_response(plan.bytes, status, "application/json", "", error_body(status, message), form);
}

// Cuts the text to so many tokens; true when something was cut off.
bool cut_to(std::uint32_t max_tokens, std::string& text) {
  const std::size_t most = std::size_t{max_tokens} * bytes_per_token;
  if (max_tokens == 0 || text.size() <= most)
    return false;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  text.resize(end);
  return true;
}

void write_stream(const chat_reply& reply, bool include_usage, double tokens_per_second,
                  const http_form& form, write_plan& plan) {
  append_stream_head(plan.bytes, form);
  if (form.http_1_0)
    plan.end = ending::close;
  const bool paced = tokens_per_second > 0;
  const auto events = stream_events(reply, {paced ? bytes_per_token : piece_bytes, include_usage});
  std::string all;
  for (const std::string& event : events) {
    if (paced) {
      append_chunk(plan.bytes, event, form);
      plan.cuts.push_back(plan.bytes.size());
    } else {
      all += event;
    }
  }
  append_chunk(plan.bytes, all, form);
  append_last_chunk(plan.bytes, form);
  if (paced) {
    plan.cuts.back() = plan.bytes.size();
    plan.pause = std::chrono::microseconds(static_cast<std::int64_t>(1e6 / tokens_per_second));
  }
}

} // namespace

std::uint64_t service_counts::all_faults() const {
  std::uint64_t sum = 0;
  for (const auto& one : faults)
    sum += one.load(std::memory_order_relaxed);
  return sum;
}

chat_service::chat_service(sim_spec spec, recorded_replies recorded)
    : spec_(std::move(spec)), recorded_(std::move(recorded)) {}

void chat_service::respond(std::string_view method, std::string_view target, std::string& body,
                           const http_form& form, write_plan& plan) {
  plan = write_plan{};
  plan.end = form.keep_alive ? ending::keep_open : ending::close;
  target = target.substr(0, target.find('?'));
  if (target == "/v1/chat/completions") {
    if (method == "POST")
      respond_chat(body, form, plan);
    else
      refuse_in(405, "use POST for /v1/chat/completions", form, plan);
    return;
  }
  const bool get = method == "GET";
  if (get && target == "/health") {
    append_response(plan.bytes, 200, "application/json", "", R"({"status":"ok"})", form);
  } else if (get && target == "/v1/models") {
    append_response(
        plan.bytes, 200, "application/json", "",
        R"({"object":"list","data":[)"
        R"({"id":"small","object":"model","created":1735689600,"owned_by":"tenbit-sim"},)"
        R"({"id":"large","object":"model","created":1735689600,"owned_by":"tenbit-sim"}]})",
        form);
  } else if (get && target == "/metrics") {
    append_response(plan.bytes, 200, "text/plain; version=0.0.4", "", metrics(), form);
  } else {
    refuse_in(404,
              "no such route; there are POST /v1/chat/completions and GET /v1/models, /health, "
              "/metrics",
              form, plan);
  }
}

void chat_service::refuse(int status, std::string_view message, write_plan& plan) {
  plan = write_plan{};
  plan.end = ending::close;
  refuse_in(status, message, {.keep_alive = false}, plan);
}

void chat_service::respond_chat(std::string& body, const http_form& form, write_plan& plan) {
  counts_.received.fetch_add(1, std::memory_order_relaxed);
  const auto read = reader_.read(body, request_);
  const std::uint32_t arrival = census_.arrive(request_.hash);
  counts_.distinct.store(census_.distinct(), std::memory_order_relaxed);
  if (!read)
    return refuse_in(400, read.error(), form, plan);
  auto said = text_for(request_);
  if (!said) {
    return refuse_in(404,
                     fmt::format("the model '{}' does not exist; the simulator has small and large",
                                 one_line(request_.model, limits::shown_name_chars_max)),
                     form, plan);
  }
  plan.needs_slot = true;
  plan.delay = delay_of(request_.hash);
  write_reply(arrival, std::move(*said), form, plan);
}

void chat_service::write_reply(std::uint32_t arrival, persona_reply said, const http_form& form,
                               write_plan& plan) {
  const fault_kind fault = draw_fault(spec_.seed, spec_.faults, request_.hash, arrival);
  if (fault != fault_kind::none)
    counts_.faults[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  chat_reply reply;
  reply.id = request_.hash;
  reply.cut = cut_to(request_.max_tokens, said.text);
  reply.prompt_tokens = tokens(request_.prompt.size());
  reply.completion_tokens = tokens(said.text.size());
  reply.logprobs = request_.logprobs;
  reply.top_logprobs = request_.top_logprobs;
  reply.p_yes = said.p_yes;
  reply.p_no = said.p_no;
  std::string model;
  reply.model = request_.model;
  if (fault == fault_kind::wrong_model)
    reply.model = model = spoiled_model(request_.model);
  if (fault == fault_kind::bad_utf8)
    said.text = spoil_text(said.text);
  reply.text = said.text;
  std::size_t head = 0;
  if (request_.stream) {
    write_stream(reply, request_.include_usage, spec_.tokens_per_second, form, plan);
    head = plan.bytes.find("\r\n\r\n") + 4;
  } else {
    const std::string body = completion_body(reply);
    append_response(plan.bytes, 200, "application/json", "", body, form);
    head = plan.bytes.size() - body.size();
    if (spec_.tokens_per_second > 0) // the whole text takes as long as its stream
      plan.delay += std::chrono::microseconds(static_cast<std::int64_t>(
          1e6 * static_cast<double>(reply.completion_tokens) / spec_.tokens_per_second));
  }
  const auto variant = random_stream(request_.hash, "sim fault variant", arrival).next();
  apply_fault(fault, spec_.faults, variant, request_.stream, form, head, plan);
}

std::optional<persona_reply> chat_service::text_for(const chat_request& request) const {
  if (!recorded_.empty()) {
    const auto kind = read_prompt(request.prompt).kind;
    if (const std::string* text = recorded_.find(request.model, request.prompt, kind)) {
      persona_reply out{*text, std::nullopt, std::nullopt};
      const bool yes = text->starts_with("Yes");
      if (yes || text->starts_with("No")) {
        out.p_yes = yes ? 0.95 : 0.04;
        out.p_no = yes ? 0.04 : 0.95;
      }
      return out;
    }
  }
  if (find_persona(request.model) == nullptr)
    return std::nullopt;
  return reply(spec_.seed, {request.model, request.prompt, request.temperature, request.seed});
}

std::chrono::microseconds chat_service::delay_of(std::uint64_t request) const {
  if (spec_.latency_ms <= 0)
    return std::chrono::microseconds(0);
  random_stream random(spec_.seed, "sim latency", request);
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  const double normal = radius * std::cos(2 * std::numbers::pi * random.unit());
  const double factor = std::exp(spec_.latency_spread * normal);
  const double ms = std::min(spec_.latency_ms * factor, delay_ms_max);
  return std::chrono::microseconds(static_cast<std::int64_t>(1e3 * ms));
}

std::string chat_service::metrics() const {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), "# TYPE tenbit_sim_{0} {1}\ntenbit_sim_{0} {2}\n", name,
                   type, value);
  };
  add("received_total", "counter", counts_.received.load(std::memory_order_relaxed));
  add("answered_total", "counter", counts_.answered.load(std::memory_order_relaxed));
  add("distinct_requests_total", "counter", counts_.distinct.load(std::memory_order_relaxed));
  out += "# TYPE tenbit_sim_faults_total counter\n";
  for (std::size_t i = 1; i < fault_kinds; ++i)
    fmt::format_to(std::back_inserter(out), "tenbit_sim_faults_total{{kind=\"{}\"}} {}\n",
                   to_string(static_cast<fault_kind>(i)),
                   counts_.faults[i].load(std::memory_order_relaxed));
  add("in_flight", "gauge", counts_.in_flight.load(std::memory_order_relaxed));
  add("queue_depth", "gauge", counts_.queued.load(std::memory_order_relaxed));
  add("slots", "gauge", spec_.slots);
  return out;
}

} // namespace tenbit::sim

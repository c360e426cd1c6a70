#include "simulator/fault.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/expected.hpp"
#include "base/hash.hpp"
#include "base/random.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t filler_block = 64U << 10;

void replace(write_plan& plan, int status, std::string_view extra, std::string_view message,
             const http_form& form) {
  plan.bytes.clear();
  append_response(plan.bytes, status, "application/json", extra, error_body(status, message), form);
}

// Bodies that are complete as HTTP and wrong as answers.
std::string malformed_body(std::uint64_t variant) {
  switch (variant % 6) {
  case 0:
    return R"({"id":"x","choices":[{"index":0,"message":})";
  case 1:
    return error_body(500, "the model gave up"); // an error object under 200
  case 2:
    return R"({"id":"x","object":"chat.completion","choices":[]})";
  case 3:
    return R"({"choices":[{"message":{"content":NaN}}]})";
  case 4:
    return "<html><body>Bad gateway</body></html>";
  default:
    return "{\"choices\":" + std::string(10'000, '[');
  }
}

void malform(std::uint64_t variant, bool stream, const http_form& form, write_plan& plan) {
  plan.bytes.clear();
  if (!stream) {
    append_response(plan.bytes, 200, "application/json", "", malformed_body(variant), form);
    return;
  }
  append_stream_head(plan.bytes, form);
  append_chunk(plan.bytes, "data: " + malformed_body(variant) + "\n\ndata: [DONE]\n\n", form);
  append_last_chunk(plan.bytes, form);
  if (form.http_1_0)
    plan.end = ending::close;
}

// Cut in the middle: with a length that fits the cut (the JSON ends early), or with the connection.
void truncate(std::uint64_t variant, bool stream, const http_form& form, std::size_t head_bytes,
              write_plan& plan) {
  const std::size_t half = head_bytes + (plan.bytes.size() - head_bytes) / 2;
  if (variant % 2 == 0 && !stream) {
    const std::string body = plan.bytes.substr(head_bytes, half - head_bytes);
    plan.bytes.clear();
    append_response(plan.bytes, 200, "application/json", "", body, form);
    return;
  }
  plan.bytes.resize(half);
  plan.end = ending::close;
}

void make_huge(bool stream, const http_form& form, write_plan& plan) {
  plan.bytes.clear();
  append_stream_head(plan.bytes, form);
  const std::string open = R"({"choices":[{"index":0,"delta":{"content":")";
  if (stream) {
    std::string events;
    while (events.size() < filler_block)
      events += "data: " + open + std::string(960, 'a') + "\"}}]}\n\n";
    append_chunk(plan.filler, events, form);
  } else {
    append_chunk(plan.bytes, R"({"choices":[{"index":0,"message":{"content":")", form);
    append_chunk(plan.filler, std::string(filler_block, 'a'), form);
  }
  plan.filler_bytes = limits::sim_huge_bytes;
  plan.end = ending::close;
}

void slow_down(write_plan& plan) {
  const std::size_t parts = std::min(limits::sim_slow_parts, plan.bytes.size());
  plan.cuts.clear();
  for (std::size_t i = 1; i <= parts; ++i)
    plan.cuts.push_back(plan.bytes.size() * i / parts);
  plan.pause = limits::sim_slow_pause;
}

} // namespace

std::string_view to_string(fault_kind kind) {
  static constexpr std::array<std::string_view, fault_kinds> names{
      "none", "429",       "500",       "503",      "reset",       "stall",
      "slow", "malformed", "truncated", "bad_utf8", "wrong_model", "huge"};
  return names[static_cast<std::size_t>(kind)];
}

fault_kind draw_fault(std::uint64_t seed, const sim_fault_spec& spec, std::uint64_t request,
                      std::uint32_t arrival) {
  const std::pair<fault_kind, double> rates[] = {
      {fault_kind::status_429, spec.rate_429},
      {fault_kind::status_500, spec.rate_500},
      {fault_kind::status_503, spec.rate_503},
      {fault_kind::reset, spec.rate_reset},
      {fault_kind::stall, spec.rate_stall},
      {fault_kind::slow, spec.rate_slow},
      {fault_kind::malformed, spec.rate_malformed},
      {fault_kind::truncated, spec.rate_truncated},
      {fault_kind::bad_utf8, spec.rate_bad_utf8},
      {fault_kind::wrong_model, spec.rate_wrong_model},
      {fault_kind::huge, spec.rate_huge},
  };
  double total = 0;
  for (const auto& [kind, rate] : rates)
    total += rate;
  if (total <= 0)
    return fault_kind::none;
  double drawn = random_stream(hasher("sim fault")
                                   .field(seed)
                                   .field(request)
                                   .field(std::uint64_t{arrival})
                                   .finish()
                                   .prefix())
                     .unit();
  for (const auto& [kind, rate] : rates) {
    if (drawn < rate)
      return kind;
    drawn -= rate;
  }
  return fault_kind::none;
}

void apply_fault(fault_kind kind, const sim_fault_spec& spec, std::uint64_t variant, bool stream,
                 const http_form& form, std::size_t head_bytes, write_plan& plan) {
  plan.good = kind == fault_kind::none || kind == fault_kind::slow;
  if (!plan.good && kind != fault_kind::bad_utf8 && kind != fault_kind::wrong_model) {
    plan.cuts.clear(); // offsets into bytes that are replaced or cut
    plan.end = form.keep_alive ? ending::keep_open : ending::close;
  }
  switch (kind) {
  case fault_kind::none:
  case fault_kind::bad_utf8:
  case fault_kind::wrong_model:
    return;
  case fault_kind::status_429:
    return replace(plan, 429, fmt::format("Retry-After: {}\r\n", spec.retry_after_s),
                   "too many requests, slow down", form);
  case fault_kind::status_500:
    return replace(plan, 500, "", "simulated failure of the server", form);
  case fault_kind::status_503:
    return replace(plan, 503, "", "server busy, please try again", form);
  case fault_kind::reset:
    plan.bytes.resize(head_bytes + (plan.bytes.size() - head_bytes) / 2);
    plan.end = ending::reset;
    return;
  case fault_kind::stall: // after the head, or in the middle of the body
    plan.bytes.resize(variant % 2 == 0 ? head_bytes
                                       : head_bytes + (plan.bytes.size() - head_bytes) / 2);
    plan.end = ending::stall;
    return;
  case fault_kind::slow:
    return slow_down(plan);
  case fault_kind::malformed:
    return malform(variant, stream, form, plan);
  case fault_kind::truncated:
    return truncate(variant, stream, form, head_bytes, plan);
  case fault_kind::huge:
    return make_huge(stream, form, plan);
  }
}

std::string spoil_text(std::string_view text) {
  std::string out(text);
  out.insert(out.size() / 2, "\xff\xfe\xc3");
  return out;
}

std::string spoiled_model(std::string_view model) {
  return std::string(model) + "-other";
}

} // namespace tenbit::sim

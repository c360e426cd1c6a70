// Making a call_loop: keys, URLs, file descriptors. Everything that can be wrong is found before
// any call.

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/resource.h>

#include "base/text.hpp"
#include "endpoints/call_loop.hpp"
#include "endpoints/endpoint_url.hpp"
#include "endpoints/json_reader.hpp"

namespace tenbit {
namespace {

using std::chrono::milliseconds;

// Often enough that a deadline is missed by little, seldom enough to cost nothing.
milliseconds period_for(const client_timing& timing) {
  const auto shortest = std::min({timing.first_byte, timing.stall, timing.call});
  return std::clamp<milliseconds>(shortest / 8, milliseconds(1), limits::deadline_check_max);
}

std::uint64_t seed_for(const client_timing& timing) {
  if (timing.jitter_seed != 0)
    return timing.jitter_seed;
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

expected<std::string, std::string> read_key(const model_spec& spec) {
  if (spec.api_key_env.empty())
    return std::string();
  const char* value = std::getenv(spec.api_key_env.c_str());
  const auto complaint = [&](std::string_view what) {
    return fail(fmt::format("model {}: the environment variable {} (api_key_env) {}", spec.alias,
                            spec.api_key_env, what));
  };
  if (value == nullptr || *value == '\0')
    return complaint("is not set");
  std::string key(trim(value));
  for (char c : key)
    if (static_cast<unsigned char>(c) <= 0x20U || static_cast<unsigned char>(c) >= 0x7FU)
      return complaint("holds a blank or a character that cannot stand in an HTTP header");
  if (key.empty())
    return complaint("is blank");
  return key;
}

// Connections need file descriptors, and the soft limit is often 1024.
status<std::string> reserve_descriptors(std::uint64_t connections) {
  constexpr std::uint64_t for_the_rest = 256; // store, logs, sockets between processes
  const rlim_t needed = connections + for_the_rest;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
    return {};
  limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
  if (limit.rlim_cur < needed || setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(fmt::format("{} calls in flight need {} file descriptors, the limit is {} (raise "
                            "it with ulimit -n, or lower the concurrency of the models)",
                            connections, needed, limit.rlim_max));
  return {};
}

} // namespace

call_loop::call_loop(const client_timing& timing)
    : timing_(timing), deadline_period_(period_for(timing)),
      policy_(timing.retry_base, timing.retry_max), random_(seed_for(timing)),
      json_(std::make_unique<json_reader>()), now_(std::chrono::steady_clock::now()) {}

expected<std::unique_ptr<call_loop>, std::string>
call_loop::open(std::span<const model_spec> models, const client_timing& timing) {
  std::uint64_t connections = 0;
  for (const auto& spec : models)
    connections += spec.concurrency;
  if (auto reserved = reserve_descriptors(connections); !reserved)
    return fail(reserved.error());
  std::unique_ptr<call_loop> loop(new call_loop(timing));
  auto engine = http_engine::open(
      *loop, static_cast<std::uint32_t>(std::min<std::uint64_t>(connections + 16, UINT32_MAX)),
      timing.connect);
  if (!engine)
    return fail(engine.error());
  loop->engine_ = std::move(*engine);
  for (const auto& spec : models)
    if (auto opened = loop->open_lane(spec); !opened)
      return fail(opened.error());
  return loop;
}

status<std::string> call_loop::open_lane(const model_spec& spec) {
  const auto complaint = [&](std::string_view what) {
    return fail(fmt::format("model {}: {}", spec.alias, what));
  };
  if (spec.replicas.empty() || spec.replicas.size() > limits::replicas_max)
    return complaint(
        fmt::format("needs 1 to {} replicas, has {}", limits::replicas_max, spec.replicas.size()));
  if (spec.concurrency < 1 || spec.concurrency > limits::concurrency_max)
    return complaint(fmt::format("concurrency must be 1 to {}, is {}", limits::concurrency_max,
                                 spec.concurrency));
  if (lane_of_.contains(spec.alias))
    return complaint("is given twice");
  auto key = read_key(spec);
  if (!key)
    return fail(key.error());
  auto lane = std::make_unique<model_lane>(spec, timing_);
  lane->key = *key;
  for (std::size_t i = 0; i < spec.replicas.size(); ++i) {
    auto url = chat_url(spec.replicas[i]);
    if (!url)
      return complaint(url.error());
    lane->replicas[i].shown_url = shown_url(*url);
    lane->replicas[i].endpoint = engine_->add_endpoint(std::move(*url), lane->key);
  }
  lane_of_.emplace(spec.alias, lane.get());
  lanes_.push_back(std::move(lane));
  return {};
}

call_loop::~call_loop() = default;

} // namespace tenbit

#include "simulator/server.hpp"

#include <exception>

#include <fmt/format.h>

#include "simulator/hub.hpp"

namespace tenbit {
namespace {

class server final : public sim_server {
public:
  server(sim_options options, sim::recorded_replies recorded)
      : hub_(std::move(options), std::move(recorded)) {}

  [[nodiscard]] status<std::string> listen() { return hub_.start(); }
  [[nodiscard]] std::string url() const override { return hub_.url(); }
  [[nodiscard]] sim_counts counts() const override {
    const auto& counts = hub_.service().counts();
    const auto read = [](const auto& value) { return value.load(std::memory_order_relaxed); };
    return {read(counts.received), read(counts.answered), read(counts.distinct),
            counts.all_faults(), read(counts.in_flight)};
  }

private:
  sim::hub hub_;
};

} // namespace

expected<std::unique_ptr<sim_server>, std::string> sim_server::start(sim_options options) {
  if (options.behaviour.slots == 0)
    return fail(std::string("the simulator needs at least one slot"));
  sim::recorded_replies recorded;
  if (!options.behaviour.recorded.empty()) {
    auto loaded = sim::recorded_replies::load(options.behaviour.recorded);
    if (!loaded)
      return fail(std::move(loaded.error()));
    recorded = std::move(*loaded);
  }
  try { // Asio throws when the system has no descriptors left for its own needs
    auto made = std::make_unique<server>(std::move(options), std::move(recorded));
    if (auto listening = made->listen(); !listening)
      return fail(std::move(listening.error()));
    return made;
  } catch (const std::exception& error) {
    return fail(fmt::format("the simulator cannot start: {}", error.what()));
  }
}

} // namespace tenbit

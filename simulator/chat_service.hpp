// The simulated endpoint without its sockets: request bytes in, a plan of what to write out.
//
// Owned by the server and used on its thread; counts() may be read from any thread. Never fails: a
// bad request is a plan with an error reply.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "simulator/chat_request.hpp"
#include "simulator/fault.hpp"
#include "simulator/persona.hpp"
#include "simulator/recorded.hpp"
#include "simulator/request_census.hpp"

namespace tenbit::sim {

struct service_counts {
  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<std::uint64_t> distinct = 0;
  std::array<std::atomic<std::uint64_t>, fault_kinds> faults{};
  std::atomic<std::uint64_t> in_flight = 0; // holding a slot
  std::atomic<std::uint64_t> queued = 0;

  [[nodiscard]] std::uint64_t all_faults() const;
};

class chat_service {
public:
  chat_service(sim_spec spec, recorded_replies recorded);

  // Everything but chat completions is answered from here too.
  void respond(std::string_view method, std::string_view target, std::string& body,
               const http_form& form, write_plan& plan);
  // For requests that HTTP itself refuses.
  static void refuse(int status, std::string_view message, write_plan& plan);

  [[nodiscard]] service_counts& counts() { return counts_; }
  [[nodiscard]] const service_counts& counts() const { return counts_; }
  [[nodiscard]] std::uint32_t slots() const { return spec_.slots; }

private:
  void respond_chat(std::string& body, const http_form& form, write_plan& plan);
  void write_reply(std::uint32_t arrival, persona_reply said, const http_form& form,
                   write_plan& plan);
  // Empty when there is neither such a model nor a recorded reply.
  [[nodiscard]] std::optional<persona_reply> text_for(const chat_request& request) const;
  [[nodiscard]] std::chrono::microseconds delay_of(std::uint64_t request) const;
  [[nodiscard]] std::string metrics() const;

  sim_spec spec_;
  recorded_replies recorded_;
  chat_request_reader reader_;
  chat_request request_; // reused
  request_census census_;
  service_counts counts_;
};

} // namespace tenbit::sim

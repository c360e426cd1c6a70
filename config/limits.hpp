// Every bound of the program, in one place, with the reason for its size.
//
// A queue, message, retry, file or loop that has no limit here is a bug. Units are last in the name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tenbit::limits {

using namespace std::chrono_literals;

// -- experiment files and datasets ---------------------------------------------------------------
inline constexpr std::size_t experiment_file_bytes_max = 1U << 20; // a person wrote it
inline constexpr std::size_t arms_max = 256;                      // fits the u16 arm number with room
inline constexpr std::size_t models_max = 64;
inline constexpr std::size_t replicas_max = 256;
inline constexpr std::uint32_t trials_max = 1000;
inline constexpr std::uint32_t questions_max = 1000;
inline constexpr std::uint64_t problems_max = 10'000'000;
inline constexpr std::size_t dataset_line_bytes_max = 1U << 20;
inline constexpr std::size_t problem_text_bytes_max = 256U << 10;

// -- calls ---------------------------------------------------------------------------------------
inline constexpr std::size_t prompt_bytes_max = 4U << 20;
inline constexpr std::size_t reply_bytes_max = 16U << 20; // raw bytes of one HTTP reply, all chunks
inline constexpr std::size_t reply_text_bytes_max = 4U << 20;
inline constexpr int json_depth_max = 32;
inline constexpr std::uint32_t concurrency_max = 8192; // per model, all replicas; fds and 24 kB a handle
inline constexpr std::uint32_t limiter_start = 64;     // slow start from here, per replica
inline constexpr std::uint32_t call_attempts_max = 4;
inline constexpr auto retry_delay_base = 500ms;  // full jitter U(0, min(max, base * 2^n))
inline constexpr auto retry_delay_max = 60s;
inline constexpr auto retry_after_max = 600s;    // a server that asks for more is treated as down
inline constexpr int retry_budget = 500;         // tokens per replica
inline constexpr int retry_cost = 5;
inline constexpr int retry_cost_timeout = 10;
inline constexpr auto connect_timeout = 5s;
inline constexpr auto first_byte_timeout = 600s; // queue-aware: servers queue without answering
inline constexpr auto stall_timeout = 120s;      // between two bytes of a stream
inline constexpr auto call_timeout = 1800s;
inline constexpr int breaker_failures_in_row = 10;
inline constexpr int breaker_window_calls_min = 20;
inline constexpr auto breaker_window = 30s;
inline constexpr auto breaker_probe_min = 5s;
inline constexpr auto breaker_probe_max = 60s;

// -- journal -------------------------------------------------------------------------------------
inline constexpr std::size_t commit_group_items_max = 256;
inline constexpr std::size_t commit_group_bytes_max = 1U << 20;
inline constexpr std::size_t event_bytes_max = 24U << 20; // reply text + request + framing
inline constexpr std::uint32_t events_per_task_max = 1'000'000;
inline constexpr auto anchor_period = 1s;

// -- tasks ---------------------------------------------------------------------------------------
inline constexpr std::uint32_t task_errors_max = 3;   // a task's own errors before quarantine
inline constexpr std::size_t tasks_in_flight_max = 65'536;
inline constexpr auto actor_request_timeout = 60s;    // between actors of one process

// -- what is shown -------------------------------------------------------------------------------
inline constexpr std::size_t shown_name_chars_max = 64;
inline constexpr auto progress_period = 1s;

} // namespace tenbit::limits

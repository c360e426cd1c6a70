#include "protocols/context.hpp"

#include <fmt/format.h>

#include "config/limits.hpp"

namespace tenbit {

std::uint64_t context::seed() const {
  return hasher("program seed")
      .field(input_.exp->seed)
      .field(arm().name)
      .field(std::uint64_t{input_.trial.value})
      .field(input_.item.question)
      .finish()
      .prefix();
}

std::uint32_t context::add(effect what, std::size_t questions) {
  effects_.push_back({std::move(what), questions, false, std::nullopt});
  ++unresolved_;
  return static_cast<std::uint32_t>(effects_.size() - 1);
}

// A recipe or a model's texts can make a request that nobody could serve; it is refused before it
// goes out.
void context::check(const generate_request& request) {
  if (refused_)
    return;
  if (input_.exp->find_model(request.model) == nullptr) {
    refused_ = {call_error::request_invalid,
                fmt::format("the experiment has no model \"{}\"", request.model)};
    return;
  }
  std::size_t bytes = 0;
  for (const chat_message& message : request.messages)
    bytes += message.content.size();
  if (bytes > limits::prompt_bytes_max)
    refused_ = {call_error::request_invalid,
                fmt::format("a prompt of {} bytes is over {}", bytes, limits::prompt_bytes_max)};
}

context::wait_generated context::generate(generate_request request) {
  check(request);
  return {*this, add(std::move(request), 0), 1};
}

context::wait_all context::all(std::vector<generate_request> requests) {
  const auto first = static_cast<std::uint32_t>(effects_.size());
  for (generate_request& request : requests) {
    check(request);
    add(std::move(request), 0);
  }
  return {*this, first, static_cast<std::uint32_t>(requests.size())};
}

context::wait_answers context::ask(ask_request request) {
  TENBIT_ASSERT(!request.questions.empty());
  const std::size_t questions = request.questions.size();
  return {*this, add(std::move(request), questions), 1};
}

std::vector<generated> context::wait_all::await_resume() const {
  std::vector<generated> out;
  out.reserve(count());
  for (std::uint32_t i = 0; i < count(); ++i)
    out.push_back(result<generated>(i));
  return out;
}

} // namespace tenbit

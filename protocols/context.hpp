// What a program may do: see its problem and its arm, and ask for effects with co_await.
//
// program is the coroutine type of all methods; context is its only window. Both belong to one
// driver and one thread. A program never sees an effect that failed: the driver ends it there.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/program.hpp"

namespace tenbit {

class coroutine_driver;

// Owns the frame of one coroutine that ends with co_return of an outcome.
class program {
public:
  struct promise_type {
    std::optional<outcome> ended;
    std::exception_ptr thrown;

    program get_return_object() { return program(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(outcome value) { ended = std::move(value); }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
  };

  program(program&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  program& operator=(program&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program() {
    if (frame_)
      frame_.destroy();
  }

private:
  using handle = std::coroutine_handle<promise_type>;
  explicit program(handle frame) : frame_(frame) {}
  friend class coroutine_driver;
  handle frame_;
};

class context {
public:
  explicit context(program_input input) : input_(std::move(input)) {}
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  [[nodiscard]] const program_input& input() const { return input_; }
  [[nodiscard]] const std::string& question() const { return input_.item.question; }
  [[nodiscard]] const arm_spec& arm() const { return input_.exp->arms[input_.arm.value]; }
  [[nodiscard]] const protocol_switches& switches() const { return input_.exp->switches; }

  // The program's only randomness: of (experiment seed, arm name, trial, question), so that a
  // receiver who has the recipe and the problem draws the same.
  [[nodiscard]] std::uint64_t seed() const;

private:
  using results = std::vector<effect_result>;

  // Waits for effects [first, first + count), which were asked for together.
  class wait {
  public:
    wait(context& ctx, std::uint32_t first, std::uint32_t count)
        : ctx_(ctx), first_(first), count_(count) {}
    [[nodiscard]] bool await_ready() const noexcept { return count_ == 0; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}

  protected:
    template <class T> T result(std::uint32_t i) const {
      return std::get<T>(std::move(*ctx_.effects_[first_ + i].result));
    }
    [[nodiscard]] std::uint32_t count() const { return count_; }

  private:
    context& ctx_;
    std::uint32_t first_;
    std::uint32_t count_;
  };
  struct wait_generated : wait {
    using wait::wait;
    generated await_resume() const { return result<generated>(0); }
  };
  struct wait_answers : wait {
    using wait::wait;
    answers await_resume() const { return result<answers>(0); }
  };
  struct wait_all : wait {
    using wait::wait;
    std::vector<generated> await_resume() const;
  };

public:
  // One text of a model of the receiver. The effect is pending from here on; co_await at once.
  [[nodiscard]] wait_generated generate(generate_request request);
  // As many texts, all pending together; results in the order of the requests.
  [[nodiscard]] wait_all all(std::vector<generate_request> requests);
  // The bits of the sender, one per question: the only way anything crosses. At least one question.
  [[nodiscard]] wait_answers ask(ask_request request);

private:
  friend class coroutine_driver;

  struct slot {
    effect what;
    std::size_t questions = 0; // of an ask
    bool taken = false;
    std::optional<effect_result> result;
  };
  std::uint32_t add(effect what, std::size_t questions);
  void check(const generate_request& request);

  program_input input_;
  std::vector<slot> effects_; // by number
  std::size_t untaken_ = 0;   // effects from this number on have not been taken
  std::size_t unresolved_ = 0;
  std::optional<effect_failure> refused_; // an effect that cannot be asked for
};

} // namespace tenbit

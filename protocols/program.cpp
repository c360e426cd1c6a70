#include <fmt/format.h>

#include "config/limits.hpp"
#include "protocols/context.hpp"
#include "protocols/methods/methods.hpp"

namespace tenbit {
namespace {

program method_of(context& ctx) {
  switch (ctx.arm().method) {
  case method_kind::direct:
    return methods::direct(ctx);
  case method_kind::qa:
    return methods::qa(ctx);
  case method_kind::self_ask:
    return methods::self_ask(ctx);
  case method_kind::resample:
    return methods::resample(ctx);
  case method_kind::random_bits:
    return methods::random_bits(ctx);
  case method_kind::constant_yes:
    return methods::constant_yes(ctx);
  }
  assertion_failed("method_kind", __FILE__, __LINE__);
}

std::string message_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

} // namespace

class coroutine_driver final : public driver {
public:
  explicit coroutine_driver(program_input input) : ctx_(std::move(input)), body_(method_of(ctx_)) {
    if (ctx_.input().trial.value >= limits::trials_max)
      end(fail(effect_failure{
          call_error::request_invalid,
          fmt::format("trial {} is over {}", ctx_.input().trial.value, limits::trials_max - 1)}));
    else
      run();
  }

  std::vector<pending_effect> take() override {
    std::vector<pending_effect> out;
    if (result_)
      return out;
    for (; ctx_.untaken_ < ctx_.effects_.size(); ++ctx_.untaken_) {
      context::slot& next = ctx_.effects_[ctx_.untaken_];
      next.taken = true;
      out.push_back({static_cast<std::uint32_t>(ctx_.untaken_), std::move(next.what)});
    }
    return out;
  }

  void resolve(std::uint32_t number, effect_result result) override {
    if (result_)
      return; // it failed on another effect that was pending with this one
    TENBIT_ASSERT(number < ctx_.effects_.size());
    context::slot& place = ctx_.effects_[number];
    TENBIT_ASSERT(place.taken && !place.result);
    if (auto* failure = std::get_if<effect_failure>(&result)) {
      end(fail(std::move(*failure)));
      return;
    }
    TENBIT_ASSERT(std::holds_alternative<answers>(result) == (place.questions > 0));
    if (const auto* bits = std::get_if<answers>(&result)) {
      TENBIT_ASSERT(bits->size() == place.questions);
      if (!allowed(*bits))
        return;
    }
    place.result = std::move(result);
    if (--ctx_.unresolved_ == 0)
      run();
  }

  [[nodiscard]] bool finished() const override { return result_.has_value(); }
  [[nodiscard]] const expected<outcome, effect_failure>& result() const override {
    TENBIT_ASSERT(result_.has_value());
    return *result_;
  }

private:
  // The bits may come from a file: a third symbol is an error where the switches have none.
  bool allowed(const answers& bits) {
    if (ctx_.switches().unknown_answers)
      return true;
    for (const answer bit : bits)
      if (bit == answer::unknown) {
        end(fail(effect_failure{call_error::request_invalid, "an answer is neither yes nor no"}));
        return false;
      }
    return true;
  }

  // To the next effects or the end.
  void run() {
    body_.frame_.resume();
    auto& promise = body_.frame_.promise();
    if (ctx_.refused_)
      end(fail(std::move(*ctx_.refused_)));
    else if (promise.thrown)
      end(fail(effect_failure{call_error::request_invalid,
                              "the program threw: " + message_of(promise.thrown)}));
    else if (promise.ended)
      end(std::move(*promise.ended));
  }

  // The frame goes at once: nothing of a program runs after its end.
  void end(expected<outcome, effect_failure> result) {
    result_ = std::move(result);
    const program over = std::move(body_);
  }

  context ctx_;
  program body_; // refers to ctx_
  std::optional<expected<outcome, effect_failure>> result_;
};

std::unique_ptr<driver> start_program(program_input input) {
  TENBIT_ASSERT(input.exp != nullptr && input.arm.value < input.exp->arms.size());
  return std::make_unique<coroutine_driver>(std::move(input));
}

identified_call identify(const experiment& exp, const generate_request& request) {
  const model_spec* model = exp.find_model(request.model);
  TENBIT_ASSERT(model != nullptr);
  auto canonical = canonical_request(model->model, request.messages, request.settings);
  const call_id id = identify(model->revision, canonical, request.k);
  return {id, std::move(canonical)};
}

} // namespace tenbit

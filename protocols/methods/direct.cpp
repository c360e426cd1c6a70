#include "protocols/methods/methods.hpp"
#include "protocols/requests.hpp"

namespace tenbit::methods {

program direct(context& ctx) {
  outcome out;
  out.answer = co_await ctx.generate(requests::draft(ctx.input()));
  out.text_crosses = ctx.input().exp->text_crosses(ctx.arm());
  co_return out;
}

} // namespace tenbit::methods

#include "link/zap.hpp"

#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::link {
namespace {

// version, request id, domain, address, identity, mechanism, credentials…
constexpr std::size_t parts_min = 6;
constexpr std::size_t parts_kept_max = 8;

// The Z85 key of a CURVE request; empty for anything else.
std::string key_of(const std::vector<std::string>& request) {
  if (request.size() != parts_min + 1 || request[0] != "1.0" || request[2] != zap_domain ||
      request[5] != "CURVE" || request[6].size() != 32)
    return {};
  std::array<char, 41> text{};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(request[6].data());
  if (::zmq_z85_encode(text.data(), bytes, request[6].size()) == nullptr)
    return {};
  return text.data();
}

std::optional<std::vector<std::string>> read_request(socket& from) {
  std::vector<std::string> parts;
  for (;;) {
    frame part;
    if (!from.receive(part))
      return std::nullopt;
    if (parts.size() < parts_kept_max)
      parts.emplace_back(part.bytes());
    if (!part.more())
      return parts;
  }
}

} // namespace

expected<zap_handler, std::string> zap_handler::open(context& ctx) {
  auto made = socket::open(ctx, ZMQ_REP);
  if (!made)
    return fail(made.error());
  made->set(ZMQ_LINGER, 0);
  if (auto bound = made->bind("inproc://zeromq.zap.01"); !bound)
    return fail("the check of keys cannot be set up: " + bound.error());
  zap_handler handler;
  handler.socket_ = std::move(*made);
  return handler;
}

void zap_handler::serve(
    const allow_list& allowed,
    const std::function<void(const std::string&, const std::string&)>& on_refused) {
  while (const auto request = read_request(socket_)) {
    const std::string key = key_of(*request);
    const bool admitted = !key.empty() && allowed.find(key) != nullptr;
    const std::string id = request->size() > 1 ? (*request)[1] : std::string();
    const std::array<std::string_view, 6> reply{"1.0",
                                                id,
                                                admitted ? "200" : "400",
                                                admitted ? "OK" : "not enrolled or revoked",
                                                admitted ? std::string_view(key) : "",
                                                ""};
    for (std::size_t i = 0; i < reply.size(); ++i)
      // Not delivered only when the asking connection ended meanwhile: nobody waits for it then.
      ignore(socket_.send(reply[i], i + 1 < reply.size()), "see above");
    if (!admitted)
      on_refused(key.empty() ? "no CURVE key" : key,
                 request->size() > 3 ? one_line((*request)[3], limits::shown_name_chars_max) : "");
  }
}

} // namespace tenbit::link

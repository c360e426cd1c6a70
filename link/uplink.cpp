#include "link/uplink.hpp"

#include <thread>
#include <utility>

#include "actors/wire.hpp"
#include "link/key_format.hpp"
#include "link/uplink_loop.hpp"

namespace tenbit::link {
namespace {

class uplink_thread final : public uplink {
public:
  explicit uplink_thread(std::unique_ptr<uplink_loop> loop)
      : loop_(std::move(loop)), thread_([this] { loop_->run(); }) {}
  uplink_thread(const uplink_thread&) = delete;
  uplink_thread& operator=(const uplink_thread&) = delete;
  ~uplink_thread() override {
    loop_->stop();
    thread_.join();
  }
  bool send(const from_peer& message) override { return loop_->push(wire::encode(message)); }
  bool up() const override { return loop_->up(); }

private:
  std::unique_ptr<uplink_loop> loop_;
  std::thread thread_; // last: it uses the rest
};

} // namespace

expected<std::unique_ptr<uplink>, std::string> uplink::start(const uplink_options& options,
                                                             uplink_events events) {
  TENBIT_ASSERT(events.on_up && events.on_down && events.on_message);
  if (!valid_curve_key(options.key.server_key))
    return fail<std::string>("the key file names no server key: it is the coordinator's own; use "
                             "the one that tenbit keys enroll wrote");
  auto loop = uplink_loop::open(options, std::move(events));
  if (!loop)
    return fail(loop.error());
  return std::make_unique<uplink_thread>(std::move(*loop));
}

} // namespace tenbit::link

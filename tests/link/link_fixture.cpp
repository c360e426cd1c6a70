#include "link_fixture.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace tenbit::link {

temporary_folder::temporary_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tenbit-link-XXXXXX").string();
  TENBIT_ASSERT(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}
temporary_folder::~temporary_folder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}
std::string temporary_folder::operator/(const std::string& name) const {
  return path_ + "/" + name;
}

key_folder::key_folder() {
  const auto made = init_keys(dir());
  TENBIT_ASSERT(made.has_value());
}
key_file key_folder::peer(const std::string& name, const std::string& roles) {
  const auto key = enroll(dir(), name, parse_roles(roles).value(), dir() + "/" + name + ".key");
  TENBIT_ASSERT(key.has_value());
  return *key;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + test_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

gateway_events witness::events() {
  return {[this](peer_frame frame) {
            const std::lock_guard lock(mutex_);
            frames_.push_back(std::move(frame));
          },
          [this](connection_id id, std::string reason) {
            const std::lock_guard lock(mutex_);
            gone_.emplace_back(id, std::move(reason));
          }};
}
std::vector<peer_frame> witness::frames() const {
  const std::lock_guard lock(mutex_);
  return frames_;
}
std::vector<connection_id> witness::gone() const {
  const std::lock_guard lock(mutex_);
  std::vector<connection_id> ids;
  for (const auto& row : gone_)
    ids.push_back(row.first);
  return ids;
}
std::size_t witness::count(const std::string& key_name) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      frames_.begin(), frames_.end(), [&](const peer_frame& f) { return f.key_name == key_name; }));
}
connection_id witness::of(const std::string& key_name) const {
  const std::lock_guard lock(mutex_);
  for (const peer_frame& f : frames_)
    if (f.key_name == key_name)
      return f.from;
  return {};
}
bool witness::is_gone(connection_id id) const {
  const auto all = gone();
  return std::find(all.begin(), all.end(), id) != all.end();
}
std::string witness::reason(connection_id id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& row : gone_)
    if (row.first == id)
      return row.second;
  return {};
}

uplink_events diary::events() {
  return {[this] {
            const std::lock_guard lock(mutex_);
            ++ups_;
          },
          [this](std::string reason) {
            const std::lock_guard lock(mutex_);
            downs_.push_back(std::move(reason));
          },
          [this](to_peer message) {
            const std::lock_guard lock(mutex_);
            messages_.push_back(std::move(message));
          }};
}
int diary::ups() const {
  const std::lock_guard lock(mutex_);
  return ups_;
}
std::vector<std::string> diary::downs() const {
  const std::lock_guard lock(mutex_);
  return downs_;
}
std::vector<to_peer> diary::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

raw_client::raw_client(const std::string& address, const key_file* key,
                       const std::string& routing_id, int receive_high_water)
    : socket_(socket::open(context_, ZMQ_DEALER).value()) {
  socket_.set(ZMQ_LINGER, 0);
  socket_.set(ZMQ_RECONNECT_IVL, -1);
  socket_.set(ZMQ_SNDHWM, 0);
  socket_.set(ZMQ_RCVHWM, receive_high_water);
  if (receive_high_water < 1000)
    socket_.set(ZMQ_RCVBUF, 65536);
  if (!routing_id.empty())
    socket_.set(ZMQ_ROUTING_ID, std::string_view(routing_id));
  if (key != nullptr) {
    socket_.set(ZMQ_CURVE_SERVERKEY, std::string_view(key->server_key));
    socket_.set(ZMQ_CURVE_PUBLICKEY, std::string_view(key->public_key));
    socket_.set(ZMQ_CURVE_SECRETKEY, std::string_view(key->secret_key));
  }
  monitor_ = monitor::attach(context_, socket_, "raw", ZMQ_EVENT_ALL).value();
  TENBIT_ASSERT(socket_.connect(address).has_value());
}
void raw_client::send(std::string_view bytes, bool more) {
  TENBIT_ASSERT(socket_.send(bytes, more) == send_result::sent);
}
std::optional<to_peer> raw_client::receive(std::chrono::milliseconds patience) {
  zmq_pollitem_t item = poll_in(socket_);
  poll(&item, 1, patience);
  frame body;
  if (!socket_.receive(body))
    return std::nullopt;
  auto message = wire::decode_to_peer(body.bytes());
  TENBIT_ASSERT(message.has_value());
  return *message;
}
void raw_client::look() {
  while (const auto event = monitor_.next()) {
    connected_ = connected_ || event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    failed_ = failed_ || event->kind == ZMQ_EVENT_DISCONNECTED ||
              event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
              event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
              event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  }
}
bool raw_client::connected() {
  look();
  return connected_;
}
bool raw_client::failed() {
  look();
  return failed_;
}

std::unique_ptr<gateway> start_gateway(const key_folder& keys, witness& seen,
                                       const std::string& address) {
  auto made = gateway::start({address, keys.dir()}, seen.events());
  if (!made)
    ADD_FAILURE() << made.error();
  return made ? std::move(*made) : nullptr;
}

std::string hello_bytes(std::uint64_t boot) {
  hello message;
  message.build = "test";
  message.boot = boot;
  message.roles.solver = true;
  message.slots = 1;
  return wire::encode(from_peer{message});
}

} // namespace tenbit::link

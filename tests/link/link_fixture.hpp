// What the tests of link/ share: a folder of keys, a gateway that is written down, a raw client.
//
// Everything is real: loopback sockets, CURVE, files. Waiting is for a condition, with a patience
// that is long beside what it takes; a test that would need it fails.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/wire.hpp"
#include "link/gateway.hpp"
#include "link/keys.hpp"
#include "link/socket.hpp"
#include "link/uplink.hpp"

namespace tenbit::link {

inline constexpr role_set solver_only{true, false, false};
inline constexpr auto test_patience = std::chrono::seconds(60);

class temporary_folder {
public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();
  [[nodiscard]] std::string operator/(const std::string& name) const;

private:
  std::string path_;
};

// A folder with initialised keys; peers are enrolled as asked for.
class key_folder {
public:
  key_folder();
  [[nodiscard]] key_file peer(const std::string& name, const std::string& roles);
  [[nodiscard]] std::string dir() const { return folder_ / "keys"; }

private:
  temporary_folder folder_;
};

// True when the condition came true in time.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

// Writes down what a gateway says.
class witness {
public:
  [[nodiscard]] gateway_events events();
  [[nodiscard]] std::vector<peer_frame> frames() const;
  [[nodiscard]] std::vector<connection_id> gone() const;
  [[nodiscard]] std::size_t count(const std::string& key_name) const;
  // The connection of the first frame of this key; 0 when there is none.
  [[nodiscard]] connection_id of(const std::string& key_name) const;
  [[nodiscard]] bool is_gone(connection_id id) const;
  [[nodiscard]] std::string reason(connection_id id) const;

private:
  mutable std::mutex mutex_;
  std::vector<peer_frame> frames_;
  std::vector<std::pair<connection_id, std::string>> gone_;
};

// Writes down what an uplink says.
struct diary {
  [[nodiscard]] uplink_events events();
  [[nodiscard]] int ups() const;
  [[nodiscard]] std::vector<std::string> downs() const;
  [[nodiscard]] std::vector<to_peer> messages() const;

private:
  mutable std::mutex mutex_;
  int ups_ = 0;
  std::vector<std::string> downs_;
  std::vector<to_peer> messages_;
};

// A client that does as it likes. `key` null: no CURVE at all.
class raw_client {
public:
  raw_client(const std::string& address, const key_file* key, const std::string& routing_id = {},
             int receive_high_water = 1000);
  void send(std::string_view bytes, bool more = false);
  // The next message; empty when none comes within the time.
  [[nodiscard]] std::optional<to_peer> receive(std::chrono::milliseconds patience);
  [[nodiscard]] bool connected(); // the handshake succeeded, as yet
  [[nodiscard]] bool failed();    // it was refused or cut off, as yet
  [[nodiscard]] socket& dealer() { return socket_; }

private:
  void look();
  context context_{1};
  socket socket_;
  monitor monitor_;
  bool connected_ = false;
  bool failed_ = false;
};

[[nodiscard]] std::unique_ptr<gateway>
start_gateway(const key_folder& keys, witness& seen,
              const std::string& address = "tcp://127.0.0.1:0");
[[nodiscard]] std::string hello_bytes(std::uint64_t boot);

} // namespace tenbit::link

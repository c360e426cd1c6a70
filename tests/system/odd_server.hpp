// An endpoint between a worker and the simulator that answers some requests as it should not.
//
// The choice gets the body of a request and returns what is sent back instead, as a whole HTTP
// response; nothing: the request goes on to the simulator. One thread per connection.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tenbit::testing {

class odd_server {
public:
  using choice = std::function<std::optional<std::string>(const std::string& body)>;

  // simulator: its URL.
  odd_server(std::string simulator, choice answer);
  ~odd_server();
  odd_server(const odd_server&) = delete;
  odd_server& operator=(const odd_server&) = delete;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] unsigned odd() const { return odd_; } // answers that were not the simulator's

private:
  void serve(int socket);
  [[nodiscard]] std::string pass_on(const std::string& target, const std::string& body) const;

  std::string simulator_;
  choice answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<unsigned> odd_{0};
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> served_;
  std::thread accepting_;
};

[[nodiscard]] std::string http_answer(int status, const std::string& body);

} // namespace tenbit::testing

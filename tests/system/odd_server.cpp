#include "tests/system/odd_server.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tenbit::testing {
namespace {

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

// The number behind "Content-Length:", in any case; 0 when there is none.
std::size_t length_of(std::string head) {
  for (char& c : head)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto at = head.find("content-length:");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 15));
}

} // namespace

std::string http_answer(int status, const std::string& body) {
  return fmt::format("HTTP/1.1 {} Odd\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
                     "\r\n{}",
                     status, body.size(), body);
}

odd_server::odd_server(std::string simulator, choice answer)
    : simulator_(std::move(simulator)), answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 128), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0)
        return; // it was shut down
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
      served_.emplace_back([this, socket] { serve(socket); });
    }
  });
}

odd_server::~odd_server() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (const int socket : sockets_)
    ::shutdown(socket, SHUT_RDWR);
  for (std::thread& one : served_)
    one.join();
  for (const int socket : sockets_)
    ::close(socket);
  ::close(listener_);
}

std::string odd_server::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void odd_server::serve(int socket) {
  std::string bytes;
  char buffer[1 << 14];
  for (;;) {
    const auto end = bytes.find("\r\n\r\n");
    const std::size_t whole =
        end == std::string::npos ? std::string::npos : end + 4 + length_of(bytes.substr(0, end));
    if (bytes.size() < whole) { // npos too
      const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
      if (got <= 0)
        return;
      bytes.append(buffer, static_cast<std::size_t>(got));
      continue;
    }
    const std::string target = bytes.substr(0, bytes.find(" HTTP/"));
    const std::string body = bytes.substr(end + 4, whole - end - 4);
    bytes.erase(0, whole);
    auto answer = answer_(body);
    odd_ += answer ? 1 : 0;
    const std::string out = answer ? *answer : pass_on(target.substr(target.find(' ') + 1), body);
    for (std::size_t sent = 0; sent < out.size();) {
      const ssize_t put = ::send(socket, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (put <= 0)
        return;
      sent += static_cast<std::size_t>(put);
    }
  }
}

std::string odd_server::pass_on(const std::string& target, const std::string& body) const {
  std::string reply;
  CURL* call = ::curl_easy_init();
  curl_slist* headers = ::curl_slist_append(nullptr, "Content-Type: application/json");
  ::curl_easy_setopt(call, CURLOPT_URL, (simulator_ + target).c_str());
  ::curl_easy_setopt(call, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  ::curl_easy_setopt(call, CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(call, CURLOPT_HTTPHEADER, headers);
  ::curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(call, CURLOPT_WRITEDATA, &reply);
  const bool answered = ::curl_easy_perform(call) == CURLE_OK;
  long status = 0;
  char* type = nullptr;
  ::curl_easy_getinfo(call, CURLINFO_RESPONSE_CODE, &status);
  ::curl_easy_getinfo(call, CURLINFO_CONTENT_TYPE, &type);
  const std::string kind = type == nullptr ? "application/json" : type;
  ::curl_slist_free_all(headers);
  ::curl_easy_cleanup(call);
  if (!answered)
    return http_answer(503, "{}");
  return fmt::format("HTTP/1.1 {} Passed\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                     status, kind, reply.size(), reply);
}

} // namespace tenbit::testing

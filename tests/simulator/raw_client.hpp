// A client on a bare socket: sends what it is told, so that a test can break HTTP as it likes.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace tenbit::sim::test {

struct raw_reply {
  int status = 0;
  std::string head;
  std::string body;   // chunks joined
  bool whole = false; // the body came to its end as the head announced it
};

class raw_client {
public:
  explicit raw_client(const std::string& url) {
    const auto port = std::stoi(url.substr(url.rfind(':') + 1));
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{20, 0}; // ends a broken test; no test waits for it
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~raw_client() { close(); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void close() {
    if (socket_ >= 0)
      ::close(std::exchange(socket_, -1));
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // One more piece into the buffer; false at the end, an error or a reset.
  bool receive() {
    char part[65536];
    const auto got = ::recv(socket_, part, sizeof part, 0);
    if (got <= 0)
      return false;
    buffer_.append(part, static_cast<std::size_t>(got));
    received_ += static_cast<std::size_t>(got);
    return true;
  }
  [[nodiscard]] std::size_t received() const { return received_; }
  [[nodiscard]] const std::string& buffer() const { return buffer_; }
  void forget() { buffer_.clear(); }

  raw_reply reply() {
    raw_reply out;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive())
        return out;
    }
    out.head = take(end + 4);
    out.status = std::stoi(out.head.substr(9, 3));
    if (out.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      out.whole = read_chunks(out.body);
    } else if (const auto at = out.head.find("Content-Length: "); at != std::string::npos) {
      const auto length = std::stoul(out.head.substr(at + 16));
      out.whole = fill(length);
      out.body = take(std::min<std::size_t>(length, buffer_.size()));
    } else {
      while (receive()) {
      }
      out.body = take(buffer_.size());
      out.whole = true;
    }
    return out;
  }

private:
  std::string take(std::size_t count) {
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }
  bool fill(std::size_t count) {
    while (buffer_.size() < count) {
      if (!receive())
        return false;
    }
    return true;
  }
  bool read_chunks(std::string& body) {
    for (;;) {
      std::size_t end = 0;
      while ((end = buffer_.find("\r\n")) == std::string::npos) {
        if (!receive())
          return false;
      }
      const auto length = std::stoul(take(end + 2), nullptr, 16);
      if (!fill(length + 2))
        return false;
      body += take(length);
      take(2);
      if (length == 0)
        return true;
    }
  }

  int socket_ = -1;
  bool connected_ = false;
  std::string buffer_;
  std::size_t received_ = 0;
};

inline std::string http_post(const std::string& body, const std::string& extra = "") {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\n" +
         extra + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string http_get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: sim\r\n\r\n";
}
inline std::string chat_body(const std::string& prompt, const std::string& rest = "",
                             const std::string& model = "small") {
  return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + prompt +
         R"("}])" + rest + "}";
}

} // namespace tenbit::sim::test

// The status server: connections on one thread, each with a deadline; what is said is decided in
// http_guard.
#include <utility> // Boost 1.74 Asio needs it first

#include "control/http_status.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>

#include <list>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/unix_time.hpp"
#include "config/limits.hpp"
#include "control/http_guard.hpp"

namespace tenbit::control {
namespace {

using namespace std::chrono_literals;
namespace net = boost::asio;
namespace http = boost::beast::http;
using error_code = boost::system::error_code;
using tcp = net::ip::tcp;
constexpr auto http_accept_pause = 100ms; // out of file descriptors: wait for one to be closed

std::string text_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

class connection;
using connection_list = std::list<std::shared_ptr<connection>>;

class server final : public http_status {
public:
  server() = default;
  ~server() override;
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds; the guard comes after, since it must know the port.
  [[nodiscard]] status<std::string> listen(const net::ip::address& address, std::uint16_t port);
  void serve(std::unique_ptr<http_guard> guard);
  [[nodiscard]] std::uint16_t port() const override { return port_; }

  [[nodiscard]] http_answer answer(const http_request_facts& request) {
    return guard_->answer(request, std::chrono::steady_clock::now(), unix_ms());
  }
  void closed(connection_list::iterator which) { connections_.erase(which); }
  // Behind those that wait longer: it was served a moment ago.
  void moved(connection_list::iterator which) {
    connections_.splice(connections_.end(), connections_, which);
  }

private:
  void accept();
  void accepted(const error_code& error, tcp::socket socket);

  std::unique_ptr<http_guard> guard_;
  std::uint16_t port_ = 0;
  net::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  net::steady_timer accept_timer_{io_};
  bool stopping_ = false;
  bool accept_failing_ = false; // said once, not ten times a second
  connection_list connections_; // the longest without an answer first
  std::thread thread_;
};

class connection final : public std::enable_shared_from_this<connection> {
public:
  connection(server& owner, tcp::socket socket) : server_(owner), stream_(std::move(socket)) {}
  void start(connection_list::iterator place) {
    place_ = place;
    read();
  }
  void close() {
    if (std::exchange(closed_, true))
      return;
    const auto keep = shared_from_this();
    stream_.close();
    server_.closed(place_);
  }

private:
  using parser = http::request_parser<http::empty_body>;
  using response = http::response<http::span_body<const char>>;

  void read() {
    parser_.emplace();
    parser_->header_limit(limits::http_header_bytes_max);
    parser_->body_limit(0);
    stream_.expires_after(limits::http_timeout); // for the whole head
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->got(error); });
  }
  void got(const error_code& error) {
    if (closed_)
      return;
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return refuse(431, "the request head is too large\n");
    if (error == http::error::body_limit)
      return refuse(413, "a request has no body here\n");
    if (error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message)
      return refuse(400, "not an HTTP/1.1 request\n");
    if (error)
      return close(); // gone, or too slow
    const auto& head = parser_->get();
    http_request_facts facts;
    facts.method = text_of(head.method_string());
    facts.target = text_of(head.target());
    for (auto [at, end] = head.equal_range(http::field::host); at != end; ++at)
      facts.hosts.push_back(text_of(at->value()));
    facts.authorization = text_of(head[http::field::authorization]);
    facts.sec_fetch_site = text_of(head["Sec-Fetch-Site"]);
    facts.origin = text_of(head[http::field::origin]);
    facts.has_body = !parser_->is_done();
    send(server_.answer(facts), facts.method == "HEAD", head.version(), parser_->keep_alive());
  }
  void refuse(unsigned code, const char* why) {
    http_answer out;
    out.code = code;
    out.body = std::make_shared<const std::string>(why);
    out.close = true;
    send(std::move(out), false, 11, false);
  }
  void send(http_answer what, bool head_only, unsigned version, bool keep) {
    body_ = what.body; // the bytes live until they are sent
    const bool close_after = what.close || !keep;
    reply_.emplace(http::int_to_status(what.code), version);
    if (what.code == 421)
      reply_->result(421U), reply_->reason("Misdirected Request");
    reply_->set(http::field::content_type, what.type);
    reply_->set(http::field::cache_control, "no-store");
    reply_->set("X-Content-Type-Options", "nosniff");
    reply_->set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    reply_->set("X-Frame-Options", "DENY");
    reply_->set("Referrer-Policy", "no-referrer");
    reply_->set("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : what.headers)
      reply_->set(name, value);
    reply_->keep_alive(!close_after);
    reply_->content_length(body_->size());
    if (!head_only)
      reply_->body() = boost::beast::span<const char>(body_->data(), body_->size());
    serializer_.emplace(*reply_);
    stream_.expires_after(limits::http_timeout);
    const auto done = [self = shared_from_this(), close_after](
                          const error_code& error, std::size_t) { self->sent(error, close_after); };
    head_only ? http::async_write_header(stream_, *serializer_, done)
              : http::async_write(stream_, *serializer_, done);
  }
  void sent(const error_code& error, bool close_after) {
    if (closed_)
      return;
    if (error || close_after) {
      error_code ignored; // the other end sees the close in any case
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      return close();
    }
    server_.moved(place_);
    read();
  }

  server& server_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_{limits::http_header_bytes_max};
  std::optional<parser> parser_;
  std::optional<response> reply_;
  std::optional<http::serializer<false, http::span_body<const char>>> serializer_;
  std::shared_ptr<const std::string> body_;
  connection_list::iterator place_;
  bool closed_ = false;
};

server::~server() {
  if (!thread_.joinable())
    return;
  net::post(io_, [this] {
    stopping_ = true;
    error_code error; // nothing can be done about one here
    acceptor_.close(error);
    accept_timer_.cancel();
    while (!connections_.empty())
      connections_.front()->close();
  });
  thread_.join();
}

status<std::string> server::listen(const net::ip::address& address, std::uint16_t port) {
  const tcp::endpoint endpoint(address, port);
  error_code error;
  const auto failed = [&](const char* what) {
    return fail(fmt::format("cannot {} {}:{} for the status: {}", what, address.to_string(), port,
                            error.message()));
  };
  acceptor_.open(endpoint.protocol(), error);
  if (error)
    return failed("open a socket for");
  acceptor_.set_option(net::socket_base::reuse_address(true), error);
  if (!error)
    acceptor_.bind(endpoint, error);
  if (error)
    return failed("bind");
  acceptor_.listen(static_cast<int>(limits::http_clients_max), error);
  if (error)
    return failed("listen on");
  port_ = acceptor_.local_endpoint(error).port();
  if (error)
    return failed("read the port of");
  return {};
}

void server::serve(std::unique_ptr<http_guard> guard) {
  guard_ = std::move(guard);
  accept();
  thread_ = std::thread([this] { io_.run(); });
}

void server::accept() {
  acceptor_.async_accept(
      [this](const error_code& error, tcp::socket socket) { accepted(error, std::move(socket)); });
}

void server::accepted(const error_code& error, tcp::socket socket) {
  if (stopping_)
    return;
  if (error) {
    if (!std::exchange(accept_failing_, true))
      spdlog::warn("status accept_failed error=\"{}\"", error.message());
    accept_timer_.expires_after(http_accept_pause);
    accept_timer_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && !stopping_)
        accept();
    });
    return;
  }
  accept_failing_ = false;
  // Half-open connections must not keep others out: the one that waits longest makes room.
  if (connections_.size() >= limits::http_clients_max)
    connections_.front()->close();
  connections_.push_back(std::make_shared<connection>(*this, std::move(socket)));
  connections_.back()->start(std::prev(connections_.end()));
  accept();
}

std::vector<std::string> names_of(const net::ip::address& address, std::uint16_t port) {
  const auto text = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  std::vector<std::string> out;
  for (const auto& name : {text, std::string("localhost")}) {
    out.push_back(fmt::format("{}:{}", name, port));
    if (port == 80)
      out.push_back(name);
  }
  return out;
}

} // namespace

expected<std::unique_ptr<http_status>, std::string>
http_status::start(const http_options& options, std::shared_ptr<const cluster_board> board) {
  TENBIT_ASSERT(board != nullptr);
  error_code error;
  const auto address = net::ip::make_address(options.address, error);
  if (error)
    return fail(fmt::format("'{}' is not an IP address to listen on", options.address));
  if (!address.is_loopback())
    return fail(fmt::format("the status is served on loopback only, not on {}; use 127.0.0.1 and "
                            "an SSH tunnel or a TLS proxy",
                            options.address));
  auto token = load_token(options.token_path);
  if (!token)
    return fail(std::move(token.error()));
  try { // Asio throws when the system has no descriptors left for its own needs
    auto made = std::make_unique<server>();
    if (auto listening = made->listen(address, options.port); !listening)
      return fail(std::move(listening.error()));
    made->serve(std::make_unique<http_guard>(names_of(address, made->port()), std::move(*token),
                                             std::move(board)));
    return made;
  } catch (const std::exception& thrown) {
    return fail(fmt::format("the status server cannot start: {}", thrown.what()));
  }
}

} // namespace tenbit::control

// A connection: read a request, wait for a slot and the latency, write the plan, begin again.
#include <utility>

#include "simulator/http_parser.hpp"
#include "simulator/hub.hpp"

#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>

namespace tenbit::sim {
namespace {

constexpr std::size_t read_bytes = 16U << 10;
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

enum class phase : std::uint8_t {
  reading, // until a whole request is here
  queued,  // for a slot
  waiting, // for the latency, or between paced writes
  writing,
  stalled,  // a fault: nothing more until the client gives up
  draining, // all is said; unread bytes would turn the close into a reset
  closed,
};

using error_code = boost::system::error_code;

class http_connection final : public connection {
public:
  http_connection(hub& owner, tcp_socket socket)
      : hub_(owner), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() override {
    error_code error;
    socket_.set_option(net::ip::tcp::no_delay(true), error); // slower without, not wrong
    begin_request();
  }
  void serve() override;
  void sweep(instant now) override {
    if (now >= deadline_)
      close();
  }
  void close() override;

private:
  void begin_request();
  void parse();
  void read_more();
  void received(const error_code& error, std::size_t bytes);
  void refuse(const error_code& error);
  void handle();
  void watch();
  void client_moved(const error_code& error);
  void wait(std::chrono::microseconds time);
  void write_next();
  void written(const error_code& error);
  void finish();
  void drain();
  void discard(std::size_t most);
  void reset();
  void release_slot() {
    if (std::exchange(has_slot_, false))
      hub_.give_slot();
  }
  void due(std::chrono::steady_clock::duration time) {
    deadline_ = std::chrono::steady_clock::now() + time;
  }
  std::shared_ptr<http_connection> self() {
    return std::static_pointer_cast<http_connection>(shared_from_this());
  }

  hub& hub_;
  tcp_socket socket_;
  timer timer_;
  phase phase_ = phase::reading;
  instant deadline_ = instant::max();
  std::array<char, read_bytes> input_{}; // [begin_, end_) is not parsed yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  http_request request_;
  std::optional<http_parser> parser_;
  bool has_slot_ = false;
  bool watching_ = false;
  bool continued_ = false;    // 100 Continue was sent for this request
  bool client_spoke_ = false; // more bytes wait in the socket: no need to watch it
  write_plan plan_;
  std::size_t sent_ = 0; // of plan_.bytes
  std::size_t next_cut_ = 0;
  std::size_t filler_sent_ = 0;
};

void http_connection::begin_request() {
  phase_ = phase::reading;
  request_.clear();
  parser_.emplace(request_);
  continued_ = false;
  client_spoke_ = false;
  due(begin_ == end_ ? std::chrono::steady_clock::duration(limits::sim_idle_timeout)
                     : limits::sim_request_timeout);
  parse();
}

void http_connection::parse() {
  while (begin_ < end_ && !parser_->is_done()) {
    error_code error;
    const std::size_t used =
        parser_->put(net::const_buffer(input_.data() + begin_, end_ - begin_), error);
    begin_ += used;
    if (error == http::error::need_more)
      break;
    if (error)
      return refuse(error);
  }
  if (parser_->is_done())
    return handle();
  if (parser_->is_header_done() && request_.expects_continue && !std::exchange(continued_, true)) {
    // Small enough for an empty send buffer; a client that does not get it sends its body anyway.
    static_cast<void>(
        ::send(socket_.native_handle(), go_on.data(), go_on.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  read_more();
}

void http_connection::read_more() {
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (end_ == input_.size()) {
    if (begin_ == 0)
      return refuse(http::error::header_limit);
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
              input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  socket_.async_read_some(net::buffer(input_.data() + end_, input_.size() - end_),
                          [self = self()](const error_code& error, std::size_t bytes) {
                            self->received(error, bytes);
                          });
}

void http_connection::received(const error_code& error, std::size_t bytes) {
  if (phase_ != phase::reading)
    return; // closed meanwhile
  if (error || bytes == 0)
    return close();
  if (!parser_->got_some() && begin_ == end_)
    due(limits::sim_request_timeout);
  end_ += bytes;
  parse();
}

void http_connection::refuse(const error_code& error) {
  if (error == http::error::header_limit)
    chat_service::refuse(431, "the request head is too large", plan_);
  else if (error == http::error::body_limit)
    chat_service::refuse(413, "the request body is too large", plan_);
  else
    chat_service::refuse(400, "not an HTTP/1.1 request", plan_);
  sent_ = next_cut_ = filler_sent_ = 0;
  write_next();
}

void http_connection::handle() {
  const http_form form{.keep_alive = parser_->keep_alive(), .http_1_0 = request_.http_1_0};
  hub_.service().respond(request_.method, request_.target, request_.body, form, plan_);
  sent_ = next_cut_ = filler_sent_ = 0;
  deadline_ = instant::max();
  if (!plan_.needs_slot)
    return write_next();
  phase_ = phase::queued;
  if (hub_.take_slot(shared_from_this()))
    serve();
  else
    watch();
}

void http_connection::serve() {
  has_slot_ = true;
  if (plan_.delay.count() > 0)
    wait(plan_.delay);
  else
    write_next();
}

// While nothing is read or written, a client that closes must free its slot.
void http_connection::watch() {
  if (watching_ || client_spoke_)
    return;
  watching_ = true;
  socket_.async_wait(net::socket_base::wait_read,
                     [self = self()](const error_code& error) { self->client_moved(error); });
}

void http_connection::client_moved(const error_code& error) {
  watching_ = false;
  if (phase_ == phase::closed || phase_ == phase::reading || phase_ == phase::draining)
    return; // reading sees for itself
  if (error)
    return close();
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0)
    client_spoke_ = true; // the next request; it waits
  else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
    close();
  else if (phase_ != phase::writing)
    watch();
}

void http_connection::wait(std::chrono::microseconds time) {
  phase_ = phase::waiting;
  deadline_ = instant::max();
  watch();
  timer_.expires_after(time);
  timer_.async_wait([self = self()](const error_code& cancelled) {
    if (!cancelled && self->phase_ == phase::waiting)
      self->write_next();
  });
}

void http_connection::write_next() {
  phase_ = phase::writing;
  due(limits::sim_write_timeout);
  net::const_buffer part;
  if (sent_ < plan_.bytes.size()) {
    const std::size_t end =
        next_cut_ < plan_.cuts.size() ? plan_.cuts[next_cut_++] : plan_.bytes.size();
    part = net::const_buffer(plan_.bytes.data() + sent_, end - sent_);
    sent_ = end;
  } else if (filler_sent_ < plan_.filler_bytes) {
    part = net::buffer(plan_.filler);
    filler_sent_ += plan_.filler.size();
  } else {
    return finish();
  }
  net::async_write(socket_, part,
                   [self = self()](const error_code& error, std::size_t) { self->written(error); });
}

void http_connection::written(const error_code& error) {
  if (phase_ != phase::writing)
    return;
  if (error)
    return close();
  if (sent_ < plan_.bytes.size() && plan_.pause.count() > 0)
    return wait(plan_.pause);
  write_next();
}

void http_connection::finish() {
  if (plan_.good)
    hub_.service().counts().answered.fetch_add(1, std::memory_order_relaxed);
  switch (plan_.end) {
  case ending::keep_open:
    release_slot();
    return begin_request();
  case ending::close:
    return drain();
  case ending::reset:
    return reset();
  case ending::stall:
    phase_ = phase::stalled;
    due(limits::call_timeout);
    return watch();
  }
}

void http_connection::drain() {
  phase_ = phase::draining;
  release_slot();
  due(limits::sim_drain_timeout);
  error_code error;
  socket_.shutdown(net::socket_base::shutdown_send, error);
  if (error)
    return close();
  discard(limits::sim_body_bytes_max);
}

void http_connection::discard(std::size_t most) {
  socket_.async_read_some(net::buffer(input_),
                          [self = self(), most](const error_code& error, std::size_t bytes) {
                            if (self->phase_ != phase::draining)
                              return;
                            if (error || bytes == 0 || bytes >= most)
                              return self->close();
                            self->discard(most - bytes);
                          });
}

void http_connection::reset() {
  error_code error;
  socket_.set_option(net::socket_base::linger(true, 0), error); // close sends RST
  close();
}

void http_connection::close() {
  if (phase_ == phase::closed)
    return;
  const auto keep = self();
  if (phase_ == phase::queued)
    hub_.leave_queue(this);
  phase_ = phase::closed;
  error_code error; // nothing can be done about one here
  timer_.cancel();
  socket_.close(error);
  release_slot();
  hub_.closed(keep);
}

} // namespace

std::shared_ptr<connection> make_connection(hub& owner, tcp_socket socket) {
  return std::make_shared<http_connection>(owner, std::move(socket));
}

} // namespace tenbit::sim

#include "endpoints/http_engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/limits.hpp"

namespace tenbit {
namespace {

bool start_libcurl() {
  static std::once_flag once;
  static CURLcode result = CURLE_FAILED_INIT;
  std::call_once(once, [] { result = curl_global_init(CURL_GLOBAL_ALL); });
  return result == CURLE_OK;
}

// A proxy of the environment is for other machines. What the environment excepts stays excepted.
const std::string& never_by_proxy() {
  static const std::string hosts = [] {
    std::string out = "localhost,127.0.0.0/8,::1";
    for (const char* name : {"no_proxy", "NO_PROXY"})
      if (const char* more = std::getenv(name); more != nullptr && *more != '\0') {
        if (std::string_view(more) == "*") // only alone it means all
          return std::string(more);
        out += std::string(",") + more;
      }
    return out;
  }();
  return hosts;
}

template <class Value> void set(CURL* easy, CURLoption option, Value value) {
  // Fails only for an unknown option or without memory for a URL.
  TENBIT_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

} // namespace

int http_transfer::status() const {
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

bool http_transfer::is_event_stream() const {
  const char* type = nullptr;
  curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
  constexpr std::string_view wanted = "text/event-stream";
  return type != nullptr && strncasecmp(type, wanted.data(), wanted.size()) == 0;
}

std::string http_transfer::header(const char* name) const {
  curl_header* found = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
    return {};
  return found->value;
}

expected<std::unique_ptr<http_engine>, std::string>
http_engine::open(http_listener& listener, std::uint32_t connections_max,
                  std::chrono::milliseconds connect_timeout) {
  if (!start_libcurl())
    return fail(std::string("libcurl cannot start"));
  std::unique_ptr<http_engine> engine(new http_engine(listener, connect_timeout));
  engine->multi_ = curl_multi_init();
  engine->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  engine->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (engine->multi_ == nullptr || engine->epoll_ < 0 || engine->wake_ < 0)
    return fail(
        fmt::format("cannot open the event loop of the HTTP client: {}", std::strerror(errno)));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = engine->wake_;
  if (epoll_ctl(engine->epoll_, EPOLL_CTL_ADD, engine->wake_, &event) != 0)
    return fail(fmt::format("cannot watch the wake-up event: {}", std::strerror(errno)));
  curl_multi_setopt(engine->multi_, CURLMOPT_SOCKETFUNCTION, &http_engine::on_socket);
  curl_multi_setopt(engine->multi_, CURLMOPT_SOCKETDATA, engine.get());
  curl_multi_setopt(engine->multi_, CURLMOPT_TIMERFUNCTION, &http_engine::on_timer);
  curl_multi_setopt(engine->multi_, CURLMOPT_TIMERDATA, engine.get());
  curl_multi_setopt(engine->multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  curl_multi_setopt(engine->multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  return engine;
}

http_engine::~http_engine() {
  for (auto& at : endpoints_) {
    for (auto& transfer : at.all) {
      if (transfer->owner != nullptr)
        curl_multi_remove_handle(multi_, transfer->easy);
      curl_easy_cleanup(transfer->easy);
    }
  }
  if (multi_ != nullptr)
    curl_multi_cleanup(multi_);
  for (auto& at : endpoints_)
    curl_slist_free_all(at.headers);
  if (epoll_ >= 0)
    ::close(epoll_);
  if (wake_ >= 0)
    ::close(wake_);
}

std::uint32_t http_engine::add_endpoint(std::string url, std::string_view bearer) {
  endpoint at;
  at.url = std::move(url);
  at.headers = curl_slist_append(at.headers, "Content-Type: application/json");
  at.headers = curl_slist_append(at.headers, "Expect:");
  if (!bearer.empty())
    at.headers =
        curl_slist_append(at.headers, fmt::format("Authorization: Bearer {}", bearer).c_str());
  TENBIT_ASSERT(at.headers != nullptr);
  endpoints_.push_back(std::move(at));
  return static_cast<std::uint32_t>(endpoints_.size() - 1);
}

http_transfer* http_engine::make_transfer(endpoint& at, std::uint32_t number) {
  auto transfer = std::make_unique<http_transfer>();
  CURL* easy = curl_easy_init();
  if (easy == nullptr)
    return nullptr;
  transfer->easy = easy;
  transfer->endpoint = number;
  transfer->engine = this;
  set(easy, CURLOPT_URL, at.url.c_str());
  set(easy, CURLOPT_POST, 1L);
  set(easy, CURLOPT_HTTPHEADER, at.headers);
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_NOPROXY, never_by_proxy().c_str());
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_TCP_NODELAY, 1L);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_.count()));
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(transfer->error_text));
  set(easy, CURLOPT_PRIVATE, static_cast<void*>(transfer.get()));
  set(easy, CURLOPT_WRITEFUNCTION, &http_engine::on_write);
  set(easy, CURLOPT_WRITEDATA, static_cast<void*>(transfer.get()));
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &http_engine::on_open);
  set(easy, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(easy, CURLOPT_CLOSESOCKETFUNCTION, &http_engine::on_close);
  set(easy, CURLOPT_CLOSESOCKETDATA, static_cast<void*>(this));
  at.all.push_back(std::move(transfer));
  return at.all.back().get();
}

http_transfer* http_engine::start(std::uint32_t number, std::string_view body, void* owner) {
  TENBIT_ASSERT(owner != nullptr);
  auto& at = endpoints_[number];
  http_transfer* transfer = nullptr;
  if (at.free.empty()) {
    transfer = make_transfer(at, number);
    if (transfer == nullptr)
      return nullptr;
  } else {
    transfer = at.free.back();
    at.free.pop_back();
  }
  set(transfer->easy, CURLOPT_POSTFIELDS, body.data());
  set(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  transfer->error_text[0] = '\0';
  if (curl_multi_add_handle(multi_, transfer->easy) != CURLM_OK) {
    at.free.push_back(transfer);
    return nullptr;
  }
  transfer->owner = owner;
  ++running_;
  return transfer;
}

void http_engine::cancel(http_transfer& transfer) {
  release(transfer);
}

void http_engine::release(http_transfer& transfer) {
  curl_multi_remove_handle(multi_, transfer.easy);
  transfer.owner = nullptr;
  --running_;
  endpoints_[transfer.endpoint].free.push_back(&transfer);
}

void http_engine::poll(std::chrono::milliseconds wait) {
  now_ = std::chrono::steady_clock::now();
  if (timer_due_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer_due_ - now_);
    wait = std::clamp(wait, std::chrono::milliseconds(0), std::max(left, left.zero()));
  }
  std::array<epoll_event, limits::socket_events_max> events;
  const int count = epoll_wait(epoll_, events.data(), limits::socket_events_max,
                               static_cast<int>(std::min<std::int64_t>(wait.count(), 60'000)));
  TENBIT_ASSERT(count >= 0 || errno == EINTR);
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == wake_) {
      std::uint64_t wakes = 0;
      if (::read(wake_, &wakes, sizeof wakes) < 0)
        TENBIT_ASSERT(errno == EAGAIN || errno == EINTR);
    } else {
      serve_socket(event.data.fd, event.events);
    }
  }
  serve_timer();
  finish_transfers();
}

void http_engine::wake() {
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) < 0)
    TENBIT_ASSERT(errno == EAGAIN || errno == EINTR); // EAGAIN: it is awake many times over
}

void http_engine::serve_socket(int socket, std::uint32_t events) {
  if (!state_of(socket).wanted) { // the server closed a connection that waits for its next use
    unwatch(socket);
    return;
  }
  int what = 0;
  what |= (events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
  what |= (events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
  what |= (events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
  now_ = std::chrono::steady_clock::now();
  int running = 0;
  const auto result = curl_multi_socket_action(multi_, socket, what, &running);
  TENBIT_ASSERT(result == CURLM_OK || result == CURLM_BAD_SOCKET);
}

void http_engine::serve_timer() {
  if (!timer_due_ || *timer_due_ > std::chrono::steady_clock::now())
    return;
  timer_due_.reset();
  int running = 0;
  const auto result = curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  TENBIT_ASSERT(result == CURLM_OK);
}

void http_engine::finish_transfers() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    const CURLcode result = message->data.result;
    void* found = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &found);
    auto& transfer = *static_cast<http_transfer*>(found);
    listener_.on_done(transfer, result);
    release(transfer);
  }
}

http_engine::socket_state& http_engine::state_of(int socket) {
  const auto index = static_cast<std::size_t>(socket);
  if (index >= sockets_.size())
    sockets_.resize(index * 2 + 64);
  return sockets_[index];
}

void http_engine::watch(int socket, std::uint32_t mask) {
  auto& state = state_of(socket);
  state.wanted = true;
  if (state.watched == mask)
    return;
  epoll_event event{};
  event.events = mask;
  event.data.fd = socket;
  const int how = state.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  const int other = state.watched == 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  // The other way round is right after a close that curl did not tell about.
  TENBIT_ASSERT(epoll_ctl(epoll_, how, socket, &event) == 0 ||
                epoll_ctl(epoll_, other, socket, &event) == 0);
  state.watched = mask;
}

void http_engine::unwatch(int socket) {
  auto& state = state_of(socket);
  if (state.watched != 0)
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr); // fails when it is closed already: as wanted
  state.watched = 0;
  state.wanted = false;
}

int http_engine::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& engine = *static_cast<http_engine*>(self);
  switch (what) {
  case CURL_POLL_IN:
    engine.watch(socket, EPOLLIN);
    break;
  case CURL_POLL_OUT:
    engine.watch(socket, EPOLLOUT);
    break;
  case CURL_POLL_INOUT:
    engine.watch(socket, EPOLLIN | EPOLLOUT);
    break;
  default: { // CURL_POLL_REMOVE
    auto& state = engine.state_of(socket);
    // A socket that is writable would wake us all the time: only readers stay.
    if (state.kept && state.watched == EPOLLIN)
      state.wanted = false;
    else
      engine.unwatch(socket);
  }
  }
  return 0;
}

int http_engine::on_timer(CURLM*, long ms, void* self) {
  auto& engine = *static_cast<http_engine*>(self);
  if (ms < 0)
    engine.timer_due_.reset();
  else
    engine.timer_due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  return 0;
}

curl_socket_t http_engine::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0)
    return CURL_SOCKET_BAD;
  static_cast<http_engine*>(self)->state_of(socket) = {0, false, true};
  return socket;
}

int http_engine::on_close(void* self, curl_socket_t socket) {
  static_cast<http_engine*>(self)->state_of(socket) = {};
  return ::close(socket);
}

std::size_t http_engine::on_write(char* bytes, std::size_t, std::size_t count, void* transfer) {
  auto& t = *static_cast<http_transfer*>(transfer);
  const bool more = t.engine->listener_.on_body(t, {bytes, count});
  return more ? count : 0;
}

} // namespace tenbit

#include "bench/bare_loop.hpp"

#include <array>
#include <chrono>
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "base/expected.hpp"

namespace tenbit {
namespace {

double thread_cpu_us() {
  rusage used{};
  TENBIT_ASSERT(getrusage(RUSAGE_THREAD, &used) == 0);
  const auto us = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return us(used.ru_utime) + us(used.ru_stime);
}

std::size_t drop(char*, std::size_t, std::size_t count, void*) {
  return count;
}

class bare_loop {
public:
  bare_loop(const std::string& url, std::span<const std::string> bodies, unsigned in_flight,
            std::uint64_t calls)
      : bodies_(bodies), to_start_(calls), to_end_(calls), multi_(curl_multi_init()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    TENBIT_ASSERT(multi_ != nullptr && epoll_ >= 0 && !bodies.empty() && in_flight > 0);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &bare_loop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &bare_loop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(in_flight));
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    headers_ = curl_slist_append(headers_, "Expect:");
    for (unsigned i = 0; i < in_flight && to_start_ > 0; ++i)
      send(make(url));
  }
  ~bare_loop() {
    for (CURL* easy : handles_) {
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
    ::close(epoll_);
  }
  bare_loop(const bare_loop&) = delete;
  bare_loop& operator=(const bare_loop&) = delete;

  void run(bare_result& result) {
    std::array<epoll_event, 256> events;
    while (to_end_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(timer_ms_));
      int running = 0;
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi_, event.data.fd, what, &running);
      }
      if (timer_ms_ == 0 || count == 0)
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      take_finished(result);
    }
  }

private:
  CURL* make(const std::string& url) {
    CURL* easy = curl_easy_init();
    TENBIT_ASSERT(easy != nullptr);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &drop);
    handles_.push_back(easy);
    return easy;
  }

  void send(CURL* easy) {
    const auto& body = bodies_[next_body_++ % bodies_.size()];
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    TENBIT_ASSERT(curl_multi_add_handle(multi_, easy) == CURLM_OK);
    --to_start_;
  }

  void take_finished(bare_result& result) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      CURL* easy = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      const bool good = message->data.result == CURLE_OK && status == 200;
      ++(good ? result.calls : result.errors);
      --to_end_;
      curl_multi_remove_handle(multi_, easy);
      if (to_start_ > 0)
        send(easy);
    }
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    auto& loop = *static_cast<bare_loop*>(self);
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(loop.epoll_, EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    epoll_event event{};
    event.data.fd = socket;
    event.events = (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U;
    event.events |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U;
    if (known == nullptr) {
      epoll_ctl(loop.epoll_, EPOLL_CTL_ADD, socket, &event);
      curl_multi_assign(loop.multi_, socket, self);
    } else {
      epoll_ctl(loop.epoll_, EPOLL_CTL_MOD, socket, &event);
    }
    return 0;
  }

  static int on_timer(CURLM*, long ms, void* self) {
    static_cast<bare_loop*>(self)->timer_ms_ = ms;
    return 0;
  }

  std::span<const std::string> bodies_;
  std::uint64_t to_start_;
  std::uint64_t to_end_;
  CURLM* multi_;
  int epoll_;
  long timer_ms_ = -1;
  std::size_t next_body_ = 0;
  curl_slist* headers_ = nullptr;
  std::vector<CURL*> handles_;
};

} // namespace

bare_result run_bare_loop(const std::string& url, std::span<const std::string> bodies,
                          unsigned in_flight, std::uint64_t calls) {
  bare_result result;
  const double cpu_before = thread_cpu_us();
  const auto start = std::chrono::steady_clock::now();
  bare_loop(url, bodies, in_flight, calls).run(result);
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto ended = static_cast<double>(result.calls + result.errors);
  if (ended > 0) {
    result.cpu_us_per_call = (thread_cpu_us() - cpu_before) / ended;
    result.calls_per_s = ended / result.wall_s;
  }
  return result;
}

} // namespace tenbit

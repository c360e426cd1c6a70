#include "cli/top_screen.hpp"

#include <cerrno>
#include <csignal>
#include <optional>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/expected.hpp"

namespace tenbit::cli {
namespace {

volatile std::sig_atomic_t asked_to_end = 0;
volatile std::sig_atomic_t size_changed = 0;

void on_end(int) {
  asked_to_end = 1;
}
void on_resize(int) {
  size_changed = 1;
}

constexpr int end_signals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l\x1b[2J"; // other screen, no cursor
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno != EINTR && errno != EAGAIN)
      return; // the terminal is gone; its hang-up ends the loop
  }
}

class ansi_screen final : public top_screen {
public:
  explicit ansi_screen(std::optional<termios> keys) : keys_(keys) {
    struct sigaction action {};
    action.sa_handler = on_end; // no SA_RESTART: poll must return
    for (const int which : end_signals)
      ::sigaction(which, &action, nullptr);
    action.sa_handler = on_resize;
    ::sigaction(SIGWINCH, &action, nullptr);
    if (keys_) {
      termios raw = *keys_;
      raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      raw.c_cc[VMIN] = 0;
      raw.c_cc[VTIME] = 0;
      ignore(::tcsetattr(STDIN_FILENO, TCSANOW, &raw), "q then needs Enter, nothing else");
    }
    write_all(enter);
  }
  ~ansi_screen() override {
    write_all(leave);
    if (keys_)
      ignore(::tcsetattr(STDIN_FILENO, TCSANOW, &*keys_), "the terminal is gone");
  }
  ansi_screen(const ansi_screen&) = delete;
  ansi_screen& operator=(const ansi_screen&) = delete;

  [[nodiscard]] control::screen size() const override {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
      return {80, 24};
    return {size.ws_col, size.ws_row};
  }
  void draw(const std::vector<std::string>& lines) override {
    std::string out = "\x1b[H";
    for (std::size_t i = 0; i < lines.size(); ++i)
      out += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
    write_all(out + "\x1b[J");
  }
  [[nodiscard]] event wait(std::chrono::milliseconds time) override {
    const auto end = std::chrono::steady_clock::now() + time;
    for (;;) {
      if (asked_to_end != 0)
        return event::quit;
      if (size_changed != 0) {
        size_changed = 0;
        return event::resized;
      }
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() <= 0)
        return event::tick;
      pollfd keys{keys_ ? STDIN_FILENO : -1, POLLIN, 0};
      if (::poll(&keys, 1, static_cast<int>(left.count())) > 0 && key_ends())
        return event::quit;
    }
  }

private:
  // q, or the end of the input: whoever typed is gone.
  [[nodiscard]] static bool key_ends() {
    char key = 0;
    const auto got = ::read(STDIN_FILENO, &key, 1);
    return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN) || key == 'q' || key == 'Q';
  }

  std::optional<termios> keys_; // as they were; empty: standard input is no terminal
};

} // namespace

std::unique_ptr<top_screen> top_screen::open() {
  if (::isatty(STDOUT_FILENO) != 1)
    return nullptr;
  termios keys{};
  const bool has_keys = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &keys) == 0;
  return std::make_unique<ansi_screen>(has_keys ? std::optional<termios>(keys) : std::nullopt);
}

} // namespace tenbit::cli

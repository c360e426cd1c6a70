#include "storage/rocks_log.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <spdlog/spdlog.h>

#include "base/expected.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::storage {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// "000012.log" around the dot at `dot`; empty when there are no digits before it.
std::string_view numbered_file(std::string_view text, std::size_t dot, std::string_view ending) {
  std::size_t first = dot;
  while (first > 0 && digit(text[first - 1]))
    --first;
  return first == dot ? std::string_view{} : text.substr(first, dot - first + ending.size());
}

} // namespace

std::string_view named_file(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto rest = text.substr(at);
    for (const std::string_view ending : {".log", ".sst"})
      if (rest.starts_with(ending))
        if (const auto file = numbered_file(text, at, ending); !file.empty())
          return file;
    if (rest.starts_with("MANIFEST-")) {
      const auto end = rest.find_first_not_of("0123456789", 9);
      return rest.substr(0, end);
    }
    if (rest.starts_with("CURRENT"))
      return rest.substr(0, 7);
  }
  return {};
}

rocks_log::rocks_log() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

void rocks_log::Logv(const char* format, va_list arguments) {
  std::array<char, 1024> text{};
  ignore(std::vsnprintf(text.data(), text.size(), format, arguments), "a cut line is still a line");
  auto line = one_line(trim(text.data()), limits::rocks_log_chars_max);
  spdlog::debug("rocksdb: {}", line); // what matters comes as a status as well
  const std::lock_guard guard(mutex_);
  lines_.push_back(std::move(line));
  if (lines_.size() > limits::rocks_log_lines_max)
    lines_.pop_front();
}

std::string rocks_log::last_file() const {
  const std::lock_guard guard(mutex_);
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
    if (const auto file = named_file(*line); !file.empty())
      return std::string(file);
  return {};
}

void background_watch::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                         rocksdb::Status* status) {
  const std::lock_guard guard(mutex_);
  if (failure_.empty())
    failure_ = status->ToString();
}

std::string background_watch::failure() const {
  const std::lock_guard guard(mutex_);
  return failure_;
}

} // namespace tenbit::storage

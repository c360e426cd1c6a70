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

// The digits that end at `end`: "000012" of "/db/000012.log" at the dot.
std::string_view number_before(std::string_view text, std::size_t end) {
  std::size_t first = end;
  while (first > 0 && ascii_digit(text[first - 1]))
    --first;
  return text.substr(first, end - first);
}

} // namespace

std::string named_file(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto rest = text.substr(at);
    for (const std::string_view ending : {".log", ".sst", ".ldb"}) {
      const auto digits = rest.starts_with(ending) ? number_before(text, at) : std::string_view{};
      if (!digits.empty())
        return std::string(digits).append(ending == ".ldb" ? ".sst" : ending);
    }
    if (rest.starts_with("MANIFEST-"))
      return std::string(rest.substr(0, rest.find_first_not_of("0123456789", 9)));
    if (rest.starts_with("CURRENT"))
      return "CURRENT";
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
    if (auto file = named_file(*line); !file.empty())
      return file;
  return {};
}

void background_watch::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                         rocksdb::Status* status) {
  const std::lock_guard guard(mutex_);
  ++failures_;
  if (failure_.empty())
    failure_ = status->ToString();
}

void background_watch::OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) {
  using rocksdb::WriteStallCondition;
  const std::lock_guard guard(mutex_);
  if (info.condition.prev == WriteStallCondition::kNormal &&
      info.condition.cur != WriteStallCondition::kNormal)
    ++stalls_;
}

std::uint64_t background_watch::failures() const {
  const std::lock_guard guard(mutex_);
  return failures_;
}

std::uint64_t background_watch::stalls() const {
  const std::lock_guard guard(mutex_);
  return stalls_;
}

std::string background_watch::failure() const {
  const std::lock_guard guard(mutex_);
  return failure_;
}

} // namespace tenbit::storage

#include "storage/signed_summary.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <optional>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "storage/keys.hpp"

namespace tenbit::storage {
namespace {

constexpr std::string_view summary_title = "tenbit-summary 1";
constexpr std::string_view time_shape = "dddd-dd-ddTdd:dd:ddZ"; // d: a digit
constexpr std::uint64_t last_second = 253'402'300'799;          // of the year 9999

std::string safe_text(std::string_view text) {
  return one_line(text, limits::shown_name_chars_max);
}

std::uint64_t count_of(const store_head& head, task_status status) {
  return head.tasks[static_cast<std::size_t>(status)];
}

// What the signature is over.
std::string signed_part(const signed_summary& s) {
  return fmt::format("{}\nexperiment {}\nname {}\nstore {}\nincarnation {}\ncommit_seq {}\n"
                     "chain {}\ncontent {}\ntasks {}\ndone {}\nfailed {}\nquarantined {}\n"
                     "cancelled {}\nevents {}\ncalls {}\nbits {}\noutcomes {}\nsimulated {}\n"
                     "tool {}\ntime {}\nsigner {}\n",
                     summary_title, s.experiment.hex(), s.name, s.store, s.incarnation,
                     s.commit_seq, s.chain.hex(), s.content.hex(), s.tasks, s.done, s.failed,
                     s.quarantined, s.cancelled, s.events, s.calls, s.bits, s.outcomes,
                     s.simulated ? "yes" : "no", s.tool, utc_text(s.time_unix_s), s.signer.hex());
}

// Whether a field was written in this very way is seen in the end, when all is written again.
bool read_field(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}
bool read_field(std::string_view text, hash256& out) {
  const auto hash = hash256::from_hex(text);
  out = hash.value_or(hash256{});
  return hash.has_value();
}
bool read_field(std::string_view text, bool& out) {
  out = text == "yes";
  return true;
}
bool read_field(std::string_view text, std::string& out) {
  out = text;
  return one_line(text, limits::summary_bytes_max) == text;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::uint64_t> read_utc(std::string_view text) {
  if (text.size() != time_shape.size())
    return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (time_shape[i] == 'd' ? !ascii_digit(text[i]) : text[i] != time_shape[i])
      return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t digits) {
    int out = 0;
    for (const char c : text.substr(at, digits))
      out = 10 * out + (c - '0');
    return out;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok())
    return std::nullopt;
  const auto at = std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) +
                  std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
  const auto since = at.time_since_epoch().count();
  return since < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(since));
}

// The lines of a summary, one after the other.
class summary_lines {
public:
  explicit summary_lines(std::string_view text) : rest_(text) {}

  // The rest of the next line when it begins with the word and a space.
  std::optional<std::string_view> take(std::string_view word) {
    ++line_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos || !rest_.starts_with(word) || end == word.size() ||
        rest_[word.size()] != ' ')
      return std::nullopt;
    const auto value = rest_.substr(word.size() + 1, end - word.size() - 1);
    rest_.remove_prefix(end + 1);
    return value;
  }
  // After one that went wrong all others do.
  template <class Field> summary_lines& read(std::string_view word, Field& out) {
    if (!wrong_.empty())
      return *this;
    const auto value = take(word);
    if (!value || !read_field(*value, out))
      wrong_ = fmt::format("line {}: expected \"{} …\"", line_, word);
    return *this;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

private:
  std::string_view rest_;
  int line_ = 1;
  std::string wrong_;
};

} // namespace

std::string utc_text(std::uint64_t unix_s) {
  const std::chrono::sys_seconds at{
      std::chrono::seconds(static_cast<std::int64_t>(std::min(unix_s, last_second)))};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss time(at - midnight);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

signed_summary make_summary(const store_manifest& manifest, const store_head& head,
                            const store_totals& totals, std::uint64_t time_unix_s) {
  signed_summary out;
  out.experiment = manifest.identity;
  out.name = safe_text(manifest.name);
  out.store = head.store;
  out.incarnation = head.incarnation;
  out.commit_seq = head.commit_seq;
  out.chain = head.chain;
  out.content = head.content;
  out.tasks = manifest.tasks;
  out.done = count_of(head, task_status::done);
  out.failed = count_of(head, task_status::failed);
  out.quarantined = count_of(head, task_status::quarantined);
  out.cancelled = count_of(head, task_status::cancelled);
  out.events = totals.events;
  out.calls = totals.calls;
  out.bits = totals.bits;
  out.outcomes = totals.outcomes;
  out.simulated = manifest.simulated;
  out.tool = safe_text(manifest.tool_version);
  out.time_unix_s = std::min(time_unix_s, last_second);
  return out;
}

void sign(signed_summary& summary, const signing_key& key) {
  summary.signer = key.public_key();
  summary.signature = key.sign(signed_part(summary));
}

bool signature_holds(const signed_summary& summary) {
  return tenbit::signature_holds(summary.signer, signed_part(summary), summary.signature);
}

std::string format_summary(const signed_summary& summary) {
  return fmt::format("{}signature {}\n", signed_part(summary), summary.signature);
}

expected<signed_summary, std::string> parse_summary(std::string_view text) {
  if (text.empty() || text.size() > limits::summary_bytes_max)
    return fail(fmt::format("is empty or larger than {} bytes", limits::summary_bytes_max));
  if (!text.starts_with(summary_title) || text.substr(summary_title.size(), 1) != "\n")
    return fail<std::string>("line 1: is not \"tenbit-summary 1\": no summary, or of another "
                             "version");
  signed_summary out;
  std::string time;
  summary_lines lines(text.substr(summary_title.size() + 1));
  lines.read("experiment", out.experiment).read("name", out.name).read("store", out.store);
  lines.read("incarnation", out.incarnation).read("commit_seq", out.commit_seq);
  lines.read("chain", out.chain).read("content", out.content).read("tasks", out.tasks);
  lines.read("done", out.done).read("failed", out.failed).read("quarantined", out.quarantined);
  lines.read("cancelled", out.cancelled).read("events", out.events).read("calls", out.calls);
  lines.read("bits", out.bits).read("outcomes", out.outcomes).read("simulated", out.simulated);
  lines.read("tool", out.tool).read("time", time).read("signer", out.signer);
  lines.read("signature", out.signature);
  if (!lines.wrong().empty())
    return fail(lines.wrong());
  const auto at = read_utc(time);
  if (!at)
    return fail<std::string>("its time is none, as in 2024-02-29T23:59:59Z");
  out.time_unix_s = *at;
  if (!is_hex(out.store, 2 * sizeof(uuid)) || !is_hex(out.signature, 4 * key256::size))
    return fail<std::string>("its store or its signature are not hexadecimal digits, as many as "
                             "they should be");
  if (format_summary(out) != text)
    return fail<std::string>("something in it is not as it is written by tenbit");
  return out;
}

} // namespace tenbit::storage

#include "cli/progress.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace tenbit::cli {
namespace {

constexpr auto meter_window = std::chrono::seconds(30);
constexpr auto line_period = std::chrono::seconds(5);

std::uint64_t ended(const run_status& status) {
  return status.tasks.done + status.tasks.failed;
}

std::string models_text(const std::vector<model_snapshot>& models) {
  std::string out;
  for (const model_snapshot& model : models) {
    std::uint32_t limit = 0;
    for (const replica_snapshot& replica : model.replicas)
      limit += replica.limit;
    out += fmt::format("  {} {}/{}", one_line(model.alias, 16), model.in_flight, limit);
  }
  return out;
}

std::size_t terminal_columns(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
    return size.ws_col;
  return 80;
}

std::string eta_text(const std::optional<std::chrono::seconds>& left) {
  return left ? duration_text(*left) : "–";
}

} // namespace

std::string silent_model(const std::vector<model_snapshot>& models) {
  for (const model_snapshot& model : models) {
    std::string replicas;
    bool any_closed = model.replicas.empty();
    for (const replica_snapshot& replica : model.replicas) {
      any_closed = any_closed || replica.breaker == "closed";
      replicas += (replicas.empty() ? "" : ", ") + replica.url;
      for (const auto& [kind, count] : replica.errors)
        replicas += fmt::format(" ({} x {})", count, kind);
    }
    if (model.answered == 0 && !any_closed)
      return fmt::format("model \"{}\" has not answered once: {}", model.alias, replicas);
  }
  return {};
}

std::string duration_text(std::chrono::seconds time) {
  const auto all = time.count();
  const auto hours = all / 3600, minutes = all / 60 % 60, seconds = all % 60;
  if (hours >= 24)
    return fmt::format("{} d {:02}:{:02}", hours / 24, hours % 24, minutes);
  if (hours > 0)
    return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds);
  return fmt::format("{}:{:02}", minutes, seconds);
}

void rate_meter::add(run_clock::time_point now, std::uint64_t done, std::uint64_t calls) {
  points_.push_back({now, done, calls});
  while (points_.size() > 2 && now - points_.front().at > meter_window)
    points_.pop_front();
}

double rate_meter::tasks_per_s() const {
  if (points_.size() < 2)
    return 0;
  const std::chrono::duration<double> span = points_.back().at - points_.front().at;
  return span.count() > 0
             ? static_cast<double>(points_.back().done - points_.front().done) / span.count()
             : 0;
}

double rate_meter::calls_per_s() const {
  if (points_.size() < 2)
    return 0;
  const std::chrono::duration<double> span = points_.back().at - points_.front().at;
  return span.count() > 0
             ? static_cast<double>(points_.back().calls - points_.front().calls) / span.count()
             : 0;
}

std::optional<std::chrono::seconds> rate_meter::left(std::uint64_t tasks) const {
  const double rate = tasks_per_s();
  if (rate <= 0)
    return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(static_cast<double>(tasks) / rate + 0.5));
}

void progress::show(run_clock::time_point now, const run_status& status,
                    const std::vector<model_snapshot>& models) {
  meter_.add(now, ended(status), status.calls);
  switch (style_) {
  case progress_style::bar:
    show_bar(status, models);
    break;
  case progress_style::lines: {
    const bool over = status.phase == run_phase::finished;
    if (over || !last_line_ || now - *last_line_ >= line_period) {
      last_line_ = now;
      show_line(status, models);
    }
    break;
  }
  case progress_style::json:
    show_json(status, models);
    break;
  case progress_style::quiet:
    break;
  }
}

void progress::show_bar(const run_status& status, const std::vector<model_snapshot>& models) {
  const double share = status.tasks_all == 0 ? 1.0
                                             : static_cast<double>(ended(status)) /
                                                   static_cast<double>(status.tasks_all);
  constexpr std::size_t width = 24;
  const auto filled = static_cast<std::size_t>(share * width);
  std::string bar(filled, '#');
  bar.resize(width, '.');
  std::string line = fmt::format(
      "[{}] {}/{} problems  {:.0f}%  {:.0f} calls/s  ETA {}{}", bar, ended(status),
      status.tasks_all, 100 * share, meter_.calls_per_s(),
      eta_text(meter_.left(status.tasks_all - std::min(ended(status), status.tasks_all))),
      models_text(models));
  if (status.tasks.failed > 0)
    line += fmt::format("  {} failed", status.tasks.failed);
  if (status.phase == run_phase::stopping)
    line += "  stopping…";
  if (simulated_)
    line += "  [simulated]";
  fmt::print(out_, "\r\x1b[2K{}", one_line(line, terminal_columns(out_) - 2));
  std::fflush(out_);
  bar_shown_ = true;
}

void progress::clear() {
  if (!bar_shown_)
    return;
  fmt::print(out_, "\r\x1b[2K");
  std::fflush(out_);
  bar_shown_ = false;
}

void progress::show_line(const run_status& status, const std::vector<model_snapshot>& models) {
  fmt::print(out_,
             "{}/{} problems, {} failed, {} calls ({:.0f}/s), {} bits, in flight{}, ETA {}{}\n",
             ended(status), status.tasks_all, status.tasks.failed, status.calls,
             meter_.calls_per_s(), status.bits, models_text(models),
             eta_text(meter_.left(status.tasks_all - std::min(ended(status), status.tasks_all))),
             simulated_ ? " [simulated]" : "");
  std::fflush(out_);
}

void progress::show_json(const run_status& status, const std::vector<model_snapshot>& models) {
  nlohmann::json line = {{"event", "progress"},
                         {"problems", status.tasks_all},
                         {"done", status.tasks.done},
                         {"failed", status.tasks.failed},
                         {"pending", status.tasks.pending},
                         {"leased", status.tasks.leased},
                         {"calls", status.calls},
                         {"bits", status.bits},
                         {"prompt_tokens", status.prompt_tokens},
                         {"completion_tokens", status.completion_tokens},
                         {"cost", status.money},
                         {"calls_per_s", meter_.calls_per_s()},
                         {"simulated", simulated_}};
  if (const auto left = meter_.left(status.tasks.pending + status.tasks.leased))
    line["eta_s"] = left->count();
  for (const model_snapshot& model : models)
    line["models"][model.alias] = {{"in_flight", model.in_flight}, {"queued", model.queued}};
  fmt::print(out_, "{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(out_);
}

} // namespace tenbit::cli

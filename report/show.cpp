#include "report/show.hpp"

#include <charconv>
#include <fmt/format.h>

#include "base/text.hpp"
#include "codec/container.hpp"
#include "config/limits.hpp"
#include "report/store_scan.hpp"

namespace tenbit::report {

namespace {

std::optional<std::uint64_t> as_index(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace

expected<problem_index, report_failure> find_problem(const store& source, std::string_view name) {
  const std::uint64_t tasks = source.manifest().tasks;
  const auto index = as_index(name);
  if (index && *index < tasks)
    return problem_index{*index};
  for (std::uint64_t task = 0; task < tasks; ++task) {
    const auto row = source.problem(problem_index{task});
    if (!row)
      return fail(from_store(row.error()));
    if (row->id == name)
      return problem_index{task};
  }
  const std::string range =
      tasks == 0 ? "the store has none"
                 : fmt::format("give an index from 0 to {}, or an id such as {}", tasks - 1, [&] {
                     const auto row = source.problem(problem_index{0});
                     return row ? one_line(row->id, limits::shown_name_chars_max)
                                : std::string("one of the benchmark");
                   }());
  return fail(report_failure{
      report_error::unknown,
      fmt::format("no problem \"{}\": {}", one_line(name, limits::shown_name_chars_max), range)});
}

expected<arm_index, report_failure> find_arm(const experiment& exp, std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < exp.arms.size(); ++i) {
    if (exp.arms[i].name == name)
      return arm_index{static_cast<std::uint16_t>(i)};
    names.emplace_back(exp.arms[i].name);
  }
  const std::string_view near = nearest(name, names);
  std::string mend = near.empty() ? "arms:" : fmt::format("did you mean \"{}\"?", near);
  if (near.empty())
    for (const std::string_view known : names)
      mend += fmt::format(" {}", one_line(known, limits::shown_name_chars_max));
  return fail(report_failure{
      report_error::unknown,
      fmt::format("no arm \"{}\"; {}", one_line(name, limits::shown_name_chars_max), mend)});
}

expected<std::string, report_failure> show(const store& source, const experiment& exp,
                                           problem_index problem, bool json,
                                           const show_options& options) {
  const auto row = source.sealed(problem);
  if (!row)
    return fail(from_store(row.error()));
  const auto state = source.state(problem);
  if (!state)
    return fail(from_store(state.error()));
  const auto task = load_task(source, exp, problem);
  if (!task)
    return fail(task.error());
  const auto origins = source.origins(problem);
  if (!origins)
    return fail(from_store(origins.error()));
  std::map<std::string, std::uint64_t> by;
  for (const std::string& peer : *origins)
    if (!peer.empty())
      ++by[peer];
  const transcript t{
      exp, *row, problem, *state, task->view, by, source.manifest().simulated || exp.simulated()};
  return json ? show_json(t, options) : show_text(t, options);
}

payload_text payload_of(const outcome_event& end) {
  const auto container = read_container(end.bitstream);
  if (!container)
    return {{}, container.error().message};
  payload_text result;
  for (char c : container->payload)
    result.hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return result;
}

std::string short_id(const call_id& id) {
  return id.value.hex().substr(0, 8);
}

} // namespace tenbit::report

// The control verbs of a coordinator (control/control.hpp says what each does).
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/cluster_host_impl.hpp"
#include "cli/cluster_reply.hpp"
#include "cli/command.hpp"
#include "cli/ended_run.hpp"
#include "control/status_json.hpp"

namespace tenbit::cli {

using control::reply;

const std::map<std::string, host::verb>& host::verb_table() {
  static const std::map<std::string, verb> table = {
      {"run submit", &host::run_submit},
      {"run list", &host::run_list},
      {"run pause", &host::run_pause},
      {"run resume", &host::run_resume},
      {"run cancel", &host::run_cancel},
      {"run limit", &host::run_limit},
      {"run priority", &host::run_priority},
      {"worker list", &host::worker_list},
      {"worker drain", &host::worker_drain},
      {"worker undrain", &host::worker_undrain},
      {"worker kick", &host::worker_kick},
      {"endpoint list", &host::endpoint_list},
      {"endpoint pause", &host::endpoint_order_verb},
      {"endpoint resume", &host::endpoint_order_verb},
      {"endpoint limit", &host::endpoint_order_verb},
      {"task show", &host::task_show},
      {"task requeue", &host::task_requeue},
      {"task release", &host::task_requeue},
      {"task quarantine", &host::task_quarantine},
      {"checkpoint", &host::checkpoint},
      {"verify", &host::verify},
      {"export", &host::export_results},
      {"status", &host::show_status},
      {"stop", &host::stop},
  };
  return table;
}

control::reply host::handle(const control::request& what) {
  const auto place = verb_table().find(what.verb);
  return place == verb_table().end() ? refusal("there is no verb " + what.verb)
                                     : (this->*place->second)(what);
}

// -- runs ----------------------------------------------------------------------------------------

control::reply host::run_submit(const control::request& r) {
  const auto sets = r.args.find("set");
  auto exp = load_experiment(text(r, "file"),
                             sets == r.args.end() ? std::vector<std::string>() : sets->second);
  if (!exp) {
    std::string lines;
    for (const config_problem& problem : exp.error())
      lines += (lines.empty() ? "" : "\n") + problem.text();
    return refusal(lines);
  }
  auto items = load_benchmark(exp->benchmark);
  if (!items)
    return refusal(items.error());
  const std::string name = exp->name;
  {
    const std::lock_guard lock(mutex_);
    const host_run* known = find(name);
    if (known != nullptr && !is_over(*known)) {
      const auto differences =
          manifest_difference(known->target->manifest(), make_manifest(*exp, *items));
      if (differences.empty())
        return done({{"run", name}, {"state", "it is here already and goes on"}});
      return refusal(fmt::format("a run named {} with other contents is here; change the file back "
                                 "or give it another name. What differs:\n  {}",
                                 name, fmt::join(differences, "\n  ")));
    }
  }
  const std::string dir = text(r, "store").empty()
                              ? std::filesystem::absolute(options_.dir + "/runs/" + name).string()
                              : text(r, "store");
  if (disk_ >= disk_level::no_grants)
    return refusal("the disk of the stores is nearly full: free some space first (see 'tenbit ctl "
                   "status', or --disk-marks of the coordinator)");
  if (r.dry_run)
    return done({{"run", name}, {"store", dir}, {"problems", items->problems.size()}});
  return start_submitted(r, std::move(*exp), *items, dir);
}

// A run of this name that is over makes room; when the submission fails it is there as before.
control::reply host::start_submitted(const control::request& r, experiment exp,
                                     const benchmark& items, const std::string& dir) {
  const std::string name = exp.name;
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    const host_run* known = find(name);
    over = known != nullptr && is_over(*known);
  }
  auto old = take_ended(name);
  if (over && !old)
    return no_answer();
  const std::string file = fmt::format("{}/runs/{}.toml", options_.dir, name);
  const auto text_before = read_whole(file);
  std::vector<kept_run> runs_before;
  {
    const std::lock_guard lock(mutex_);
    runs_before = files_.runs;
  }
  bool resumed = false;
  auto target =
      open_run_store(dir, make_manifest(exp, items), items, options_.accept_rollback, resumed);
  const auto failed = [&](std::string why) {
    {
      const std::lock_guard lock(mutex_);
      files_.runs = runs_before;
    }
    if (!old)
      return refusal(std::move(why));
    if (text_before)
      if (const auto written = write_whole(file, *text_before); !written)
        why += "; and the file of the run as it was: " + written.error();
    put_ended(std::move(*old));
    return refusal(std::move(why));
  };
  if (!target)
    return failed(target.error().message);
  if (std::string why = older_copy(**target); !why.empty())
    return failed(std::move(why));
  if (auto kept = write_whole(file, to_toml(exp)); !kept)
    return failed(kept.error());
  host_run run;
  run.kept = {name, dir, static_cast<int>(number(r, "priority")), false, false, 0, {}};
  run.exp = std::make_shared<const experiment>(std::move(exp));
  run.target = std::move(*target);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_.runs, [&](const kept_run& one) { return one.name == name; });
    files_.runs.push_back(run.kept);
  }
  if (auto kept = keep(); !kept)
    return failed(kept.error());
  remove_ended(options_.dir, name);
  const auto tasks = run.target->manifest().tasks;
  if (auto started = start_run(std::move(run)); !started)
    return refusal(started.error().message);
  return done({{"run", name},
               {"store", dir},
               {"problems", tasks},
               {"state", resumed ? "goes on where it was" : "started"}});
}

control::reply host::run_list(const control::request&) {
  return {true, {}, control::runs_json(*status())};
}

// A change of one run: what is kept over restarts, and what the core does now.
control::reply host::change_run(const control::request& r,
                                const std::function<void(kept_run&)>& kept,
                                std::function<void(cluster_core&, run_core&)> core) {
  const std::string name = text(r, "run");
  experiment_id id;
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    host_run* run = find(name);
    if (run == nullptr)
      return no_run(name);
    id = run->id;
    over = is_over(*run);
    if (!r.dry_run) {
      kept(run->kept);
      for (kept_run& one : files_.runs)
        if (one.name == name)
          one = run->kept;
    }
  }
  if (r.dry_run) {
    for (const run_line& line : status()->runs)
      if (line.name == name)
        return done({{"run", name},
                     {"state", std::string(control::to_string(line.status.phase))},
                     {"pending", line.status.tasks.pending},
                     {"leased", line.status.tasks.leased},
                     {"paused", line.paused},
                     {"lease_limit", line.lease_limit},
                     {"priority", line.priority}});
    return done({{"run", name}});
  }
  if (auto written = keep(); !written)
    return refusal(written.error());
  const auto changed = in_core<bool>([id, core](cluster_core& c, run_clock::time_point) {
    run_core* run = c.find(id);
    if (run != nullptr)
      core(c, *run);
    return run != nullptr;
  });
  if (changed && !*changed && over) // it is not loaded, and there is nothing to change now
    return done({{"run", name}, {"state", "it is over"}});
  if (changed && !*changed)
    return refusal(fmt::format("{} is not loaded; submit it again", name));
  return changed ? done({{"run", name}}) : no_answer();
}

control::reply host::run_pause(const control::request& r) {
  const bool now = text(r, "now") == "true";
  return change_run(
      r,
      [now](kept_run& run) {
        run.paused = true;
        run.calling_in = run.calling_in || now;
      },
      [now](cluster_core& core, run_core& run) { core.pause(run, true, now); });
}

control::reply host::run_resume(const control::request& r) {
  return change_run(
      r, [](kept_run& run) { run.paused = run.calling_in = false; },
      [](cluster_core& core, run_core& run) { core.pause(run, false, false); });
}

control::reply host::run_cancel(const control::request& r) {
  return change_run(
      r,
      [&r](kept_run& run) {
        run.cancelled = true;
        run.cancel_reason = r.reason;
      },
      [why = "cancelled: " + r.reason](cluster_core& core, run_core& run) {
        core.cancel_run(run.id(), why);
      });
}

control::reply host::run_limit(const control::request& r) {
  const auto leases = static_cast<std::uint32_t>(number(r, "leases"));
  return change_run(
      r, [leases](kept_run& run) { run.lease_limit = leases; },
      [leases](cluster_core& core, run_core& run) { core.limit(run, leases); });
}

control::reply host::run_priority(const control::request& r) {
  const int priority = static_cast<int>(number(r, "priority"));
  return change_run(
      r, [priority](kept_run& run) { run.priority = priority; },
      [priority](cluster_core& core, run_core& run) { core.prioritise(run, priority); });
}

// -- workers -------------------------------------------------------------------------------------

control::reply host::worker_list(const control::request&) {
  return {true, {}, control::workers_json(*status())};
}

// What drain or undrain would change, from the snapshot.
control::reply host::dry_drain(const control::request& r) const {
  for (const peer_line& peer : status()->peers)
    if (peer.name == text(r, "worker"))
      return done({{"worker", peer.name}, {"leased", peer.leased}, {"draining", peer.draining}});
  return refusal(
      fmt::format("no worker {} was seen; 'tenbit ctl worker list' names them", text(r, "worker")));
}

// On disk before it is said to be so.
control::reply host::drained(const std::string& worker) {
  if (const auto now = in_core<std::map<std::string, std::string>>(
          [](cluster_core& core, auto) { return core.drains(); })) {
    const std::lock_guard lock(bits_mutex_);
    drains_ = *now;
  }
  if (auto written = keep(); !written)
    return refusal(std::move(written.error()));
  return done({{"worker", worker}});
}

control::reply host::worker_drain(const control::request& r) {
  if (r.dry_run)
    return dry_drain(r);
  const auto changed = in_core<tenbit::status<std::string>>(
      [name = text(r, "worker"), why = r.reason](cluster_core& core, auto) {
        return core.drain(name, why);
      });
  if (!changed)
    return no_answer();
  return *changed ? drained(text(r, "worker")) : refusal(changed->error());
}

control::reply host::worker_undrain(const control::request& r) {
  if (r.dry_run)
    return dry_drain(r);
  const auto changed = in_core<tenbit::status<std::string>>(
      [name = text(r, "worker")](cluster_core& core, auto) { return core.undrain(name); });
  if (!changed)
    return no_answer();
  return *changed ? drained(text(r, "worker")) : refusal(changed->error());
}

control::reply host::worker_kick(const control::request& r) {
  if (r.dry_run)
    return dry_drain(r);
  const auto changed = in_core<tenbit::status<std::string>>(
      [name = text(r, "worker"), why = r.reason](cluster_core& core, run_clock::time_point now) {
        return core.kick(name, why, now);
      });
  if (!changed)
    return no_answer();
  return *changed ? done({{"worker", text(r, "worker")}}) : refusal(changed->error());
}

} // namespace tenbit::cli

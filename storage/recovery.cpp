#include "storage/recovery.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace tenbit::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view mend = "Restore what is missing from a copy, or open with "
                                  "accept_rollback (--accept-rollback): what the "
                                  "lost commits paid for is then asked and paid for again";

store_failure unreadable(const std::string& dir, const std::error_code& error) {
  return {store_error::io, fmt::format("{}: cannot be read: {}", dir, error.message())};
}

// "000012.log, 000017.log, MANIFEST-000011": what a person compares with a backup.
std::string present_files(const store_paths& paths, rocksdb::Env& env) {
  std::vector<std::string> names;
  if (!env.GetChildren(paths.db, &names).ok())
    return "nothing that can be read";
  std::erase_if(names, [](const std::string& name) {
    return !name.ends_with(".log") && !name.starts_with("MANIFEST") && name != "CURRENT";
  });
  std::sort(names.begin(), names.end());
  return names.empty() ? "no log and no MANIFEST" : fmt::format("{}", fmt::join(names, ", "));
}

std::optional<std::string> compare(const std::string& path, const store_paths& paths,
                                   const std::optional<durable_point>& seen,
                                   const recovered& found) {
  const auto& head = found.head;
  if (!seen)
    return fmt::format("{}: is missing, and it alone says how much was durable", path);
  if (seen->store != found.store.id)
    return fmt::format("{}: belongs to the store {}, but {} is the store {}", path,
                       hex(seen->store), paths.db, hex(found.store.id));
  if (seen->commit_seq > head.commit_seq)
    return fmt::format(
        "{}: {} commits were durable, but {} has only {}: a log or MANIFEST file in it "
        "was cut, deleted or replaced by an older one",
        path, seen->commit_seq, paths.db, head.commit_seq);
  if (seen->incarnation > head.incarnation ||
      (seen->commit_seq == head.commit_seq && seen->chain != head.chain))
    return fmt::format("{}: commit {} of {} has another history than was durable: the folder was "
                       "replaced by a copy that went on elsewhere",
                       path, head.commit_seq, paths.db);
  return std::nullopt;
}

} // namespace

store_paths::store_paths(std::string folder)
    : dir(std::move(folder)), db(dir + "/db"), anchor(dir + "/anchor"), receipt(dir + "/receipt"),
      lock(dir + "/LOCK"), creating(dir + "/creating") {}

expected<folder_kind, store_failure> examine(const store_paths& paths) {
  std::error_code error;
  const auto kind = fs::status(paths.dir, error);
  if (kind.type() == fs::file_type::not_found)
    return folder_kind::empty;
  if (error)
    return fail(unreadable(paths.dir, error));
  if (!fs::is_directory(kind))
    return folder_kind::foreign;
  bool store = false;
  bool foreign = false;
  fs::directory_iterator entry(paths.dir, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name == "creating")
      return folder_kind::unfinished;
    store = store || name == "db" || name == "anchor" || name == "receipt";
    foreign = foreign || name != "LOCK";
  }
  if (error)
    return fail(unreadable(paths.dir, error));
  return store ? folder_kind::store : foreign ? folder_kind::foreign : folder_kind::empty;
}

status<store_failure> require_store(const store_paths& paths) {
  const auto kind = examine(paths);
  if (!kind)
    return fail(kind.error());
  switch (*kind) {
  case folder_kind::store:
    return {};
  case folder_kind::empty:
    return fail(store_failure{store_error::not_a_store,
                              paths.dir + ": there is no store here; check the path"});
  case folder_kind::foreign:
    return fail(store_failure{store_error::not_a_store,
                              paths.dir + ": holds something else, not a store; check the path"});
  case folder_kind::unfinished:
    return fail(store_failure{
        store_error::not_a_store,
        paths.dir + ": its creation (or copying) was interrupted and it holds nothing; create it "
                    "again, or copy it again to another folder"});
  }
  assertion_failed("folder_kind", __FILE__, __LINE__);
}

expected<witnesses, store_failure> read_witnesses(rocksdb::Env& env, const store_paths& paths,
                                                  bool accept) {
  const auto take = [&](auto found,
                        std::optional<durable_point>& out) -> std::optional<store_failure> {
    if (found) {
      out = *found;
      return std::nullopt;
    }
    if (found.error().kind != store_error::corrupt)
      return found.error();
    if (!accept)
      return store_failure{store_error::corrupt,
                           fmt::format("{}. {}", found.error().message, mend)};
    spdlog::warn("store: {}; going on by accept_rollback", found.error().message);
    return std::nullopt;
  };
  witnesses out;
  if (auto failed = take(read_anchor(env, paths.anchor), out.anchor))
    return fail(std::move(*failed));
  if (auto failed = take(read_receipt(env, paths.receipt), out.receipt))
    return fail(std::move(*failed));
  return out;
}

expected<recovered, store_failure> read_recovered(const database& db, const store_paths& paths) {
  const auto damaged = [&paths](std::string_view what) {
    return fail(damage(paths.db, fmt::format("its {} row is missing or damaged", what)));
  };
  std::string bytes;
  auto found = db.get(family::meta, store_key, bytes);
  if (!found)
    return fail(std::move(found.error()));
  const auto store = *found ? read_store_row(bytes) : std::nullopt;
  if (!store)
    return damaged("store");
  if (store->format < oldest_format_read || store->format > format_version)
    return fail(
        store_failure{store_error::other_format,
                      fmt::format("{}: has format {}, this program reads {} to {}; use the "
                                  "version that wrote it",
                                  paths.dir, store->format, oldest_format_read, format_version)});
  found = db.get(family::meta, head_key, bytes);
  if (!found)
    return fail(std::move(found.error()));
  auto head = *found ? read_head_row(bytes) : std::nullopt;
  if (!head)
    return damaged("head");
  std::string key;
  experiment_key(store->experiment, key);
  found = db.get(family::run, key, bytes);
  if (!found)
    return fail(std::move(found.error()));
  auto run = *found ? read_run_row(bytes) : std::nullopt;
  if (!run)
    return damaged("manifest");
  found = db.get(family::meta, lives_key, bytes);
  if (!found)
    return fail(std::move(found.error()));
  auto lives = *found ? read_lives(bytes) : std::vector<store_life>();
  if (!lives)
    return damaged("lives");
  return recovered{*store, std::move(*head), std::move(*run), std::move(*lives)};
}

status<store_failure>
scan_states(const database& db, const recovered& found,
            const std::function<void(problem_index, const task_state&)>& visit) {
  const auto tasks = found.run.manifest.tasks;
  std::string prefix;
  experiment_key(found.store.experiment, prefix);
  cursor rows(db, family::state, std::move(prefix));
  std::uint64_t next = 0;
  for (auto more = rows.next();; more = rows.next()) {
    if (!more)
      return fail(std::move(more.error()));
    if (!*more)
      break;
    const auto key = read_task_key(rows.key());
    const auto state = read_state_row(rows.value());
    if (!key || !state || key->problem.value != next || next >= tasks)
      return fail(
          damage(db.path(), fmt::format("the state row of task {} is missing or damaged", next)));
    visit(key->problem, *state);
    ++next;
  }
  if (next != tasks)
    return fail(damage(db.path(), fmt::format("{} of {} state rows are there", next, tasks)));
  return {};
}

namespace {

// The rows of a family that only some tasks have a row of.
template <class Read, class Visit>
status<store_failure> scan_some(const database& db, const recovered& found, family f, Read&& read,
                                const Visit& visit) {
  if (!db.has(f))
    return {};
  std::string prefix;
  experiment_key(found.store.experiment, prefix);
  cursor rows(db, f, std::move(prefix));
  for (auto more = rows.next();; more = rows.next()) {
    if (!more)
      return fail(std::move(more.error()));
    if (!*more)
      return {};
    const auto key = read_task_key(rows.key());
    const auto row = read(rows.value());
    if (!key || !row || key->problem.value >= found.run.manifest.tasks)
      return fail(damage(db.path(), fmt::format("a {} row is damaged or of no task", name_of(f))));
    visit(key->problem, *row);
  }
}

} // namespace

status<store_failure>
scan_leases(const database& db, const recovered& found,
            const std::function<void(problem_index, const lease_row&)>& visit) {
  return scan_some(db, found, family::lease, read_lease_row, visit);
}

status<store_failure>
scan_faults(const database& db, const recovered& found,
            const std::function<void(problem_index, const fault_row&)>& visit) {
  return scan_some(db, found, family::fault, read_fault_row, visit);
}

status<store_failure> check_families(const database& db, const store_paths& paths,
                                     rocksdb::Env& env, const recovered& found) {
  const auto refuse = [&](std::string_view what) {
    return fail(damage(
        paths.db, fmt::format("{} as of commit {}: a log or table is missing, or the end of the "
                              "MANIFEST is (present in {}: {})",
                              what, found.head.commit_seq, paths.db, present_files(paths, env))));
  };
  const auto tasks = found.run.manifest.tasks;
  const auto& totals = found.head.totals;
  for (const auto& [f, least] :
       {std::pair(family::problem, tasks), std::pair(family::gold, tasks),
        std::pair(family::state, tasks), std::pair(family::event, totals.events),
        std::pair(family::bit, totals.bits)}) {
    const auto rows = db.rows_put(f);
    if (!rows)
      return fail(rows.error());
    if (*rows < least)
      return refuse(fmt::format("{} of {} rows of '{}' are there", *rows, least, name_of(f)));
  }
  std::uint64_t marks = 0;
  auto scanned = scan_states(db, found, [&marks](problem_index task, const task_state& state) {
    marks += state_mark(task, state);
  });
  if (!scanned)
    return scanned;
  scanned = scan_leases(db, found, [&marks](problem_index task, const lease_row& lease) {
    marks += lease_mark(task, lease);
  });
  if (!scanned)
    return scanned;
  scanned = scan_faults(db, found, [&marks](problem_index task, const fault_row& faults) {
    marks += fault_mark(task, faults);
  });
  if (!scanned || marks == found.head.states)
    return scanned;
  return refuse("the fault rows or the state and lease rows are not those");
}

std::optional<std::string> missing_rows(const store_paths& paths, const witnesses& seen,
                                        const recovered& found) {
  if (auto what = compare(paths.anchor, paths, seen.anchor, found))
    return what;
  return compare(paths.receipt, paths, seen.receipt, found);
}

store_failure refuse_rollback(const store_paths& paths, rocksdb::Env& env, std::string what) {
  return {store_error::rolled_back, fmt::format("{} (present in {}: {}). {}", what, paths.db,
                                                present_files(paths, env), mend)};
}

} // namespace tenbit::storage

// What a commit costs, and what opening a store of a million tasks costs.
//
// Commit/N: groups of N events, one synced write each; items_per_second is events, CPU is of this
// thread. Build/N: the same without the device, which shows the store's own work.
#include <benchmark/benchmark.h>
#include <filesystem>
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <stdlib.h>

#include "storage/store.hpp"

namespace tenbit {
namespace {

class folder {
public:
  explicit folder(bool memory) {
    path_ = memory ? "/dev/shm/tenbit_bench_XXXXXX"
                   : (std::filesystem::temp_directory_path() / "tenbit_bench_XXXXXX").string();
    TENBIT_ASSERT(::mkdtemp(path_.data()) != nullptr);
  }
  ~folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] std::string store() const { return path_ + "/store"; }

private:
  std::string path_;
};

std::vector<problem_row> problems(std::size_t count) {
  std::vector<problem_row> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({fmt::format("problem-{}", i), fmt::format("What is {} plus one?", i),
                   fmt::format("{}", i + 1), "add one"});
  return out;
}

std::unique_ptr<store> created(const std::string& dir, std::size_t tasks) {
  store_manifest manifest;
  manifest.name = "bench";
  manifest.identity = hash_bytes("bench");
  manifest.tasks = tasks;
  auto db = store::create(dir, manifest, problems(tasks));
  TENBIT_ASSERT(db.has_value());
  return std::move(*db);
}

// A reply of 2 kB and its request of 2 kB for every event.
task_commit one_call(std::uint64_t task) {
  call_event e;
  e.id = call_id{hash_bytes(std::to_string(task))};
  e.model = "small";
  e.request = std::string(2000, 'q');
  e.reply.text = std::string(2000, 'a');
  e.reply.usage = {.prompt = 500, .completion = 500, .reported = true};
  return {problem_index{task}, {event(std::move(e))}, std::nullopt, std::nullopt, false};
}

void commit_groups(benchmark::State& state, bool memory) {
  constexpr std::uint64_t tasks = 100'000;
  const folder where(memory);
  const auto db = created(where.store(), tasks);
  const auto size = static_cast<std::uint64_t>(state.range(0));
  std::vector<task_commit> group;
  for (std::uint64_t i = 0; i < size; ++i)
    group.push_back(one_call(i));
  std::uint64_t next = 0;
  for (auto _ : state) {
    for (auto& part : group)
      part.task = problem_index{next++ % tasks};
    TENBIT_ASSERT(db->commit(group).has_value());
    TENBIT_ASSERT(db->keep_anchor().has_value());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["cpu_us_per_event"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void Commit(benchmark::State& state) {
  commit_groups(state, false);
}
void Build(benchmark::State& state) {
  commit_groups(state, true);
}
BENCHMARK(Commit)->Arg(1)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(Build)->Arg(1)->Arg(16)->Arg(64)->Arg(256);

void Create(benchmark::State& state) {
  for (auto _ : state) {
    const folder where(false);
    benchmark::DoNotOptimize(created(where.store(), static_cast<std::size_t>(state.range(0))));
  }
}
BENCHMARK(Create)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

// Open for writing and the scan that finds the pending tasks.
void OpenAndScan(benchmark::State& state) {
  const folder where(false);
  TENBIT_ASSERT(
      created(where.store(), static_cast<std::size_t>(state.range(0)))->close().has_value());
  for (auto _ : state) {
    auto db = store::open(where.store());
    TENBIT_ASSERT(db.has_value());
    std::uint64_t pending = 0;
    const auto scanned = (*db)->for_each_state([&pending](problem_index, const task_state& task) {
      pending += task.status == task_status::pending ? 1 : 0;
    });
    TENBIT_ASSERT(scanned.has_value() && pending == static_cast<std::uint64_t>(state.range(0)));
  }
}
BENCHMARK(OpenAndScan)->Arg(1'000'000)->Iterations(3)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
} // namespace tenbit

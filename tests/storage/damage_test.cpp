// Every file of a real store damaged, one at a time: refused with the file named, or nothing is
// missing.
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <map>

#include "base/random.hpp"
#include "storage/rocks_log.hpp"
#include "tests/storage/impatient_env.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::size_t damaged_tasks = 400;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_all(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A change of one file; empty new content: delete it.
struct damage {
  std::string name;
  std::optional<std::string> content;
};

std::vector<damage> damages(const std::string& file, const std::string& bytes) {
  std::vector<damage> out{{"delete", std::nullopt}, {"empty", ""}};
  if (bytes.empty())
    return out;
  const auto size = bytes.size();
  for (const auto keep : {size / 2, size - 1, size - std::min<std::size_t>(size, 300)})
    out.push_back({fmt::format("truncate to {}", keep), bytes.substr(0, keep)});
  random_stream random(1, file, 0);
  std::vector<std::size_t> places{0, size / 4, size / 2, size * 3 / 4, size - 1};
  for (int i = 0; i < 5; ++i)
    places.push_back(random.below(size));
  for (const auto at : places) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random.below(8));
    out.push_back({fmt::format("flip a bit of byte {}", at), std::move(changed)});
  }
  return out;
}

// Everything a store can be asked, as text; the failures of reading apart.
struct contents {
  std::vector<std::string> rows;
  std::vector<store_failure> failures;
};

contents read_everything(const store& db) {
  contents out;
  const auto keep = [&out](const auto& read, auto&& show) {
    if (read)
      out.rows.push_back(show(*read));
    else
      out.failures.push_back(read.error());
  };
  for (std::uint64_t task = 0; task < damaged_tasks; ++task) {
    const problem_index problem{task};
    keep(db.state(problem), [](const task_state& s) {
      return fmt::format("{} {} {} {}", to_string(s.status), s.events, s.bits, s.chain.hex());
    });
    keep(db.events(problem), [](const std::vector<event>& events) {
      return fmt::format("{}", fmt::join(encoded(events), "|"));
    });
    keep(db.bits(problem), [](const std::vector<bit_event>& bits) {
      std::string text;
      for (const auto& bit : bits)
        text += encode(bit);
      return text;
    });
    keep(db.sealed(problem), [](const problem_row& row) {
      return row.id + row.question + row.gold_answer + row.gold_solution;
    });
  }
  keep(db.leases(), [](const auto& leases) {
    std::string text;
    for (const auto& [task, lease] : leases)
      text += fmt::format("{} {} {}|", task.value, lease.number.value, lease.holder);
    return text;
  });
  keep(db.faults(), [](const auto& faults) {
    std::string text;
    for (const auto& [task, row] : faults)
      text += fmt::format("{} {} {}|", task.value, row.by.at(0).holder, row.by.at(0).crashes);
    return text;
  });
  keep(db.longest_first(),
       [](const auto& order) { return fmt::format("{}", fmt::join(order, " ")); });
  return out;
}

// A store as a crash leaves it, one that was closed, and a copy made beside commits.
enum class store_kind : std::uint8_t { crashed, closed, copied };

class F13_StoreDamage : public store_test {
protected:
  // A few thousand rows, in tables and in the log. Gives what is in it.
  contents fill(store_kind kind) {
    store_options small;
    small.memory_bytes = 4U << 20;
    auto db = create_store(dir(), damaged_tasks, small);
    random_stream random(3, "fill", 0);
    for (std::uint64_t i = 0; i < 3 * damaged_tasks; ++i) {
      std::string text = fmt::format("{} ", i);
      for (std::uint64_t more = random.below(1500); more > 0; --more)
        text.push_back(static_cast<char>('!' + random.below(90)));
      task_commit part;
      part.task = problem_index{i % damaged_tasks};
      part.events = {made_call(text), made_bit(static_cast<std::uint32_t>(i / damaged_tasks),
                                               fmt::format("q{}", i), answer::yes)};
      if (i % 4 != 3)
        part.granted = lease_row{epoch{i}, fmt::format("worker-{}", i)};
      part.lease_ended = i % 4 == 3;
      if (i % 5 == 0)
        part.faults = fault_row{
            {{fmt::format("worker-{}", i), static_cast<std::uint32_t>(i + 1), 0}}, true, false};
      EXPECT_TRUE(db->commit({&part, 1}));
    }
    if (kind == store_kind::copied) {
      EXPECT_TRUE(db->checkpoint(root_ + "/made"));
      db.reset();
      fs::remove_all(dir());
      fs::rename(root_ + "/made", dir());
    } else if (kind == store_kind::closed) {
      EXPECT_TRUE(db->close());
    }
    auto out = read_everything_of(db.get(), kind);
    return out;
  }
  contents read_everything_of(const store* db, store_kind kind) {
    if (kind == store_kind::crashed)
      return read_everything(*db);
    const auto reader = store::open_for_reading(dir());
    EXPECT_TRUE(reader);
    return read_everything(**reader);
  }

  // Opens the damaged copy. True: refused.
  bool expect_refused_or_whole(const std::string& copy, const std::string& file,
                               const contents& whole) {
    store_options options;
    options.env = impatient_env::usual(); // damaged tables make compactions fail
    const auto opened = store::open(copy, options);
    if (!opened) {
      expect_named(opened.error(), file);
      return true;
    }
    const auto now = read_everything(**opened);
    for (const auto& failure : now.failures)
      expect_named(failure, file);
    if (now.failures.empty()) {
      EXPECT_EQ(now.rows, whole.rows);
    } else {
      const auto findings = (*opened)->verify({});
      EXPECT_TRUE(!findings || !findings->empty());
    }
    EXPECT_TRUE(!now.failures.empty() || (*opened)->totals().bits == 3 * damaged_tasks);
    return !now.failures.empty();
  }
  // The damaged file, or, where rows are missing and no file says why, the witness and the
  // database.
  static void expect_named(const store_failure& failure, const std::string& file) {
    const auto name = fs::path(file).filename().string();
    const bool rows_missing = file.ends_with(".log") || name.starts_with("MANIFEST");
    if (rows_missing && failure.message.find(name) == std::string::npos)
      EXPECT_THAT(failure.message,
                  HasSubstr("(present in")); // counts, and the files that are there
    else
      EXPECT_THAT(failure.message, HasSubstr(name));
    EXPECT_NE(failure.kind, store_error::io) << failure.message;
  }

  [[nodiscard]] std::string newest_log() const {
    std::string out;
    for (const auto& entry : fs::directory_iterator(dir() + "/db"))
      if (entry.path().extension() == ".log" && fs::file_size(entry.path()) > 0)
        out = std::max(out, entry.path().string());
    return out;
  }
  static std::map<std::string, std::string> files_of(const std::string& folder) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && entry.path().filename() != "LOCK")
        out[entry.path().string()] = slurp(entry.path());
    return out;
  }

  void damage_every_file(store_kind kind) {
    const auto whole = fill(kind);
    ASSERT_TRUE(whole.failures.empty()) << whole.failures.front().message;
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir()))
      if (entry.is_regular_file())
        files.push_back(fs::relative(entry.path(), dir()).string());
    std::sort(files.begin(), files.end());
    EXPECT_GT(files.size(), 8U);
    for (const auto& file : files) {
      int refused = 0;
      const auto all = damages(file, slurp(dir() + "/" + file));
      for (const auto& one : all) {
        SCOPED_TRACE(fmt::format("{} {}", one.name, file));
        const auto copy = root_ + "/copy";
        fs::remove_all(copy);
        fs::copy(dir(), copy, fs::copy_options::recursive);
        if (one.content)
          write_all(copy + "/" + file, *one.content);
        else
          fs::remove(copy + "/" + file);
        refused += expect_refused_or_whole(copy, file, whole) ? 1 : 0;
      }
      std::printf("%-24s %zu damages, %d refused\n", file.c_str(), all.size(), refused);
    }
  }
};

} // namespace

TEST_F(F13_StoreDamage, EveryFileOfACrashedStore_IsRefusedByNameOrWhole) {
  damage_every_file(store_kind::crashed);
}

TEST_F(F13_StoreDamage, EveryFileOfAClosedStore_IsRefusedByNameOrWhole) {
  damage_every_file(store_kind::closed);
}

TEST_F(F13_StoreDamage, EveryFileOfACheckpoint_IsRefusedByNameOrWhole) {
  damage_every_file(store_kind::copied);
}

// A refusal must leave what it refused: the operator compares it with a copy.
TEST_F(F13_StoreDamage, RefusedStore_IsLeftAsItWas) {
  fill(store_kind::crashed);
  fs::remove(dir() + "/anchor");
  const auto before = files_of(dir());
  ASSERT_FALSE(store::open(dir()));
  EXPECT_EQ(files_of(dir()), before);
}

TEST_F(F13_StoreDamage, CutLogWithAcceptRollback_OpensAtAPrefix) {
  const auto whole = fill(store_kind::crashed);
  const auto log = newest_log();
  fs::resize_file(log, fs::file_size(log) / 2);
  const auto refused = store::open(dir());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::rolled_back);
  EXPECT_THAT(refused.error().message, HasSubstr("accept_rollback"));
  store_options accept;
  accept.accept_rollback = true;
  auto db = open_store(dir(), accept);
  ASSERT_TRUE(db);
  EXPECT_LT(db->totals().bits, 3 * damaged_tasks);
  EXPECT_GT(db->totals().bits, 0U);
  EXPECT_TRUE(db->verify({})->empty());
  ASSERT_TRUE(commit_one(*db, 0, {made_call("asked again")}));
  const auto lives = db->lives();
  ASSERT_GE(lives.size(), 2U);
  EXPECT_EQ(lives.back().incarnation, db->incarnation());
  EXPECT_TRUE(lives.back().accepted);
  EXPECT_FALSE(lives.front().accepted);
  const auto seq = db->commit_seq();
  db.reset();
  db = open_store(dir()); // accepted once, it is the history now
  ASSERT_TRUE(db);
  ASSERT_EQ(db->lives().size(), lives.size() + 1);
  EXPECT_EQ(db->lives()[lives.size() - 1], lives.back());
  EXPECT_EQ(db->lives().back(), (store_life{db->incarnation(), seq, false}));
}

TEST_F(F13_StoreDamage, FlippedLogWithAcceptRollback_OpensBeforeTheDamage) {
  fill(store_kind::crashed);
  const auto log = newest_log();
  auto bytes = slurp(log);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_all(log, bytes);
  const auto refused = store::open(dir());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::corrupt);
  store_options accept;
  accept.accept_rollback = true;
  const auto db = open_store(dir(), accept);
  ASSERT_TRUE(db);
  EXPECT_LT(db->totals().bits, 3 * damaged_tasks);
  EXPECT_TRUE(db->verify({})->empty());
}

TEST_F(F13_StoreDamage, OlderCopyOfTheDatabase_IsRolledBack) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(commit_one(*db, 0, {made_call("a")}));
  ASSERT_TRUE(db->close());
  db.reset();
  fs::copy(dir() + "/db", root_ + "/old", fs::copy_options::recursive);
  db = open_store(dir());
  ASSERT_TRUE(commit_one(*db, 0, {made_call("b")}));
  db.reset();
  fs::remove_all(dir() + "/db");
  fs::rename(root_ + "/old", dir() + "/db");
  for (const auto& refused : {store::open(dir()).error(), store::open_for_reading(dir()).error()}) {
    EXPECT_EQ(refused.kind, store_error::rolled_back);
    EXPECT_THAT(refused.message, HasSubstr("has only"));
  }
}

TEST_F(F13_StoreDamage, DatabaseOfAnotherStore_IsRefused) {
  create_store(dir(), 2);
  create_store(root_ + "/other", 2);
  fs::remove_all(dir() + "/db");
  fs::rename(root_ + "/other/db", dir() + "/db");
  const auto refused = store::open(dir());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to the store"));
}

TEST(NamedFile, StatusTexts_GiveTheFile) {
  using storage::named_file;
  EXPECT_EQ(named_file("Corruption: block checksum mismatch in /a.d/db/000012.sst offset 0"),
            "000012.sst");
  EXPECT_EQ(named_file("IO error: /db/000007.ldb: No such file"), "000007.sst");
  EXPECT_EQ(named_file("x.log: 000003.log: dropping 12 bytes"), "000003.log");
  EXPECT_EQ(named_file("in file /db/MANIFEST-000005"), "MANIFEST-000005");
  EXPECT_EQ(named_file("CURRENT file does not end with newline"), "CURRENT");
  EXPECT_EQ(named_file("Corruption: nothing named"), "");
}

} // namespace tenbit

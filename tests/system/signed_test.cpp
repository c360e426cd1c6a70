// What a run came to is signed where it ran, and checked by whoever has the store and the key.
#include <filesystem>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/system/cluster_processes.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// The 64 digits after this word.
std::string digits_after(const std::string& text, const std::string& word) {
  const auto at = text.find(word);
  return at == std::string::npos ? std::string() : text.substr(at + word.size(), 64);
}

std::string summary_line(const std::string& text, const std::string& word) {
  const auto at = text.find("\n" + word + " ");
  return at == std::string::npos ? std::string()
                                 : text.substr(at + 1, text.find('\n', at + 1) - at);
}

} // namespace

TEST(Signed_Run, OfACoordinator_IsCheckedByItsKeyAlone) {
  cluster_processes cluster(faults_experiment(6));
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_done(60)) << cluster.path();
  const std::string path = cluster.store() + "/summary";
  ASSERT_TRUE(cluster.wait_until([&] { return fs::exists(path); }, 20));
  const std::string keys = cluster.path("cluster/keys");
  const std::string signer =
      digits_after(tenbit({"keys", "list", "--dir", keys}).out, "signed as ");
  ASSERT_EQ(signer.size(), 64U);
  const auto init = tenbit({"keys", "init", "--dir", keys});
  EXPECT_EQ(init.exit_code, 0) << init.err;
  EXPECT_THAT(init.out, HasSubstr(signer));
  const auto check = [&](const std::string& by) {
    return tenbit({"verify", "--store", cluster.store(), "--signer", by});
  };
  const auto good = check(signer);
  EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("Signed by " + signer));
  EXPECT_THAT(cluster.verified().out, HasSubstr("not pinned"));
  EXPECT_EQ(check(std::string(64, '0')).exit_code, 6);
  EXPECT_EQ(check("abc").exit_code, 2);

  const std::string text = read_file(path);
  EXPECT_EQ(summary_line(text, "done"), "done 6\n");
  EXPECT_EQ(summary_line(text, "signer"), "signer " + signer + "\n");
  std::string edited = text;
  edited.replace(edited.find("\ndone 6"), 7, "\ndone 5");
  write_file(path, edited);
  for (const auto& checked : {check(signer), cluster.verified()}) {
    EXPECT_EQ(checked.exit_code, 6) << checked.out;
    EXPECT_THAT(checked.out, HasSubstr("its signature does not hold"));
  }
  // Another key of one's own is easily had: only the pinned one means anything.
  ASSERT_EQ(tenbit({"keys", "init", "--dir", cluster.path("own")}).exit_code, 0);
  const std::vector<std::string> forge{"keys",    "sign",         "--dir", cluster.path("own"),
                                       "--store", cluster.store()};
  EXPECT_EQ(tenbit(forge).exit_code, 4) << "the coordinator has it";
  cluster.kill_coordinator();
  EXPECT_EQ(tenbit(forge).exit_code, 0);
  EXPECT_EQ(cluster.verified().exit_code, 0);
  EXPECT_EQ(check(signer).exit_code, 6);
  fs::remove(path);
  EXPECT_EQ(cluster.verified().exit_code, 0);
  EXPECT_EQ(check(signer).exit_code, 6);
  write_file(path, text);
  EXPECT_EQ(check(signer).exit_code, 0);
}

TEST(Signed_Run, WithoutAKey_EndsUnsigned_AndIsSignedByHand) {
  cluster_processes cluster(faults_experiment(4));
  const std::string keys = cluster.path("cluster/keys");
  ASSERT_EQ(tenbit({"keys", "init", "--dir", keys}).exit_code, 0);
  fs::remove(keys + "/signing.key"); // a folder of before
  cluster.start_coordinator({"--lease-ttl", "2", "--until-done"});
  cluster.start_usual_workers();
  const auto over = cluster.coordinator().wait();
  EXPECT_EQ(over.exit_code, 0) << over.err;
  EXPECT_THAT(over.out + over.err, HasSubstr("tenbit keys init"));
  const std::string path = cluster.store() + "/summary";
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(keys + "/signing.key"));
  const std::vector<std::string> sign{"keys", "sign", "--dir", keys, "--store", cluster.store()};
  EXPECT_EQ(tenbit(sign).exit_code, 1);
  ASSERT_EQ(tenbit({"keys", "init", "--dir", keys}).exit_code, 0);
  const auto made = tenbit(sign);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string signer = digits_after(made.out, "signed as ");
  const auto checked = tenbit({"verify", "--store", cluster.store(), "--signer", signer, "--json"});
  EXPECT_EQ(checked.exit_code, 0) << checked.out;
  const json summary = json::parse(checked.out).at("summary");
  EXPECT_EQ(summary.at("is"), "holds");
  EXPECT_EQ(summary.at("signer"), signer);
  EXPECT_EQ(summary.at("pinned"), true);
}

// What goes on after it was signed is signed again when it ends again.
TEST(Signed_Run, ThatGoesOn_IsSignedAnew) {
  cluster_processes cluster(faults_experiment(4));
  cluster.start_coordinator();
  const auto has_run = [](const auto& c) {
    const json now = c.status();
    return now.is_object() && !now.at("runs").empty();
  };
  ASSERT_TRUE(cluster.wait_for(has_run, 20));
  ASSERT_TRUE(cluster.ctl({"task", "quarantine", "faults", "3", "--reason", "held"}).is_object());
  cluster.start_usual_workers();
  const std::string path = cluster.store() + "/summary";
  const auto done_is = [&](const std::string& done) {
    return cluster.wait_until(
        [&] {
          return fs::exists(path) && summary_line(read_file(path), "done") == "done " + done + "\n";
        },
        60);
  };
  ASSERT_TRUE(done_is("3")) << cluster.status().dump(1);
  const std::string first = read_file(path);
  EXPECT_EQ(summary_line(first, "quarantined"), "quarantined 1\n");
  ASSERT_TRUE(cluster.ctl({"task", "release", "faults", "3", "--reason", "mended"}).is_object());
  ASSERT_TRUE(done_is("4")) << cluster.status().dump(1);
  const std::string signer = summary_line(first, "signer").substr(7, 64);
  EXPECT_EQ(tenbit({"verify", "--store", cluster.store(), "--signer", signer}).exit_code, 0);
  // The one of before is of a store that went on: said, and no proof of what it has now.
  write_file(path, first);
  const auto plain = cluster.verified();
  EXPECT_EQ(plain.exit_code, 0) << plain.out;
  EXPECT_THAT(plain.out, HasSubstr("The store went on"));
  EXPECT_EQ(tenbit({"verify", "--store", cluster.store(), "--signer", signer}).exit_code, 6);
}

} // namespace tenbit::testing

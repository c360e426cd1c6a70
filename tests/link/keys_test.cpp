#include "link/keys.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>
#include <thread>

#include "link/key_format.hpp"
#include "link_fixture.hpp"
#include "tests/link/link_fixture.hpp"

namespace tenbit::link {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat facts {};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 0777U;
}
void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}
TEST(Keys, Init_Twice_KeepsTheKeys) {
  const temporary_folder folder;
  const auto first = init_keys(folder / "cluster/keys");
  ASSERT_TRUE(first) << first.error();
  const auto second = init_keys(folder / "cluster/keys");
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ(first->public_key, second->public_key);
  EXPECT_EQ(first->name, "coordinator");
  EXPECT_FALSE(first->roles.any());
}

TEST(Keys, Files_Made_AreTheOwnersAlone) {
  const mode_t before = ::umask(0);
  const temporary_folder folder;
  ASSERT_TRUE(init_keys(folder / "keys"));
  ASSERT_TRUE(enroll(folder / "keys", "w1", solver_only, folder / "w1.key"));
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "keys"), 0700U);
  EXPECT_EQ(mode_of(folder / "keys/server.key"), 0600U);
  EXPECT_EQ(mode_of(folder / "keys/peers"), 0600U);
  EXPECT_EQ(mode_of(folder / "w1.key"), 0600U);
}

TEST(Keys, Init_FolderOfOthers_IsRefusedWithTheMend) {
  const temporary_folder folder;
  ASSERT_EQ(::mkdir((folder / "keys").c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder / "keys").c_str(), 0755), 0);
  const auto made = init_keys(folder / "keys");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().find("chmod 700"), std::string::npos) << made.error();
}

TEST(Keys, Enroll_RoundTrip_IsListedAndRead) {
  key_folder keys;
  const key_file made = keys.peer("gpu-1", "solver,grader");
  const auto read = read_key_file(keys.dir() + "/gpu-1.key");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->public_key, made.public_key);
  EXPECT_EQ(read->secret_key, made.secret_key);
  EXPECT_EQ(read->server_key, read_key_file(keys.dir() + "/server.key")->public_key);
  const auto list = read_allow_list(keys.dir());
  ASSERT_TRUE(list) << list.error();
  const allowed_peer* found = list->find(made.public_key);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "gpu-1");
  EXPECT_EQ(to_string(found->roles), "solver,grader");
}

TEST(Keys, Revoke_ThenEnrollAgain_OnlyTheNewKeyIsAllowed) {
  key_folder keys;
  const key_file first = keys.peer("w1", "solver");
  EXPECT_FALSE(enroll(keys.dir(), "w1", solver_only, keys.dir() + "/again.key"));
  ASSERT_TRUE(revoke_key(keys.dir(), "w1"));
  EXPECT_FALSE(revoke_key(keys.dir(), "w1")) << "it has no key any more";
  const auto second = enroll(keys.dir(), "w1", solver_only, keys.dir() + "/again.key");
  ASSERT_TRUE(second) << second.error();
  const auto list = read_allow_list(keys.dir());
  ASSERT_TRUE(list);
  EXPECT_EQ(list->find(first.public_key), nullptr);
  EXPECT_NE(list->find(second->public_key), nullptr);
  EXPECT_EQ(list_peers(keys.dir())->size(), 2U);
}

TEST(Keys, Enroll_ExistingFile_IsNotOverwritten) {
  key_folder keys;
  write(keys.dir() + "/precious", "mine");
  const auto made = enroll(keys.dir(), "w1", solver_only, keys.dir() + "/precious");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().find("exists already"), std::string::npos) << made.error();
  std::string kept;
  std::ifstream(keys.dir() + "/precious") >> kept;
  EXPECT_EQ(kept, "mine");
  EXPECT_TRUE(list_peers(keys.dir())->empty());
}

TEST(Keys, Enroll_BadNames_AreRefused) {
  key_folder keys;
  for (const std::string name : {"", "a b", "a\nb", "../x", "ä", "coordinator"})
    EXPECT_FALSE(enroll(keys.dir(), name, solver_only, keys.dir() + "/x.key")) << name;
  EXPECT_FALSE(enroll(keys.dir(), std::string(65, 'a'), solver_only, keys.dir() + "/x.key"));
  EXPECT_FALSE(enroll(keys.dir(), "w1", {}, keys.dir() + "/x.key"));
  EXPECT_FALSE(std::filesystem::exists(keys.dir() + "/x.key"));
}

TEST(Keys, ReadKeyFile_OthersMayRead_IsRefusedWithTheMend) {
  key_folder keys;
  const key_file made = keys.peer("w1", "solver");
  for (const mode_t mode : {0640U, 0604U, 0660U}) {
    ASSERT_EQ(::chmod((keys.dir() + "/w1.key").c_str(), mode), 0);
    const auto read = read_key_file(keys.dir() + "/w1.key");
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().find("chmod 600"), std::string::npos) << read.error();
    EXPECT_EQ(read.error().find(made.secret_key), std::string::npos);
  }
}

TEST(Keys, ReadAllowList_OthersMayWrite_IsRefused) {
  key_folder keys;
  ASSERT_EQ(::chmod((keys.dir() + "/peers").c_str(), 0620), 0);
  EXPECT_FALSE(read_allow_list(keys.dir()));
}

TEST(Keys, ReadKeyFile_Damaged_SaysTheLineAndNoSecret) {
  key_folder keys;
  const key_file made = keys.peer("w1", "solver");
  const std::string path = keys.dir() + "/w1.key";
  const std::string good = format_key(made);
  const std::string other = format_key(keys.peer("w2", "solver"));
  const std::string swapped = good.substr(0, good.find("public")) +
                              other.substr(other.find("public"), 48) +
                              good.substr(good.find("secret"));
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() - 1), "x" + good, good + "more x\n",
        good.substr(0, good.find("secret")) + "secret short\n", swapped, std::string(5000, 'x')}) {
    write(path, text);
    const auto read = read_key_file(path);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().find(path), std::string::npos) << read.error();
    EXPECT_EQ(read.error().find(made.secret_key), std::string::npos);
  }
  write(path, good);
  EXPECT_TRUE(read_key_file(path));
}

TEST(Keys, ReadAllowList_BadLine_NamesFileAndLine) {
  key_folder keys;
  const std::string key = keys.peer("w1", "solver").public_key;
  const std::string good = "tenbit-peers 1\nw1 solver " + key + "\n";
  const std::string path = keys.dir() + "/peers";
  const std::vector<std::string> bad_lines{"w2 solver",
                                           "w2 solver " + key,
                                           "w2 chef " + key,
                                           "w2 solver xyz",
                                           "w 2 solver " + key,
                                           "w1  solver " + key,
                                           "w2 solver " + key + " gone",
                                           "w2 solver " + key + " revoked x",
                                           ""};
  for (const std::string& line : bad_lines) {
    write(path, good + line + "\n");
    const auto list = read_allow_list(keys.dir());
    ASSERT_FALSE(list) << line;
    EXPECT_NE(list.error().find(path + ": line 3"), std::string::npos) << list.error();
  }
  write(path, "tenbit-peers 2\n");
  EXPECT_NE(read_allow_list(keys.dir()).error().find("line 1"), std::string::npos);
  write(path, good.substr(0, good.size() - 1));
  EXPECT_FALSE(read_allow_list(keys.dir())) << "a torn file";
  write(path, good);
  EXPECT_TRUE(read_allow_list(keys.dir()));
}

TEST(Keys, Enroll_ManyAtOnce_LosesNone) {
  key_folder keys;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&keys, i] {
      const std::string name = "w" + std::to_string(i);
      EXPECT_TRUE(enroll(keys.dir(), name, solver_only, keys.dir() + "/" + name + ".key"));
    });
  for (std::thread& t : threads)
    t.join();
  EXPECT_EQ(list_peers(keys.dir())->size(), 8U);
}

TEST(Keys, Init_ServerKeyLost_RefusesToMakeAnotherBesidePeers) {
  key_folder keys;
  ASSERT_EQ(keys.peer("w1", "solver").name, "w1");
  ASSERT_TRUE(std::filesystem::remove(keys.dir() + "/server.key"));
  EXPECT_FALSE(init_keys(keys.dir()));
}

TEST(Keys, NoFolder_SaysHowToMakeIt) {
  const temporary_folder folder;
  const auto made = enroll(folder / "none", "w1", solver_only, folder / "w1.key");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().find("tenbit keys init"), std::string::npos) << made.error();
}

RC_GTEST_PROP(KeyFormat, AnyText_ParsesOrFails_AndWhatParsesIsWrittenTheSame,
              (const std::string& noise)) {
  const auto peers = parse_peers("tenbit-peers 1\n" + noise);
  if (peers)
    RC_ASSERT(format_peers(*peers) == "tenbit-peers 1\n" + noise);
  static_cast<void>(parse_key("tenbit-key 1\n" + noise));
}

} // namespace
} // namespace tenbit::link

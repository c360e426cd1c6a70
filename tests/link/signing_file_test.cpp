#include "link/signing_file.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include "tests/link/link_fixture.hpp"

namespace tenbit::link {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST(SigningFile, Init_OfNewFolder_MakesItForItsOwnerAlone_AndKeepsIt) {
  const temporary_folder folder;
  const mode_t before = ::umask(0);
  ASSERT_TRUE(init_keys(folder / "keys"));
  ::umask(before);
  const auto key = read_signing_key(folder / "keys");
  ASSERT_TRUE(key && *key);
  struct stat facts {};
  ASSERT_EQ(::stat((folder / "keys/signing.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  ASSERT_TRUE(init_keys(folder / "keys"));
  const auto kept = init_signing_key(folder / "keys");
  ASSERT_TRUE(kept) << kept.error();
  EXPECT_EQ(*kept, (*key)->public_key());
}

TEST(SigningFile, FolderOfBefore_GetsItWhenItIsAskedForAlone) {
  const key_folder keys;
  ASSERT_TRUE(std::filesystem::remove(keys.dir() + "/signing.key"));
  ASSERT_TRUE(init_keys(keys.dir()));
  const auto none = read_signing_key(keys.dir());
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none) << "another key would be one that nobody knows";
  const auto made = init_signing_key(keys.dir());
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ((*read_signing_key(keys.dir()))->public_key(), *made);
}

TEST(SigningFile, OthersMayRead_IsRefusedWithTheMend) {
  const key_folder keys;
  ASSERT_EQ(::chmod((keys.dir() + "/signing.key").c_str(), 0640), 0);
  const auto read = read_signing_key(keys.dir());
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().find("chmod 600"), std::string::npos) << read.error();
}

TEST(SigningFile, Damaged_IsRefused_SaysNoSecret_AndIsNotReplaced) {
  const key_folder keys;
  const std::string path = keys.dir() + "/signing.key";
  const std::string good = text_of(path);
  const std::string secret = good.substr(good.find("secret ") + 7, 64);
  const std::string other = format_signing_key(signing_key::make());
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() - 1), "x" + good, good + "\n",
        other.substr(0, other.find("secret")) + good.substr(good.find("secret")),
        good.substr(0, good.size() - 2) + "x\n", std::string(5000, 'x')}) {
    std::ofstream(path, std::ios::trunc) << text;
    const auto read = read_signing_key(keys.dir());
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().find(path), std::string::npos) << read.error();
    EXPECT_EQ(read.error().find(secret), std::string::npos);
    EXPECT_FALSE(init_signing_key(keys.dir()));
    EXPECT_EQ(text_of(path), text);
  }
}

RC_GTEST_PROP(SigningFile, WhatIsWritten_IsRead_AndNoChangedByte, ()) {
  const auto key = signing_key::of_seed(hash_bytes(*rc::gen::arbitrary<std::string>()));
  std::string text = format_signing_key(key);
  const auto read = parse_signing_key(text);
  RC_ASSERT((read && read->public_key() == key.public_key() && read->seed() == key.seed()));
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  text[at] =
      static_cast<char>(static_cast<unsigned char>(text[at]) ^ *rc::gen::inRange<unsigned>(1, 256));
  RC_ASSERT(!parse_signing_key(text));
}

} // namespace tenbit::link

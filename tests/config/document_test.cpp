#include "config/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/limits.hpp"

namespace tenbit::config {
namespace {

TEST(Document_Values, KeepKindOrderAndLine) {
  const auto read =
      parse_document("z = 'x'\n[t.u]\nb = 1\na = [1.5,\n true]\n[[l]]\n[[l]]\nd = 1979-05-27\n");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->entries.size(), 3U);
  EXPECT_EQ(read->entries[0].key, "z"); // file order, not sorted
  const auto* u = read->find("t")->find("u");
  ASSERT_NE(u, nullptr);
  EXPECT_EQ(u->entries[0].key, "b");
  EXPECT_EQ(u->entries[0].where.line, 3U);
  EXPECT_EQ(u->find("a")->items[1].where.line, 5U);
  EXPECT_EQ(u->find("a")->items[1].kind, node_kind::boolean);
  EXPECT_EQ(read->find("l")->items[1].where.line, 7U);
  EXPECT_EQ(read->find("l")->items[1].find("d")->kind, node_kind::date);
  EXPECT_EQ(read->find("none"), nullptr);
}

TEST(Document_DeepKey, IsRefusedWhereverAKeyCanStand) {
  std::string deep = "a";
  for (std::size_t i = 0; i < 400'000; ++i)
    deep += ".a";
  for (const std::string& text : std::vector<std::string>{
           "[" + deep + "]\n", deep + " = 1\n", "x = { " + deep + " = 1 }\n",
           "x = [1,\n{ " + deep + " = 1 }]\n", "x = '''\n'''\n[" + deep + "]", "# c\n" + deep,
           "x = \"a\\\"\"\n" + deep, "[ a . 'b' . \"c\" ." + deep + "]"}) {
    const auto read = parse_document(text);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, testing::HasSubstr("more than 8 parts"))
        << text.substr(0, 20);
  }
}

TEST(Document_DotsThatAreNoKey, AreAllowed) {
  const std::string dots = "1.2.3.4.5.6.7.8.9.10.11.12";
  for (const std::string& text : std::vector<std::string>{
           "# " + dots + "\n", "x = '" + dots + "'\n", "x = \"\\\"" + dots + "\"\n",
           "x = '''\n'" + dots + "''''\n", "x = \"\"\"\n\"" + dots + "\"\"\"\"\"\ny = 1\n",
           "x = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 0.5]\n",
           "x = \"\"\ny = ''\nz = \"" + dots + "\"\n"})
    EXPECT_TRUE(parse_document(text)) << text;
}

TEST(Document_StringWithoutEnd, IsAnError) {
  for (const std::string text : {"x = '", "x = \"", "x = \"a\\", "x = \"\"\"", "x = '''a''",
                                 "x = \"\"\"\\", "'", "\"\"\"\""})
    EXPECT_FALSE(parse_document(text)) << text;
}

TEST(Document_HeadingWithoutKey, IsAnErrorAtItsLine) {
  for (const std::string text :
       {"a = 1\n[&]\n", "a = 1\n[[ % ]]\n", "a = 1\n  [.b]", "a = 1\n[\x01]", "a = 1\n[é]\n"}) {
    const auto read = parse_document(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().line, 2U) << text;
  }
}

TEST(Document_DeepKey, NamesItsLineAfterLongStrings) {
  const auto read = parse_document("x = '''\n\n'''\n# a.b.c\na.b.c.d.e.f.g.h.i = 1\n");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().line, 5U);
  EXPECT_TRUE(parse_document("a.b.c.d.e.f.g.h = 1\n"));
}

TEST(Document_OtherThanAscii, IsAllowedInTextsAndCommentsOnly) {
  for (const std::string text : {"\xEF\xBB\xBFx = 1 # é\n", "x = 'é'\n", "x = \"é\\\\é\"\n",
                                 "\"é\" = 1\n", "x = \"\"\"é\\\n  e é\"\"\"\n"})
    EXPECT_TRUE(parse_document(text)) << text;
  for (const std::string text : {"\né = 1\n", "\nx = é\n", "\nx = 1é\n", "\n[é]\n",
                                 "\nx\u00a0= 1\n", "x = \"\"\"\\\né\"\"\"\n", "\nx = \"\\é\"\n"}) {
    const auto read = parse_document(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().line, 2U) << text;
    EXPECT_THAT(read.error().message, testing::HasSubstr("not ASCII"));
  }
}

TEST(Document_DeepNesting, IsAnErrorNotACrash) {
  EXPECT_FALSE(parse_document("x = " + std::string(300'000, '[')));
  std::string tables;
  for (int i = 0; i < 50'000; ++i)
    tables += "{ a.b.c.d = ";
  EXPECT_FALSE(parse_document("x = " + tables));
}

TEST(Document_Garbage, IsAnErrorWithItsLine) {
  for (const std::string& text : {std::string("\xff\xfe\n"), std::string("\0", 1),
                                  std::string("a = \xc3\x28\n"), std::string("\n\n= 1\n")}) {
    const auto read = parse_document(text);
    ASSERT_FALSE(read);
    EXPECT_GE(read.error().line, 1U);
  }
}

} // namespace
} // namespace tenbit::config

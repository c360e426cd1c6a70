#include "base/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tenbit {

TEST(ValidUtf8, OverlongSurrogateAndCut_AreInvalid) {
  EXPECT_TRUE(valid_utf8("plain, é, 漢, 😀"));
  EXPECT_FALSE(valid_utf8("\xC0\xAF"));
  EXPECT_FALSE(valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(valid_utf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(valid_utf8("\xE6\xBC"));
}

TEST(Printable, TerminalEscape_IsVisible) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\u202eb"), "a\\u202eb");
  EXPECT_EQ(printable("two\nlines"), "two\nlines");
  EXPECT_EQ(printable("\u009b"), "\\x9b");
}

TEST(OneLine, LongText_IsCutAtCharacters) {
  EXPECT_EQ(one_line("äöü\nx", 4), "äöü\\n…");
  EXPECT_EQ(one_line("äöü", 3), "äöü");
}

TEST(Nearest, Typo_FindsTheName) {
  EXPECT_EQ(nearest("concurency", {"concurrency", "model"}), "concurrency");
  EXPECT_EQ(nearest("zzz", {"concurrency", "model"}), "");
}

TEST(Nearest, SwappedLetters_CountAsOneSlip) {
  EXPECT_EQ(nearest("cuont", {"count", "first"}), "count");
  EXPECT_EQ(nearest("tnuoc", {"count", "first"}), "");
}

RC_GTEST_PROP(RepairUtf8, AnyBytes_BecomesValid, (const std::string& bytes)) {
  RC_ASSERT(valid_utf8(repair_utf8(bytes)));
  RC_ASSERT(valid_utf8(printable(bytes)));
}

} // namespace tenbit

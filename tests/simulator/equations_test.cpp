#include "simulator/equations.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tenbit::sim {

TEST(Equations_Find, FormsOfModels_AreRead) {
  struct row {
    const char* text;
    const char* expected;
  };
  for (const row& one :
       {row{"She has 3 * 4 = 12 apples.", "3 * 4 = 12"},
        row{"so $1,200 / 4 = $300 each", "1200 / 4 = 300"},
        row{"48/2 = <<48/2=24>>24", "48 / 2 = 24"}, row{"6 \xc3\x97 7 = 42", "6 * 7 = 42"},
        row{"84 \xc3\xb7 2 = 42", "84 / 2 = 42"}, row{"- 3 + 4 = 7", "3 + 4 = 7"},
        row{"2.5 * 4 = 10", "2.5 * 4 = 10"}, row{"-5 + 3 = -2", "-5 + 3 = -2"},
        row{"8 -5 = 3", "8 - 5 = 3"}}) {
    const auto found = find_equations(one.text);
    ASSERT_FALSE(found.empty()) << one.text;
    EXPECT_EQ(format_equation(found.front()), one.expected) << one.text;
  }
}

TEST(Equations_Find, ChainsAndFragments_AreLeftOut) {
  for (const char* text :
       {"1 + 2 + 3 = 6", "x = 5", "= = =", "5 =", "= 5", "3 * = 12", "a * 4 = 12"})
    EXPECT_TRUE(find_equations(text).empty()) << text;
}

TEST(Equations_Find, PositionsInText_CoverTheEquation) {
  const std::string text = "The trays hold 3 * 4 = 12 rolls.";
  const auto found = find_equations(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text.substr(found[0].begin, found[0].end - found[0].begin), "3 * 4 = 12");
}

TEST(Equations_Claims, SwappedOperands_CountForSumAndProductOnly) {
  const equation sum{3, '+', 4, 7};
  EXPECT_TRUE(sum.claims_same({4, '+', 3, 7}));
  EXPECT_FALSE(sum.claims_same({4, '+', 3, 8}));
  const equation difference{7, '-', 4, 3};
  EXPECT_FALSE(difference.claims_same({4, '-', 7, 3}));
}

TEST(Equations_MarkedAnswer, LastMark_Wins) {
  EXPECT_EQ(marked_answer("#### 3\nno\n#### $1,204"), 1204);
  EXPECT_EQ(marked_answer("#### -7"), -7);
  EXPECT_FALSE(marked_answer("#### none"));
  EXPECT_FALSE(marked_answer("42"));
}

RC_GTEST_PROP(Equations_Find, AnyBytes_StayInBounds, (const std::string& noise)) {
  const std::string text = noise + "=" + noise + " 1 + 1 = 2";
  for (const auto& eq : find_equations(text)) {
    RC_ASSERT(eq.begin < eq.end);
    RC_ASSERT(eq.end <= text.size());
  }
  static_cast<void>(find_numbers(text));
  static_cast<void>(marked_answer(text));
}

TEST(Equations_Compute, DivisionByZero_IsZero) {
  EXPECT_EQ(compute(5, '/', 0), 0);
  EXPECT_EQ(compute(7, '/', 2), 3);
  EXPECT_EQ(compute(5, '-', 9), -4);
}

} // namespace tenbit::sim

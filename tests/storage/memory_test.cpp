// What a store holds in memory: rows in work and caches of the size it was given, no problem text.
#include <malloc.h>

#include "base/random.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

constexpr std::size_t count = 20'000;
constexpr std::size_t question_bytes = 4000; // 80 MB in all
constexpr std::size_t memory = 8U << 20;

std::size_t heap() {
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Question i, in bytes that do not compress away.
std::string question(std::size_t i) {
  random_stream random(5, "question", i);
  std::string out;
  while (out.size() < question_bytes - i % 7)
    out.push_back(static_cast<char>('!' + random.below(90)));
  return out;
}

class StoreMemory : public store_test {};

} // namespace

TEST_F(StoreMemory, CreatedOpenedAndScanned_HoldsNoProblemText) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator keeps no such counts";
#endif
  const auto before = heap();
  store_options options;
  options.memory_bytes = memory;
  const auto bound = before + 2 * memory + count * 16;
  std::unique_ptr<store> db;
  {
    auto problems = made_problems(count);
    for (std::size_t i = 0; i < count; ++i)
      problems[i].question = question(i);
    ASSERT_GT(heap(), before + count * question_bytes); // the measure sees text
    auto made = store::create(dir(), made_manifest(count), problems, options);
    ASSERT_TRUE(made) << made.error().message;
    db = std::move(*made);
  }
  EXPECT_LT(heap(), bound);
  ASSERT_TRUE(db->close());
  db.reset();
  db = open_store(dir(), options);
  ASSERT_TRUE(db);
  std::size_t tasks = 0;
  ASSERT_TRUE(db->for_each_state([&tasks](problem_index, const task_state&) { ++tasks; }));
  EXPECT_EQ(tasks, count);
  const auto order = db->longest_first();
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(order->size(), count);
  for (std::size_t i = 0; i < count; ++i) { // one at a time, through a cache of bounded size
    const auto problem = db->problem(problem_index{i});
    ASSERT_TRUE(problem);
    ASSERT_EQ(problem->question.size(), question_bytes - i % 7);
  }
  EXPECT_LT(heap(), bound);
}

} // namespace tenbit

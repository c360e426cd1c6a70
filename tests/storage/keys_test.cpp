#include "storage/keys.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "storage/totals.hpp"
#include "storage/witness.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit::storage {
namespace {

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

constexpr task_id task{experiment_id{0x0102030405060708}, problem_index{0x11}};

head_row made_head() {
  head_row out;
  out.incarnation = 5;
  out.commit_seq = 9;
  out.chain = hash_bytes("chain");
  out.clean = true;
  out.states = 77;
  out.totals = {1, 2, 3, 4, 5, 6, 7, 8, 9, {{"large", {10, 11, true}}, {"small", {12, 13, false}}}};
  return out;
}

durable_point made_point() {
  return {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 7, 42, hash_bytes("x")};
}

} // namespace

TEST(Keys, AllOfThem_AreTheGoldenBytes) {
  std::string key;
  task_key(task, key);
  EXPECT_EQ(hex_of(key), "01020304050607080000000000000011");
  event_key(task, 3, key);
  EXPECT_EQ(hex_of(key), "0102030405060708000000000000001100000003");
  bit_key(task, {arm_index{2}, trial_index{1}}, bit_index{9}, key);
  EXPECT_EQ(hex_of(key), "01020304050607080000000000000011"
                         "0002000100000009");
}

RC_GTEST_PROP(Keys, ByteOrder_IsNumberOrder, (std::uint64_t a, std::uint64_t b, std::uint32_t s)) {
  std::string first;
  std::string second;
  event_key({experiment_id{1}, problem_index{a}}, s, first);
  event_key({experiment_id{1}, problem_index{b}}, 0, second);
  if (a != b) {
    RC_ASSERT((first < second) == (a < b));
  }
  const auto back = read_event_key(first);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->task.problem.value == a);
  RC_ASSERT(back->seq == s);
}

TEST(Keys, OtherLength_IsNoKey) {
  std::string key;
  bit_key(task, {}, {}, key);
  EXPECT_TRUE(read_bit_key(key));
  EXPECT_FALSE(read_event_key(key));
  EXPECT_FALSE(read_task_key(key));
  EXPECT_FALSE(read_bit_key(key.substr(1)));
}

TEST(StateRow, RoundTrip_IsEqualAnd49Bytes) {
  const task_state state{task_status::quarantined, 1, 2, 3, 4, hash_bytes("c")};
  std::string row;
  encode_to(state, row);
  EXPECT_EQ(row.size(), state_row_size);
  const auto back = read_state_row(row);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->status, state.status);
  EXPECT_EQ(back->errors, 1U);
  EXPECT_EQ(back->attempts, 2U);
  EXPECT_EQ(back->events, 3U);
  EXPECT_EQ(back->bits, 4U);
  EXPECT_EQ(back->chain, state.chain);
  row[0] = 5; // no such status
  EXPECT_FALSE(read_state_row(row));
}

TEST(StateMark, AnyField_ChangesIt) {
  const task_state state{task_status::pending, 1, 2, 3, 4, hash_bytes("c")};
  const auto mark = state_mark(problem_index{7}, state);
  auto other = state;
  EXPECT_NE(state_mark(problem_index{8}, state), mark);
  other.status = task_status::done;
  EXPECT_NE(state_mark(problem_index{7}, other), mark);
  for (auto field :
       {&task_state::errors, &task_state::attempts, &task_state::events, &task_state::bits}) {
    other = state;
    ++(other.*field);
    EXPECT_NE(state_mark(problem_index{7}, other), mark);
  }
  other = state;
  other.chain = hash_bytes("d");
  EXPECT_NE(state_mark(problem_index{7}, other), mark);
}

TEST(HeadRow, RoundTripAndEveryPrefix_IsEqualOrRefused) {
  const auto head = made_head();
  std::string row;
  encode_to(head, row);
  const auto back = read_head_row(row);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->incarnation, head.incarnation);
  EXPECT_EQ(back->commit_seq, head.commit_seq);
  EXPECT_EQ(back->chain, head.chain);
  EXPECT_EQ(back->clean, head.clean);
  EXPECT_EQ(back->states, head.states);
  EXPECT_EQ(back->totals, head.totals);
  for (std::size_t size = 0; size < row.size(); ++size)
    EXPECT_FALSE(read_head_row(row.substr(0, size))) << size;
  EXPECT_FALSE(read_head_row(row + '\0'));
}

TEST(RunRow, RoundTrip_IsEqualAndEveryChangedByteIsNoticed) {
  const run_row run{made_manifest(12), hash_bytes("problems")};
  const auto bytes = encode(run);
  const auto back = read_run_row(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), bytes);
  EXPECT_EQ(back->manifest.identity_text, run.manifest.identity_text);
  EXPECT_EQ(back->manifest.tasks, 12U);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(read_run_row(changed)) << at;
  }
}

TEST(EventRow, Sealed_HoldsWhatItWasMadeOf) {
  std::string row = "event bytes";
  const auto previous = hash_bytes("previous");
  const auto own = seal_event_row("key", previous, row);
  const auto back = read_event_row(row);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->event_bytes, "event bytes");
  EXPECT_EQ(back->previous, previous);
  EXPECT_EQ(back->own, own);
  EXPECT_EQ(event_hash("key", previous, "event bytes"), own);
  EXPECT_NE(event_hash("kez", previous, "event bytes"), own);
  EXPECT_FALSE(read_event_row(std::string(63, 'x')));
}

TEST(EventRow, WithItsPeer_HoldsBothAndHashesBoth) {
  std::string row = "left over";
  begin_event_row("node-7", row);
  row += "event bytes";
  const auto own = seal_event_row("key", {}, row);
  const auto back = read_event_row(row);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->by, "node-7");
  EXPECT_EQ(back->event_bytes, "event bytes");
  EXPECT_EQ(event_hash("key", {}, back->hashed), own);
  EXPECT_NE(event_hash("key", {}, back->event_bytes), own);
  begin_event_row("", row);
  EXPECT_EQ(row, "");
}

TEST(EventRow, BadPeer_IsNoRow) {
  const std::string hashes(2 * hash256::size, 'h');
  EXPECT_FALSE(read_event_row("\xc1" + hashes));
  EXPECT_FALSE(read_event_row(std::string("\xc1\0", 2) + "event" + hashes));
  EXPECT_FALSE(read_event_row("\xc1\x06"
                              "five5" +
                              hashes));
  EXPECT_FALSE(read_event_row("\xc1\x41" + std::string(0x41, 'n') + hashes)); // 64 is the most
}

RC_GTEST_PROP(Rows, AnyBytes_AreReadOrRefused, (const std::string& bytes)) {
  problem_row out;
  ignore(read_head_row(bytes), "must only end");
  ignore(read_state_row(bytes), "must only end");
  ignore(read_store_row(bytes), "must only end");
  RC_ASSERT(!read_run_row(bytes).has_value());
  ignore(read_problem(bytes, out), "must only end");
  RC_ASSERT(!read_point(bytes).has_value());
}

TEST(DurablePoint, RoundTripWithPadding_IsEqual) {
  std::string text;
  encode_to(made_point(), text);
  EXPECT_EQ(read_point(text), made_point());
  EXPECT_EQ(read_point(text + "\n\n"), made_point());
  EXPECT_FALSE(read_point(text + "x"));
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(read_point(changed)) << at;
  }
}

TEST(DurablePoint, LargestNumbers_FitASlot) {
  durable_point point;
  point.incarnation = point.commit_seq = ~std::uint64_t{0};
  std::string text;
  encode_to(point, text);
  EXPECT_LE(text.size(), 512U);
}

TEST(Totals, OneCallWithoutUsage_MakesTheSumUnreported) {
  store_totals totals;
  count(totals, made_call("a"));
  EXPECT_TRUE(totals.tokens_by_model.at("small").reported);
  auto silent = made_call("b");
  silent.reply.usage.reported = false;
  count(totals, silent);
  count(totals, made_call("c"));
  EXPECT_FALSE(totals.tokens_by_model.at("small").reported);
  EXPECT_EQ(totals.tokens_by_model.at("small").prompt, 30U);
}

TEST(LeaseRow, Bytes_AreGoldenAndReadBackOnlyWhole) {
  const lease_row row{epoch{0x0102030405060708}, "gpu-1"};
  std::string bytes;
  encode_to(row, bytes);
  EXPECT_EQ(hex_of(bytes), "0102030405060708000000056770752d31");
  EXPECT_EQ(read_lease_row(bytes), row);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read_lease_row(std::string_view(bytes).substr(0, size)));
  EXPECT_FALSE(read_lease_row(bytes + "x"));
  const lease_row of_process{row.number, row.holder, 0x1122334455667788};
  bytes.clear();
  encode_to(of_process, bytes);
  EXPECT_EQ(hex_of(bytes), "0102030405060708000000056770752d311122334455667788");
  EXPECT_EQ(read_lease_row(bytes), of_process);
  bytes.clear();
  encode_to(lease_row{epoch{1}, std::string(65, 'x')}, bytes);
  EXPECT_FALSE(read_lease_row(bytes));
}

TEST(LeaseMark, AnyField_ChangesIt) {
  const lease_row row{epoch{7}, "a"};
  const auto mark = lease_mark(problem_index{3}, row);
  EXPECT_NE(mark, lease_mark(problem_index{4}, row));
  EXPECT_NE(mark, lease_mark(problem_index{3}, {epoch{8}, "a"}));
  EXPECT_NE(mark, lease_mark(problem_index{3}, {epoch{7}, "b"}));
  EXPECT_NE(mark, lease_mark(problem_index{3}, {epoch{7}, "a", 1}));
}

TEST(FaultRow, Bytes_AreGoldenAndReadBackOnlyWhole) {
  const fault_row row{{{"a", 2, 0}, {"bc", 0, 0x01020304}}, true, true};
  std::string bytes;
  encode_to(row, bytes);
  EXPECT_EQ(hex_of(bytes), "0300000002"
                           "00000001610000000200000000"
                           "0000000262630000000001020304");
  EXPECT_EQ(read_fault_row(bytes), row);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read_fault_row(std::string_view(bytes).substr(0, size)));
  EXPECT_FALSE(read_fault_row(bytes + "x"));
  bytes[0] = 4; // no such flag
  EXPECT_FALSE(read_fault_row(bytes));
  bytes.clear();
  encode_to(fault_row{{{std::string(65, 'x'), 1, 0}}, true, false}, bytes);
  EXPECT_FALSE(read_fault_row(bytes));
  bytes.clear();
  encode_to(fault_row{}, bytes);
  EXPECT_FALSE(read_fault_row(bytes)) << "there is no row that says nothing";
}

TEST(FaultMark, AnyField_ChangesIt) {
  const fault_row row{{{"a", 1, 0}}, true, false};
  const auto mark = fault_mark(problem_index{3}, row);
  EXPECT_NE(mark, fault_mark(problem_index{4}, row));
  EXPECT_NE(mark, fault_mark(problem_index{3}, {{{"b", 1, 0}}, true, false}));
  EXPECT_NE(mark, fault_mark(problem_index{3}, {{{"a", 0, 1}}, true, false}));
  EXPECT_NE(mark, fault_mark(problem_index{3}, {{{"a", 1, 0}}, false, false}));
  EXPECT_NE(mark, fault_mark(problem_index{3}, {{{"a", 1, 0}}, true, true}));
}

TEST(TaskOrder, Bytes_AreBigEndianAndReadOnlyAsAPermutation) {
  const std::vector<std::uint32_t> order{2, 0, 1};
  const auto bytes = encode_order(order);
  EXPECT_EQ(hex_of(bytes), "000000020000000000000001");
  EXPECT_EQ(read_order(bytes, 3), order);
  EXPECT_FALSE(read_order(bytes, 2));
  EXPECT_FALSE(read_order(bytes, 4));
  EXPECT_FALSE(read_order(bytes + "x", 3));
  EXPECT_FALSE(read_order(encode_order(std::vector<std::uint32_t>{0, 0, 1}), 3));
  EXPECT_FALSE(read_order(encode_order(std::vector<std::uint32_t>{0, 1, 3}), 3));
  EXPECT_TRUE(read_order("", 0));
}

} // namespace tenbit::storage

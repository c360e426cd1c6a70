// Messages to test the wire with: every member of every type filled, and compared, without a list
// of them that could miss one. `members` of a type stops compiling when the type gains a member.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "actors/session.hpp"

namespace tenbit::wire_test {

#define TENBIT_MEMBERS(type, ...)                                                                  \
  inline auto members(type& m) {                                                                   \
    auto& [__VA_ARGS__] = m;                                                                       \
    return std::tie(__VA_ARGS__);                                                                  \
  }
TENBIT_MEMBERS(task_id, a, b)
TENBIT_MEMBERS(arm_trial, a, b)
TENBIT_MEMBERS(role_set, a, b, c)
TENBIT_MEMBERS(held_lease, a, b)
TENBIT_MEMBERS(ledger_count, a, b)
TENBIT_MEMBERS(receipt, a, b, c, d)
TENBIT_MEMBERS(lease_progress, a, b, c, d, e, f, g, h)
TENBIT_MEMBERS(attempt_failures, a, b, c, d, e)
TENBIT_MEMBERS(replica_report, a, b, c, d, e, f, g, h, i, j, k, l, m_, n, o, p, q, r, s, t)
TENBIT_MEMBERS(problem, a, b, c)
TENBIT_MEMBERS(chat_message, a, b)
TENBIT_MEMBERS(call_settings, a, b, c, d, e)
TENBIT_MEMBERS(generate_request, a, b, c, d)
TENBIT_MEMBERS(token_usage, a, b, c)
TENBIT_MEMBERS(call_timing, a, b, c)
TENBIT_MEMBERS(call_reply, a, b, c, d, e, f, g, h)
TENBIT_MEMBERS(call_event, a, b, c, d, e, f, g)
TENBIT_MEMBERS(bit_event, a, b, c, d, e, f, g, h, i)
TENBIT_MEMBERS(outcome_event, a, b, c, d, e, f, g, h, i, j, k)
TENBIT_MEMBERS(failure_event, a, b, c)
TENBIT_MEMBERS(ask_failure, a, b)
TENBIT_MEMBERS(hello, a, b, c, d, e, f, g, h)
TENBIT_MEMBERS(heartbeat, a, b, c, d, e)
TENBIT_MEMBERS(goodbye, a)
TENBIT_MEMBERS(experiment_refused, a, b)
TENBIT_MEMBERS(append_request, a, b, c, d)
TENBIT_MEMBERS(ask_message, a, b, c, d, e, f)
TENBIT_MEMBERS(text_request, a, b, c, d, e)
TENBIT_MEMBERS(arm_finished, a, b, c, d, e, f, g, h, i, j)
TENBIT_MEMBERS(task_released, a, b, c, d)
TENBIT_MEMBERS(oracle_append, a, b, c, d)
TENBIT_MEMBERS(oracle_failed, a, b, c)
TENBIT_MEMBERS(oracle_text_reply, a, b, c)
TENBIT_MEMBERS(forgotten, a)
TENBIT_MEMBERS(graded, a, b)
TENBIT_MEMBERS(welcome, a, b, c, d)
TENBIT_MEMBERS(refused, a, b)
TENBIT_MEMBERS(experiment_text, a, b)
TENBIT_MEMBERS(heartbeat_ack, a, b)
TENBIT_MEMBERS(leave_order, a)
TENBIT_MEMBERS(grant, a, b, c, d, e)
TENBIT_MEMBERS(appended, a, b, c)
TENBIT_MEMBERS(bits_reply, a, b, c, d, e, f)
TENBIT_MEMBERS(text_reply, a, b, c, d, e, f)
TENBIT_MEMBERS(arm_closed, a, b, c)
TENBIT_MEMBERS(release_ack, a, b)
TENBIT_MEMBERS(revoke, a, b, c)
TENBIT_MEMBERS(hand_back, a, b)
TENBIT_MEMBERS(oracle_ask, a, b, c, d, e, f, g, h, i)
TENBIT_MEMBERS(oracle_text, a, b, c, d)
TENBIT_MEMBERS(oracle_appended, a)
TENBIT_MEMBERS(forget_task, a)
TENBIT_MEMBERS(grade_request, a, b)
TENBIT_MEMBERS(endpoint_order, a, b, c)
#undef TENBIT_MEMBERS
inline std::tuple<> members(hello_wanted&) {
  return {};
}

// Where the values of a message come from.
struct source {
  std::function<std::uint64_t()> number;
  std::function<std::string()> text;
  std::function<std::size_t()> items; // of a list
  std::function<bool()> coin;         // whether an optional is there
  std::string gold_answer = "GOLD-ANSWER", gold_solution = "GOLD-SOLUTION";
};
// 1, 2, 3, …; lists of two; every optional there. The same in every run.
source counting();
// Any width of numbers, UTF-8 of all lengths.
source random_source(std::uint64_t seed);

std::uint64_t last_of(party);
std::uint64_t last_of(answer);
std::uint64_t last_of(chat_role);
std::uint64_t last_of(call_error);
std::uint64_t last_of(release_kind);
std::uint64_t last_of(endpoint_action);
std::uint64_t last_of(lease_phase);

template <class T>
concept has_members = requires(T& m) {
  members(m);
};

class filler {
public:
  explicit filler(source from) : from_(std::move(from)) {}

  template <class T> void fill(T& out) {
    if constexpr (std::is_same_v<T, bool>)
      out = from_.coin();
    else if constexpr (std::is_enum_v<T>)
      out = static_cast<T>(from_.number() % (last_of(T{}) + 1));
    else if constexpr (std::is_unsigned_v<T>)
      out = static_cast<T>(from_.number());
    else if constexpr (has_members<T>)
      std::apply([this](auto&... member) { (fill(member), ...); }, members(out));
    else
      special(out);
    if constexpr (requires { adjust(out); })
      adjust(out);
  }

private:
  template <class Tag, class Rep> void special(strong_id<Tag, Rep>& out) { fill(out.value); }
  template <class T> void special(std::vector<T>& out) {
    out.resize(from_.items());
    for (auto& item : out)
      fill(item);
  }
  template <class T> void special(std::optional<T>& out) {
    if (from_.coin())
      fill(out.emplace());
  }
  template <class T> void special(std::shared_ptr<const T>& out) {
    auto made = std::make_shared<T>();
    fill(*made);
    out = std::move(made);
  }
  void special(double& out) { out = static_cast<double>(from_.number() % 1000) + 0.5; }
  void special(std::string& out) { out = from_.text(); }
  void special(hash256& out) { out.bytes.fill(static_cast<unsigned char>(from_.number())); }
  void special(gold& out) { out = gold(from_.gold_answer, from_.gold_solution); }
  void special(std::unordered_set<arm_trial>& out) {
    std::vector<arm_trial> places;
    fill(places);
    out = {places.begin(), places.end()};
  }
  void special(event& out) {
    switch (next_kind_++ % 4) {
    case 0:
      return fill(out.emplace<call_event>());
    case 1:
      return fill(out.emplace<bit_event>());
    case 2:
      return fill(out.emplace<outcome_event>());
    default:
      return fill(out.emplace<failure_event>());
    }
  }
  // What of a message says nothing is not sent.
  void adjust(bits_reply& m) { m.failure = m.failed ? m.failure : ask_failure{}; }
  void adjust(text_reply& m) { m.failure = m.failed ? m.failure : ask_failure{}; }
  void adjust(oracle_ask& m) {
    m.wanted.clear();
    for (std::uint32_t i = 0; i < m.questions.size(); ++i)
      if (from_.coin())
        m.wanted.push_back(i);
    if (!from_.coin())
      m.prior = nullptr;
  }
  void adjust(oracle_text& m) {
    if (!from_.coin())
      m.prior = nullptr;
  }

  source from_;
  unsigned next_kind_ = 0;
};

bool same_gold(const gold& a, const gold& b); // by the bytes of a frame: a test cannot open it

template <class T> bool same(T& a, T& b) {
  if constexpr (has_members<T>)
    return [&]<std::size_t... i>([[maybe_unused]] auto left, [[maybe_unused]] auto right,
                                 std::index_sequence<i...>) {
      return (same(std::get<i>(left), std::get<i>(right)) && ...);
    }
  (members(a), members(b), std::make_index_sequence<std::tuple_size_v<decltype(members(a))>>());
  else if constexpr (requires { a.has_value(); }) return a.has_value() == b.has_value() &&
      (!a.has_value() || *a == *b);
  else if constexpr (requires { a.get(); }) { // shared_ptr<const T>
    using value = std::remove_const_t<typename T::element_type>;
    return (a == nullptr) == (b == nullptr) &&
           (a == nullptr || same(const_cast<value&>(*a), const_cast<value&>(*b)));
  }
  else if constexpr (requires { a.index(); }) return a.index() == b.index() &&
      std::visit([&b](auto& x) { return same(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
  else if constexpr (std::is_same_v<T, gold>) return same_gold(a, b);
  else if constexpr (requires { a.resize(1); } &&
                     !std::is_same_v<T, std::string>) return std::equal(a.begin(), a.end(),
                                                                        b.begin(), b.end(),
                                                                        [](auto& x, auto& y) {
                                                                          return same(x, y);
                                                                        });
  else return a == b;
}

// One message of every type of the variant, in its order, each from a new source.
template <class Variant> std::vector<Variant> one_of_each(auto&& make_source) {
  std::vector<Variant> out;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    const auto add = [&](Variant message) {
      std::visit([&](auto& one) { filler(make_source()).fill(one); }, message);
      out.push_back(std::move(message));
    };
    (add(Variant(std::in_place_index<i>)), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>());
  return out;
}

std::string hex(std::string_view bytes);

} // namespace tenbit::wire_test

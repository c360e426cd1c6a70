// Fields of what the coordinator says. The grammar stands at the top of wire.cpp, in the same
// order.
#include "actors/wire_io.hpp"

namespace tenbit::wire {

// Opens gold for the two frames that carry it. Defined here alone, so nothing else can.
class gold_packer {
public:
  static const std::string& answer(const gold& g) { return g.answer(gold_key()); }
  static const std::string& solution(const gold& g) { return g.solution(gold_key()); }
};

namespace {

void gold_field(auto& io, const gold& g) {
  io.tuple("gold", [&g](auto& inner) {
    inner.text("answer", limits::dataset_line_bytes_max, gold_packer::answer(g));
    inner.text("solution", limits::dataset_line_bytes_max, gold_packer::solution(g));
  });
}
void gold_field(reader& io, gold& g) {
  std::string answer;
  std::string solution;
  io.tuple("gold", [&](reader& inner) {
    inner.text("answer", limits::dataset_line_bytes_max, answer);
    inner.text("solution", limits::dataset_line_bytes_max, solution);
  });
  g = gold(std::move(answer), std::move(solution));
}

void problem_fields(auto& io, like<problem> auto& item) {
  io.number("index", item.index);
  io.text("id", limits::config_text_bytes_max, item.id);
  io.text("question", limits::problem_text_bytes_max, item.question);
}
void problem_field(auto& io, const std::shared_ptr<const problem>& item) {
  TENBIT_ASSERT(item != nullptr);
  io.tuple("item", [&item](auto& inner) { problem_fields(inner, *item); });
}
void problem_field(reader& io, std::shared_ptr<const problem>& item) {
  auto read = std::make_shared<problem>();
  io.tuple("item", [&read](reader& inner) { problem_fields(inner, *read); });
  item = std::move(read);
}

void journal_field(auto& io, const journal_slice& journal) {
  TENBIT_ASSERT(journal != nullptr);
  events_field(io, limits::events_per_task_max, *journal);
}
void journal_field(reader& io, journal_slice& journal) {
  auto read = std::make_shared<std::vector<event>>();
  events_field(io, limits::events_per_task_max, *read);
  journal = std::move(read);
}
void prior_field(auto& io, like<journal_slice> auto& prior) {
  bool present = prior != nullptr;
  io.maybe("prior", present, [&prior](auto& to) { journal_field(to, prior); });
}

void places_field(auto& io, like<std::vector<arm_trial>> auto& places) {
  io.list("closed", limits::arms_max * limits::trials_max, places, [](auto& to, auto& where) {
    to.tuple("place", [&where](auto& inner) { place_fields(inner, where); });
  });
}
// In ascending order: a set has one encoding.
void closed_field(auto& io, const std::unordered_set<arm_trial>& closed) {
  std::vector<arm_trial> places(closed.begin(), closed.end());
  std::sort(places.begin(), places.end());
  places_field(io, std::as_const(places));
}
void closed_field(reader& io, std::unordered_set<arm_trial>& closed) {
  std::vector<arm_trial> places;
  places_field(io, places);
  for (std::size_t i = 1; i < places.size() && io.ok(); ++i)
    if (places[i] <= places[i - 1])
      io.wrong("closed", "is not in ascending order");
  closed = std::unordered_set<arm_trial>(places.begin(), places.end());
}

void fields(auto& io, like<welcome> auto& m) {
  io.number("incarnation", m.incarnation);
  io.number("lease_ttl_ms", m.lease_ttl_ms);
  io.number("heartbeat_ms", m.heartbeat_ms);
  io.text("name", limits::peer_name_chars_max, m.name);
}

void fields(auto& io, like<refused> auto& m) {
  note(io, "reason", limits::frame_note_bytes_max, m.reason);
  io.flag("for_good", m.for_good);
}

void fields(auto&, like<hello_wanted> auto&) {}

void fields(auto& io, like<experiment_text> auto& m) {
  io.number("experiment", m.experiment.value);
  io.text("toml", limits::experiment_file_bytes_max, m.toml);
}

void fields(auto& io, like<heartbeat_ack> auto& m) {
  io.number("number", m.number);
  receipts_field(io, m.receipts);
}

void fields(auto& io, like<leave_order> auto& m) {
  note(io, "reason", limits::frame_note_bytes_max, m.reason);
}

void fields(auto& io, like<grant> auto& m) {
  lease_fields(io, m);
  problem_field(io, m.item);
  journal_field(io, m.journal);
  closed_field(io, m.closed);
}

void fields(auto& io, like<appended> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
}

void reply_failure(auto& io, auto& m) {
  io.maybe("failure", m.failed, [&m](auto& to) {
    to.tuple("failure", [&m](auto& inner) { failure_fields(inner, m.failure); });
  });
}

void fields(auto& io, like<bits_reply> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
  io.list("values", limits::questions_max, m.values,
          [](auto& to, auto& value) { to.choice("value", answer::unknown, value); });
  reply_failure(io, m);
}

void fields(auto& io, like<text_reply> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
  io.text("text", limits::reply_text_bytes_max, m.text);
  reply_failure(io, m);
}

void fields(auto& io, like<arm_closed> auto& m) {
  lease_fields(io, m);
  place_fields(io, m.where);
}

void fields(auto& io, like<release_ack> auto& m) {
  lease_fields(io, m);
}

void fields(auto& io, like<revoke> auto& m) {
  lease_fields(io, m);
  note(io, "reason", limits::frame_note_bytes_max, m.reason);
}

void fields(auto& io, like<hand_back> auto& m) {
  lease_fields(io, m);
}

// An oracle takes them as indices of its questions.
void check_wanted(const auto&, const oracle_ask&) {}
void check_wanted(reader& io, const oracle_ask& m) {
  for (std::size_t i = 0; i < m.wanted.size() && io.ok(); ++i)
    if (m.wanted[i] >= m.questions.size() || (i > 0 && m.wanted[i] <= m.wanted[i - 1]))
      io.wrong("wanted", "is not in ascending order of the questions");
}

void fields(auto& io, like<oracle_ask> auto& m) {
  task_fields(io, m.task);
  io.number("ticket", m.ticket);
  problem_field(io, m.item);
  place_fields(io, m.where);
  questions_field(io, m.questions);
  io.text("draft", limits::prompt_bytes_max, m.draft);
  io.list("wanted", limits::questions_max, m.wanted,
          [](auto& to, auto& index) { to.number("index", index); });
  check_wanted(io, m);
  gold_field(io, m.reference);
  prior_field(io, m.prior);
}

void fields(auto& io, like<oracle_text> auto& m) {
  task_fields(io, m.task);
  io.number("ticket", m.ticket);
  io.tuple("request", [&m](auto& inner) { request_fields(inner, m.request); });
  prior_field(io, m.prior);
}

void fields(auto& io, like<oracle_appended> auto& m) {
  fields(io, m.what);
}

void fields(auto& io, like<forget_task> auto& m) {
  task_fields(io, m.task);
}

void fields(auto& io, like<grade_request> auto& m) {
  io.tuple("finished", [&m](auto& inner) { finished_fields(inner, m.finished); });
  gold_field(io, m.reference);
}

void fields(auto& io, like<endpoint_order> auto& m) {
  io.text("url", limits::config_text_bytes_max, m.url);
  io.choice("action", endpoint_action::limit, m.action);
  io.number("concurrency", m.concurrency);
}

constexpr auto coordinator_fields = [](auto& io, auto& message) { fields(io, message); };

} // namespace

std::string encode(const to_peer& message) {
  return encode_frame(message, coordinator_fields);
}

expected<to_peer, frame_error> decode_to_peer(std::string_view bytes) {
  return decode_frame<to_peer>(bytes, coordinator_fields);
}

} // namespace tenbit::wire

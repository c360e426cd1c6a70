// The whole protocol between a peer (worker, oracle, grader) and the coordinator.
//
// A frame is one msgpack array, everything in its shortest form, so a message has one encoding:
//
//   frame   = [version, type, field, …]        version is 1
//
//   int     = unsigned integer within the width of the field's type;  flag = bool
//   text    = str, valid UTF-8;  note = text for people, cut and repaired by the sender
//   blob    = bin;  hash = bin of 32 bytes;  real = float64, finite;  x? = nil or x
//   TASK    = experiment int, problem int      two fields, as PLACE and LEASE: not nested
//   LEASE   = TASK, lease int                  the epoch of the grant
//   PLACE   = arm int, trial int
//   event   = bin of encode(event): see event.cpp; its texts UTF-8 and its floats finite too
//   request = [model text, [[role int, content text] …], temperature real?, top_p real?, seed int?,
//              max_tokens int, yes_no flag, k int]
//   failure = kind int, message note
//   item    = [index int, id text, question text]
//   gold    = [answer text, solution text]
//   RECEIPT = [experiment int, incarnation int, commit_seq int, seal hash]
//
// Versions. The first two fields stay what they are in every version. A frame of another version
// is an error that says so (other_version) whatever follows, and its sender is refused by name. Any
// other change, a new type included, is a new version once a release speaks this one: a peer that
// does not know a type takes it for a bad frame and ends the connection. Type numbers are fixed
// forever.
//
// Limits (config/limits.hpp). Frame: frame_bytes_max. Arrays: frame_items_max, but questions_max
// for questions, wanted and values, events_per_task_max for journal and prior, arms_max *
// trials_max for closed, receipts_max for receipts. Texts: reply_text_bytes_max for what a model
// wrote, prompt_bytes_max for questions, drafts and contents, frame_note_bytes_max for notes,
// peer_name_chars_max (in bytes) for names and build, the limit of its source for the rest. Events:
// event_bytes_max each.
//
// -- peer → coordinator: 1 … 63 ------------------------------------------------------------------
//
//   hello              1  build note, boot int, incarnation_seen int, roles int (1 solver, 2
//   oracle,
//                         4 grader, added), slots int, leases [[LEASE] …],
//                         ledgers [[experiment int, bits int] …], receipts [RECEIPT …]
//   heartbeat          2  boot int, number int, slots int,
//                         leases [[LEASE, calls_in_flight int, events int, phase int, bytes int,
//                         tokens int, silent_ms int] …],
//                         replicas [[model text, url text, breaker text, in_flight int, queued int,
//                         limit int, retry_tokens int, answered int, retried int, failed int,
//                         errors [throttled int, transient int, endpoint_invalid int,
//                         request_invalid int, auth int], prompt_tokens int,
//                         completion_tokens int, generation_ms int, first_byte_p50_ms real,
//                         first_byte_p90_ms real, first_byte_p99_ms real, total_p50_ms real,
//                         total_p90_ms real, total_p99_ms real] …]
//   goodbye            3  reason note
//   append_request     4  LEASE, ticket int, events [event …]
//   ask_message        5  LEASE, ticket int, PLACE, questions [text …], draft text
//   text_request       6  LEASE, ticket int, PLACE, request
//   arm_finished       7  LEASE, PLACE, draft_call hash?, draft_text text, answer_call hash,
//                         answer_text text, questions int, payload_bits int, bitstream blob
//   task_released      8  LEASE, how int, failed_arms int
//   oracle_append      9  TASK, ticket int, ask int, events [event …]
//   oracle_failed     10  TASK, ask int, failure
//   oracle_text_reply 11  TASK, ask int, text text
//   forgotten         12  TASK
//   graded            13  TASK, event (an outcome)
//   experiment_refused 14 experiment int, reason note
//
// -- coordinator → peer: 64 … 127 ----------------------------------------------------------------
//
//   welcome           64  incarnation int, lease_ttl_ms int, heartbeat_ms int, name text
//   refused           65  reason note, for_good flag
//   hello_wanted      66
//   experiment_text   67  experiment int, toml text
//   heartbeat_ack     68  number int, receipts [RECEIPT …]
//   leave_order       69  reason note
//   grant             70  LEASE, item, journal [event …], closed [[PLACE] …] in ascending order
//   appended          71  LEASE, ticket int
//   bits_reply        72  LEASE, ticket int, values [int …], [failure]?
//   text_reply        73  LEASE, ticket int, text text, [failure]?
//   arm_closed        74  LEASE, PLACE
//   release_ack       75  LEASE
//   revoke            76  LEASE, reason note
//   hand_back         77  LEASE
//   oracle_ask        78  TASK, ticket int, item, PLACE, questions [text …], draft text,
//                         wanted [int …] in ascending order, below the number of questions,
//                         gold, prior [event …]?
//   oracle_text       79  TASK, ticket int, request, prior [event …]?
//   oracle_appended   80  the fields of appended
//   forget_task       81  TASK
//   grade_request     82  [fields of arm_finished], gold
//   endpoint_order    83  url text, action int (0 pause, 1 resume, 2 limit), concurrency int
//
// -- what a second, late or reordered copy does --------------------------------------------------
//
// A connection keeps order and repeats nothing; what is sent again after a lost connection does
// neither. So no handler relies on either. Whoever asks keeps the request until its reply and sends
// it again after each welcome (and each limits::resend_period); replies are not kept, they are
// made again.
//
// Requests of a solver (append_request, ask_message, text_request, arm_finished, task_released) are
// accepted while LEASE is the current lease of the task and the sender's key holds it, an expired
// lease that nobody else was granted included. Else: answered with revoke and counted as stale,
// nothing else happens. They do not depend on each other, so their order does not matter.
//
//   append_request     same ticket: in work → ignored, its reply is coming; done → answered again.
//                      After a restart of the coordinator: calls that are in the journal are not
//                      written again, by call id. Late: stale, as above
//   ask_message        as append_request; bits that are in the ledger are answered from it and
//                      never asked again, by ledger index
//   text_request       as append_request; a text that is in the journal is answered from it
//   arm_finished       in work → ignored; an arm with an outcome → arm_closed again, the copy is
//                      not graded. Late: stale
//   task_released      the lease is over already → release_ack again. Late, after another grant:
//                      stale
//   oracle_append      events are known by call id and ledger index: a copy writes nothing and is
//                      answered with oracle_appended. Late, after the lease: committed (it was paid
//                      for) and relayed to nobody
//   oracle_failed      of an ask that nobody waits for: dropped
//   oracle_text_reply  of an ask that nobody waits for: dropped
//   forgotten          of a task that is not being forgotten: ignored
//   graded             the arm is closed: dropped; one that crosses a copy of it is the same
//   outcome hello              takes the place of the session before: leases unknown to the
//   coordinator are
//                      revoked, grants unknown to the peer are sent again
//   heartbeat          counts only with the highest number of its boot so far
//   goodbye            the session is over already: ignored
//   experiment_refused the same once more: the reason is the latest, nothing else changes. Of a run
//                      that is not here: ignored. Ends with the next hello, after which the
//                      experiment's text is sent, and tried, again
//
//   welcome            the same once more: changes nothing, what has no reply is sent again
//   refused            the same once more: changes nothing
//   hello_wanted       answered with hello each time
//   experiment_text    the same text is known: ignored; one that was refused: tried again
//   heartbeat_ack      of each experiment's receipts the latest is kept
//   leave_order        is leaving already: ignored
//   grant              of a lease that is worked on, or older than it: ignored
//   appended           no request waits with this ticket: ignored; so are bits_reply and text_reply
//   bits_reply         as appended
//   text_reply         as appended
//   arm_closed         of an arm that does not wait for it: ignored
//   release_ack        of a lease that is not kept: ignored
//   revoke             of a task or lease that is not held: ignored
//   hand_back          of a task or lease that is not held: ignored
//   oracle_ask         same ticket in work → ignored. Else it is worked on, and calls that are
//                      committed (prior, and what the oracle made since) are not made again
//   oracle_text        as oracle_ask
//   oracle_appended    no append waits with this ticket: ignored
//   forget_task        of a task that is not known: answered with forgotten all the same
//   grade_request      graded again: grading is pure, so the answer is the same
//   endpoint_order     sent after each welcome and when it changes; says how the replica is to be,
//                      so a copy changes nothing. Pause and resume of a URL: the latest counts;
//                      likewise its limits. A URL that is not called here: kept for experiments to
//                      come
#include "actors/wire.hpp"

#include "actors/wire_io.hpp"

namespace tenbit::wire {
namespace {

// At a code point's begin, when the text is UTF-8.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  std::size_t end = bytes_max;
  while (end > 0 && bytes_max - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end);
}

} // namespace

std::string sendable(std::string_view text, std::size_t bytes_max) {
  const std::string repaired = repair_utf8(cut(text, bytes_max)); // may be longer again
  return std::string(cut(repaired, bytes_max));
}

void event_field(sizer& io, const event& e) {
  io.other(encoded_bytes_max(e));
}

void event_field(writer& io, const event& e) {
  io.bytes_of([&e](std::string& out) { encode_to(e, out); });
}

void event_field(reader& io, event& e) {
  const auto bytes = io.view("event", limits::event_bytes_max);
  if (!io.ok())
    return;
  auto read = decode_event(bytes);
  if (!read)
    return io.fail(std::move(read.error()));
  if (!well_formed(*read))
    return io.wrong("event", "has a text that is not UTF-8 or a float that is not finite");
  e = std::move(*read);
}

bool take_version(reader& from, std::size_t frame_bytes, frame_error& error) {
  std::uint64_t found = version;
  from.number("version", found);
  if (found != version) {
    error.other_version = true;
    from.fail(fmt::format("version {} is not known, only {}", found, version));
  } else if (frame_bytes > limits::frame_bytes_max) {
    from.fail(
        fmt::format("{} bytes, at most {} are allowed", frame_bytes, limits::frame_bytes_max));
  }
  return from.ok();
}

} // namespace tenbit::wire

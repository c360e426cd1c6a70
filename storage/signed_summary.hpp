// What a run came to, signed: a small text beside the store, for whoever did not run it.
//
//   DIR/summary = "tenbit-summary 1\n"
//                 "experiment " hex64 "\n" "name " text "\n" "store " hex32 "\n"
//                 "incarnation " dec "\n" "commit_seq " dec "\n" "chain " hex64 "\n"
//                 "content " hex64 "\n"
//                 "tasks " dec "\n" "done " dec "\n" "failed " dec "\n" "quarantined " dec "\n"
//                 "cancelled " dec "\n" "events " dec "\n" "calls " dec "\n" "bits " dec "\n"
//                 "outcomes " dec "\n" "simulated " ( "yes" | "no" ) "\n" "tool " text "\n"
//                 "time " YYYY-MM-DD "T" HH:MM:SS "Z\n" "signer " hex64 "\n"
//                 "signature " hex128 "\n"         Ed25519, over everything before this line
//   text        = one line as base/text.hpp makes it safe, perhaps empty
//
// Reading takes exactly what writing makes, nothing looser. Pure; any thread. Reading is total: any
// bytes give a summary or one line that says what is wrong, in which nothing of the bytes stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/signature.hpp"
#include "storage/store.hpp"

namespace tenbit::storage {

struct signed_summary {
  hash256 experiment; // store_manifest::identity
  std::string name;   // of the experiment
  // store_head, as it was when this was signed
  std::string store;
  std::uint64_t incarnation = 0, commit_seq = 0;
  hash256 chain, content;
  std::uint64_t tasks = 0, done = 0, failed = 0, quarantined = 0, cancelled = 0;
  std::uint64_t events = 0, calls = 0, bits = 0, outcomes = 0; // store_totals
  bool simulated = false;
  std::string tool;              // that made the store
  std::uint64_t time_unix_s = 0; // of the signature, by the signer's clock
  key256 signer;
  std::string signature; // 128 hexadecimal digits
  friend bool operator==(const signed_summary&, const signed_summary&) = default;
};

[[nodiscard]] signed_summary make_summary(const store_manifest& manifest, const store_head& head,
                                          const store_totals& totals, std::uint64_t time_unix_s);
// Sets signer and signature.
void sign(signed_summary& summary, const signing_key& key);
[[nodiscard]] bool signature_holds(const signed_summary& summary);

[[nodiscard]] std::string format_summary(const signed_summary& summary);
[[nodiscard]] expected<signed_summary, std::string> parse_summary(std::string_view text);
// "2024-02-29T23:59:59Z"; times after the year 9999 are its last second.
[[nodiscard]] std::string utc_text(std::uint64_t unix_s);

} // namespace tenbit::storage

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.hpp"
#include "control/render.hpp"
#include "control/text_table.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::full_snapshot;
using testing::HasSubstr;
using testing::Not;

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines)
    out += line + "\n";
  return out;
}

cluster_status crowded() {
  auto s = full_snapshot();
  for (int i = 0; i < 40; ++i) {
    auto peer = s.peers[0];
    peer.name = "worker-" + std::to_string(i);
    peer.draining.clear();
    peer.connected = i != 39;
    peer.replicas[0].url = "http://host-" + std::to_string(i) + ":8000/v1";
    peer.replicas[0].breaker = i == 38 ? "open" : "closed";
    s.peers.push_back(peer);
    auto run = s.runs[0];
    run.name = "run-" + std::to_string(i);
    s.runs.push_back(run);
  }
  return s;
}

TEST(Render_Top, FullSnapshot_ShowsWhatAnOperatorNeeds) {
  const auto text = joined(top_view(full_snapshot(), {}));
  for (const char* what :
       {"done 13/81", "1.25 1m, 2.50 15m, 3.75 1h", "ETA 1:01:01 (50:00 … 1:06:40)",
        "11 pending, 12 leased, 13 done, 14 failed, 15 quarantined, 16 cancelled",
        "oldest pending 1:01, lease 1:02", "cost 12.50 USD", "ledger difference 26  !!",
        "waiting gsm8k: no free slot", "paused [simulated]", "solver,grader", "fan is broken",
        "half-open", "41/43", "4.80", "49.00", "commit p50 4.0 ms, p99 12.0 ms", "bad frames 63",
        "refused keys 61", "disk free 57 B (50%)"})
    EXPECT_THAT(text, HasSubstr(what));
}

TEST(Render_Top, Trouble_IsNamedAndQuietIsShort) {
  auto text = joined(top_view(full_snapshot(), {}));
  for (const char* what :
       {"fsync p99 250.0 ms", "log 73 B", "copy 1:17 ago", "stalls 75", "!! background errors 76",
        "(50%)  !! low", "4.70", "85 auth, 84 request, 83 reply, 81 throttled, 82 transient"})
    EXPECT_THAT(text, HasSubstr(what));
  auto quiet = full_snapshot();
  quiet.refused_keys = quiet.failed_handshakes = quiet.bad_frames = quiet.forbidden = 0;
  quiet.over_quota = quiet.dropped_sends = 0;
  quiet.disk = "ample";
  quiet.runs[0].status.phase = run_phase::finished;
  quiet.peers[0].replicas[0].errors = {};
  text = joined(top_view(quiet, {}));
  EXPECT_THAT(text, HasSubstr("link nothing was refused"));
  EXPECT_THAT(text, HasSubstr("no store is open"));
  EXPECT_THAT(text, Not(HasSubstr("!! low")));
  EXPECT_THAT(text, Not(HasSubstr("transient")));
  EXPECT_THAT(joined(top_view({}, {})), HasSubstr("no run is here: tenbit ctl run submit FILE"));
}

// The columns of a terminal that nobody made wider.
constexpr std::size_t usual = 80;

TEST(Render_Top, EightyColumns_ShowWhatIsNeededToAct) {
  const auto text = joined(top_view(full_snapshot(), {usual, 0}));
  for (const char* what :
       {"ETA 1:01:01 (50:00 … 1:06:40)", "16 cancelled", "oldest pending 1:01, lease 1:02",
        "paused [simulated]", "13/81", "1:01:01", "solver,grader", "draining", "fan is broken",
        "gpu-07:8000", "half-open", "41/43", "85 auth", "!! background errors 76", "dropped 66"})
    EXPECT_THAT(text, HasSubstr(what));
}

TEST(Render_Top, SlowLeases_HaveATableWhileThereAreAny) {
  auto s = full_snapshot();
  const auto text = joined(top_view(s, {usual, 0}));
  for (const char* what : {"slow lease", "gsm8k", "1318", "15:00", "3.5", "rest of reply", "1:02"})
    EXPECT_THAT(text, HasSubstr(what));
  s.oldest_leases[0].times_p99 = 0.9; // as young as many, but nothing comes
  s.oldest_leases[0].phase = "queued";
  EXPECT_THAT(joined(top_view(s, {})), HasSubstr("free replica"));
  s.oldest_leases[0].silent_s = 59;
  EXPECT_THAT(joined(top_view(s, {})), Not(HasSubstr("slow lease")));
}

TEST(Render_Top, LongHosts_KeepTheirFirstNameAndPort) {
  auto s = full_snapshot();
  auto& replica = s.peers[0].replicas[0];
  replica.model = "qwen2.5-7b-instruct";
  for (const auto& [url, shown] :
       {std::pair("http://gpu-node-100.rack3.cluster.example.org:8000/v1",
                  "  gpu-node-100.ra…:8000"),
        {"http://192.168.100.200:8000/openai/v1", "  192.168.100.200:8000…"},
        {"https://models.department.example.org/v1", "  models.department.ex…"}}) {
    replica.url = url;
    EXPECT_THAT(joined(top_view(s, {usual, 0})), HasSubstr(shown));
  }
}

TEST(Render_Top, LongReason_PushesFiguresOutAndWaitingIsWrapped) {
  auto s = full_snapshot();
  s.runs[0].waiting_for = "no worker has a model that can be called (endpoints are out or paused)";
  s.peers[0].draining = "heard, but does not hear: its grants expired";
  const auto text = joined(top_view(s, {usual, 0}));
  EXPECT_THAT(text, HasSubstr("heard, but does not"));
  EXPECT_THAT(text, Not(HasSubstr("boots")));
  EXPECT_THAT(text, HasSubstr("out or\n  paused)\n"));
}

TEST(Render_Top, AnySize_IsKept) {
  const auto s = crowded();
  for (const std::size_t columns : {1U, 7U, 40U, 80U, 200U})
    for (const std::size_t rows : {1U, 5U, 24U, 50U}) {
      const auto lines = top_view(s, {columns, rows});
      EXPECT_LE(lines.size(), rows);
      for (const auto& line : lines)
        EXPECT_LE(display_width(line), columns) << line;
    }
}

TEST(Render_Top, FewRows_SayWhatIsLeftOutAndShowTroubleFirst) {
  const auto text = joined(top_view(crowded(), {200, 30}));
  EXPECT_THAT(text, HasSubstr(" more"));
  EXPECT_THAT(text, HasSubstr("worker-39"));           // lost
  EXPECT_THAT(text, HasSubstr("http://host-38:8000")); // open
  EXPECT_THAT(text, HasSubstr("refused keys"));
}

TEST(Render_Top, HostileNames_CannotMoveTheCursor) {
  auto s = full_snapshot();
  const std::string bad = "\x1b[2J\r\n\t\x9b"
                          "31m\xe2\x80\xae"
                          "gnp\xff";
  s.address = s.runs[0].name = s.runs[0].waiting_for = s.runs[0].currency = bad;
  s.runs[0].status.failure = s.peers[0].name = s.peers[0].draining = bad;
  for (auto& replica : s.peers[0].replicas)
    replica.model = replica.url = replica.breaker = bad;
  const auto lines = top_view(s, {300, 0});
  for (const auto& line : lines) {
    EXPECT_EQ(printable(line), line);
    EXPECT_EQ(line.find_first_of("\r\n\t\x1b"), std::string::npos);
  }
  EXPECT_THAT(joined(lines), HasSubstr("\\x1b[2J"));
  EXPECT_EQ(printable(top_line(s)), top_line(s));
}

TEST(Render_Top, Endpoints_AreSummedOverWorkers) {
  auto s = full_snapshot();
  s.peers.push_back(s.peers[0]);
  s.peers[1].replicas[0].breaker = "closed";
  const auto text = joined(top_view(s, {}));
  EXPECT_THAT(text, HasSubstr("half-open 1/2"));
  EXPECT_THAT(text, HasSubstr("82/86"));
}

TEST(Render_Top, Empty_IsShownToo) {
  EXPECT_THAT(joined(top_view({}, {80, 24})), HasSubstr("done 0/0"));
  EXPECT_THAT(top_line({}), HasSubstr("0/0 done"));
}

TEST(Render_Line, Trouble_IsNamed) {
  auto s = full_snapshot();
  s.peers[0].connected = false;
  const auto line = top_line(s);
  EXPECT_THAT(line, HasSubstr("1 lost"));
  EXPECT_THAT(line, HasSubstr("LEDGER DIFFERENCE 26"));
  EXPECT_THAT(line, HasSubstr("waiting: gsm8k: no free slot"));
}

TEST(Render_Result, Rows_AreAligned) {
  EXPECT_EQ(render_result(R"([{"name":"a","n":1,"in":{"x":true}},{"name":"long","n":1000}])", 0),
            "name     n  in.x\n"
            "a        1  yes\n"
            "long  1000\n");
}

TEST(Render_Result, OtherShapes_AreShown) {
  EXPECT_EQ(render_result("null", 0), "done\n");
  EXPECT_EQ(render_result("[]", 0), "(none)\n");
  EXPECT_EQ(render_result("\"text\"", 0), "text\n");
  EXPECT_EQ(render_result("[1,2]", 0), "1, 2\n");
  EXPECT_EQ(render_result(R"({"a":1,"bb":["x","y"],"t":[{"q":1}]})", 0),
            "a   1\nbb  x, y\n\nt\nq\n1\n");
  EXPECT_THAT(render_result(std::string(100'000, '['), 0), HasSubstr("too deep"));
  EXPECT_THAT(render_result("{", 0), HasSubstr("not JSON"));
}

TEST(Render_Result, HostileTexts_AreHarmlessAndNarrow) {
  const auto text =
      render_result(R"([{"\u001b[2J":"\u001b]0;x\u0007\n\u202e"},{"b":"yyyyyyyyyyyyyyyyy"}])", 20);
  EXPECT_EQ(printable(text), text);
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    EXPECT_LE(display_width(text.substr(at, end - at)), 20U);
}

TEST(Render_Text, WideCharacters_TakeTwoColumns) {
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(fit("日本語", 4), "日…");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("abcd", 3), "ab…");
  EXPECT_EQ(fit_middle("abcdef", 6), "abcdef");
  EXPECT_EQ(fit_middle("abcdef", 5), "ab…ef");
  EXPECT_EQ(fit_middle("日本語日本語", 6), "日…語");
  EXPECT_EQ(fit_middle("ab", 1), "…");
}

TEST(Render_Table, TooNarrow_DropsByRankBeforeATextGoesBelowItsLeast) {
  using side = text_table::side;
  text_table table({{"name", side::left, 0, 8},
                    {"a", side::right, 2},
                    {"b", side::right, 1},
                    {"why", side::left, 0, 10}});
  table.add({"long-name-of-it", "111", "222", "because of that"});
  EXPECT_EQ(table.lines(42)[1], "long-name-of-it  111  222  because of that");
  EXPECT_EQ(table.lines(30)[1], "long-na…  111  222  because o…");
  EXPECT_EQ(table.lines(29)[0], "name           b  why") << "a went first";
  EXPECT_EQ(table.lines(29)[1], "long-name-…  222  because of…");
  EXPECT_EQ(table.lines(20)[1], "long-na…  because o…");
  EXPECT_EQ(table.lines(14)[1], "long-…  becau…") << "nothing is left to drop";
}

RC_GTEST_PROP(Render_Text, Fit_NeverExceeds, (const std::string& raw, unsigned char columns)) {
  const std::size_t most = columns % 40 + 1U;
  RC_ASSERT(display_width(fit(one_line(raw, 100), most)) <= most);
  RC_ASSERT(display_width(fit(raw, most)) <= most); // and for any bytes
  RC_ASSERT(display_width(fit_middle(raw, most)) <= most);
}

TEST(Render_Text, DurationsAndBytes_AreShort) {
  EXPECT_EQ(duration_text(-1), "–");
  EXPECT_EQ(duration_text(std::numeric_limits<double>::quiet_NaN()), "–");
  EXPECT_EQ(duration_text(44.6), "45 s");
  EXPECT_EQ(duration_text(750), "12:30");
  EXPECT_EQ(duration_text(10930), "3:02:10");
  EXPECT_EQ(duration_text(183600), "2 d 03:00");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(57), "57 B");
}

} // namespace
} // namespace tenbit::control

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "control/lines.hpp"
#include "control/verbs.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::make;
using testing::HasSubstr;

std::string error_of(const request& r) {
  const auto checked = check_request(r);
  return checked ? "" : checked.error();
}

TEST(Verbs_Table, EveryVerb_IsAcceptedWithItsArguments) {
  for (const auto& verb : verbs()) {
    request r = make(std::string(verb.name), {}, verb.needs_reason ? "because" : "");
    for (const auto& arg : verb.args)
      switch (arg.kind) {
      case arg_kind::text:
        r.args[std::string(arg.name)] = {"x"};
        break;
      case arg_kind::path:
        r.args[std::string(arg.name)] = {"/x"};
        break;
      case arg_kind::number:
        r.args[std::string(arg.name)] = {"7"};
        break;
      case arg_kind::integer:
        r.args[std::string(arg.name)] = {"-7"};
        break;
      case arg_kind::flag:
        r.args[std::string(arg.name)] = {"true"};
        break;
      }
    EXPECT_EQ(error_of(r), "") << verb.name;
    for (const auto& arg : verb.args) {
      auto without = r;
      without.args.erase(std::string(arg.name));
      EXPECT_EQ(check_request(without).has_value(), !arg.required) << verb.name << " " << arg.name;
    }
    if (verb.needs_reason) {
      r.reason = "  ";
      EXPECT_THAT(error_of(r), HasSubstr("needs a reason")) << verb.name;
    }
  }
}

TEST(Verbs_Unknown, NearMiss_NamesTheNearest) {
  EXPECT_THAT(error_of(make("run pasue")), HasSubstr("did you mean: run pause"));
  EXPECT_THAT(error_of(make("pause")), HasSubstr("run pause, endpoint pause"));
  EXPECT_THAT(error_of(make("qqq")), HasSubstr("verbs are: run submit"));
  EXPECT_EQ(error_of(make("worker")), "\"worker\" needs a verb: list, drain, undrain, kick");
  EXPECT_THAT(error_of(make("")), HasSubstr("say what to do: run submit"));
  EXPECT_EQ(error_of(make("\x1b[2J")).find('\x1b'), std::string::npos);
}

TEST(Verbs_Arguments, Wrong_AreNamedWithTheMend) {
  EXPECT_THAT(error_of(make("run pause")), HasSubstr("usage: run pause run [now]"));
  EXPECT_THAT(error_of(make("run list", {{"x", {"1"}}})), HasSubstr("takes no \"x\""));
  EXPECT_THAT(error_of(make("run cancel", {{"run", {"a"}}, {"reason", {"b"}}})),
              HasSubstr("stands beside"));
  EXPECT_THAT(error_of(make("run limit", {{"run", {"a"}}, {"leases", {"-1"}}})),
              HasSubstr("leases \"-1\" is not a number"));
  EXPECT_THAT(error_of(make("run limit", {{"run", {"a"}}, {"leases", {"99999999999"}}})),
              HasSubstr("not a number"));
  EXPECT_THAT(error_of(make("run submit", {{"file", {"a.toml"}}})), HasSubstr("absolute"));
  EXPECT_THAT(error_of(make("run resume", {{"run", {"a", "b"}}})), HasSubstr("at most 1"));
  EXPECT_THAT(error_of(make("run resume", {{"run", {"a\nb"}}})), HasSubstr("control character"));
  EXPECT_THAT(error_of(make("run resume", {{"run", {"\xff"}}})), HasSubstr("UTF-8"));
  EXPECT_THAT(error_of(make("run resume", {{"run", {std::string(5000, 'a')}}})),
              HasSubstr("longer than"));
  EXPECT_THAT(error_of(make("run pause", {{"run", {"a"}}, {"now", {"yes"}}})),
              HasSubstr("neither true nor false"));
}

TEST(Verbs_Changes, LooksAndChanges_AreToldApart) {
  EXPECT_TRUE(changes_something("run cancel"));
  EXPECT_TRUE(changes_something("stop"));
  EXPECT_TRUE(changes_something("checkpoint"));
  EXPECT_FALSE(changes_something("status"));
  EXPECT_FALSE(changes_something("verify"));
  EXPECT_FALSE(changes_something("no such verb"));
}

TEST(Lines_Request, RoundTrip_KeepsEverything) {
  const request r = {.verb = "run submit",
                     .args = {{"file", {"/a b\"c"}}, {"set", {"x=1", "y=ü"}}},
                     .dry_run = true,
                     .reason = "why",
                     .who = {}};
  const auto back = parse_request(to_line(r));
  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(back->verb, r.verb);
  EXPECT_EQ(back->args, r.args);
  EXPECT_EQ(back->dry_run, true);
  EXPECT_EQ(back->reason, "why");
}

TEST(Lines_Request, Hostile_IsRefusedWithAReason) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"nonsense", "not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "no \"verb\""},
      {"{\"verb\": 7}", "\"verb\" must be a text"},
      {"{\"verb\": \"status\", \"args\": []}", "\"args\" must be an object"},
      {"{\"verb\": \"status\", \"args\": {\"run\": 7}}", "args.run must be a text"},
      {"{\"verb\": \"status\", \"args\": {\"run\": [{}]}}", "args.run must be a text"},
      {"{\"verb\": \"status\", \"dry_run\": 1}", "\"dry_run\" must be true or false"},
      {"{\"verb\": \"stop\", \"dryrun\": true}", "there is no \"dryrun\""},
      {"{\"verb\": \"\xff\"}", "UTF-8"},
      {std::string(100'000, '['), "nested deeper"},
      {"{\"verb\":" + std::string(40, '['), "nested deeper"}};
  for (const auto& [line, why] : cases) {
    const auto parsed = parse_request(line);
    ASSERT_FALSE(parsed.has_value()) << line.substr(0, 80);
    EXPECT_THAT(parsed.error(), HasSubstr(why));
  }
}

RC_GTEST_PROP(Lines_Request, AnyBytes_NeverThrow, (const std::string& bytes)) {
  const auto parsed = parse_request(bytes);
  RC_ASSERT(parsed.has_value() || !parsed.error().empty());
}

TEST(Lines_Depth, BracketsInTexts_DoNotCount) {
  EXPECT_TRUE(depth_within("{\"a\": \"[[[[\\\"[[[\"}", 1));
  EXPECT_FALSE(depth_within("[[]]", 1));
}

TEST(Lines_Reply, ResultThatIsNoJson_BecomesAnError) {
  const auto line = to_line(reply{.ok = true, .error = {}, .result = "{broken"});
  const auto back = parse_reply(line);
  ASSERT_TRUE(back.has_value());
  EXPECT_FALSE(back->ok);
  EXPECT_THAT(back->error, HasSubstr("not JSON"));
}

TEST(Lines_Reply, PrettyResult_StaysOnOneLine) {
  const auto line = to_line(reply{.ok = true, .error = {}, .result = "{\n \"a\": 1\n}"});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(parse_reply(line)->result, "{\"a\":1}");
}

} // namespace
} // namespace tenbit::control

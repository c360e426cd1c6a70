// Replies of a real server (llama-server), replayed where the recordings are at hand.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/endpoints/reply_fixture.hpp"

namespace tenbit {
namespace {

using testing::parse_pieces;
using form = reply_parser::form;

nlohmann::json recording(const std::string& name) {
  const auto path = std::filesystem::path(TENBIT_SOURCE_DIR) / "../shared/fixtures/llama-server" /
                    (name + ".json");
  std::ifstream file(path);
  return file ? nlohmann::json::parse(file).at("response") : nlohmann::json();
}

class Recordings : public ::testing::Test {
protected:
  void SetUp() override {
    if (recording("chat").is_null())
      GTEST_SKIP() << "the recordings are not here";
  }
  static testing::parsed parse(const std::string& name, form what, const char* model = "tiny") {
    const auto response = recording(name);
    if (what == form::stream && response.contains("chunks"))
      return parse_pieces(response["chunks"].get<std::vector<std::string>>(), what, model);
    return parse_pieces({response["body"].get<std::string>()}, what, model);
  }
  static attempt_failure failure(const std::string& name) {
    const auto response = recording(name);
    json_reader json;
    reply_parser parser;
    parser.begin("tiny", form::error);
    EXPECT_TRUE(parser.feed(json, response["body"].get<std::string>()));
    return http_failure(response["status"].get<int>(), false, parser.words(json));
  }
};

} // namespace

TEST_F(Recordings, ChatBody_IsRead) {
  const auto reply = parse("chat", form::body);
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->text, " We can find a spe");
  EXPECT_EQ(reply->finish_reason, "length");
  EXPECT_EQ(reply->usage.prompt, 42U);
  EXPECT_EQ(reply->usage.completion, 12U);
}

TEST_F(Recordings, ChatStreams_AreRead) {
  const auto plain = parse("chat_stream", form::stream);
  ASSERT_TRUE(plain) << plain.error().what;
  EXPECT_FALSE(plain->text.empty());
  const auto with_usage = parse("chat_stream_usage_logprobs", form::stream);
  ASSERT_TRUE(with_usage) << with_usage.error().what;
  EXPECT_EQ(with_usage->text, " We c");
  EXPECT_EQ(with_usage->usage.completion, 4U);
  EXPECT_TRUE(with_usage->usage.reported);
}

TEST_F(Recordings, NameThatIsNotChecked_IsAnotherModel) {
  EXPECT_TRUE(parse("err_unknown_model", form::body, "tiny"));
  const auto other = parse("err_unknown_model", form::body, "gpt-x");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, call_error::endpoint_invalid);
}

TEST_F(Recordings, ModelPath_IsAccepted) {
  EXPECT_TRUE(parse("chat_json_schema_enum_chatml", form::body, "anything"));
}

TEST_F(Recordings, SeveralChoices_AreRefused) {
  EXPECT_FALSE(parse("chat_n3", form::body));
}

TEST_F(Recordings, TopLogprobs_AreReadWhole) {
  EXPECT_TRUE(parse("chat_logprobs", form::body));
  EXPECT_TRUE(parse("chat_top_logprobs_512", form::body));
  EXPECT_TRUE(parse("chat_grammar_yesno", form::body));
}

TEST_F(Recordings, Errors_HaveTheirClass) {
  const auto loading = failure("loading_503_chat");
  EXPECT_EQ(loading.kind, call_error::transient);
  EXPECT_EQ(loading.end, attempt_end::loading);
  const auto too_long = failure("err_too_long_chat");
  EXPECT_EQ(too_long.kind, call_error::request_invalid);
  EXPECT_NE(too_long.what.find("exceeds the available context size"), std::string::npos);
  EXPECT_EQ(failure("err_401_no_key").kind, call_error::auth);
  EXPECT_EQ(failure("err_bad_json").kind, call_error::request_invalid);
  EXPECT_EQ(failure("err_404").kind, call_error::request_invalid);
}

} // namespace tenbit

// From a finished program to .tbit bytes and back to its answer, by a receiver who has only the
// recipe.
#include "protocols/bitstream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "scripted.hpp"

namespace tenbit {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

std::vector<answer> some_bits(bool third_symbol) {
  auto out = *rc::gen::container<std::vector<answer>>(
      4, third_symbol ? rc::gen::element(answer::no, answer::yes, answer::unknown)
                      : rc::gen::element(answer::no, answer::yes));
  return out;
}

// What the receiver rebuilds: its own models say what they said before, the bits come from the
// payload.
trace rebuild(const bitstream& b, const problem& item) {
  const auto exp = read_recipe(b.recipe);
  TENBIT_ASSERT(exp.has_value());
  const program_input input{std::make_shared<const experiment>(*exp), arm_index{0},
                            trial_index{b.trial}, problem{0, "", item.question}};
  script how;
  if (b.payload_bits > 0) {
    const auto bits = unpack_answers(b, *exp, 4);
    TENBIT_ASSERT(bits.has_value());
    how.bits = *bits;
  }
  return play(input, how);
}

bitstream packed_qa(const std::vector<answer>& bits) {
  script how;
  how.bits = bits;
  const auto input = input_of(make_experiment(), "qa");
  return pack(input, *play(input, how).result);
}

} // namespace

RC_GTEST_PROP(Bitstream_RoundTrip, AnyArm_IsRebuiltFromItsBytes, ()) {
  const auto profile = *rc::gen::element(profile_kind::strict, profile_kind::authors_compat);
  auto exp = make_experiment(profile);
  exp.switches.unset_sampling = false; // so that seeds are sent and must be the same
  const auto arm = *rc::gen::elementOf(exp.arms);
  const auto input = input_of(exp, arm.name, *rc::gen::inRange<std::uint16_t>(0, 3));
  script how;
  how.bits = some_bits(exp.switches.unknown_answers);
  const auto sent = play(input, how);
  const auto b = read_container(write_container(pack(input, *sent.result)));
  RC_ASSERT(b.has_value());
  if (exp.text_crosses(arm)) {
    RC_ASSERT(unpack_text(*b) == sent.result->answer.text);
    return;
  }
  const auto received = rebuild(*b, input.item);
  RC_ASSERT(received.result->answer.text == sent.result->answer.text);
  RC_ASSERT(hash_bytes(received.result->answer.text) == b->answer);
  RC_ASSERT(received.requests.size() == sent.requests.size());
  const auto receiver = read_recipe(b->recipe);
  for (std::size_t i = 0; i < sent.requests.size(); ++i)
    RC_ASSERT(identify(*receiver, received.requests[i]).canonical ==
              identify(exp, sent.requests[i]).canonical);
}

TEST(Bitstream_FlippedBit, Revision_IsAskedDifferently) {
  const std::vector<answer> bits = {answer::yes, answer::no, answer::yes, answer::yes};
  const auto b = packed_qa(bits);
  const auto input = input_of(make_experiment(), "qa");
  const auto whole = rebuild(b, input.item);
  for (unsigned bit = 0; bit < 4; ++bit) {
    auto flipped = b;
    flipped.payload[0] = static_cast<char>(flipped.payload[0] ^ (0x80 >> bit));
    const auto other = rebuild(flipped, input.item);
    EXPECT_NE(prompt_of(other.requests.back()), prompt_of(whole.requests.back()));
    EXPECT_NE(hash_bytes(other.result->answer.text), b.answer);
  }
}

TEST(Pack_Qa, Payload_IsOneBitAnAnswer) {
  const auto b = packed_qa({answer::yes, answer::no, answer::yes, answer::yes});
  EXPECT_EQ(b.payload_bits, 4U);
  EXPECT_EQ(b.payload, "\xB0");
  EXPECT_EQ(b.problem, hash_bytes("Ann has 3 pens and buys 4. How many has she?"));
  EXPECT_EQ(b.arm, 2U);
}

TEST(Pack_ThirdSymbol, Payload_IsTwoBitsAnAnswer) {
  const auto input = input_of(make_experiment(profile_kind::authors_compat), "qa");
  script how;
  how.bits = {answer::yes, answer::unknown, answer::no, answer::yes};
  const auto b = pack(input, *play(input, how).result);
  EXPECT_EQ(b.payload_bits, 8U);
  EXPECT_EQ(b.payload, "\x61"); // 01 10 00 01
}

TEST(Pack_Controls, Payload_IsEmpty) {
  for (const std::string_view arm : {"direct", "self", "resample", "vote", "random", "yes"}) {
    const auto input = input_of(make_experiment(), arm);
    const auto b = pack(input, *play(input).result);
    EXPECT_EQ(b.payload_bits, 0U) << arm;
    EXPECT_TRUE(b.payload.empty()) << arm;
  }
}

TEST(Pack_NoQuestions, Payload_IsEmpty) {
  script how;
  how.reply = [](const generate_request& request) {
    return kind_of(request) == "ask" ? "None." : default_reply(request);
  };
  const auto input = input_of(make_experiment(), "qa");
  EXPECT_EQ(pack(input, *play(input, how).result).payload_bits, 0U);
}

TEST(Pack_Text, Payload_IsTheText) {
  const auto input = input_of(make_experiment(), "direct-large");
  const auto b = pack(input, *play(input).result);
  EXPECT_EQ(b.payload, "large says\n#### 10");
  EXPECT_EQ(b.payload_bits, b.payload.size() * 8);
  EXPECT_EQ(unpack_text(b), b.payload);
}

TEST(UnpackAnswers, PayloadThatDoesNotFit_Fails) {
  const auto exp = make_experiment();
  auto b = packed_qa({answer::yes, answer::no, answer::yes, answer::yes});
  EXPECT_FALSE(unpack_answers(b, exp, 3));
  EXPECT_FALSE(unpack_answers(b, exp, 5));
  EXPECT_FALSE(unpack_answers(b, make_experiment(profile_kind::authors_compat), 4));
  b.payload.clear();
  EXPECT_FALSE(unpack_answers(b, exp, 4));
}

TEST(UnpackAnswers, FourthSymbol_Fails) {
  bitstream b;
  b.payload_bits = 2;
  b.payload = "\xC0";
  EXPECT_FALSE(unpack_answers(b, make_experiment(profile_kind::authors_compat), 1));
}

TEST(UnpackText, PayloadThatIsNoText_Fails) {
  bitstream b;
  b.payload_bits = 9;
  b.payload = "ab";
  EXPECT_FALSE(unpack_text(b));
  b.payload_bits = 8;
  b.payload = "\xFF";
  EXPECT_FALSE(unpack_text(b));
}

TEST(Recipe_Bytes, Sample_AreTheGoldenOnes) {
  EXPECT_EQ(make_recipe(make_experiment(), arm_index{2}),
            R"({"arm":{"method":"qa","name":"qa","questioner":"small","questions":4,)"
            R"("solver":"small"},"format":1,"models":[{"alias":"small","kind":"openai",)"
            R"("logprobs":true,"model":"org/small","revision":"small@1",)"
            R"("sampling":{"max_tokens":2048,"seed":true,"temperature":0.0}}],)"
            R"("profile":"strict","seed":7,"switches":[]})");
}

TEST(Recipe_Contents, Sender_IsNotInIt) {
  auto exp = make_experiment();
  for (model_spec& model : exp.models) {
    model.replicas = {"http://secret-host:1"};
    model.api_key_env = "SECRET_KEY";
  }
  for (std::uint16_t arm = 0; arm < exp.arms.size(); ++arm) {
    const auto recipe = make_recipe(exp, arm_index{arm});
    EXPECT_THAT(recipe, Not(HasSubstr("org/large"))) << recipe;
    EXPECT_THAT(recipe, Not(HasSubstr("ecret"))) << recipe;
    EXPECT_THAT(recipe, Not(HasSubstr("\"gold\""))) << recipe;
  }
}

TEST(Recipe_RoundTrip, EveryArm_IsReadBack) {
  for (const auto profile : {profile_kind::strict, profile_kind::authors_compat}) {
    auto exp = make_experiment(profile);
    exp.models[1].kind = model_kind::sim;
    exp.models[1].sampling.top_p = 0.95;
    exp.sim.seed = 99;
    for (std::uint16_t arm = 0; arm < exp.arms.size(); ++arm) {
      const auto recipe = make_recipe(exp, arm_index{arm});
      const auto read = read_recipe(recipe);
      ASSERT_TRUE(read) << read.error() << recipe;
      EXPECT_EQ(make_recipe(*read, arm_index{0}), recipe);
      EXPECT_EQ(read->switches, exp.switches);
      EXPECT_EQ(read->profile, profile);
      EXPECT_EQ(read->seed, exp.seed);
      if (!read->models.empty()) {
        EXPECT_EQ(read->sim.seed, 99U);
        EXPECT_EQ(read->models[0].sampling, exp.models[1].sampling);
      }
    }
  }
}

TEST(Recipe_Read, AnythingElse_IsRefused) {
  const auto good = make_recipe(make_experiment(), arm_index{2});
  ASSERT_TRUE(read_recipe(good));
  const auto changed = [&](std::string_view from, std::string_view to) {
    auto text = good;
    const auto at = text.find(from);
    TENBIT_ASSERT(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  const std::string bad[] = {
      "",
      "{}",
      "[]",
      "null",
      "1",
      good + " ",
      " " + good,
      good.substr(0, good.size() - 1),
      changed("\"format\":1", "\"format\":2"),
      changed("\"questions\":4", "\"questions\":0"),
      changed("\"questions\":4", "\"questions\":1001"),
      changed("\"questions\":4", "\"questions\":-1"),
      changed("\"questions\":4", "\"questions\":4.0"),
      changed("\"questions\":4,", ""),
      changed("\"qa\"", "\"oracle\""),
      changed("\"strict\"", "\"lax\""),
      changed("[]", "[\"no_such_switch\"]"),
      changed("[]", "[1]"),
      changed("[]", "{}"),
      changed("\"solver\":\"small\"", "\"solver\":\"other\""),
      changed("\"temperature\":0.0", "\"temperature\":3.5"),
      changed("\"temperature\":0.0", "\"temperature\":0"),
      changed("\"max_tokens\":2048", "\"max_tokens\":99999999"),
      changed("{\"arm\"", "{\"a\":1,\"arm\""),
      changed("\"seed\":7", "\"seed\":7,\"seed\":7"),
      changed("[{\"alias\"", "[1,{\"alias\""),
      std::string(100'000, '['),
      changed("\"name\":\"qa\"", "\"name\":\"\xFF\""),
      changed("\"name\":\"qa\"", "\"name\":\"" + std::string(5000, 'x') + "\"")};
  for (const auto& text : bad) {
    const auto read = read_recipe(text);
    EXPECT_FALSE(read) << text.substr(0, 300);
    EXPECT_TRUE(read || !read.error().empty());
  }
}

} // namespace tenbit

// Experiment texts for tests, and parsing that shows its problems when a test fails.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "config/experiment.hpp"

namespace tenbit::sample {

inline constexpr std::string_view models = R"(
[models.small]
kind = "sim"
[models.large]
kind = "sim"
)";

inline constexpr std::string_view arith = R"(
[benchmark]
kind = "arith"
count = 20
)";

inline constexpr std::string_view qa_arm = R"(
[[arms]]
method = "qa"
solver = "small"
answerer = "large"
)";

inline std::string plain() {
  return std::string(arith) + std::string(models) + std::string(qa_arm);
}

inline std::string all_texts(const std::vector<config_problem>& problems) {
  std::string out;
  for (const auto& problem : problems)
    out += problem.text() + "\n";
  return out;
}

inline std::vector<config_problem> problems_of(std::string_view toml,
                                               const std::vector<std::string>& overrides = {}) {
  const auto read = parse_experiment(toml, "/nowhere/e.toml", overrides);
  return read ? std::vector<config_problem>{} : read.error();
}

inline experiment right(std::string_view toml, const std::vector<std::string>& overrides = {},
                        file_check files = file_check::required) {
  auto read = parse_experiment(toml, "/nowhere/e.toml", overrides, files);
  if (!read) {
    ADD_FAILURE() << all_texts(read.error()) << "in:\n" << toml;
    return {};
  }
  return *read;
}

} // namespace tenbit::sample

// Recorded replies: rows of a JSONL file that are given back when a prompt contains their text.
//
// {"model": "small", "prompt_contains": "...", "reply": "..."} and, if wanted, "kind": "solve",
// "questions", "answer" or "revision", so that a recorded draft does not also answer the other
// requests about its problem. The first row that fits wins. Immutable after loading, thread-safe.
// Lookup is one pass over the prompt, whatever the number of rows: every row is found by the hash
// of one window of its text, the rarest of three.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/expected.hpp"
#include "simulator/prompt_reader.hpp"

namespace tenbit::sim {

class recorded_replies {
public:
  // The error names file and line.
  [[nodiscard]] static expected<recorded_replies, std::string> load(const std::string& path);
  [[nodiscard]] static expected<recorded_replies, std::string> parse(std::string_view jsonl,
                                                                     const std::string& path);

  // nullptr when no row fits.
  [[nodiscard]] const std::string* find(std::string_view model, std::string_view prompt,
                                        prompt_kind kind) const;
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

  static constexpr std::size_t window = 32; // bytes; shorter texts are tried one by one

private:
  struct row {
    std::string contains;
    std::string reply;
    std::optional<prompt_kind> kind;
  };
  struct placed {
    std::uint32_t row = 0;
    std::uint32_t offset = 0; // of the window in the row's text
  };
  struct model_index {
    std::vector<std::uint32_t> rows; // all rows of the model, in file order
    std::vector<std::uint32_t> short_rows;
    std::unordered_map<std::uint64_t, std::vector<placed>> windows;
    std::vector<std::uint64_t> filter; // a bit per hash: most positions of a prompt end here
  };

  [[nodiscard]] status<std::string> add_row(std::string_view line);
  void build_index(model_index& index);
  [[nodiscard]] static bool of_kind(const row& candidate, prompt_kind kind);
  // The first row whose window stands at `at`; rows_.size() for none.
  [[nodiscard]] std::size_t first_at(const model_index& index, std::uint64_t hash,
                                     std::string_view prompt, std::size_t at,
                                     prompt_kind kind) const;

  std::vector<row> rows_;
  std::unordered_map<std::string, model_index> models_;
};

} // namespace tenbit::sim

#include "simulator/recorded.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t filter_words = 1U << 12; // 2^18 bits, 32 kB: stays in the cache
constexpr std::uint64_t radix = 0x9e37'79b9'7f4a'7c15U;

// A polynomial hash that can roll: sum of byte * radix^(position from the end), mod 2^64.
std::uint64_t window_hash(std::string_view text) {
  std::uint64_t hash = 0;
  for (const char c : text)
    hash = hash * radix + static_cast<unsigned char>(c) + 1;
  return hash;
}

constexpr std::uint64_t power(std::size_t exponent) {
  std::uint64_t out = 1;
  for (std::size_t i = 0; i < exponent; ++i)
    out *= radix;
  return out;
}

std::uint64_t filter_bit(std::uint64_t hash) {
  return (hash >> 40) % (filter_words * 64);
}

std::optional<prompt_kind> kind_named(std::string_view name) {
  if (name == "solve")
    return prompt_kind::solve;
  if (name == "questions")
    return prompt_kind::questions;
  if (name == "answer")
    return prompt_kind::answer;
  if (name == "revision")
    return prompt_kind::revision;
  return std::nullopt;
}

// A field of a row; empty when it is missing or no string.
const std::string* text_field(const nlohmann::json& row, const char* key) {
  const auto it = row.find(key);
  return it == row.end() ? nullptr : it->get_ptr<const std::string*>();
}

} // namespace

expected<recorded_replies, std::string> recorded_replies::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(fmt::format("{}: cannot be read; give a JSONL file of recorded replies", path));
  std::string text;
  std::array<char, 1U << 16> part{};
  while (file.read(part.data(), part.size()) || file.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > limits::sim_recorded_bytes_max)
      return fail(fmt::format("{}: larger than {} bytes", path, limits::sim_recorded_bytes_max));
  }
  if (file.bad())
    return fail(fmt::format("{}: reading failed", path));
  return parse(text, path);
}

expected<recorded_replies, std::string> recorded_replies::parse(std::string_view jsonl,
                                                                const std::string& path) {
  recorded_replies out;
  std::size_t number = 0;
  for (const std::string_view line : split_lines(jsonl)) {
    ++number;
    if (trim(line).empty())
      continue;
    if (auto added = out.add_row(line); !added)
      return fail(fmt::format("{}:{}: {}", path, number, added.error()));
  }
  for (auto& [model, index] : out.models_)
    out.build_index(index);
  return out;
}

status<std::string> recorded_replies::add_row(std::string_view line) {
  using nlohmann::json;
  if (rows_.size() >= limits::sim_recorded_rows_max)
    return fail(fmt::format("more than {} rows", limits::sim_recorded_rows_max));
  if (line.size() > limits::dataset_line_bytes_max + limits::reply_text_bytes_max)
    return fail(std::string("the line is too long"));
  const json value = json::parse(line, nullptr, false); // iterative: depth is bounded by the line
  if (value.is_discarded() || !value.is_object())
    return fail(std::string("not a JSON object"));
  for (const auto& [key, unused] : value.items()) {
    if (key != "model" && key != "prompt_contains" && key != "reply" && key != "kind")
      return fail(fmt::format("unknown field '{}'; a row has model, prompt_contains, reply and "
                              "maybe kind",
                              one_line(key, limits::shown_name_chars_max)));
  }
  for (const char* key : {"model", "prompt_contains", "reply"}) {
    const std::string* text = text_field(value, key);
    if (text == nullptr || text->empty())
      return fail(fmt::format("'{}' must be a text that is not empty", key));
  }
  row added{*text_field(value, "prompt_contains"), *text_field(value, "reply"), std::nullopt};
  if (added.reply.size() > limits::reply_text_bytes_max)
    return fail(std::string("the reply is too long"));
  if (value.contains("kind")) {
    const std::string* name = text_field(value, "kind");
    added.kind = name == nullptr ? std::nullopt : kind_named(*name);
    if (!added.kind)
      return fail(std::string("'kind' must be solve, questions, answer or revision"));
  }
  models_[*text_field(value, "model")].rows.push_back(static_cast<std::uint32_t>(rows_.size()));
  rows_.push_back(std::move(added));
  return {};
}

void recorded_replies::build_index(model_index& index) {
  const auto windows_of = [](const std::string& text) {
    const std::size_t last = text.size() - window;
    return std::array<std::size_t, 3>{0, last / 2, last};
  };
  const auto hash_at = [](const std::string& text, std::size_t offset) {
    return window_hash(std::string_view(text).substr(offset, window));
  };
  std::unordered_map<std::uint64_t, std::uint32_t> uses;
  for (const std::uint32_t number : index.rows) {
    const std::string& text = rows_[number].contains;
    if (text.size() < window)
      continue;
    for (const std::size_t offset : windows_of(text))
      ++uses[hash_at(text, offset)];
  }
  index.filter.assign(filter_words, 0);
  for (const std::uint32_t number : index.rows) {
    const std::string& text = rows_[number].contains;
    if (text.size() < window) {
      index.short_rows.push_back(number);
      continue;
    }
    const auto offsets = windows_of(text);
    const std::size_t rarest =
        *std::min_element(offsets.begin(), offsets.end(), [&](std::size_t a, std::size_t b) {
          return uses[hash_at(text, a)] < uses[hash_at(text, b)];
        });
    const std::uint64_t hash = hash_at(text, rarest);
    index.windows[hash].push_back({number, static_cast<std::uint32_t>(rarest)});
    index.filter[filter_bit(hash) / 64] |= std::uint64_t{1} << (filter_bit(hash) % 64);
  }
}

bool recorded_replies::of_kind(const row& candidate, prompt_kind kind) {
  return !candidate.kind || *candidate.kind == kind ||
         (*candidate.kind == prompt_kind::answer && kind == prompt_kind::answer_list);
}

const std::string* recorded_replies::find(std::string_view model, std::string_view prompt,
                                          prompt_kind kind) const {
  const auto found = models_.find(std::string(model));
  if (found == models_.end())
    return nullptr;
  const model_index& index = found->second;
  std::size_t best = rows_.size();
  for (const std::uint32_t number : index.short_rows) {
    if (of_kind(rows_[number], kind) &&
        prompt.find(rows_[number].contains) != std::string_view::npos) {
      best = number;
      break;
    }
  }
  if (prompt.size() < window)
    return best == rows_.size() ? nullptr : &rows_[best].reply;
  constexpr std::uint64_t oldest = power(window - 1);
  std::uint64_t hash = window_hash(prompt.substr(0, window));
  for (std::size_t at = 0;; ++at) {
    const std::uint64_t bit = filter_bit(hash);
    if ((index.filter[bit / 64] >> (bit % 64) & 1U) != 0)
      best = std::min(best, first_at(index, hash, prompt, at, kind));
    if (at + window >= prompt.size())
      break;
    hash = (hash - (static_cast<unsigned char>(prompt[at]) + 1U) * oldest) * radix +
           static_cast<unsigned char>(prompt[at + window]) + 1;
  }
  return best == rows_.size() ? nullptr : &rows_[best].reply;
}

std::size_t recorded_replies::first_at(const model_index& index, std::uint64_t hash,
                                       std::string_view prompt, std::size_t at,
                                       prompt_kind kind) const {
  std::size_t best = rows_.size();
  const auto found = index.windows.find(hash);
  if (found == index.windows.end())
    return best;
  for (const placed& one : found->second) {
    const row& candidate = rows_[one.row];
    if (one.row < best && one.offset <= at && of_kind(candidate, kind) &&
        prompt.substr(at - one.offset).starts_with(candidate.contains))
      best = one.row;
  }
  return best;
}

} // namespace tenbit::sim

// An estimate of how many tokens the cl100k_base vocabulary would cut a text into.
//
// The vocabulary itself is not shipped. The text is split as that tokenizer splits it before
// merging (contractions, letter runs with one leading character, up to three digits, punctuation
// runs, white space), and each piece is charged what such a piece usually costs. Within a few
// percent on English prose and worked arithmetic; an estimate everywhere, and named so wherever it
// is shown. Pure, any bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace tenbit::report {

// log2(100277): bits of one token under a uniform code over that vocabulary.
inline constexpr double cl100k_bits_per_token = 16.613631;

[[nodiscard]] std::uint64_t estimate_cl100k_tokens(std::string_view text);

} // namespace tenbit::report

#include "benchmarks/gsm8k_row.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <simdjson.h>

#include "base/text.hpp"
#include "benchmarks/grading.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

using text_or_error = expected<std::string, std::string>;

text_or_error text_of(const simdjson::dom::object& row, std::string_view key) {
  simdjson::dom::element value;
  if (row.at_key(key).get(value) != simdjson::SUCCESS)
    return fail(fmt::format("\"{}\" is missing (a row has \"question\" and \"answer\")", key));
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS)
    return fail(fmt::format("\"{}\" is not a string (put its value in quotes)", key));
  if (!valid_utf8(text))
    return fail(fmt::format("\"{}\" is not valid UTF-8 (mend its escapes)", key));
  if (trim(text).empty())
    return fail(fmt::format("\"{}\" is empty (remove the row or fill it in)", key));
  if (text.size() > limits::problem_text_bytes_max)
    return fail(fmt::format("\"{}\" has {} bytes, the limit is {} (shorten it)", key, text.size(),
                            limits::problem_text_bytes_max));
  return std::string(text);
}

// The number behind the last "####", on its line.
text_or_error final_answer(std::string_view solution) {
  const auto mark = solution.rfind("####");
  if (mark == std::string_view::npos)
    return fail<std::string>("\"answer\" has no \"#### <number>\" (end it with that line)");
  const auto rest = solution.substr(mark + 4);
  auto answer = extract_answer(rest.substr(0, rest.find('\n')));
  if (!answer)
    return fail(fmt::format("no number behind \"####\" but \"{}\" (write \"#### <number>\")",
                            one_line(rest, limits::shown_name_chars_max)));
  return *std::move(answer);
}

} // namespace

std::string without_calculator_marks(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto open = std::min(text.find("<<"), text.size());
    out.append(text.substr(0, open));
    text.remove_prefix(open);
    const auto close = text.find_first_of(">\n", 2);
    if (text.empty())
      break;
    if (close != std::string_view::npos && text.substr(close).starts_with(">>")) {
      text.remove_prefix(close + 2);
    } else {
      const auto kept =
          std::min(close, text.size()); // no mark: nothing up to here can open another
      out.append(text.substr(0, kept));
      text.remove_prefix(kept);
    }
  }
  return out;
}

expected<gsm8k_row, std::string> parse_gsm8k_row(std::string_view line) {
  if (line.size() > limits::dataset_line_bytes_max)
    return fail(fmt::format("the line has {} bytes, the limit is {} (shorten it)", line.size(),
                            limits::dataset_line_bytes_max));
  if (!valid_utf8(line))
    return fail<std::string>("the line is not valid UTF-8 (save the file as UTF-8)");
  simdjson::dom::parser parser(limits::dataset_line_bytes_max);
  if (parser.allocate(std::max<std::size_t>(line.size(), 1), limits::json_depth_max) !=
      simdjson::SUCCESS)
    return fail<std::string>("no memory to read the line (free some memory)");
  simdjson::dom::element root;
  if (const auto error = parser.parse(simdjson::padded_string(line)).get(root);
      error != simdjson::SUCCESS)
    return fail(fmt::format("not a JSON object: {} (one JSON object per line)",
                            simdjson::error_message(error)));
  simdjson::dom::object row;
  if (root.get(row) != simdjson::SUCCESS)
    return fail<std::string>("JSON, but no object (one JSON object per line)");
  auto question = text_of(row, "question");
  if (!question)
    return fail(std::move(question.error()));
  auto solution = text_of(row, "answer");
  if (!solution)
    return fail(std::move(solution.error()));
  auto answer = final_answer(*solution);
  if (!answer)
    return fail(std::move(answer.error()));
  return gsm8k_row{*std::move(question), without_calculator_marks(*solution), *std::move(answer)};
}

} // namespace tenbit

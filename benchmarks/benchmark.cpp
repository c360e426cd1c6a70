#include "benchmarks/benchmark.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "base/text.hpp"
#include "benchmarks/arith.hpp"
#include "benchmarks/gsm8k_row.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

using loaded = expected<benchmark, std::string>;

// Adds problems and their golds in order, hashing both before the gold is sealed.
class builder {
public:
  explicit builder(std::string name) : content_("benchmark content") {
    out_.name = std::move(name);
    content_.field(out_.name);
  }

  void add(std::string id, std::string question, std::string answer, std::string solution) {
    content_.field(question).field(answer).field(solution);
    out_.problems.push_back({out_.problems.size(), std::move(id), std::move(question)});
    out_.golds.emplace_back(std::move(answer), std::move(solution));
  }

  [[nodiscard]] std::uint64_t size() const { return out_.problems.size(); }

  [[nodiscard]] benchmark finish() {
    out_.content = content_.field(size()).finish();
    return std::move(out_);
  }

private:
  benchmark out_;
  hasher content_;
};

loaded load_arith(const benchmark_spec& spec) {
  if (spec.level < 1 || spec.level > 3)
    return fail(
        fmt::format("benchmark.level = {} is not a level of arith (1, 2 or 3)", spec.level));
  if (spec.count == 0)
    return fail<std::string>(
        "benchmark.count is missing (arith has no end, so say how many problems)");
  if (spec.count > limits::problems_max)
    return fail(fmt::format("benchmark.count = {} is above the limit of {} (lower it)", spec.count,
                            limits::problems_max));
  if (spec.first > UINT64_MAX - spec.count)
    return fail(fmt::format("benchmark.first = {} leaves no room for {} problems (lower it)",
                            spec.first, spec.count));
  builder out("arith");
  for (std::uint64_t number = spec.first; number < spec.first + spec.count; ++number) {
    auto made = arith::generate(spec.seed, spec.level, number);
    auto solution = arith::solution_text(made);
    out.add(fmt::format("arith/{}/{}/{}", spec.level, spec.seed, number), std::move(made.question),
            std::to_string(made.answer), std::move(solution));
  }
  return out.finish();
}

// The lines of a file, one at a time, none longer than the limit.
class line_reader {
public:
  explicit line_reader(const std::string& path)
      : in_(path, std::ios::binary), buffer_(limits::dataset_line_bytes_max + 2) {}

  [[nodiscard]] bool opened() const { return in_.is_open(); }
  // False at the end, and when the file cannot be read or the line is too long.
  bool next() {
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    length_ = static_cast<std::size_t>(in_.gcount());
    too_long_ = in_.fail() && !in_.eof() && !in_.bad();
    if (!in_)
      return false;
    length_ -= in_.eof() ? 0 : 1; // the newline is counted
    ++number_;
    return true;
  }
  // Without its newline, carriage return and, on the first line, byte order mark.
  [[nodiscard]] std::string_view line() const {
    std::string_view text(buffer_.data(), length_);
    if (number_ == 1 && text.starts_with("\xEF\xBB\xBF"))
      text.remove_prefix(3);
    if (text.ends_with('\r'))
      text.remove_suffix(1);
    return text;
  }
  [[nodiscard]] std::uint64_t number() const { return number_; } // from 1
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] bool broken() const { return in_.bad(); }

private:
  std::ifstream in_;
  std::vector<char> buffer_;
  std::size_t length_ = 0;
  std::uint64_t number_ = 0;
  bool too_long_ = false;
};

// How the reading ended, when not well.
expected<void, std::string> check_end(const line_reader& lines, const std::string& file) {
  if (lines.too_long())
    return fail(fmt::format("{}:{}: the line is longer than {} bytes (is this the JSONL file?)",
                            file, lines.number() + 1, limits::dataset_line_bytes_max));
  if (lines.broken())
    return fail(fmt::format("{}:{}: the file cannot be read further (check the disk)", file,
                            lines.number() + 1));
  return {};
}

// The range of the spec against the rows the file has.
expected<void, std::string> check_range(const benchmark_spec& spec, std::uint64_t rows,
                                        const std::string& file) {
  if (rows == 0)
    return fail(fmt::format("{}:1: the file has no problems (one JSON object per line)", file));
  if (spec.first >= rows)
    return fail(fmt::format("{}:{}: benchmark.first = {}, but the file has {} problems (lower it)",
                            file, rows, spec.first, rows));
  if (spec.count > rows - spec.first)
    return fail(fmt::format("{}:{}: benchmark.count = {} from benchmark.first = {}, but the file "
                            "has {} problems (lower it, or leave it out for all)",
                            file, rows, spec.count, spec.first, rows));
  return {};
}

// Every row is checked, also those outside [first, first + count): a damaged file is not half
// right.
loaded load_gsm8k(const benchmark_spec& spec) {
  const std::string file = one_line(spec.file, limits::config_text_bytes_max);
  std::error_code ignored; // a status that cannot be had is no regular file
  if (!std::filesystem::is_regular_file(spec.file, ignored))
    return fail(fmt::format("{}:0: no such file (set benchmark.file to GSM8K's JSONL)", file));
  line_reader lines(spec.file);
  if (!lines.opened())
    return fail(fmt::format("{}:0: the file cannot be opened (check its permissions)", file));
  builder out("gsm8k");
  std::uint64_t rows = 0;
  while (lines.next()) {
    if (trim(lines.line()).empty())
      continue;
    auto row = parse_gsm8k_row(lines.line());
    if (!row)
      return fail(fmt::format("{}:{}: {}", file, lines.number(), row.error()));
    if (rows >= limits::problems_max)
      return fail(fmt::format("{}:{}: more than {} problems (split the file)", file, lines.number(),
                              limits::problems_max));
    if (rows >= spec.first && (spec.count == 0 || rows - spec.first < spec.count))
      out.add(fmt::format("gsm8k/{}", lines.number() - 1), std::move(row->question),
              std::move(row->answer), std::move(row->solution));
    ++rows;
  }
  if (auto end = check_end(lines, file); !end)
    return fail(std::move(end.error()));
  if (auto range = check_range(spec, rows, file); !range)
    return fail(std::move(range.error()));
  return out.finish();
}

} // namespace

expected<benchmark, std::string> load_benchmark(const benchmark_spec& spec) {
  switch (spec.kind) {
  case benchmark_kind::arith:
    return load_arith(spec);
  case benchmark_kind::gsm8k:
    return load_gsm8k(spec);
  }
  TENBIT_ASSERT(false);
}

} // namespace tenbit

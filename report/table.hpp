// A table of short cells, as aligned text or as Markdown.
//
// Values; pure; cells are one line each and already safe to show (one_line()). Widths count code
// points.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit::report {

enum class align { left, right };

struct column {
  std::string title;
  align side = align::right;
};

struct table {
  std::vector<column> columns;
  std::vector<std::vector<std::string>> rows; // each as long as columns
};

inline constexpr std::size_t text_columns_max = 100;

// Lines of at most `columns_max` code points where the first column can be cut that far (to 8 at
// least); what is cut ends in "…". Ends with a newline.
[[nodiscard]] std::string as_text(const table& t, std::size_t columns_max = text_columns_max);
// A pipe table. Characters that Markdown would read are escaped in every cell.
[[nodiscard]] std::string as_markdown(const table& t);
[[nodiscard]] std::string escape_markdown(std::string_view text);

// `text` broken at spaces into lines of at most `columns_max`, each after `indent`.
[[nodiscard]] std::string wrap(std::string_view text, std::string_view indent,
                               std::size_t columns_max = text_columns_max);

} // namespace tenbit::report

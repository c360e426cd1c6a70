// The reference answer of a problem, sealed: only the parties that may know it can open it.
//
// A gold_key can be made by the sender (oracle), the grader and the store's writer alone, so code
// of the receiver (protocols/, task runner) that tries to read gold does not compile.
// tests/protocols/sealing shows it.
#pragma once

#include <string>
#include <utility>

namespace tenbit {

class oracle;
class grader;
class gold_vault;
namespace wire {
class gold_packer;
}

class gold_key {
  gold_key() = default;
  friend class oracle;     // workers/oracle: shows it to the strong model when reference = "gold"
  friend class grader;     // workers/grader: compares final answers with it
  friend class gold_vault; // coordinator/gold_vault: writes it to the store, sealed from all other
                           // readers
  friend class wire::gold_packer; // actors/wire: puts it into frames for oracle and grader
};

class gold {
public:
  gold() = default;
  gold(std::string answer, std::string solution)
      : answer_(std::move(answer)), solution_(std::move(solution)) {}

  // The final answer alone, e.g. "18".
  [[nodiscard]] const std::string& answer(const gold_key&) const { return answer_; }
  // The worked reference solution; may be empty.
  [[nodiscard]] const std::string& solution(const gold_key&) const { return solution_; }

private:
  std::string answer_;
  std::string solution_;
};

} // namespace tenbit

#include "src/rl/problem_status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace gopt {

absl::Status InProblem(const TrainingProblem& problem, const absl::Status& status) {
  if (status.ok()) return status;
  absl::Status named(status.code(), absl::StrCat("problem '", problem.graph, "' on '",
                                                 problem.machine, "': ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view key, const absl::Cord& payload) { named.SetPayload(key, payload); });
  return named;
}

}  // namespace gopt

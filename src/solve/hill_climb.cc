#include "gopt/solve/hill_climb.h"

#include <memory>
#include <string>

#include "gopt/base/status_macros.h"
#include "src/solve/builtin.h"
#include "src/solve/local_search.h"

namespace gopt {
namespace {

class HillClimb final : public Solver {
 public:
  explicit HillClimb(const HillClimbOptions& options) : options_(options) {}

  std::string name() const override { return "hill_climb"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    return SolveByLocalSearch(request, options_.evaluations, {.name = name()});
  }

 private:
  const HillClimbOptions options_;
};

}  // namespace

SolverOr HillClimbFromSpec(const Spec& spec) {
  HillClimbOptions options;
  SpecReader reader(spec);
  reader.Read("evaluations", &options.evaluations);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("hill_climb", options.evaluations));
  return std::make_shared<const HillClimb>(options);
}

}  // namespace gopt

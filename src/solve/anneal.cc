#include "gopt/solve/anneal.h"

#include <memory>
#include <string>

#include "gopt/base/status_macros.h"
#include "src/solve/builtin.h"
#include "src/solve/local_search.h"

namespace gopt {
namespace {

class Anneal final : public Solver {
 public:
  explicit Anneal(const AnnealOptions& options) : options_(options) {}

  std::string name() const override { return "anneal"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    return SolveByLocalSearch(
        request, options_.evaluations,
        {.name = name(), .temperature = options_.temperature, .guided = true});
  }

 private:
  const AnnealOptions options_;
};

}  // namespace

SolverOr AnnealFromSpec(const Spec& spec) {
  AnnealOptions options;
  SpecReader reader(spec);
  reader.Read("evaluations", &options.evaluations);
  reader.Read("temperature", &options.temperature);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("anneal", options.evaluations));
  GOPT_RETURN_IF_ERROR(CheckShareOption("anneal: temperature", options.temperature));
  return std::make_shared<const Anneal>(options);
}

}  // namespace gopt

#ifndef TESTS_TESTING_REFERENCE_SIMULATOR_H_
#define TESTS_TESTING_REFERENCE_SIMULATOR_H_

#include <memory>
#include <string>

#include "gopt/cost/cost_backend.h"
#include "gopt/cost/simulator.h"

namespace gopt::testing {

// The rules of docs/simulator.md written down as plainly as they read: the oracle that the fast
// simulator must equal in every field. Plain containers, no tricks; it shares no code with the
// simulator except the wording of the out-of-memory message. Plans must be legal.
class ReferenceSimulator final : public CostBackend {
 public:
  explicit ReferenceSimulator(SimulatorOptions options = {}) : options_(options) {}
  std::string name() const override { return "reference"; }
  // The evaluator keeps what depends on the kernels alone between plans that share them.
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override;

 private:
  SimulatorOptions options_;
};

// Prices one legal plan.
CostReport ReferencePrice(const Problem& problem, const Plan& plan, SimulatorOptions options = {},
                          const EvaluateOptions& evaluate = {});

}  // namespace gopt::testing

#endif  // TESTS_TESTING_REFERENCE_SIMULATOR_H_

#ifndef GOPT_COST_SIMULATOR_H_
#define GOPT_COST_SIMULATOR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/cost/cost_backend.h"

namespace gopt {

struct SimulatorOptions {
  // Channels carry one tensor at a time. false: every transfer starts at its request.
  bool contention = true;
  // Peak bytes are computed and limits enforced. false: peak_bytes stay 0 and nothing is infeasible
  // for memory.
  bool memory = true;
};

// Discrete-event simulation of one step, exact by the rules of docs/simulator.md.
class GOPT_API Simulator final : public CostBackend {
 public:
  static absl::StatusOr<std::shared_ptr<const Simulator>> Create(SimulatorOptions options = {});

  std::string name() const override;
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override;
  const SimulatorOptions& options() const { return options_; }

 private:
  explicit Simulator(SimulatorOptions options) : options_(options) {}
  SimulatorOptions options_;
};

}  // namespace gopt

#endif  // GOPT_COST_SIMULATOR_H_

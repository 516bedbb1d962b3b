// The cost backends that ship with gopt::core.

#include "gopt/base/check.h"
#include "gopt/base/registry.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/simulator.h"

namespace gopt {
namespace {

absl::StatusOr<std::shared_ptr<const CostBackend>> MakeSimulator(const Spec& spec) {
  SimulatorOptions options;
  SpecReader reader(spec);
  reader.Read("contention", &options.contention);
  reader.Read("memory", &options.memory);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const CostBackend> simulator, Simulator::Create(options));
  return simulator;
}

const Registry<CostBackend>::Entry kBuiltin[] = {
    {"simulator",
     "Discrete-event simulation of one step; contention=true, memory=true (docs/simulator.md).",
     MakeSimulator},
};

}  // namespace

Registry<CostBackend>& CostBackends() {
  static Registry<CostBackend>* const registry = [] {
    auto* result = new Registry<CostBackend>("cost backend");
    for (const auto& entry : kBuiltin) GOPT_CHECK(result->Register(entry).ok());
    return result;
  }();
  return *registry;
}

}  // namespace gopt

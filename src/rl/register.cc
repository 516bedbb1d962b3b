#include "gopt/rl/register.h"

#include <mutex>
#include <utility>

#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/rl/policy_solver.h"
#include "gopt/solve/solver.h"

namespace gopt {
namespace {

using SolverOr = absl::StatusOr<std::shared_ptr<const Solver>>;

absl::StatusOr<std::shared_ptr<const Policy>> LoadPolicy(const std::string& solver,
                                                         const std::string& path) {
  if (path.empty()) {
    return absl::InvalidArgumentError(solver + ": give the policy's file: " + solver +
                                      "(path=policy.gopt)");
  }
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Policy> policy, Policy::Load(path));
  return policy;
}

SolverOr PolicyFromSpec(const Spec& spec) {
  PolicySolverOptions options;
  std::string path;
  SpecReader reader(spec);
  reader.Read("path", &path);
  reader.Read("samples", &options.samples);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.samples < 1) return absl::InvalidArgumentError("policy: samples must be at least 1");
  GOPT_ASSIGN_OR_RETURN(auto policy, LoadPolicy("policy", path));
  return MakePolicySolver(std::move(policy), options);
}

SolverOr GoptFromSpec(const Spec& spec) {
  GoptSolverOptions options;
  std::string path;
  SpecReader reader(spec);
  reader.Read("path", &path);
  reader.Read("samples", &options.samples);
  reader.Read("policy_share", &options.policy_share);
  reader.Read("evaluations", &options.evaluations);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.samples < 1) return absl::InvalidArgumentError("gopt: samples must be at least 1");
  if (options.evaluations < 0) {
    return absl::InvalidArgumentError("gopt: evaluations must not be negative");
  }
  if (!(options.policy_share >= 0 && options.policy_share <= 1)) {
    return absl::InvalidArgumentError("gopt: policy_share must be from 0 to 1");
  }
  GOPT_ASSIGN_OR_RETURN(auto policy, LoadPolicy("gopt", path));
  return MakeGoptSolver(std::move(policy), options);
}

}  // namespace

void RegisterAll() {
  static std::once_flag once;
  std::call_once(once, [] {
    GOPT_CHECK(
        Solvers()
            .Register({"policy", "plans drawn by a learned policy, zero-shot", PolicyFromSpec})
            .ok());
    GOPT_CHECK(
        Solvers()
            .Register({"gopt", "classical plans, a learned policy, then annealing", GoptFromSpec})
            .ok());
  });
}

}  // namespace gopt

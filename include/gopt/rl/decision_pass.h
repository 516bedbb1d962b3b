#ifndef GOPT_RL_DECISION_PASS_H_
#define GOPT_RL_DECISION_PASS_H_

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/nn/kernel_set.h"
#include "gopt/nn/policy_network.h"
#include "gopt/rl/head_actions.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/plan_pool.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// What K samples of one problem decided in all rounds: enough to go through the same pass again
// under other weights.
struct DecisionTrace {
  struct Round {
    DecisionState state;                         // y(t-1) of all samples: one state, or one each.
    std::optional<HeadActions> head[kNumTasks];  // By Task; empty for closed tasks.
    std::vector<std::shared_ptr<const KernelSet>> kernels;  // One for all samples, or one each.
  };
  int64_t samples = 0;
  std::vector<Round> rounds;

  // These samples only, in this order.
  GOPT_API DecisionTrace Select(std::span<const int64_t> chosen) const;
};

struct SampledDecisions {
  DecisionTrace trace;
  std::vector<PlanCandidate> candidates;  // Of the last round, per sample.
  double value = 0.0;  // The value network's of the problem, for all samples; 0: there is none.
};

struct SampleOptions {
  int64_t samples = 16;
  ExplorationOptions exploration;
  bool greedy = false;  // No noise, and the likeliest choices: all samples are equal.
  // The first sample is greedy, the others are not. Training needs this off.
  bool first_greedy = false;
};

// Encodes the problem once and draws K samples of fusion, placement and scheduling. Kernels are
// made by the pool's threads. No gradients. Fails as Fuse does.
GOPT_API absl::StatusOr<SampledDecisions> SampleDecisions(PolicyNetwork network,
                                                          const PolicyProblem& problem,
                                                          const SampleOptions& options,
                                                          const at::Generator& generator,
                                                          PlanPool* pool);

// What the network says now of the heads of a trace.
struct ReplayedHead {
  Task task;
  int round;
  const HeadActions* actions;  // Of the trace.
  HeadOutput output;           // With gradients.
};
struct Replay {
  std::vector<ReplayedHead> heads;
  at::Tensor value;  // [states] of the first round, or undefined.
};
// Goes through the trace's pass again; the trace must outlive the result.
GOPT_API Replay ReplayDecisions(PolicyNetwork network, const PolicyProblem& problem,
                                const DecisionTrace& trace);

}  // namespace gopt

#endif  // GOPT_RL_DECISION_PASS_H_

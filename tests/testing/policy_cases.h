#ifndef GOPT_TESTS_TESTING_POLICY_CASES_H_
#define GOPT_TESTS_TESTING_POLICY_CASES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gopt/cost/cost_backend.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/nn/policy_network.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/solve/plan_pool.h"
#include "gopt/training/config.h"

namespace gopt::testing {

// A problem made ready for a policy, and what prices its plans. Any failure on the way aborts the
// test program. One thread per tensor op from then on.
struct PolicyCase {
  std::shared_ptr<const CostBackend> backend;
  std::unique_ptr<PlanPool> pool;
  std::shared_ptr<const PolicyProblem> problem;

  // The reference is what the solver finds, or a plan.
  explicit PolicyCase(Problem problem, const std::string& solver = "heft");
  PolicyCase(Problem problem, Plan reference);

  SampledDecisions Sample(PolicyNetwork network, SampleOptions options, uint64_t seed = 1) const;
  // The likeliest plan.
  PricedPlan Greedy(PolicyNetwork network) const;
  std::vector<PricedPlan> Price(const std::vector<PlanCandidate>& candidates) const;
};

// Layered ops, each with a time of its own on each kind of device. One source, so that no two
// kernels start at the same time, which would leave their order to the numbers of devices.
std::shared_ptr<const Graph> UnevenGraph(int ops, int width, uint64_t seed);
// Device i of the machine is device order[i] of three (or as many as `order` has) unlike ones, with
// unlike channels between them.
Machine UnevenMachine(const std::vector<int>& order);
Problem UnevenProblem(int ops = 16, uint64_t seed = 1, const std::vector<int>& order = {0, 1, 2});
// A graph that may fuse, on two devices; all tasks open.
Problem FusibleProblem(uint64_t seed = 5);

// Everything small, so that a pass takes a millisecond.
NetworkOptions SmallNetwork(DecoderKind decoder);
// Each option of the network on and off, for both decoders, fusion closed and open.
struct Variant {
  std::string name;
  NetworkOptions network;
  bool fusion = false;
};
std::vector<Variant> Variants();
Problem VariantProblem(const Variant& variant);

PolicyNetwork MakeNetwork(const NetworkOptions& options);
// Adds N(0, scale^2) to every weight, those that begin at zero too.
void Shake(PolicyNetwork network, double scale, uint64_t seed = 3);

}  // namespace gopt::testing

#endif  // GOPT_TESTS_TESTING_POLICY_CASES_H_

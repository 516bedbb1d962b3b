// gopt_bench_constraints: what legal placements cost on a ring of chiplets under the three rules of
// multi-chip modules, and what a constrained evaluation costs.
//
//   gopt_bench_constraints [--ops=2000] [--devices=36] [--graphs=50] [--draws=20]
//                          [--large=80000] [--json=FILE]

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"
#include "gopt/machine/presets.h"
#include "gopt/plan/placement_solver.h"
#include "gopt/plan/problem.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/search_context.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(int, ops, 2'000, "Ops of each graph.");
ABSL_FLAG(int, devices, 36, "Chips of the ring.");
ABSL_FLAG(int, graphs, 50, "Random graphs.");
ABSL_FLAG(int, draws, 20, "Draws and repairs of each graph.");
ABSL_FLAG(int, large, 80'000, "Ops of the large graph; 0: leave it out.");
ABSL_FLAG(std::string, json, "", "Write the numbers to this file.");

namespace gopt {
namespace {

// Processor time of this thread: other programs do not count.
double NowMilliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double MillisecondsSince(double begin) { return NowMilliseconds() - begin; }

// The times of one kind of call.
struct Times {
  std::vector<double> milliseconds;
  int illegal = 0;

  double Median() const {
    std::vector<double> sorted = milliseconds;
    std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
    return sorted[sorted.size() / 2];
  }
  double Largest() const { return *std::max_element(milliseconds.begin(), milliseconds.end()); }
};

absl::StatusOr<Problem> RingProblem(const std::string& spec, int devices, bool constrained) {
  GOPT_ASSIGN_OR_RETURN(Imported imported, SyntheticOrFile(spec));
  GOPT_ASSIGN_OR_RETURN(Machine machine, MachineFromPreset(absl::StrCat("chiplet_ringx", devices)));
  ProblemOptions options;
  options.constraints.forward_only_devices = constrained;
  options.constraints.no_skipped_devices = constrained;
  options.constraints.triangle_free_devices = constrained;
  return Problem::Create(std::move(imported.graph), machine.WithMemoryLimit(int64_t{1} << 50),
                         std::move(options));
}

Plan PlanOf(const Problem& problem, std::vector<DeviceId> device, std::vector<DeviceId> homes) {
  Plan plan;
  plan.kernels = problem.base_kernels();
  plan.device = std::move(device);
  plan.parameter_home = std::move(homes);
  for (KernelId k = 0; k < plan.kernels->size(); ++k) plan.rank.push_back(k);
  return plan;
}

// Every kind of call on one graph, added to the times.
class Bench {
 public:
  enum Call { kCreate, kSample, kFixRandom, kFixMove, kFixLegal, kCalls };
  static constexpr const char* kNames[kCalls] = {"create", "sample", "fix, random devices",
                                                 "fix, one op moved", "fix, legal as it is"};

  absl::Status Run(const Problem& problem, int draws, Random* random) {
    const double begin = NowMilliseconds();
    GOPT_ASSIGN_OR_RETURN(const PlacementSolver solver,
                          PlacementSolver::Create(problem, problem.base_kernels()));
    times_[kCreate].milliseconds.push_back(MillisecondsSince(begin));
    const int devices = problem.machine().num_devices();
    const int kernels = problem.base_kernels()->size();
    for (int i = 0; i < draws; ++i) {
      std::vector<float> probabilities(static_cast<size_t>(kernels) * devices);
      for (float& p : probabilities) p = static_cast<float>(random->Uniform());
      Placement drawn;
      GOPT_RETURN_IF_ERROR(
          Time(problem, kSample, &drawn, [&] { return solver.Sample(probabilities, random); }));
      std::vector<DeviceId> wish(kernels);
      for (DeviceId& d : wish) d = static_cast<DeviceId>(random->Below(devices));
      Placement fixed;
      GOPT_RETURN_IF_ERROR(Time(problem, kFixRandom, &fixed, [&] { return solver.Fix(wish); }));
      wish = drawn.device;
      wish[random->Below(kernels)] = static_cast<DeviceId>(random->Below(devices));
      GOPT_RETURN_IF_ERROR(
          Time(problem, kFixMove, &fixed, [&] { return solver.Fix(wish, drawn.parameter_home); }));
      GOPT_RETURN_IF_ERROR(Time(problem, kFixLegal, &fixed,
                                [&] { return solver.Fix(drawn.device, drawn.parameter_home); }));
    }
    return absl::OkStatus();
  }

  void Print(const std::string& title, nlohmann::json* json) const {
    std::printf(
        "%s\n| call | calls | illegal | median, ms | largest, ms |\n|---|---|---|---|---|\n",
        title.c_str());
    for (int call = 0; call < kCalls; ++call) {
      const Times& times = times_[call];
      std::printf("| %s | %zu | %d | %.3f | %.3f |\n", kNames[call], times.milliseconds.size(),
                  times.illegal, times.Median(), times.Largest());
      (*json)[title][kNames[call]] = {{"calls", times.milliseconds.size()},
                                      {"illegal", times.illegal},
                                      {"median_ms", times.Median()},
                                      {"largest_ms", times.Largest()}};
    }
  }

 private:
  template <typename Function>
  absl::Status Time(const Problem& problem, Call call, Placement* placement, Function function) {
    const double begin = NowMilliseconds();
    GOPT_ASSIGN_OR_RETURN(*placement, function());
    times_[call].milliseconds.push_back(MillisecondsSince(begin));
    const Plan plan = PlanOf(problem, placement->device, placement->parameter_home);
    if (!ValidatePlan(problem, plan).ok()) ++times_[call].illegal;
    return absl::OkStatus();
  }

  Times times_[kCalls];
};

// Milliseconds per evaluation of plans by a search context: legal ones, and legal ones with one op
// moved at random.
absl::Status TimeEvaluations(const Problem& problem, const char* name, nlohmann::json* json) {
  const std::shared_ptr<const Simulator> simulator = *Simulator::Create();
  SolveRequest request;
  request.problem = &problem;
  request.backend = simulator.get();
  GOPT_ASSIGN_OR_RETURN(const auto context, SearchContext::Create(request, "bench"));
  GOPT_ASSIGN_OR_RETURN(const PlacementSolver solver,
                        PlacementSolver::Create(problem, problem.base_kernels()));
  Random random(3);
  const int devices = problem.machine().num_devices();
  const int kernels = problem.base_kernels()->size();
  const std::vector<float> even(static_cast<size_t>(kernels) * devices, 1.0f);
  double legal = 0.0, moved = 0.0;
  constexpr int kPlans = 100;
  for (int i = 0; i < kPlans; ++i) {
    GOPT_ASSIGN_OR_RETURN(Placement drawn, solver.Sample(even, &random));
    Plan plan = PlanOf(problem, std::move(drawn.device), std::move(drawn.parameter_home));
    double begin = NowMilliseconds();
    context->Evaluate(plan);
    legal += MillisecondsSince(begin);
    plan.device[random.Below(kernels)] = static_cast<DeviceId>(random.Below(devices));
    begin = NowMilliseconds();
    context->Evaluate(plan);
    moved += MillisecondsSince(begin);
  }
  std::printf("| %s | %.3f | %.3f |\n", name, legal / kPlans, moved / kPlans);
  (*json)["evaluations"][name] = {{"legal_ms", legal / kPlans}, {"moved_ms", moved / kPlans}};
  return absl::OkStatus();
}

absl::Status Main() {
  const int ops = absl::GetFlag(FLAGS_ops), devices = absl::GetFlag(FLAGS_devices);
  nlohmann::json json;
  Random random(1);
  Bench bench;
  for (int seed = 0; seed < absl::GetFlag(FLAGS_graphs); ++seed) {
    GOPT_ASSIGN_OR_RETURN(
        const Problem problem,
        RingProblem(absl::StrCat("layered(ops=", ops, ",seed=", seed, ")"), devices, true));
    GOPT_RETURN_IF_ERROR(bench.Run(problem, absl::GetFlag(FLAGS_draws), &random));
  }
  bench.Print(absl::StrCat(ops, " ops, ", devices, " chips"), &json);
  if (const int large = absl::GetFlag(FLAGS_large); large > 0) {
    GOPT_ASSIGN_OR_RETURN(const Problem problem,
                          RingProblem(absl::StrCat("layered(ops=", large, ")"), devices, true));
    Bench one;
    GOPT_RETURN_IF_ERROR(one.Run(problem, 3, &random));
    one.Print(absl::StrCat(large, " ops, ", devices, " chips"), &json);
  }
  std::printf("| evaluation | legal, ms | one op moved, ms |\n|---|---|---|\n");
  const std::string spec = absl::StrCat("layered(ops=", ops, ")");
  for (const bool constrained : {false, true}) {
    GOPT_ASSIGN_OR_RETURN(const Problem problem, RingProblem(spec, devices, constrained));
    GOPT_RETURN_IF_ERROR(TimeEvaluations(problem, constrained ? "constrained" : "free", &json));
  }
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    std::ofstream(path) << json.dump(2) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "gopt_bench_constraints: what legal placements cost on a chiplet ring.");
  const absl::Status status = gopt::Main();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

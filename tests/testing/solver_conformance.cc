#include "tests/testing/solver_conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"

namespace gopt::testing {
namespace {

constexpr int64_t kEvaluations = 60;
constexpr int64_t kEvaluationsOfLargeCases = 4;

struct Case {
  std::string name;
  Problem problem;
};

constexpr std::string_view kDiamond =
    "x:input -> a[time=5,bytes=100] -> b[time=7,bytes=200], c[time=3,bytes=50] -> d[time=4];"
    "w:parameter[bytes=100] -> b; d -> y:output";

Machine Devices(int count, int64_t memory = int64_t{1} << 40) {
  return *UniformMachine({.count = count, .memory_bytes = memory, .latency = 2});
}

Problem Make(std::string_view graph, Machine machine, ProblemOptions options = {}) {
  absl::StatusOr<Problem> problem =
      Problem::Create(*ParseGraph(graph), std::move(machine), std::move(options));
  EXPECT_TRUE(problem.ok()) << problem.status();
  return *std::move(problem);
}

OpId Op(const Problem& problem, std::string_view name) {
  for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
    if (problem.graph().op_name(op) == name) return op;
  }
  ADD_FAILURE() << "no op " << name;
  return 0;
}

Problem WithConstraints(const Constraints& constraints, int devices = 3) {
  return Make(kDiamond, Devices(devices), {.constraints = constraints});
}

// Two kinds of devices; only b is measured on the second kind, the rest is priced by flops.
Problem Unequal() {
  Device fast = {.name = "fast",
                 .kind = "device",
                 .memory_bytes = 1 << 20,
                 .peak_flops = 1e12,
                 .memory_bandwidth = 1e12,
                 .launch = 1};
  Device slow = fast;
  slow.name = "slow";
  slow.kind = "cpu";
  slow.peak_flops = 1e9;
  return Make("a[flops=1e3] -> b[flops=5e3], c[flops=2e3] -> d[flops=100]",
              *Machine::Create("mixed", {fast, slow}, {{"there", 1e9, 1}, {"back", 1e9, 1}},
                               {{0, 1, {0}}, {1, 0, {1}}}));
}

// Device 2 cannot be reached.
Problem Islands() {
  std::vector<Device> devices(
      3,
      Device{
          .kind = "device", .memory_bytes = 1 << 20, .peak_flops = 1e12, .memory_bandwidth = 1e12});
  for (int i = 0; i < 3; ++i) devices[i].name = "d" + std::to_string(i);
  return Make(kDiamond, *Machine::Create("islands", devices, {{"there", 1e9, 0}, {"back", 1e9, 0}},
                                         {{0, 1, {0}}, {1, 0, {1}}}));
}

Problem ManyComponents(int count) {
  GraphBuilder builder;
  for (int i = 0; i < count; ++i) {
    const OpId op = builder.AddOp({.name = "op" + std::to_string(i), .type = "op"});
    builder.AddPort(op, {.bytes = 8});
  }
  builder.AddCostTable("test", std::string(kTextDeviceKind), std::vector<Nanoseconds>(count, 3));
  return *Problem::Create(*builder.Build(), Devices(2));
}

Problem ClosedPlacement() {
  const Problem open = Make(kDiamond, Devices(2));
  auto base = std::make_shared<Plan>();
  base->kernels = open.base_kernels();
  base->device = {0, 1, 0, 1};
  base->rank = {0, 1, 2, 3};
  return *Problem::Create(open.shared_graph(), open.machine(),
                          {.tasks = {.placement = false}, .base_plan = base});
}

Problem ClosedSchedule() {
  const Problem open = Make(kDiamond, Devices(2));
  auto base = std::make_shared<Plan>();
  base->kernels = open.base_kernels();
  base->device = {0, 0, 0, 0};
  base->rank = {0, 2, 1, 3};
  base->dispatch = Dispatch::kFifo;
  return *Problem::Create(open.shared_graph(), open.machine(),
                          {.tasks = {.scheduling = false}, .base_plan = base});
}

// The kernels of a base plan for solvers that leave fusion as it is.
Problem WithKernels(std::string_view text, Kernels::Columns columns,
                    const Constraints& rules = {}) {
  const std::shared_ptr<const Graph> graph = *ParseGraph(text);
  auto base = std::make_shared<Plan>();
  base->kernels = *Kernels::Create(graph, std::move(columns));
  base->device.assign(base->kernels->size(), 0);
  base->rank.assign(base->kernels->size(), 0);
  return *Problem::Create(graph, Devices(3), {.constraints = rules, .base_plan = base});
}

// a is in the kernels of both its readers.
Problem CopiesInReaders() {
  return WithKernels(
      "x:input -> a:relu[time=2,bytes=50] -> b:relu[time=3,bytes=50],"
      "c:relu[time=4,bytes=50] -> d[time=4,bytes=9]; d -> y:output",
      {.begin = {0, 2, 4, 5}, .ops = {1, 2, 1, 3, 4}});
}

// f runs again in the backward pass, and must stay apart from the end.
Problem Recomputed() {
  Constraints rules;
  rules.keep_apart = {{{0, 3}, "test"}};
  return WithKernels(
      "f[time=2,bytes=50] -> h[time=3,bytes=40] -> g[time=3,bytes=9,phase=b];"
      "f -> g; g -> e[time=1,phase=b]",
      {.begin = {0, 1, 2, 3, 4, 5},
       .ops = {0, 1, 2, 3, 0},
       .recompute = {0, 0, 0, 0, 1},
       .recomputed_ops = {0}},
      rules);
}

constexpr std::string_view kFusible =
    "x:input -> a:add[dims=8x8,bytes=256,flops=640] -> b:mul[dims=8x8,bytes=256,flops=640],"
    "c:relu[dims=8x8,bytes=256,flops=640] -> d:add[dims=8x8,bytes=256,flops=640] -> "
    "e:relu[dims=8x8,bytes=256,flops=640]; w:parameter[bytes=100] -> b; d -> y:output";

Problem Fusible(Tasks tasks, Constraints constraints = {},
                std::shared_ptr<const Plan> base = nullptr) {
  tasks.fusion = true;
  return Make(
      kFusible, Devices(2),
      {.constraints = std::move(constraints), .tasks = tasks, .base_plan = std::move(base)});
}

// One op alone on device 1; dispatched in any way.
std::shared_ptr<const Plan> BaseOfFusible(Dispatch dispatch) {
  auto base = std::make_shared<Plan>();
  base->kernels = Fusible({}).base_kernels();
  base->device = {0, 0, 1, 0, 0};
  base->rank = {0, 2, 1, 3, 4};
  base->dispatch = dispatch;
  if (dispatch == Dispatch::kSequence) base->sequence = {0, 2, 1, 3, 4};
  return base;
}

std::vector<Case> FusionCases() {
  const Problem plain = Fusible({});
  Constraints constraints;
  constraints.pins = {{Op(plain, "a"), 1, "test"}};
  constraints.colocate = {{{Op(plain, "b"), Op(plain, "e")}, "test"}};
  constraints.never_fuse = {{{Op(plain, "c")}, "test"}};
  const auto priority = BaseOfFusible(Dispatch::kPriority);
  const auto fifo = BaseOfFusible(Dispatch::kFifo);
  const auto sequence = BaseOfFusible(Dispatch::kSequence);
  return {
      {"fusion", plain},
      {"fusion under constraints", Fusible({}, constraints)},
      {"fusion from a base plan", Fusible({}, {}, priority)},
      {"fusion and order", Fusible({.placement = false}, {}, priority)},
      {"fusion and placement", Fusible({.scheduling = false}, {}, fifo)},
      {"fusion alone, by rank", Fusible({.placement = false, .scheduling = false}, {}, priority)},
      {"fusion alone, by age", Fusible({.placement = false, .scheduling = false}, {}, fifo)},
      {"fusion alone, in sequence",
       Fusible({.placement = false, .scheduling = false}, {}, sequence)},
  };
}

std::vector<Case> SolvableCases() {
  const Problem plain = Make(kDiamond, Devices(3));
  const OpId a = Op(plain, "a"), b = Op(plain, "b"), c = Op(plain, "c"), d = Op(plain, "d");
  const OpId w = Op(plain, "w");
  Constraints pins, allowed, together, apart, home;
  pins.pins = {{a, 2, "test"}, {d, 1, "test"}};
  allowed.allowed = {{{a, b, d}, {1, 2}, "test"}};
  together.colocate = {{{a, d}, "test"}, {{b, c}, "test"}};
  apart.keep_apart = {{{a, b, d}, "test"}};
  home.pins = {{w, 2, "test"}};
  return {
      {"diamond", plain},
      {"one device", Make(kDiamond, Devices(1))},
      {"one op", Make("a[time=5]", Devices(2))},
      {"no kernels", Make("w:parameter[bytes=10]; x:input", Devices(2))},
      {"no time", Make("a[time=0,bytes=0] -> b[time=0,bytes=0] -> c[time=0,bytes=0]", Devices(2))},
      {"chain", Make("a[time=2] -> b[time=3] -> c[time=4]; a => c", Devices(2))},
      {"pins", WithConstraints(pins)},
      {"allowed devices", WithConstraints(allowed)},
      {"colocation", WithConstraints(together)},
      {"kept apart", WithConstraints(apart)},
      {"home of a parameter", WithConstraints(home)},
      {"tight memory", Make(kDiamond, Devices(2, 600))},
      {"unequal devices", Unequal()},
      {"many components", ManyComponents(10'000)},
      {"closed placement", ClosedPlacement()},
      {"closed schedule", ClosedSchedule()},
      {"copies in readers", CopiesInReaders()},
      {"recomputed op", Recomputed()},
  };
}

// Rules on pairs of devices: what a solver proposes is repaired before it is priced.
std::vector<Case> ConstrainedCases() {
  Constraints forward, gapless, triangle, chiplets, apart, all;
  forward.forward_only_devices = true;
  gapless.no_skipped_devices = true;
  triangle.triangle_free_devices = true;
  chiplets = forward;
  chiplets.no_skipped_devices = chiplets.triangle_free_devices = true;
  const Problem plain = Make(kDiamond, Devices(3));
  const OpId a = Op(plain, "a"), b = Op(plain, "b"), c = Op(plain, "c"), d = Op(plain, "d");
  apart.keep_apart = {{{a, b}, "test"}, {{b, c}, "test"}, {{c, d}, "test"}, {{d, a}, "test"}};
  all = chiplets;
  all.keep_apart = {{{a, b}, "test"}, {{c, d}, "test"}};
  all.pins = {{c, 0, "test"}};
  return {{"forward-only devices", WithConstraints(forward)},
          {"no skipped devices", WithConstraints(gapless)},
          {"triangle-free devices", WithConstraints(triangle)},
          {"chiplets", WithConstraints(chiplets, 4)},
          {"several kept apart", WithConstraints(apart, 2)},
          {"all rules", WithConstraints(all)},
          {"missing routes", Islands()}};
}

// Three ops in pairs on different devices, of which there are two.
Problem Contradictory() {
  return Make("a -> b -> c", Devices(2),
              {.constraints = {.keep_apart = {{{0, 1}, "x"}, {{1, 2}, "y"}, {{2, 0}, "z"}}}});
}

class Judge {
 public:
  explicit Judge(const Solver& solver) : solver_(solver), simulator_(*Simulator::Create()) {}

  SolveRequest Request(const Problem& problem) const {
    SolveRequest request;
    request.problem = &problem;
    request.backend = simulator_.get();
    request.budget = Budget::Evaluations(
        problem.graph().num_ops() < 1'000 ? kEvaluations : kEvaluationsOfLargeCases);
    request.seed = 7;
    return request;
  }

  void CheckSolution(const Problem& problem, const SolveRequest& request,
                     const Solution& solution) const {
    EXPECT_TRUE(ValidatePlan(problem, solution.plan).ok()) << ValidatePlan(problem, solution.plan);
    const absl::StatusOr<CostReport> again =
        Price(*simulator_, problem, solution.plan, {.start_order = true});
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->ok()) << again->reason;
    EXPECT_EQ(solution.report.step_time, again->step_time);
    EXPECT_EQ(solution.report.start_order, again->start_order);
    EXPECT_LE(solution.bounds.step_time(), solution.report.step_time);
    EXPECT_FALSE(solution.solver.empty());
    EXPECT_GE(solution.evaluations, 1);
    EXPECT_LE(solution.evaluations, request.budget.evaluations);
    ASSERT_FALSE(solution.curve.empty());
    EXPECT_EQ(solution.curve.back().best, solution.report.step_time);
  }

  // Closed decisions are as in the base plan, op by op.
  void CheckClosedTasks(const Problem& problem, const Plan& plan) const {
    const Plan* base = problem.base_plan();
    if (base == nullptr || plan.kernels->has_clones()) return;
    for (const OpId op : problem.graph().kernel_ops()) {
      const KernelId now = plan.kernels->kernel_of(op), before = base->kernels->kernel_of(op);
      if (!problem.tasks().placement) {
        EXPECT_EQ(plan.device[now], base->device[before]);
      }
      if (!problem.tasks().scheduling) {
        EXPECT_LE(plan.rank[now], base->rank[before]);
      }
    }
    if (!problem.tasks().scheduling) {
      EXPECT_EQ(plan.dispatch, base->dispatch);
    }
    if (!problem.tasks().fusion) {
      EXPECT_EQ(plan.kernels, base->kernels);
    }
  }

  void CheckSolves(const Problem& problem) const {
    const SolveRequest request = Request(problem);
    const absl::StatusOr<Solution> solution = solver_.Solve(request);
    ASSERT_TRUE(solution.ok()) << solution.status();
    CheckSolution(problem, request, *solution);
    CheckClosedTasks(problem, solution->plan);
    const absl::StatusOr<Solution> again = solver_.Solve(request);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(solution->plan.kernels->columns().ops, again->plan.kernels->columns().ops);
    EXPECT_EQ(solution->plan.kernels->columns().begin, again->plan.kernels->columns().begin);
    EXPECT_EQ(solution->plan.device, again->plan.device);
    EXPECT_EQ(solution->plan.rank, again->plan.rank);
    EXPECT_EQ(solution->plan.sequence, again->plan.sequence);
    EXPECT_EQ(solution->evaluations, again->evaluations);
  }

  void CheckSaysWhatContradicts() const {
    const Problem problem = Contradictory();
    const absl::Status status = solver_.Solve(Request(problem)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_NE(status.message().find("keep_apart rule 2 (z)"), std::string::npos) << status;
  }

  void CheckBudget() const {
    const Problem problem = Make(kDiamond, Devices(3));
    SolveRequest request = Request(problem);
    request.budget = Budget::Evaluations(1);
    absl::StatusOr<Solution> solution = solver_.Solve(request);
    ASSERT_TRUE(solution.ok()) << solution.status();
    CheckSolution(problem, request, *solution);

    request.budget = {};
    request.budget.deadline = Clock::now() - std::chrono::seconds(1);
    solution = solver_.Solve(request);
    ASSERT_TRUE(solution.ok()) << solution.status();
    EXPECT_LT(solution->seconds, 1.0);

    auto cancel = std::make_shared<CancelToken>();
    cancel->Cancel();
    request.budget = {};
    request.budget.cancel = cancel;
    solution = solver_.Solve(request);
    ASSERT_TRUE(solution.ok()) << solution.status();
    EXPECT_LT(solution->seconds, 1.0);
  }

  void CheckTwoThreads() const {
    const Problem problem = Make(kDiamond, Devices(3));
    const SolveRequest request = Request(problem);
    absl::StatusOr<Solution> solutions[2] = {absl::UnknownError(""), absl::UnknownError("")};
    {
      std::jthread other([&] { solutions[0] = solver_.Solve(request); });
      solutions[1] = solver_.Solve(request);
    }
    ASSERT_TRUE(solutions[0].ok()) << solutions[0].status();
    ASSERT_TRUE(solutions[1].ok()) << solutions[1].status();
    EXPECT_EQ(solutions[0]->plan.device, solutions[1]->plan.device);
    EXPECT_EQ(solutions[0]->plan.rank, solutions[1]->plan.rank);
  }

  void CheckNothingFits() const {
    const Problem problem = Make(kDiamond, Devices(2, 30));
    SolveRequest request = Request(problem);
    EXPECT_EQ(solver_.Solve(request).status().code(), absl::StatusCode::kResourceExhausted);
    request.best_effort = true;
    const absl::StatusOr<Solution> solution = solver_.Solve(request);
    ASSERT_TRUE(solution.ok()) << solution.status();
    EXPECT_EQ(solution->report.outcome, Outcome::kInfeasible);
    EXPECT_TRUE(ValidatePlan(problem, solution->plan).ok());
  }

 private:
  const Solver& solver_;
  std::shared_ptr<const Simulator> simulator_;
};

}  // namespace

void CheckSolverConforms(const Solver& solver) {
  const Judge judge(solver);
  EXPECT_FALSE(solver.name().empty());
  EXPECT_EQ(solver.Solve({}).status().code(), absl::StatusCode::kInvalidArgument);
  for (const Case& c : SolvableCases()) {
    SCOPED_TRACE(c.name);
    judge.CheckSolves(c.problem);
  }
  for (const Case& c : FusionCases()) {
    SCOPED_TRACE(c.name);
    judge.CheckSolves(c.problem);
  }
  for (const Case& c : ConstrainedCases()) {
    SCOPED_TRACE(c.name);
    judge.CheckSolves(c.problem);
  }
  judge.CheckSaysWhatContradicts();
  {
    SCOPED_TRACE("budget");
    judge.CheckBudget();
  }
  {
    SCOPED_TRACE("two threads");
    judge.CheckTwoThreads();
  }
  SCOPED_TRACE("nothing fits");
  judge.CheckNothingFits();
}

}  // namespace gopt::testing

// Fusion, placement and order decided together.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "tests/solve/search_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::RunSearch;

Machine TwoDevices() {
  return *UniformMachine(
      {.memory_bandwidth = 1e10, .launch = 300, .bandwidth = 4e9, .latency = 100});
}

// `ops` elementwise ops of random sizes, each but the first with one or two inputs.
std::string SmallGraph(int ops, Random* random) {
  std::string text;
  for (int i = 0; i < ops; ++i) {
    const std::string n = "n" + std::to_string(i);
    const std::string bytes = std::to_string(1000 * (1 + random->Below(4)));
    text += n + ":add[dims=1000,bytes=4000,flops=1000,scratch=0,read=" + bytes + "];";
    for (int64_t in = random->Below(2); i > 0 && in >= 0; --in) {
      text += "n" + std::to_string(random->Below(i)) + " -> " + n + ";";
    }
  }
  text.pop_back();
  return text;
}

// The best step time over all legal kernels, their places, and their orders as a sequence and as
// priorities. Ranks are positions.
class AllPlans {
 public:
  AllPlans(const Problem& problem, const CostBackend& backend)
      : problem_(problem), evaluator_(*backend.Bind(problem)) {}

  Nanoseconds Best() {
    std::vector<int> label(problem_.graph().num_ops(), 0);
    do {
      if (const auto kernels = KernelsOf(label); kernels != nullptr) ForAllPlaces(kernels);
    } while (NextPartition(&label));
    return best_;
  }

 private:
  // Labels in order of first use: each partition once.
  static bool NextPartition(std::vector<int>* label) {
    for (size_t i = label->size(); i-- > 1;) {
      const int most = *std::max_element(label->begin(), label->begin() + static_cast<int>(i)) + 1;
      if ((*label)[i] < most) {
        ++(*label)[i];
        std::fill(label->begin() + static_cast<int>(i) + 1, label->end(), 0);
        return true;
      }
    }
    return false;
  }

  std::shared_ptr<const Kernels> KernelsOf(const std::vector<int>& label) const {
    Kernels::Columns columns = {.begin = {0}};
    for (int kernel = 0;; ++kernel) {
      for (OpId op = 0; op < problem_.graph().num_ops(); ++op) {
        if (label[op] == kernel) columns.ops.push_back(op);
      }
      if (columns.begin.back() == static_cast<int32_t>(columns.ops.size())) break;
      const std::span<const OpId> ops = std::span(columns.ops).subspan(columns.begin.back());
      if (!CheckFusible(problem_.graph(), ops, problem_.fusion_limits()).ok()) return nullptr;
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    auto kernels = *Kernels::Create(problem_.shared_graph(), columns);
    return KernelGraph::Create(*kernels, {}).ok() ? kernels : nullptr;
  }

  void ForAllPlaces(std::shared_ptr<const Kernels> kernels) {
    Plan plan;
    plan.kernels = std::move(kernels);
    const int count = plan.kernels->size();
    for (int places = 0; places < 1 << (count - 1); ++places) {  // Devices are alike.
      plan.device.clear();
      for (int k = 0; k < count; ++k) plan.device.push_back(places >> k & 1);
      ForAllOrders(&plan);
    }
  }

  void ForAllOrders(Plan* plan) {
    std::vector<KernelId> order(plan->kernels->size());
    std::iota(order.begin(), order.end(), 0);
    plan->rank.resize(order.size());
    do {
      for (size_t i = 0; i < order.size(); ++i) plan->rank[order[i]] = static_cast<int32_t>(i);
      plan->sequence = order;
      for (const Dispatch dispatch : {Dispatch::kPriority, Dispatch::kSequence}) {
        plan->dispatch = dispatch;
        CostReport report;
        evaluator_->Evaluate({plan, 1}, {}, {&report, 1});
        if (report.ok()) best_ = std::min(best_, report.step_time);
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }

  const Problem& problem_;
  const std::unique_ptr<Evaluator> evaluator_;
  Nanoseconds best_ = kSaturated;
};

TEST(JointSearchTest, FindsTheBestOfAllPlansOfSmallGraphs) {
  const auto simulator = *Simulator::Create();
  Random random(11);
  for (int i = 0; i < 6; ++i) {
    const Problem problem = *Problem::Create(*ParseGraph(SmallGraph(5, &random)), TwoDevices(),
                                             {.tasks = {.fusion = true}});
    const Nanoseconds best = AllPlans(problem, *simulator).Best();
    EXPECT_LE(RunSearch(problem, "anneal", 3'000).report.step_time, best) << i;
    EXPECT_LE(RunSearch(problem, "evolve", 3'000).report.step_time, best) << i;
  }
}

TEST(JointSearchTest, IsNoWorseThanFusionClosed) {
  Random random(5);
  const std::string text = SmallGraph(60, &random);
  const Problem closed = *Problem::Create(*ParseGraph(text), TwoDevices());
  const Problem open =
      *Problem::Create(*ParseGraph(text), TwoDevices(), {.tasks = {.fusion = true}});
  for (const char* solver : {"heft", "portfolio", "anneal", "evolve", "brkga", "hill_climb"}) {
    SCOPED_TRACE(solver);
    EXPECT_LT(RunSearch(open, solver, 1'000).report.step_time,
              RunSearch(closed, solver, 1'000).report.step_time);
  }
}

TEST(JointSearchTest, FusionAloneKeepsDevicesAndOrder) {
  Random random(5);
  const Problem open = *Problem::Create(*ParseGraph(SmallGraph(40, &random)), TwoDevices());
  for (const Dispatch dispatch : {Dispatch::kFifo, Dispatch::kPriority, Dispatch::kSequence}) {
    auto base = std::make_shared<Plan>();
    base->kernels = open.base_kernels();
    base->dispatch = dispatch;
    for (KernelId k = 0; k < base->kernels->size(); ++k) {
      base->device.push_back(static_cast<DeviceId>(random.Below(2)));
      base->rank.push_back(k);
      if (dispatch == Dispatch::kSequence) base->sequence.push_back(k);
    }
    const Problem problem = *Problem::Create(
        open.shared_graph(), open.machine(),
        {.tasks = {.fusion = true, .placement = false, .scheduling = false}, .base_plan = base});
    const Solution solution = RunSearch(problem, "anneal", 500);
    const Plan& plan = solution.plan;
    EXPECT_LT(plan.kernels->size(), base->kernels->size());
    EXPECT_EQ(plan.dispatch, dispatch);
    for (KernelId k = 0; k < plan.kernels->size(); ++k) {
      for (const OpId op : plan.kernels->ops(k)) {
        EXPECT_EQ(plan.device[k], base->device[base->kernels->kernel_of(op)]);
        EXPECT_LE(plan.rank[k], base->rank[base->kernels->kernel_of(op)]);
      }
    }
  }
}

TEST(JointSearchTest, AStartPlanWithKernelsOfItsOwnIsAStart) {
  Random random(5);
  const Problem problem = *Problem::Create(*ParseGraph(SmallGraph(40, &random)), TwoDevices(),
                                           {.tasks = {.fusion = true}});
  const auto simulator = *Simulator::Create();
  SolveRequest request = {.problem = &problem, .backend = simulator.get()};
  request.budget = Budget::Evaluations(2'000);
  const Solution best = RunSearch(problem, "anneal", 2'000);
  request.start_plans = {best.plan};
  for (const char* solver : {"anneal", "evolve", "brkga", "hill_climb"}) {
    request.budget = Budget::Evaluations(20);
    const auto solution = (*Solvers().Create(solver))->Solve(request);
    ASSERT_OK(solution);
    EXPECT_LE(solution->report.step_time, best.report.step_time) << solver;
  }
}

}  // namespace
}  // namespace gopt

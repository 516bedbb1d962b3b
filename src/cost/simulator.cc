#include "gopt/cost/simulator.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/plan/validate.h"
#include "src/cost/compiled_cache.h"
#include "src/cost/compiled_kernels.h"
#include "src/cost/memory_accounting.h"
#include "src/cost/plan_checks.h"
#include "src/cost/simulation.h"
#include "src/cost/simulation_report.h"

namespace gopt {
namespace {

class SimulatorEvaluator final : public Evaluator {
 public:
  SimulatorEvaluator(const Problem& problem, const SimulatorOptions& options)
      : problem_(problem),
        options_(options),
        costs_(problem_),
        simulation_(problem_, costs_, options.contention),
        memory_(problem_) {}

  void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                std::span<CostReport> reports) override {
    GOPT_CHECK(plans.size() == reports.size());
    for (size_t i = 0; i < plans.size(); ++i) Price(plans[i], options, &reports[i]);
  }

  const OpCostModel* op_costs() const override { return &costs_; }

 private:
  void Price(const Plan& plan, const EvaluateOptions& options, CostReport* report) {
    Clear(report);
    std::string fault = checks_.Check(problem_, plan);
    if (fault.empty()) fault = Compile(plan);
    if (fault.empty()) fault = ChooseHomes(plan);
    if (fault.empty()) {
      const bool record = options_.memory || options.timeline || options.critical_chain;
      fault = simulation_.Run(*compiled_, plan, homes_, record);
    }
    if (!fault.empty()) {
      report->outcome = Outcome::kInfeasible;
      report->reason = absl::StrCat("illegal plan: ", fault);
      return;
    }
    report->outcome = Outcome::kOk;
    FillTotals(plan, report);
    if (options.start_order) FillStartOrder(simulation_, plan, report);
    if (options.timeline) FillTimeline(*compiled_, simulation_, problem_, plan, report);
    if (options.critical_chain) FillCriticalChain(*compiled_, simulation_, plan, report);
    if (options.timeline) report->memory_samples.resize(problem_.machine().num_devices());
    if (options_.memory) FillMemory(plan, options, report);
  }

  // Keeps the vectors' memory.
  void Clear(CostReport* report) const {
    report->outcome = Outcome::kFailed;
    report->reason.clear();
    report->step_time = 0;
    report->samples.clear();
    report->busy.assign(problem_.machine().num_devices(), 0);
    report->peak_bytes.assign(problem_.machine().num_devices(), 0);
    report->bytes_over_limit = 0;
    report->transfers = report->transfer_bytes = 0;
    report->unknown_flops_ops = report->unmodelled_collectives = 0;
    report->start_order.clear();
    report->kernel_spans.clear();
    report->transfer_spans.clear();
    report->memory_samples.clear();
    report->critical_chain.clear();
  }

  std::string Compile(const Plan& plan) {
    const absl::StatusOr<const CompiledKernels*> compiled = cache_.Get(plan);
    if (!compiled.ok()) return std::string(compiled.status().message());
    compiled_ = *compiled;
    return "";
  }

  std::string ChooseHomes(const Plan& plan) {
    if (problem_.graph().parameters().empty()) return "";
    homes_ = ParameterHomes(problem_.graph(), plan);
    return CheckHomes(problem_, plan, homes_);
  }

  void FillTotals(const Plan& plan, CostReport* report) const {
    report->step_time = simulation_.makespan();
    report->busy.assign(simulation_.busy().begin(), simulation_.busy().end());
    report->transfers = simulation_.num_transfers();
    report->transfer_bytes = simulation_.transfer_bytes();
    report->unmodelled_collectives = compiled_->collectives;
    report->unknown_flops_ops = compiled_->unknown_flops_everywhere;
    for (const auto& [kernel, op] : compiled_->unknown_flops_somewhere) {
      if (!costs_.IsMeasured(op, costs_.device_class(plan.device[kernel]))) {
        ++report->unknown_flops_ops;
      }
    }
  }

  void FillMemory(const Plan& plan, const EvaluateOptions& options, CostReport* report) {
    memory_.Run(*compiled_, simulation_, plan, homes_, options.timeline, report);
    DeviceId worst = kNone;
    int64_t worst_excess = 0;
    for (DeviceId device = 0; device < problem_.machine().num_devices(); ++device) {
      const int64_t excess = report->peak_bytes[device] - problem_.memory_limit(device);
      if (excess <= 0) continue;
      report->bytes_over_limit = SaturatingAdd(report->bytes_over_limit, excess);
      if (excess <= worst_excess) continue;
      worst = device;
      worst_excess = excess;
    }
    if (worst == kNone) return;
    report->outcome = Outcome::kInfeasible;
    report->reason = DescribeOutOfMemory(
        problem_.graph(), worst, problem_.machine().device(worst).name, report->peak_bytes[worst],
        problem_.memory_limit(worst), memory_.LiveAtPeak(worst));
  }

  const Problem problem_;
  const SimulatorOptions options_;
  const RooflineCostModel costs_;
  CompiledCache cache_{problem_, costs_};
  const CompiledKernels* compiled_ = nullptr;  // The plan's in hand.
  std::vector<DeviceId> homes_;
  PlanChecks checks_;
  Simulation simulation_;
  MemoryAccounting memory_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Simulator>> Simulator::Create(SimulatorOptions options) {
  return std::shared_ptr<const Simulator>(new Simulator(options));
}

std::string Simulator::name() const { return "simulator"; }

absl::StatusOr<std::unique_ptr<Evaluator>> Simulator::Bind(const Problem& problem) const {
  return std::make_unique<SimulatorEvaluator>(problem, options_);
}

}  // namespace gopt

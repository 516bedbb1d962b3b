#include "tests/testing/reference_simulator.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "gopt/base/check.h"
#include "tests/testing/reference_costs.h"
#include "tests/testing/reference_memory.h"
#include "tests/testing/reference_run.h"

namespace gopt::testing {
namespace {

// From the last finish backwards: a dependency, a transfer, or the previous kernel on the device.
class ChainWalker {
 public:
  ChainWalker(const Plan& plan, const Reads& reads, const ReferenceRun& run)
      : plan_(plan), reads_(reads), run_(run), previous_(plan.kernels->size(), kNone) {
    for (const auto& order : run.order()) {
      for (size_t i = 1; i < order.size(); ++i) previous_[order[i]] = order[i - 1];
    }
    for (const ReferenceTransfer& transfer : run.transfers()) {
      transfers_[{transfer.tensor, transfer.span.to}] = &transfer;
    }
  }

  std::vector<CriticalStep> Walk() {
    std::vector<CriticalStep> chain;
    KernelId kernel = LastKernel();
    while (kernel != kNone) {
      const Nanoseconds start = run_.start()[kernel];
      if (start == 0) {
        chain.push_back({kernel, CriticalStep::Reason::kStart, kNone});
        break;
      }
      const ReferenceTransfer* parameter = nullptr;
      chain.push_back(Cause(kernel, start, &parameter));
      kernel = chain.back().cause;
      if (parameter == nullptr || parameter->span.request == 0) continue;
      // A parameter: go on with what its first reader waited for before it asked.
      const ReferenceTransfer* none = nullptr;
      kernel = Cause(parameter->requester, parameter->span.request, &none).cause;
    }
    std::reverse(chain.begin(), chain.end());
    return chain;
  }

 private:
  KernelId LastKernel() const {
    for (KernelId kernel = 0; kernel < plan_.kernels->size(); ++kernel) {
      if (run_.end()[kernel] == run_.makespan()) return kernel;
    }
    return kNone;
  }

  // What came for the kernel just then.
  CriticalStep Cause(KernelId kernel, Nanoseconds then, const ReferenceTransfer** parameter) const {
    for (const Tensor& tensor : reads_.inputs[kernel]) {
      if (tensor.source == kNone || run_.IsRemote(tensor, kernel)) continue;
      if (run_.end()[tensor.source] == then) {
        return {kernel, CriticalStep::Reason::kDependency, tensor.source};
      }
    }
    for (KernelId source : reads_.controls[kernel]) {
      if (run_.end()[source] == then) return {kernel, CriticalStep::Reason::kDependency, source};
    }
    for (const bool parameters : {false, true}) {
      for (const Tensor& tensor : reads_.inputs[kernel]) {
        if ((tensor.source == kNone) != parameters || !run_.IsRemote(tensor, kernel)) continue;
        const ReferenceTransfer* transfer = transfers_.at({tensor, plan_.device[kernel]});
        if (transfer->span.arrival != then) continue;
        if (parameters) *parameter = transfer;
        return {kernel, CriticalStep::Reason::kTransfer, tensor.source};
      }
    }
    GOPT_CHECK(previous_[kernel] != kNone && run_.end()[previous_[kernel]] == then);
    return {kernel, CriticalStep::Reason::kDevice, previous_[kernel]};
  }

  const Plan& plan_;
  const Reads& reads_;
  const ReferenceRun& run_;
  std::vector<KernelId> previous_;  // On the same device.
  std::map<std::pair<Tensor, DeviceId>, const ReferenceTransfer*> transfers_;
};

class ReferenceEvaluator final : public Evaluator {
 public:
  ReferenceEvaluator(const Problem& problem, SimulatorOptions options)
      : problem_(problem), options_(options) {}

  void Evaluate(std::span<const Plan> plans, const EvaluateOptions& evaluate,
                std::span<CostReport> reports) override {
    for (size_t i = 0; i < plans.size(); ++i) reports[i] = Price(plans[i], evaluate);
  }

 private:
  CostReport Price(const Plan& plan, const EvaluateOptions& evaluate) {
    Prepare(plan);
    const std::vector<DeviceId> homes = ReferenceHomes(plan);
    std::vector<Nanoseconds> duration;
    for (KernelId kernel = 0; kernel < plan.kernels->size(); ++kernel) {
      duration.push_back(KernelTime(kernel, plan.device[kernel]));
    }
    ReferenceRun run(problem_, plan, reads_, homes, duration, options_.contention);
    run.Execute();

    CostReport report;
    report.outcome = Outcome::kOk;
    report.step_time = run.makespan();
    FillTotals(plan, duration, run, &report);
    if (evaluate.start_order) FillStartOrder(run, &report);
    if (evaluate.timeline) FillTimeline(plan, run, &report);
    if (evaluate.critical_chain) report.critical_chain = ChainWalker(plan, reads_, run).Walk();
    report.peak_bytes.assign(problem_.machine().num_devices(), 0);
    if (evaluate.timeline) report.memory_samples.resize(problem_.machine().num_devices());
    if (options_.memory) FillMemory(plan, homes, run, evaluate, &report);
    return report;
  }

  // What depends on the kernels alone is kept.
  void Prepare(const Plan& plan) {
    if (plan.kernels == kernels_ && !plan.kernels->has_clones()) return;
    kernels_ = plan.kernels;
    reads_ = ResolveReads(*kernels_, plan.device);
    time_.assign(kernels_->size(), std::vector<Nanoseconds>(problem_.machine().num_devices(), -1));
  }

  Nanoseconds KernelTime(KernelId kernel, DeviceId device) {
    Nanoseconds& time = time_[kernel][device];
    if (time == -1) time = ReferenceKernelTime(problem_, *kernels_, reads_, kernel, device);
    return time;
  }

  void FillTotals(const Plan& plan, const std::vector<Nanoseconds>& duration,
                  const ReferenceRun& run, CostReport* report) const {
    const Graph& graph = problem_.graph();
    report->busy.assign(problem_.machine().num_devices(), 0);
    for (KernelId kernel = 0; kernel < kernels_->size(); ++kernel) {
      const DeviceId device = plan.device[kernel];
      report->busy[device] = SaturatingAdd(report->busy[device], duration[kernel]);
      for (OpId op : kernels_->ops(kernel)) {
        if (graph.kind(op) == OpKind::kCollective) ++report->unmodelled_collectives;
        const bool measured = graph.MeasuredTime(op, problem_.machine().device(device).kind) != -1;
        if (graph.flops(op) < 0 && !measured) ++report->unknown_flops_ops;
      }
    }
    report->transfers = static_cast<int64_t>(run.transfers().size());
    for (const ReferenceTransfer& transfer : run.transfers()) {
      report->transfer_bytes = SaturatingAdd(report->transfer_bytes, transfer.span.bytes);
    }
  }

  // By start time, then device, then as they started there.
  static void FillStartOrder(const ReferenceRun& run, CostReport* report) {
    std::vector<std::tuple<Nanoseconds, size_t, size_t>> starts;
    for (size_t device = 0; device < run.order().size(); ++device) {
      for (size_t i = 0; i < run.order()[device].size(); ++i) {
        starts.emplace_back(run.start()[run.order()[device][i]], device, i);
      }
    }
    std::sort(starts.begin(), starts.end());
    for (const auto& [start, device, i] : starts) {
      report->start_order.push_back(run.order()[device][i]);
    }
  }

  static void FillTimeline(const Plan& plan, const ReferenceRun& run, CostReport* report) {
    for (KernelId kernel = 0; kernel < plan.kernels->size(); ++kernel) {
      report->kernel_spans.push_back(
          {kernel, plan.device[kernel], run.start()[kernel], run.end()[kernel]});
    }
    for (const ReferenceTransfer& transfer : run.transfers()) {
      report->transfer_spans.push_back(transfer.span);
    }
  }

  void FillMemory(const Plan& plan, const std::vector<DeviceId>& homes, const ReferenceRun& run,
                  const EvaluateOptions& evaluate, CostReport* report) const {
    const std::vector<std::vector<MemoryInterval>> intervals =
        MemoryIntervals(problem_, plan, reads_, homes, run);
    DeviceId worst = kNone;
    int64_t worst_excess = 0;
    Nanoseconds worst_time = 0;
    for (DeviceId device = 0; device < problem_.machine().num_devices(); ++device) {
      const std::vector<MemorySample> samples = SweepMemory(intervals[device]);
      MemorySample peak = samples.front();  // The first of the largest.
      for (const MemorySample& sample : samples) {
        if (sample.bytes > peak.bytes) peak = sample;
      }
      report->peak_bytes[device] = peak.bytes;
      if (evaluate.timeline) report->memory_samples[device] = samples;
      const int64_t excess = peak.bytes - problem_.memory_limit(device);
      if (excess <= 0) continue;
      report->bytes_over_limit = SaturatingAdd(report->bytes_over_limit, excess);
      if (excess <= worst_excess) continue;
      worst = device;
      worst_excess = excess;
      worst_time = peak.time;
    }
    if (worst == kNone) return;
    std::vector<LiveTensor> live;
    for (const MemoryInterval& interval : intervals[worst]) {
      if (interval.start <= worst_time && worst_time < interval.end) {
        live.push_back(interval.tensor);
      }
    }
    report->outcome = Outcome::kInfeasible;
    report->reason = DescribeOutOfMemory(
        problem_.graph(), worst, problem_.machine().device(worst).name, report->peak_bytes[worst],
        problem_.memory_limit(worst), std::move(live));
  }

  const Problem problem_;
  const SimulatorOptions options_;
  std::shared_ptr<const Kernels> kernels_;
  Reads reads_;
  std::vector<std::vector<Nanoseconds>> time_;  // [kernel][device], -1: not asked yet.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Evaluator>> ReferenceSimulator::Bind(const Problem& problem) const {
  return std::make_unique<ReferenceEvaluator>(problem, options_);
}

CostReport ReferencePrice(const Problem& problem, const Plan& plan, SimulatorOptions options,
                          const EvaluateOptions& evaluate) {
  CostReport report;
  ReferenceEvaluator(problem, options).Evaluate({&plan, 1}, evaluate, {&report, 1});
  return report;
}

}  // namespace gopt::testing

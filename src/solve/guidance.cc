#include "gopt/solve/guidance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/list_decoder.h"
#include "src/solve/carry.h"
#include "src/solve/classical_plans.h"
#include "src/solve/plan_completer.h"
#include "src/solve/rank_sort.h"

namespace gopt {
namespace {

absl::Status CheckSize(std::string_view field, size_t size, size_t expected,
                       std::string_view what) {
  if (size == 0 || size == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("guidance: ", size, " entries of ",
                                                 std::string(field), " for ", expected, " ",
                                                 std::string(what)));
}

// The list decoder subtracts multiples of it from times: what is not finite would hide devices.
float FiniteStickiness(float value) {
  if (std::isnan(value)) return 0.0f;
  constexpr float kLargest = std::numeric_limits<float>::max();
  return std::clamp(value, -kLargest, kLargest);
}

DeviceId NearestAllowed(std::span<const DeviceId> allowed, DeviceId wish) {
  const auto above = std::lower_bound(allowed.begin(), allowed.end(), wish);
  if (above == allowed.end()) return allowed.back();
  if (above == allowed.begin() || *above == wish) return *above;
  const DeviceId below = *(above - 1);
  return int64_t{wish} - below <= int64_t{*above} - wish ? below : *above;
}

}  // namespace

absl::Status CheckGuidance(const TaskGraph& tasks, const Guidance& guidance) {
  const auto kernels = static_cast<size_t>(tasks.num_tasks());
  GOPT_RETURN_IF_ERROR(CheckSize("priority", guidance.priority.size(), kernels, "kernels"));
  GOPT_RETURN_IF_ERROR(CheckSize("device", guidance.device.size(), kernels, "kernels"));
  return CheckSize("stickiness", guidance.stickiness.size(), tasks.kernel_graph().inputs.size(),
                   "tensors that kernels read");
}

class GuidanceDecoder::Impl {
 public:
  Impl(std::shared_ptr<const TaskGraph> tasks, Kind kind) : tasks_(std::move(tasks)), kind_(kind) {
    GOPT_CHECK(tasks_ != nullptr);
    const Problem& problem = tasks_->problem();
    const bool has_base = problem.base_plan() != nullptr;
    placement_is_open_ = problem.tasks().placement || !has_base;
    scheduling_is_open_ = problem.tasks().scheduling || !has_base;
    if (kind == Kind::kList && placement_is_open_) {
      list_decoder_ = std::make_unique<ListDecoder>(*tasks_);
    }
    if (placement_is_open_ && scheduling_is_open_) return;
    base_.kernels = tasks_->kernels();
    base_.device.assign(tasks_->num_tasks(), 0);
    UseBasePlan(problem, &base_);
    if (!scheduling_is_open_) base_order_rank_ = RankBaseOrder();
  }

  absl::Status Decode(const Guidance& guidance, Plan* plan) {
    GOPT_RETURN_IF_ERROR(CheckGuidance(*tasks_, guidance));
    if (list_decoder_ != nullptr) {
      DecodeList(guidance, plan);
    } else {
      DecodeDirect(guidance, plan);
    }
    if (scheduling_is_open_) return absl::OkStatus();
    plan->rank = base_.rank;
    plan->dispatch = base_.dispatch;
    plan->sequence = base_.sequence;
    return absl::OkStatus();
  }

  const TaskGraph& tasks() const { return *tasks_; }
  Kind kind() const { return kind_; }

 private:
  // Distinct ranks in the order that the base plan asks for.
  std::vector<int32_t> RankBaseOrder() const {
    if (base_.dispatch == Dispatch::kSequence) return RanksOfOrder(base_.sequence);
    std::vector<double> priority(base_.rank.size());
    std::transform(base_.rank.begin(), base_.rank.end(), priority.begin(),
                   [](int32_t rank) { return -static_cast<double>(rank); });
    return RanksByPriority(priority);
  }

  std::span<const double> Priority(const Guidance& guidance) {
    if (!guidance.priority.empty()) return guidance.priority;
    equal_priority_.resize(tasks_->num_tasks());
    return equal_priority_;
  }

  std::span<const float> Stickiness(const Guidance& guidance) {
    const std::vector<float>& given = guidance.stickiness;
    if (std::all_of(given.begin(), given.end(), [](float x) { return std::isfinite(x); })) {
      return given;
    }
    stickiness_.resize(given.size());
    std::transform(given.begin(), given.end(), stickiness_.begin(), FiniteStickiness);
    return stickiness_;
  }

  void DecodeList(const Guidance& guidance, Plan* plan) {
    if (scheduling_is_open_) {
      list_decoder_->Decode(Priority(guidance), Stickiness(guidance), plan);
    } else {
      list_decoder_->DecodeRanks(base_order_rank_, Stickiness(guidance), plan);
    }
  }

  // Also of the list decoder where placement is closed: priorities then decide the ranks alone.
  void DecodeDirect(const Guidance& guidance, Plan* plan) {
    if (plan->kernels != tasks_->kernels()) plan->kernels = tasks_->kernels();
    plan->dispatch = Dispatch::kPriority;
    plan->sequence.clear();
    if (scheduling_is_open_) sorter_.Sort(Priority(guidance), &plan->rank);
    plan->parameter_home.clear();
    if (placement_is_open_) {
      ChooseDevices(guidance.device, &plan->device);
    } else {
      plan->device = base_.device;
      plan->parameter_home = base_.parameter_home;
    }
  }

  void ChooseDevices(std::span<const DeviceId> wish, std::vector<DeviceId>* device) const {
    device->resize(tasks_->num_tasks());
    for (KernelId task = 0; task < tasks_->num_tasks(); ++task) {
      const int32_t group = tasks_->group(task);
      const KernelId leader = group == kNone ? task : tasks_->group_tasks(group).front();
      (*device)[task] = NearestAllowed(tasks_->allowed(task), wish.empty() ? kNone : wish[leader]);
    }
  }

  const std::shared_ptr<const TaskGraph> tasks_;
  const Kind kind_;
  bool placement_is_open_ = true, scheduling_is_open_ = true;
  std::unique_ptr<ListDecoder> list_decoder_;  // Null: devices are given, or the base plan's.
  Plan base_;                                  // Closed tasks, for these kernels.
  std::vector<int32_t> base_order_rank_;       // Where scheduling is closed.
  RankSorter sorter_;
  std::vector<double> equal_priority_;
  std::vector<float> stickiness_;  // Made finite.
};

GuidanceDecoder::GuidanceDecoder(std::shared_ptr<const TaskGraph> tasks, Kind kind)
    : impl_(std::make_unique<Impl>(std::move(tasks), kind)) {}
GuidanceDecoder::~GuidanceDecoder() = default;
GuidanceDecoder::GuidanceDecoder(GuidanceDecoder&&) noexcept = default;
GuidanceDecoder& GuidanceDecoder::operator=(GuidanceDecoder&&) noexcept = default;

absl::Status GuidanceDecoder::Decode(const Guidance& guidance, Plan* plan) {
  return impl_->Decode(guidance, plan);
}

const TaskGraph& GuidanceDecoder::tasks() const { return impl_->tasks(); }
GuidanceDecoder::Kind GuidanceDecoder::kind() const { return impl_->kind(); }

namespace {

// By kernel id, each once, nothing before the start; the last start is above 0.
bool HasStarts(const CostReport& report, size_t kernels) {
  if (report.kernel_spans.size() != kernels) return false;
  Nanoseconds last = 0;
  for (size_t k = 0; k < kernels; ++k) {
    const KernelSpan& span = report.kernel_spans[k];
    if (span.kernel != static_cast<KernelId>(k) || span.start < 0) return false;
    last = std::max(last, span.start);
  }
  return last > 0 && last <= report.step_time;
}

// First to last, ties as in CostReport::start_order.
std::vector<KernelId> OrderOfSpans(const std::vector<KernelSpan>& spans) {
  std::vector<KernelId> order(spans.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](KernelId a, KernelId b) {
    return std::pair(spans[a].start, spans[a].device) < std::pair(spans[b].start, spans[b].device);
  });
  return order;
}

bool IsInStartOrder(std::span<const KernelId> order, const std::vector<KernelSpan>& spans) {
  return std::is_sorted(order.begin(), order.end(),
                        [&](KernelId a, KernelId b) { return spans[a].start < spans[b].start; });
}

// Per kernel of the plan.
std::vector<double> KernelPriorities(const Plan& plan, const CostReport& report) {
  const size_t kernels = plan.rank.size();
  const std::vector<KernelSpan>& spans = report.kernel_spans;
  const bool has_starts = HasStarts(report, kernels);
  std::vector<KernelId> order = StartOrder(plan, report);
  if (has_starts && !(order == report.start_order && IsInStartOrder(order, spans))) {
    order = OrderOfSpans(spans);
  }
  std::vector<double> priority(kernels);
  double last = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < kernels; ++i) {
    const double exact = has_starts ? -static_cast<double>(spans[order[i]].start) /
                                          static_cast<double>(report.step_time)
                                    : -static_cast<double>(i) / static_cast<double>(kernels);
    last = std::min(exact, std::nextafter(last, -std::numeric_limits<double>::infinity()));
    priority[order[i]] = last;
  }
  return priority;
}

}  // namespace

std::vector<double> PrioritiesOf(const TaskGraph& tasks, const Plan& plan,
                                 const CostReport& report) {
  GOPT_CHECK(plan.kernels != nullptr &&
             plan.rank.size() == static_cast<size_t>(plan.kernels->size()));
  std::vector<double> of_kernel = KernelPriorities(plan, report);
  if (plan.kernels == tasks.kernels()) return of_kernel;
  const Kernels& kernels = *tasks.kernels();
  std::vector<double> priority(kernels.size(), -std::numeric_limits<double>::infinity());
  for (KernelId task = 0; task < kernels.size(); ++task) {
    for (const OpId op : kernels.ops(task)) {
      priority[task] = std::max(priority[task], of_kernel[plan.kernels->kernel_of(op)]);
    }
  }
  return priority;
}

std::vector<DeviceId> DevicesOf(const TaskGraph& tasks, const Plan& plan) {
  GOPT_CHECK(plan.kernels != nullptr &&
             plan.device.size() == static_cast<size_t>(plan.kernels->size()));
  return CarryDevices(*plan.kernels, plan.device, tasks);
}

}  // namespace gopt

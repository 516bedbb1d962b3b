#include "gopt/solve/plan_pool.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gopt/base/status_macros.h"
#include "src/solve/evaluator_guard.h"
#include "src/solve/plan_pricer.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

absl::Status CheckResults(size_t given, size_t results) {
  if (given == results) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("plan pool: ", results, " results for ", given, " entries"));
}

absl::Status Named(const absl::Status& status, std::string_view what, int64_t index) {
  return absl::Status(status.code(),
                      absl::StrCat(std::string(what), " ", index, ": ",
                                   std::string(status.message().data(), status.message().size())));
}

// For each key the position of the first that is equal.
template <typename Key>
std::vector<size_t> FirstOfEqual(const std::vector<Key>& keys) {
  absl::flat_hash_map<Key, size_t> first;
  std::vector<size_t> result(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) result[i] = first.try_emplace(keys[i], i).first->second;
  return result;
}

// Those that are the first of their kind.
std::vector<size_t> Distinct(const std::vector<size_t>& first_of_equal) {
  std::vector<size_t> distinct;
  for (size_t i = 0; i < first_of_equal.size(); ++i) {
    if (first_of_equal[i] == i) distinct.push_back(i);
  }
  return distinct;
}

// Positions, equal keys one after the other, by first appearance.
std::vector<size_t> GroupEqual(const std::vector<const void*>& keys) {
  const std::vector<size_t> first = FirstOfEqual(keys);
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return first[a] < first[b]; });
  return order;
}

// What tells kernels of one graph apart.
using KernelsKey = std::tuple<absl::Span<const int32_t>, absl::Span<const OpId>,
                              absl::Span<const uint8_t>, absl::Span<const OpId>>;
KernelsKey KeyOf(const Kernels& kernels) {
  const Kernels::Columns& columns = kernels.columns();
  return {columns.begin, columns.ops, columns.recompute, columns.recomputed_ops};
}

}  // namespace

class PlanPool::Impl {
 public:
  Impl(Problem problem, std::shared_ptr<const CostBackend> backend, PlanPoolOptions options)
      : problem_(std::move(problem)),
        backend_(std::move(backend)),
        threads_(options.threads != nullptr ? std::move(options.threads)
                                            : std::make_shared<WorkerThreads>(1)),
        decoders_(options.decoders),
        pricers_(threads_->size()) {}

  absl::Status Begin() {
    GOPT_ASSIGN_OR_RETURN(pricers_[0], PlanPricer::Create(problem_, *backend_, decoders_));
    costs_ = pricers_[0]->evaluator().op_costs();
    if (costs_ != nullptr) return absl::OkStatus();
    own_costs_ = std::make_unique<RooflineCostModel>(problem_);
    costs_ = own_costs_.get();
    return absl::OkStatus();
  }

  absl::Status CheckCandidates(std::span<const PlanCandidate> candidates) const {
    for (size_t i = 0; i < candidates.size(); ++i) {
      absl::Status status = CheckCandidate(candidates[i]);
      if (!status.ok()) return Named(status, "candidate", i);
    }
    return absl::OkStatus();
  }

  // keys: what is priced fastest one after the other, per item.
  template <typename Item>
  absl::Status PriceAll(std::span<const Item> items, const std::vector<const void*>& keys,
                        const PricingOptions& options, std::span<PricedPlan> results) {
    const std::vector<size_t> order = GroupEqual(keys);
    const auto price = [&](int64_t position, int worker) -> absl::Status {
      PricedPlan& result = results[order[position]];
      if (options.budget.cancelled() || options.budget.past_deadline()) {
        result = PricedPlan();
        result.report.reason = std::string(kCancelled);
        return absl::OkStatus();
      }
      GOPT_ASSIGN_OR_RETURN(PlanPricer * pricer, PricerOf(worker));
      pricer->Price(items[order[position]], options.evaluate, &result);
      return absl::OkStatus();
    };
    return threads_->ParallelFor(static_cast<int64_t>(items.size()), price);
  }

  absl::Status Fuse(std::span<const std::vector<int32_t>> picks, const FusionOptions& options,
                    std::span<std::shared_ptr<const TaskGraph>> tasks) {
    const absl::StatusOr<std::shared_ptr<const TaskGraph>> start = StartTasks();
    const TaskGraph* similar = start.ok() ? start->get() : nullptr;
    const std::vector<size_t> same_picks =
        FirstOfEqual(std::vector<absl::Span<const int32_t>>(picks.begin(), picks.end()));
    std::vector<std::shared_ptr<const Kernels>> kernels(picks.size());
    const auto fuse = [&](size_t i) -> absl::Status {
      GOPT_ASSIGN_OR_RETURN(kernels[i], gopt::Fuse(problem_, picks[i], options));
      return absl::OkStatus();
    };
    GOPT_RETURN_IF_ERROR(ForEach(Distinct(same_picks), fuse));
    std::vector<KernelsKey> keys;
    for (const size_t first : same_picks) keys.push_back(KeyOf(*kernels[first]));
    const std::vector<size_t> same_kernels = FirstOfEqual(keys);
    const auto make = [&](size_t i) -> absl::Status {
      if (similar != nullptr && keys[i] == KeyOf(*similar->kernels())) {
        tasks[i] = *start;
        return absl::OkStatus();
      }
      GOPT_ASSIGN_OR_RETURN(tasks[i],
                            ShareTasks(problem_, kernels[same_picks[i]], *costs_, similar));
      return absl::OkStatus();
    };
    GOPT_RETURN_IF_ERROR(ForEach(Distinct(same_kernels), make));
    for (size_t i = 0; i < tasks.size(); ++i) tasks[i] = tasks[same_kernels[i]];
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const TaskGraph>> StartTasks() {
    if (start_tasks_ != nullptr) return start_tasks_;
    const auto make = [&](int64_t, int) -> absl::Status {
      GOPT_ASSIGN_OR_RETURN(start_tasks_, gopt::StartTasks(problem_, *costs_));
      return absl::OkStatus();
    };
    GOPT_RETURN_IF_ERROR(threads_->ParallelFor(1, make));  // Which catches what costs may throw.
    return start_tasks_;
  }

  const Problem& problem() const { return problem_; }
  const OpCostModel& costs() const { return *costs_; }

 private:
  absl::Status CheckCandidate(const PlanCandidate& candidate) const {
    if (candidate.tasks == nullptr) return absl::InvalidArgumentError("has no tasks");
    const Problem& problem = candidate.tasks->problem();
    if (problem.shared_graph() != problem_.shared_graph() ||
        candidate.tasks->num_devices() != problem_.machine().num_devices()) {
      return absl::InvalidArgumentError("its tasks are of another problem");
    }
    return CheckGuidance(*candidate.tasks, candidate.guidance);
  }

  absl::StatusOr<PlanPricer*> PricerOf(int worker) {
    if (pricers_[worker] == nullptr) {
      GOPT_ASSIGN_OR_RETURN(pricers_[worker], PlanPricer::Create(problem_, *backend_, decoders_));
    }
    return pricers_[worker].get();
  }

  // On the threads; the error names the entry of picks.
  absl::Status ForEach(const std::vector<size_t>& entries,
                       const std::function<absl::Status(size_t)>& work) {
    return threads_->ParallelFor(
        static_cast<int64_t>(entries.size()), [&](int64_t position, int) -> absl::Status {
          const size_t entry = entries[position];
          absl::Status status = work(entry);
          return status.ok() ? status : Named(status, "picks", static_cast<int64_t>(entry));
        });
  }

  const Problem problem_;
  const std::shared_ptr<const CostBackend> backend_;
  const std::shared_ptr<WorkerThreads> threads_;
  const int decoders_;
  std::vector<std::unique_ptr<PlanPricer>> pricers_;  // Per worker; null until it has work.
  std::unique_ptr<RooflineCostModel> own_costs_;      // When the evaluator has none.
  const OpCostModel* costs_ = nullptr;                // Of worker 0's evaluator.
  std::shared_ptr<const TaskGraph> start_tasks_;
};

absl::StatusOr<std::unique_ptr<PlanPool>> PlanPool::Create(
    Problem problem, std::shared_ptr<const CostBackend> backend, PlanPoolOptions options) {
  if (backend == nullptr) {
    return absl::InvalidArgumentError("plan pool: a cost backend is required");
  }
  if (options.decoders < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan pool: decoders is ", options.decoders, "; 1 is the least"));
  }
  auto impl = std::make_unique<Impl>(std::move(problem), std::move(backend), std::move(options));
  GOPT_RETURN_IF_ERROR(impl->Begin());
  return std::unique_ptr<PlanPool>(new PlanPool(std::move(impl)));
}

PlanPool::PlanPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PlanPool::~PlanPool() = default;

absl::Status PlanPool::Price(std::span<const PlanCandidate> candidates,
                             std::span<PricedPlan> results, const PricingOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckResults(candidates.size(), results.size()));
  GOPT_RETURN_IF_ERROR(impl_->CheckCandidates(candidates));
  std::vector<const void*> keys;
  for (const PlanCandidate& each : candidates) keys.push_back(each.tasks.get());
  return impl_->PriceAll(candidates, keys, options, results);
}

absl::Status PlanPool::Price(std::span<const Plan> plans, std::span<PricedPlan> results,
                             const PricingOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckResults(plans.size(), results.size()));
  std::vector<const void*> keys;
  for (const Plan& each : plans) keys.push_back(each.kernels.get());
  return impl_->PriceAll(plans, keys, options, results);
}

absl::Status PlanPool::Fuse(std::span<const std::vector<int32_t>> picks,
                            const FusionOptions& options,
                            std::span<std::shared_ptr<const TaskGraph>> tasks) {
  GOPT_RETURN_IF_ERROR(CheckResults(picks.size(), tasks.size()));
  return impl_->Fuse(picks, options, tasks);
}

absl::StatusOr<std::shared_ptr<const TaskGraph>> PlanPool::StartTasks() {
  return impl_->StartTasks();
}

const Problem& PlanPool::problem() const { return impl_->problem(); }
const OpCostModel& PlanPool::costs() const { return impl_->costs(); }

}  // namespace gopt

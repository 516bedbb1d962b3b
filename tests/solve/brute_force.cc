#include "tests/solve/brute_force.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "gopt/plan/validate.h"

namespace gopt::testing {
namespace {

// Counts up like an odometer; digit i goes over values[i]. False after the last.
class Odometer {
 public:
  explicit Odometer(std::vector<std::vector<DeviceId>> values)
      : values_(std::move(values)), at_(values_.size(), 0) {}
  std::vector<DeviceId> Read() const {
    std::vector<DeviceId> digits;
    for (size_t i = 0; i < at_.size(); ++i) digits.push_back(values_[i][at_[i]]);
    return digits;
  }
  bool Next() {
    for (size_t i = 0; i < at_.size(); ++i) {
      if (++at_[i] < values_[i].size()) return true;
      at_[i] = 0;
    }
    return false;
  }

 private:
  std::vector<std::vector<DeviceId>> values_;
  std::vector<size_t> at_;
};

// All ways to rank n kernels that differ: 0 .. k with no number left out.
std::vector<std::vector<int32_t>> AllRanks(int n) {
  std::vector<DeviceId> digits(n);
  std::iota(digits.begin(), digits.end(), 0);
  Odometer odometer(std::vector<std::vector<DeviceId>>(n, digits));
  std::vector<std::vector<int32_t>> ranks;
  do {
    const std::vector<int32_t> rank = odometer.Read();
    const std::set<int32_t> distinct(rank.begin(), rank.end());
    if (distinct.empty() || *distinct.rbegin() + 1 == static_cast<int32_t>(distinct.size())) {
      ranks.push_back(rank);
    }
  } while (odometer.Next());
  return ranks;
}

// Permutations that differ in the order of some device's kernels.
std::vector<std::vector<KernelId>> AllSequences(const std::vector<DeviceId>& device) {
  std::vector<KernelId> order(device.size());
  std::iota(order.begin(), order.end(), 0);
  std::set<std::vector<std::pair<DeviceId, KernelId>>> seen;
  std::vector<std::vector<KernelId>> sequences;
  do {
    std::vector<std::pair<DeviceId, KernelId>> by_device;
    for (KernelId k : order) by_device.emplace_back(device[k], k);
    std::stable_sort(by_device.begin(), by_device.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    if (seen.insert(by_device).second) sequences.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  return sequences;
}

class Forcer {
 public:
  Forcer(const Problem& problem, const CostBackend& backend, int64_t most_plans)
      : problem_(problem), evaluator_(*backend.Bind(problem)), most_plans_(most_plans) {
    plan_.kernels = problem.base_kernels();
    all_ranks_ = AllRanks(plan_.kernels->size());
  }

  BruteForceResult Run() {
    Odometer places(Places());
    do {
      plan_.device = places.Read();
      Odometer homes(Homes());
      do {
        plan_.parameter_home = homes.Read();
        if (!ForAllOrders()) return result_;
      } while (homes.Next());
    } while (places.Next());
    result_.complete = true;
    return result_;
  }

 private:
  std::vector<std::vector<DeviceId>> Places() const {
    std::vector<std::vector<DeviceId>> places;
    for (KernelId k = 0; k < plan_.kernels->size(); ++k) {
      const OpId op = plan_.kernels->ops(k).front();
      const auto allowed = problem_.allowed_devices(op);
      places.emplace_back(allowed.begin(), allowed.end());
      if (!problem_.tasks().placement) places.back() = {problem_.base_plan()->device[k]};
    }
    return places;
  }

  std::vector<std::vector<DeviceId>> Homes() const {
    std::vector<std::vector<DeviceId>> homes;
    std::vector<DeviceId> closed;
    if (!problem_.tasks().placement)
      closed = ParameterHomes(problem_.graph(), *problem_.base_plan());
    for (OpId op : problem_.graph().parameters()) {
      const auto allowed = problem_.allowed_devices(op);
      homes.emplace_back(allowed.begin(), allowed.end());
      if (!closed.empty()) homes.back() = {closed[homes.size() - 1]};
    }
    return homes;
  }

  // False when there are too many.
  bool ForAllOrders() {
    if (!problem_.tasks().scheduling) {
      const Plan& base = *problem_.base_plan();
      plan_.rank = base.rank;
      plan_.dispatch = base.dispatch;
      plan_.sequence = base.sequence;
      return Price();
    }
    plan_.dispatch = Dispatch::kSequence;
    for (const std::vector<KernelId>& sequence : AllSequences(plan_.device)) {
      plan_.sequence = sequence;
      plan_.rank.assign(sequence.size(), 0);
      if (!ValidatePlan(problem_, plan_).ok()) continue;
      for (const std::vector<int32_t>& rank : all_ranks_) {
        plan_.rank = rank;
        if (!Price()) return false;
      }
    }
    return true;
  }

  bool Price() {
    if (!ValidatePlan(problem_, plan_).ok()) return true;
    if (++result_.plans > most_plans_) return false;
    CostReport report;
    evaluator_->Evaluate({&plan_, 1}, {}, {&report, 1});
    if (!report.ok()) return true;
    if (!result_.best.has_value() || report.step_time < *result_.best) {
      result_.best = report.step_time;
    }
    return true;
  }

  const Problem& problem_;
  const std::unique_ptr<Evaluator> evaluator_;
  const int64_t most_plans_;
  std::vector<std::vector<int32_t>> all_ranks_;
  Plan plan_;
  BruteForceResult result_;
};

}  // namespace

BruteForceResult BruteForce(const Problem& problem, const CostBackend& backend,
                            int64_t most_plans) {
  return Forcer(problem, backend, most_plans).Run();
}

}  // namespace gopt::testing

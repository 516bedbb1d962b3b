#include "gopt/plan/placement_solver.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "src/plan/kernel_rules.h"
#include "src/plan/placement_check.h"
#include "src/plan/placement_conflict.h"
#include "src/plan/placement_model.h"
#include "src/plan/placement_repair.h"
#include "src/plan/placement_search.h"

namespace gopt {

struct PlacementSolver::Impl {
  Problem problem;
  std::shared_ptr<const Kernels> kernels;
  PlacementSolverOptions options;
  PlacementModel model;
  PlacementRoots roots;
  std::vector<DeviceId> known;  // Per unit: some legal assignment, for when searches reach limits.

  Impl(const Problem& the_problem, std::shared_ptr<const Kernels> the_kernels,
       const PlacementSolverOptions& the_options)
      : problem(the_problem),
        kernels(std::move(the_kernels)),
        options(the_options),
        model(MakePlacementModel(problem, *kernels, {.memory = options.memory})),
        roots(model) {}

  SearchOutcome FindOne();
  std::vector<DeviceId> HomesOf(std::span<const DeviceId> devices,
                                std::span<const DeviceId> homes) const;
  std::vector<DeviceId> Wanted(std::span<const DeviceId> devices,
                               std::span<const DeviceId> homes) const;
  bool IsLegal(std::span<const DeviceId> devices, std::span<const DeviceId> homes) const;
  absl::Status CheckDevices(std::span<const DeviceId> devices,
                            std::span<const DeviceId> homes) const;
  Placement Spread(std::span<const DeviceId> unit_devices) const;
};

namespace {

std::vector<DeviceId> DevicesOf(const PlacementModel& model, const PlacementDomains& state) {
  std::vector<DeviceId> devices(model.num_units);
  for (int32_t unit = 0; unit < model.num_units; ++unit) devices[unit] = state.lowest(unit);
  return devices;
}

// Draws units from their rows of probabilities.
class Sampler {
 public:
  Sampler(const PlacementModel& model, const PlacementRoots& roots,
          std::span<const float> probabilities, Random* random)
      : model_(model),
        roots_(roots),
        probabilities_(probabilities),
        random_(*random),
        row_(model.num_devices) {}

  // None: no search of at most max_steps found any.
  std::optional<std::vector<DeviceId>> Draw(int64_t max_steps) {
    constexpr int32_t kSmall = 256;  // Draws in order seldom end within their limit beyond.
    if (model_.triangle_free && model_.num_units <= kSmall && (random_.Next() & 1) != 0) {
      if (auto drawn = DrawInOrder(max_steps)) return drawn;
    }
    auto drawn = model_.triangle_free
                     ? DrawNeighbours(max_steps)
                     : Finish(*roots_.any, RandomOrder(model_, &random_), SomeSteps(max_steps));
    if (!drawn.has_value()) drawn = DrawInOrder(max_steps);
    if (drawn.has_value()) return drawn;
    return Finish(*roots_.any, MostConstrainedFirst(model_, *roots_.any), {max_steps});
  }

 private:
  SearchLimits SomeSteps(int64_t max_steps) const {
    return {std::min(10'000 + 64 * static_cast<int64_t>(model_.num_units), max_steps)};
  }

  // Over flows between neighbours. Large parts first: smaller ones may need them to fill the
  // devices below, and seldom the reverse.
  std::optional<std::vector<DeviceId>> DrawNeighbours(int64_t max_steps) {
    for (const auto* root : {&roots_.neighbours, &roots_.lowest_legal}) {
      if (!root->has_value()) continue;
      std::vector<int32_t> order = RandomOrder(model_, &random_);
      std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return roots_.part_rank[a] < roots_.part_rank[b];
      });
      auto drawn = Finish(**root, order, FewSteps(model_, max_steps));
      if (drawn.has_value()) return drawn;
    }
    return std::nullopt;
  }

  // In topological order, devices opened one after the other.
  std::optional<std::vector<DeviceId>> DrawInOrder(int64_t max_steps) {
    PlacementDomains state = *roots_.any;
    if (model_.triangle_free && !state.KeepCompletable()) state = *roots_.any;
    const auto choose = [&](int32_t unit, std::span<const uint64_t> possible) {
      if (!model_.no_skipped) return DrawOne(unit, possible);
      return DrawOne(unit, Opened(possible, state.num_used_devices()));
    };
    const SearchLimits limits =
        model_.triangle_free ? FewSteps(model_, max_steps) : SomeSteps(max_steps);
    const std::vector<int32_t> order = TopologicalOrder(model_, &random_);
    if (SearchPlacement(order, NextUnit::kInOrder, choose, limits, &state) !=
        SearchOutcome::kFound) {
      return std::nullopt;
    }
    return DevicesOf(model_, state);
  }

  std::optional<std::vector<DeviceId>> Finish(PlacementDomains state,
                                              std::span<const int32_t> order,
                                              const SearchLimits& limits) {
    const auto choose = [this](int32_t unit, std::span<const uint64_t> possible) {
      return DrawOne(unit, possible);
    };
    SearchOutcome outcome =
        SearchPlacement(order, NextUnit::kConflictFirst, choose, limits, &state);
    if (outcome == SearchOutcome::kLimit) outcome = TakeLowest(order, limits, &state);
    if (outcome != SearchOutcome::kFound) return std::nullopt;
    return DevicesOf(model_, state);
  }

  // Devices in use and the next one, where that leaves any.
  std::span<const uint64_t> Opened(std::span<const uint64_t> possible, DeviceId next) {
    opened_.assign(possible.begin(), possible.end());
    bool some = false;
    for (size_t w = 0; w < opened_.size(); ++w) {
      const int64_t below = int64_t{next} + 1 - static_cast<int64_t>(w * 64);
      if (below <= 0) opened_[w] = 0;
      if (below > 0 && below < 64) opened_[w] &= (uint64_t{1} << below) - 1;
      some = some || opened_[w] != 0;
    }
    return some ? std::span<const uint64_t>(opened_) : possible;
  }

  DeviceId DrawOne(int32_t unit, std::span<const uint64_t> possible) {
    FillRow(unit);
    double sum = 0.0;
    int count = 0;
    ForEachDevice(possible, [&](DeviceId d) {
      sum += row_[d];
      ++count;
    });
    const bool uniform = !(sum > 0.0) || !std::isfinite(sum);
    double left = random_.Uniform() * (uniform ? count : sum);
    DeviceId drawn = kNone;
    ForEachDevice(possible, [&](DeviceId d) {
      const double weight = uniform ? 1.0 : row_[d];
      if (weight > 0.0 && (drawn == kNone || left >= 0.0)) drawn = d;
      left -= weight;
    });
    return drawn;
  }

  // Product of the rows of the unit's kernels, scaled; what is no probability counts as 0.
  void FillRow(int32_t unit) {
    std::fill(row_.begin(), row_.end(), 1.0);
    const std::span<const KernelId> kernels = model_.KernelsOf(unit);
    for (const KernelId k : kernels) {
      const float* row = probabilities_.data() + static_cast<size_t>(k) * row_.size();
      double largest = 0.0;
      for (size_t d = 0; d < row_.size(); ++d) {
        row_[d] *= row[d] > 0.0f && std::isfinite(row[d]) ? static_cast<double>(row[d]) : 0.0;
        largest = std::max(largest, row_[d]);
      }
      if (kernels.size() == 1 || largest == 0.0) continue;
      for (double& value : row_) value /= largest;
    }
  }

  const PlacementModel& model_;
  const PlacementRoots& roots_;
  const std::span<const float> probabilities_;
  Random& random_;
  std::vector<double> row_;
  std::vector<uint64_t> opened_;
};

// The device of most members; ties: the lower one. kNone if none has a device.
DeviceId MostCommon(std::vector<DeviceId>* devices) {
  std::sort(devices->begin(), devices->end());
  DeviceId best = kNone;
  size_t most = 0;
  for (size_t begin = 0, end = 0; begin < devices->size(); begin = end) {
    while (end < devices->size() && (*devices)[end] == (*devices)[begin]) ++end;
    if ((*devices)[begin] == kNone || end - begin <= most) continue;
    most = end - begin;
    best = (*devices)[begin];
  }
  return best;
}

}  // namespace

SearchOutcome PlacementSolver::Impl::FindOne() {
  if (!roots.any.has_value()) return SearchOutcome::kNone;
  const auto lowest = [](int32_t, std::span<const uint64_t> possible) {
    return LowestDevice(possible);
  };
  const auto search = [&](PlacementDomains state, const std::vector<int32_t>& order) {
    const SearchOutcome outcome =
        SearchPlacement(order, NextUnit::kConflictFirst, lowest, {options.max_steps}, &state);
    if (outcome == SearchOutcome::kFound) known = DevicesOf(model, state);
    return outcome;
  };
  if (roots.lowest_legal.has_value()) {
    known = DevicesOf(model, *roots.lowest_legal);
    if (PlacementCheck(model).Load(known)) return SearchOutcome::kFound;
  }
  if (roots.neighbours.has_value() &&
      search(*roots.neighbours, TopologicalOrder(model, nullptr)) == SearchOutcome::kFound) {
    return SearchOutcome::kFound;
  }
  const SearchOutcome outcome = search(*roots.any, TopologicalOrder(model, nullptr));
  if (outcome != SearchOutcome::kLimit) return outcome;
  return search(*roots.any, MostConstrainedFirst(model, *roots.any));
}

std::vector<DeviceId> PlacementSolver::Impl::HomesOf(std::span<const DeviceId> devices,
                                                     std::span<const DeviceId> homes) const {
  Plan plan;
  plan.kernels = kernels;
  plan.device.assign(devices.begin(), devices.end());
  plan.parameter_home.assign(homes.begin(), homes.end());
  return ParameterHomes(problem.graph(), plan);
}

std::vector<DeviceId> PlacementSolver::Impl::Wanted(std::span<const DeviceId> devices,
                                                    std::span<const DeviceId> homes) const {
  std::vector<DeviceId> wanted(model.num_units, kNone), members;
  for (int32_t unit = 0; unit < model.num_units; ++unit) {
    const std::span<const KernelId> kernels_of_unit = model.KernelsOf(unit);
    if (kernels_of_unit.size() == 1) {
      wanted[unit] = devices[kernels_of_unit.front()];
    } else {
      members.clear();
      for (const KernelId k : kernels_of_unit) members.push_back(devices[k]);
      wanted[unit] = MostCommon(&members);
    }
  }
  std::vector<DeviceId> default_homes;
  for (size_t i = 0; i < model.unit_of_parameter.size(); ++i) {
    const int32_t unit = model.unit_of_parameter[i];
    if (unit == kNone || model.runs(unit) || wanted[unit] != kNone) continue;
    if (default_homes.empty()) default_homes = HomesOf(devices, homes);
    wanted[unit] = default_homes[i];
  }
  return wanted;
}

bool PlacementSolver::Impl::IsLegal(std::span<const DeviceId> devices,
                                    std::span<const DeviceId> homes) const {
  const std::vector<DeviceId> wanted = Wanted(devices, homes);
  for (size_t k = 0; k < devices.size(); ++k) {
    if (devices[k] == kNone || wanted[model.unit_of_kernel[k]] != devices[k]) return false;
  }
  const std::vector<DeviceId> actual = HomesOf(devices, homes);
  for (size_t i = 0; i < actual.size(); ++i) {
    const int32_t unit = model.unit_of_parameter[i];
    if (unit != kNone && wanted[unit] != actual[i]) return false;
  }
  if (PlacementCheck(model).Load(wanted)) return true;
  if (!kernels->has_clones()) return false;
  Plan plan;  // Which copies are read depends on the devices: the exact rules decide.
  plan.kernels = kernels;
  plan.device.assign(devices.begin(), devices.end());
  plan.parameter_home = actual;
  plan.rank.assign(devices.size(), 0);
  return ValidatePlan(problem, plan).ok();
}

absl::Status PlacementSolver::Impl::CheckDevices(std::span<const DeviceId> devices,
                                                 std::span<const DeviceId> homes) const {
  if (devices.size() != static_cast<size_t>(kernels->size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("placement: ", devices.size(), " devices for ", kernels->size(), " kernels"));
  }
  const size_t parameters = problem.graph().parameters().size();
  if (!homes.empty() && homes.size() != parameters) {
    return absl::InvalidArgumentError(
        absl::StrCat("placement: ", homes.size(), " homes for ", parameters, " parameters"));
  }
  for (const std::span<const DeviceId> some : {devices, homes}) {
    for (const DeviceId d : some) {
      if (d >= kNone && d < model.num_devices) continue;
      return absl::InvalidArgumentError(absl::StrCat("placement: device ", d, " does not exist"));
    }
  }
  return absl::OkStatus();
}

Placement PlacementSolver::Impl::Spread(std::span<const DeviceId> unit_devices) const {
  Placement placement;
  placement.device.reserve(model.unit_of_kernel.size());
  for (const int32_t unit : model.unit_of_kernel) placement.device.push_back(unit_devices[unit]);
  placement.parameter_home.reserve(model.unit_of_parameter.size());
  for (const int32_t unit : model.unit_of_parameter) {
    placement.parameter_home.push_back(unit == kNone ? kNone : unit_devices[unit]);
  }
  return placement;
}

absl::StatusOr<PlacementSolver> PlacementSolver::Create(const Problem& problem,
                                                        std::shared_ptr<const Kernels> kernels,
                                                        PlacementSolverOptions options) {
  if (kernels == nullptr || !SameGraph(problem.graph(), kernels->graph())) {
    return absl::InvalidArgumentError("placement solver: the kernels are of another graph");
  }
  if (options.max_steps <= 0) {
    return absl::InvalidArgumentError("placement solver: max_steps must be positive");
  }
  auto impl = std::make_unique<Impl>(problem, std::move(kernels), options);
  switch (impl->FindOne()) {
    case SearchOutcome::kFound:
      return PlacementSolver(std::move(impl));
    case SearchOutcome::kNone:
      if (impl->kernels->has_clones()) break;  // The model is narrower than the rules.
      if (options.explain) return ExplainConflict(problem, *impl->kernels, options);
      return absl::FailedPreconditionError("constraints contradict each other");
    case SearchOutcome::kLimit:
      break;
  }
  return absl::ResourceExhaustedError(
      "placement solver: no placement that obeys the constraints was found, and none was proven "
      "impossible");
}

PlacementSolver::PlacementSolver(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
PlacementSolver::~PlacementSolver() = default;
PlacementSolver::PlacementSolver(PlacementSolver&&) noexcept = default;
PlacementSolver& PlacementSolver::operator=(PlacementSolver&&) noexcept = default;

absl::StatusOr<Placement> PlacementSolver::Sample(std::span<const float> probabilities,
                                                  Random* random) const {
  const PlacementModel& model = impl_->model;
  if (probabilities.size() !=
      static_cast<size_t>(impl_->kernels->size()) * static_cast<size_t>(model.num_devices)) {
    return absl::InvalidArgumentError(absl::StrCat("placement: ", probabilities.size(),
                                                   " probabilities for ", impl_->kernels->size(),
                                                   " kernels on ", model.num_devices, " devices"));
  }
  Sampler sampler(model, impl_->roots, probabilities, random);
  const auto drawn = sampler.Draw(impl_->options.max_steps);
  return impl_->Spread(drawn.has_value() ? *drawn : impl_->known);
}

absl::StatusOr<Placement> PlacementSolver::Fix(std::span<const DeviceId> devices,
                                               std::span<const DeviceId> homes) const {
  GOPT_RETURN_IF_ERROR(impl_->CheckDevices(devices, homes));
  if (impl_->IsLegal(devices, homes)) {
    return Placement{{devices.begin(), devices.end()}, {homes.begin(), homes.end()}};
  }
  const std::vector<DeviceId> wanted = impl_->Wanted(devices, homes);
  std::optional<std::vector<DeviceId>> fixed =
      RepairPlacement(impl_->model, impl_->roots, wanted, impl_->options.max_steps);
  if (!fixed.has_value()) fixed = impl_->known;
  MoveBack(impl_->model, wanted, &*fixed);
  return impl_->Spread(*fixed);
}

bool PlacementSolver::IsLegal(std::span<const DeviceId> devices,
                              std::span<const DeviceId> homes) const {
  return impl_->CheckDevices(devices, homes).ok() && impl_->IsLegal(devices, homes);
}

const Kernels& PlacementSolver::kernels() const { return *impl_->kernels; }
int PlacementSolver::num_devices() const { return impl_->model.num_devices; }
int PlacementSolver::num_units() const { return impl_->model.num_units; }

}  // namespace gopt

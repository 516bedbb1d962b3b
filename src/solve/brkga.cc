#include "gopt/solve/brkga.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/builtin.h"
#include "src/solve/carry.h"
#include "src/solve/constructive.h"
#include "src/solve/critical_picks.h"
#include "src/solve/fusion_moves.h"
#include "src/solve/inheritance.h"
#include "src/solve/moves.h"
#include "src/solve/random_keys.h"
#include "src/solve/search_setup.h"
#include "src/solve/search_state.h"

namespace gopt {
namespace {

constexpr int kMostPopulation = 1'000'000;
constexpr int kPopulation = 20;
constexpr int kPublishedPopulation = 100;
constexpr int kChangesOfMutants = 4;
constexpr double kCriticalShare = 0.7;
// A change is of one task or else of a group; of its priority, or that list
// scheduling places it, or else that it is on a device.
constexpr double kOneTaskShare = 0.3;
constexpr double kPriorityShare = 0.3;
constexpr double kOpenShare = 0.3;
constexpr double kFusionShare = 0.2;  // Of the changes where fusion and more is open.
constexpr size_t kMostCodecs = 8;     // Kernels whose decoders are kept.
// Priorities shift by up to 2^-2 ... 2^-10 of their range.
constexpr int kLeastShiftOctave = 2;
constexpr int kShiftOctaves = 9;
// The first individuals that leave all tasks to list scheduling.
constexpr double kStickinesses[] = {0.0, 0.5, 1.0, 0.2};

struct Individual {
  std::shared_ptr<const TaskGraph> tasks;  // Which the keys are of.
  RandomKeys keys;
  double score = 0.0;
  std::vector<KernelId> chain;  // Critical, where it is known.
};

// The options with their defaults filled in, as counts.
struct Rates {
  int population;
  int elites;
  int mutants;
  double crossover;

  explicit Rates(const BrkgaOptions& options)
      : population(options.population > 0 ? options.population
                   : options.published    ? kPublishedPopulation
                                          : kPopulation),
        elites(std::clamp(static_cast<int>(options.elites * population), 1, population - 1)),
        mutants(std::min(static_cast<int>(options.mutants * population), population - elites)),
        crossover(options.published ? 1.0 : options.crossover) {}
};

class Breeding {
 public:
  Breeding(const TaskGraph& tasks, const BrkgaOptions& options, SearchContext* context)
      : options_(options),
        rates_(options),
        context_(*context),
        may_place_(context->problem().tasks().placement),
        may_order_(context->problem().tasks().scheduling),
        random_(context->request().seed),
        plan_(tasks.MakePlan({}, {}, "")) {
    if (context->problem().tasks().fusion) {
      fusion_.emplace(context->problem(), context->costs(), kCriticalShare, &random_);
    }
    if (!options.published) groupings_ = SearchGroups(tasks, *context);
  }

  void Run(std::vector<StartPoint> starts) {
    if (!may_place_ && !may_order_ && !fusion_) return;
    AddStarts(std::move(starts));
    if (population_.empty()) return;
    FillUp();
    const bool full = population_.size() == static_cast<size_t>(rates_.population);
    while (full && !Exhausted()) Generation();
  }

 private:
  // A plan must be decoded before it can be priced.
  bool Exhausted() { return context_.Exhausted(decode_seconds_); }

  // The best of them, as many as the population holds: each is priced once
  // more, as its keys say.
  void AddStarts(std::vector<StartPoint> starts) {
    std::stable_sort(starts.begin(), starts.end(),
                     [](const StartPoint& a, const StartPoint& b) { return a.score < b.score; });
    if (!options_.published && may_place_) {
      AddOpen(starts.front());
      AddOpen({.tasks = starts.front().tasks,
               .device = starts.front().device,
               .order = UpwardOrder(*starts.front().tasks)});
    }
    const size_t most = std::min(starts.size(), static_cast<size_t>(rates_.population));
    for (size_t i = 0; i < most; ++i) {
      Add(starts[i].tasks, Codec(starts[i].tasks).Encode(starts[i]));
    }
  }

  void AddOpen(const StartPoint& start) {
    for (const double stickiness : kStickinesses) {
      RandomKeys keys = Codec(start.tasks).Encode(start);
      std::fill(keys.affinity.begin(), keys.affinity.end(), KeyCodec::Open(stickiness));
      Add(start.tasks, std::move(keys));
    }
  }

  static std::vector<KernelId> UpwardOrder(const TaskGraph& tasks) {
    const std::vector<int32_t> rank = RanksByPriority(UpwardRanks(tasks));
    std::vector<KernelId> order(rank.size());
    for (size_t task = 0; task < rank.size(); ++task) {
      order[rank[task]] = static_cast<KernelId>(task);
    }
    return order;
  }

  // More than the population at first, of which the best remain.
  void Add(std::shared_ptr<const TaskGraph> tasks, RandomKeys keys) {
    if (Exhausted()) return;
    population_.push_back({.tasks = std::move(tasks), .keys = std::move(keys)});
    Evaluate(&population_.back());
  }

  void FillUp() {
    Sort();
    if (population_.size() > static_cast<size_t>(rates_.population)) {
      population_.resize(rates_.population);
    }
    const size_t starts = population_.size();
    while (population_.size() < static_cast<size_t>(rates_.population) && !Exhausted()) {
      Individual mutant;
      MakeMutant(starts, &mutant);
      Evaluate(&mutant);
      population_.push_back(std::move(mutant));
    }
    Sort();
  }

  void Sort() {
    std::stable_sort(population_.begin(), population_.end(),
                     [](const Individual& a, const Individual& b) { return a.score < b.score; });
  }

  void Evaluate(Individual* individual) {
    const double begin = context_.seconds();
    Codec(individual->tasks).Decode(individual->keys, &plan_);
    decode_seconds_ = std::max(decode_seconds_, context_.seconds() - begin);
    const CostReport& report =
        context_.Evaluate(plan_, {.critical_chain = !options_.published}, "brkga");
    individual->score = context_.Score(report);
    individual->chain = ChainKernels(report, individual->tasks->num_tasks());
  }

  // The new ones are made from all of the old, then take the places of those
  // that are no elites.
  void Generation() {
    next_.resize(rates_.population - rates_.elites);
    for (int i = 0; i < static_cast<int>(next_.size()); ++i) {
      if (Exhausted()) return;
      if (i < rates_.mutants) {
        MakeMutant(rates_.elites, &next_[i]);
      } else {
        MakeChild(&next_[i]);
      }
      Evaluate(&next_[i]);
    }
    std::swap_ranges(next_.begin(), next_.end(), population_.begin() + rates_.elites);
    Sort();
  }

  const Individual& Pick(int64_t begin, int64_t end) {
    return population_[begin + random_.Below(end - begin)];
  }

  // Among the best `elites` of the population.
  void MakeMutant(size_t elites, Individual* mutant) {
    const Individual& elite = Pick(0, static_cast<int64_t>(elites));
    mutant->tasks = elite.tasks;
    if (options_.published) return Codec(elite.tasks).Randomize(&random_, &mutant->keys);
    mutant->keys = elite.keys;
    for (int i = 0; i < kChangesOfMutants; ++i) Change(elite, mutant);
  }

  void MakeChild(Individual* child) {
    const Individual& elite = Pick(0, rates_.elites);
    const Individual& other = Pick(rates_.elites, rates_.population);
    child->tasks = elite.tasks;
    child->keys = elite.keys;
    if (options_.published) return InheritKeys(other, child);
    if (random_.Uniform() < rates_.crossover) InheritGroups(other, child);
    Change(elite, child);
  }

  static size_t Source(const Individual& from, const Individual& to, KernelId task) {
    return CarriedFrom(*from.tasks->kernels(), *to.tasks->kernels(), task);
  }

  // Kernels are the elite's.
  void InheritKeys(const Individual& other, Individual* child) {
    const KernelId n = child->tasks->num_tasks();
    const int affinities = Codec(child->tasks).affinities_per_task();
    for (KernelId task = 0; task < n; ++task) {
      if (random_.Uniform() < options_.bias) continue;
      child->keys.priority[task] = other.keys.priority[Source(other, *child, task)];
    }
    for (KernelId task = 0; task < n; ++task) {
      for (int i = 0; i < affinities; ++i) {
        if (random_.Uniform() < options_.bias) continue;
        child->keys.affinity[static_cast<size_t>(task) * affinities + i] =
            other.keys.affinity[Source(other, *child, task) * affinities + i];
      }
    }
  }

  void InheritGroups(const Individual& other, Individual* child) {
    inheritance_.DrawGroups(*child->tasks->kernels(), groupings_, 1.0 - options_.bias, &random_);
    for (KernelId task = 0; task < child->tasks->num_tasks(); ++task) {
      if (!inheritance_.takes(task)) continue;
      const size_t source = Source(other, *child, task);
      child->keys.priority[task] = other.keys.priority[source];
      child->keys.affinity[task] = other.keys.affinity[source];
    }
  }

  // One change of the kernels, or for all tasks of a group, or for one.
  void Change(const Individual& parent, Individual* changed) {
    const bool same = parent.tasks == changed->tasks;
    const auto chain = same ? std::span<const KernelId>(parent.chain) : std::span<const KernelId>();
    if (fusion_ && ((!may_place_ && !may_order_) || random_.Uniform() < kFusionShare)) {
      return ChangeFusion(chain, changed);
    }
    const TaskGraph& graph = *changed->tasks;
    picks_.SetChain(chain);
    const KernelId task = picks_.Pick(graph);
    const std::span<const KernelId> tasks = PickTasks(graph, task);
    const double pick = random_.Uniform();
    if (!may_place_ || (may_order_ && pick < kPriorityShare)) {
      ShiftPriorities(tasks, &changed->keys);
    } else if (pick < kPriorityShare + kOpenShare) {
      const uint16_t open = KeyCodec::Open(random_.Uniform());
      for (const KernelId member : tasks) changed->keys.affinity[member] = open;
    } else {
      const auto allowed = graph.allowed(task);
      const DeviceId device = allowed[random_.Below(static_cast<int64_t>(allowed.size()))];
      const KeyCodec& codec = Codec(changed->tasks);
      for (const KernelId member : tasks) {
        changed->keys.affinity[member] = codec.OnDevice(member, device);
      }
    }
  }

  // A move of anneal's in fusion, wherever list scheduling will place the
  // kernels. Each has the keys that its first op had.
  void ChangeFusion(std::span<const KernelId> chain, Individual* changed) {
    const Individual before = *changed;
    std::vector<DeviceId> device;
    for (KernelId k = 0; k < before.tasks->num_tasks(); ++k) {
      device.push_back(before.tasks->allowed(k).front());
    }
    SearchState state(before.tasks, device, before.tasks->kernel_graph().topological_order);
    fusion_->SetCriticalChain(chain);
    if (!fusion_->Any(groupings_, &state)) return;
    changed->tasks = state.shared_tasks();
    const auto n = static_cast<size_t>(changed->tasks->num_tasks());
    const size_t affinities = before.keys.affinity.size() / before.keys.priority.size();
    changed->keys = {std::vector<uint32_t>(n), std::vector<uint16_t>(n * affinities)};
    for (size_t task = 0; task < n; ++task) {
      const size_t source = Source(before, *changed, static_cast<KernelId>(task));
      changed->keys.priority[task] = before.keys.priority[source];
      std::copy_n(before.keys.affinity.begin() + static_cast<ptrdiff_t>(source * affinities),
                  affinities,
                  changed->keys.affinity.begin() + static_cast<ptrdiff_t>(task * affinities));
    }
  }

  // The task and what changes with it.
  std::span<const KernelId> PickTasks(const TaskGraph& graph, KernelId task) {
    const Kernels& kernels = *graph.kernels();
    picked_.assign(1, task);
    if (groupings_.empty() || random_.Uniform() < kOneTaskShare) return picked_;
    const Grouping& grouping = groupings_[random_.Below(static_cast<int64_t>(groupings_.size()))];
    const int32_t group = grouping.GroupOf(kernels, task);
    if (group == kNone) return picked_;
    picked_.clear();
    for (const OpId op : grouping.members(group)) {
      for (const KernelId kernel : kernels.kernels_of(op)) {
        if (kernels.ops(kernel).front() == op) picked_.push_back(kernel);
      }
    }
    return picked_;
  }

  void ShiftPriorities(std::span<const KernelId> tasks, RandomKeys* keys) {
    const int octave = kLeastShiftOctave + static_cast<int>(random_.Below(kShiftOctaves));
    const double shift = (2.0 * random_.Uniform() - 1.0) * std::ldexp(0x1p32, -octave);
    constexpr double kHighest = std::numeric_limits<uint32_t>::max();
    for (const KernelId task : tasks) {
      uint32_t& priority = keys->priority[task];
      priority = static_cast<uint32_t>(std::clamp(priority + shift, 0.0, kHighest));
    }
  }

  // The decoder of these kernels; those used last are kept.
  KeyCodec& Codec(const std::shared_ptr<const TaskGraph>& tasks) {
    const auto it = std::find_if(codecs_.begin(), codecs_.end(),
                                 [&](const auto& held) { return held->tasks == tasks; });
    if (it == codecs_.end()) {
      if (codecs_.size() == kMostCodecs) codecs_.pop_back();
      codecs_.insert(codecs_.begin(),
                     std::make_unique<HeldCodec>(tasks, options_.published, context_.request()));
    } else {
      std::rotate(codecs_.begin(), it, it + 1);
    }
    return codecs_.front()->codec;
  }

  struct HeldCodec {
    HeldCodec(std::shared_ptr<const TaskGraph> of, bool published, const SolveRequest& request)
        : tasks(std::move(of)),
          codec(*tasks, published ? KeyMeaning::kChooseDevices : KeyMeaning::kSteerListScheduling,
                InitialOptions(request, *tasks, &fixed)) {}
    std::shared_ptr<const TaskGraph> tasks;
    std::vector<DeviceId> fixed;
    KeyCodec codec;
  };

  const BrkgaOptions& options_;
  const Rates rates_;
  SearchContext& context_;
  const bool may_place_;
  const bool may_order_;
  Random random_;
  CriticalPicks picks_{kCriticalShare, &random_};
  Inheritance inheritance_;
  std::optional<FusionMoves> fusion_;               // Where fusion is open.
  std::vector<std::unique_ptr<HeldCodec>> codecs_;  // Last used first.
  Plan plan_;
  std::vector<Grouping> groupings_;
  std::vector<KernelId> picked_;
  std::vector<Individual> population_;  // Best first.
  std::vector<Individual> next_;
  double decode_seconds_ = 0.0;  // The longest so far.
};

class Brkga final : public Solver {
 public:
  explicit Brkga(const BrkgaOptions& options) : options_(options) {}

  std::string name() const override { return "brkga"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    return SolveByPopulation(
        request, name(), options_.evaluations,
        [this](std::vector<StartPoint> starts, SearchContext* context) {
          Breeding(*starts.front().tasks, options_, context).Run(std::move(starts));
        });
  }

 private:
  const BrkgaOptions options_;
};

absl::Status CheckOptions(const BrkgaOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("brkga", options.evaluations));
  if (options.population < 0 || options.population == 1 || options.population > kMostPopulation) {
    return absl::InvalidArgumentError(absl::StrCat("brkga: population is ", options.population,
                                                   "; it must be 0, for the default, or in [2, ",
                                                   kMostPopulation, "]"));
  }
  GOPT_RETURN_IF_ERROR(CheckShareOption("brkga: elites", options.elites));
  GOPT_RETURN_IF_ERROR(CheckShareOption("brkga: mutants", options.mutants));
  if (options.elites + options.mutants >= 1.0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "brkga: elites + mutants is ", options.elites + options.mutants, "; it must be below 1"));
  }
  GOPT_RETURN_IF_ERROR(CheckShareOption("brkga: crossover", options.crossover));
  return CheckShareOption("brkga: bias", options.bias);
}

}  // namespace

SolverOr BrkgaFromSpec(const Spec& spec) {
  BrkgaOptions options;
  SpecReader reader(spec);
  reader.Read("evaluations", &options.evaluations);
  reader.Read("population", &options.population);
  reader.Read("elites", &options.elites);
  reader.Read("mutants", &options.mutants);
  reader.Read("bias", &options.bias);
  reader.Read("crossover", &options.crossover);
  reader.Read("published", &options.published);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckOptions(options));
  return std::make_shared<const Brkga>(options);
}

}  // namespace gopt

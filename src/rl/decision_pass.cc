#include "gopt/rl/decision_pass.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "src/rl/guidance_of.h"

namespace gopt {
namespace {

bool IsOpen(const Tasks& tasks, Task task) {
  switch (task) {
    case Task::kFusion:
      return tasks.fusion;
    case Task::kPlacement:
      return tasks.placement;
    case Task::kScheduling:
      return tasks.scheduling;
  }
  return false;
}

// The network's side of a round, the same for sampling and for replaying. `choose(task, output)`
// gives the actions, `kernels()` the sets that the picks made.
template <typename Choose, typename MakeKernels>
absl::Status GoThroughRound(PolicyNetworkImpl& network, const PolicyProblem& problem,
                            TaskState state, Choose choose, MakeKernels make_kernels) {
  const Tasks& open = problem.problem().tasks();
  const int64_t states = static_cast<int64_t>(state.rows.size());
  if (open.fusion) {
    const HeadOutput output = network.Fusion(&state);
    network.Condition(Task::kFusion, OpActions(choose(Task::kFusion, output)), &state);
  }
  std::vector<std::shared_ptr<const KernelSet>> sets;
  GOPT_ASSIGN_OR_RETURN(sets, make_kernels());
  std::vector<const KernelSet*> pointers;
  for (const auto& set : sets) pointers.push_back(set.get());
  // Kernels that all samples share still read ops of one state each, if there are several states.
  if (pointers.size() == 1 && state.rows.size() > 1) {
    pointers.assign(state.rows.size(), pointers[0]);
  }
  const int64_t ops = states == 0 ? 0 : state.rows[0];
  const int64_t stride = state.rows.size() == 1 ? 0 : ops;
  const PackedKernels packed =
      PackKernels(pointers, stride, network.options().segment, state.hidden.device());
  TaskState kernels = network.Pool(state, packed);
  if (open.placement) {
    const HeadOutput output = network.Placement(packed, &kernels);
    const HeadActions& actions = choose(Task::kPlacement, output);
    if (network.options().conditioning == Conditioning::kActions && open.scheduling) {
      network.Condition(Task::kPlacement, KernelActions(actions, packed), &kernels);
    }
  }
  if (open.scheduling) choose(Task::kScheduling, network.Scheduling(&kernels));
  return absl::OkStatus();
}

DrawOptions DrawOf(const NetworkOptions& network, const ExplorationOptions& exploration,
                   Task task) {
  DrawOptions options = {.exploration = exploration};
  options.draw = network.decoder == DecoderKind::kDirect ? Draw::kCategorical
                 : exploration.shared                    ? Draw::kShared
                                                         : Draw::kIndependent;
  switch (task) {
    case Task::kFusion:
      options.sigma = exploration.fusion_sigma;
      break;
    case Task::kPlacement:
      options.sigma = exploration.stickiness_sigma;
      break;
    case Task::kScheduling:
      options.sigma = exploration.priority_sigma;
      break;
  }
  return options;
}

// [open tasks, samples] bool: which heads are noisy in which samples; at least one in each. Pairs
// of opposite noise are noisy in the same heads.
at::Tensor DrawActivity(const NetworkOptions& network, const SampleOptions& options,
                        const std::vector<Task>& open, const at::Generator& generator) {
  const int64_t heads = static_cast<int64_t>(open.size()), samples = options.samples;
  at::Tensor active =
      at::rand({heads, samples}, generator, at::kFloat) < options.exploration.head_probability;
  const at::Tensor one = at::randint(std::max<int64_t>(heads, 1), {samples}, generator, at::kLong);
  if (network.decoder == DecoderKind::kDirect) active.fill_(true);
  if (heads > 0) active.scatter_(0, one.unsqueeze(0), true);
  if (options.exploration.antithetic) {
    for (int64_t i = 1; i < samples; i += 2) active.select(1, i).copy_(active.select(1, i - 1));
  }
  if (options.greedy) active.fill_(false);
  if (options.first_greedy && samples > 0) active.select(1, 0).fill_(false);
  return active;
}

DecisionState StackStates(std::vector<DecisionState> states) {
  std::vector<at::Tensor> device, position, pick;
  for (DecisionState& state : states) {
    device.push_back(std::move(state.device));
    position.push_back(std::move(state.position));
    pick.push_back(std::move(state.pick));
  }
  return {at::cat(device), at::cat(position), at::cat(pick)};
}

// Draws the rounds of one batch of samples.
class Sampler {
 public:
  Sampler(PolicyNetworkImpl& network, const PolicyProblem& problem, const SampleOptions& options,
          const at::Generator& generator, PlanPool* pool)
      : network_(network),
        problem_(problem),
        options_(options),
        generator_(generator),
        pool_(*pool) {}

  absl::StatusOr<SampledDecisions> Run() {
    const EncodedGraph graph = network_.Encode(problem_.features());
    result_.trace.samples = options_.samples;
    DecisionState state = problem_.initial_state();
    for (int round = 0; round < network_.options().rounds; ++round) {
      if (round > 0) {
        GOPT_ASSIGN_OR_RETURN(state, NextState());
      }
      GOPT_RETURN_IF_ERROR(Round(graph, std::move(state)));
    }
    return std::move(result_);
  }

 private:
  absl::Status Round(const EncodedGraph& graph, DecisionState state) {
    DecisionTrace::Round& round = result_.trace.rounds.emplace_back();
    round.state = std::move(state);
    tasks_ = {problem_.base_tasks()};
    std::vector<Task> open;
    for (const Task task : {Task::kFusion, Task::kPlacement, Task::kScheduling}) {
      if (IsOpen(problem_.problem().tasks(), task)) open.push_back(task);
    }
    const at::Tensor activity = DrawActivity(network_.options(), options_, open, generator_);
    const auto choose = [&](Task task, const HeadOutput& output) -> const HeadActions& {
      int64_t row = 0;
      while (open[row] != task) ++row;
      std::optional<HeadActions>& actions = round.head[static_cast<int>(task)];
      actions = DrawActions(output, activity[row],
                            DrawOf(network_.options(), options_.exploration, task), generator_);
      return *actions;
    };
    TaskState begin = network_.Begin(graph, round.state);
    if (result_.trace.rounds.size() == 1 && network_.options().value) {
      result_.value = network_.Value(begin).item<double>();
    }
    GOPT_RETURN_IF_ERROR(GoThroughRound(network_, problem_, std::move(begin), choose,
                                        [&] { return MakeKernels(&round); }));
    MakeCandidates(round);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::shared_ptr<const KernelSet>>> MakeKernels(
      DecisionTrace::Round* round) {
    const std::optional<HeadActions>& fusion = round->head[static_cast<int>(Task::kFusion)];
    if (!fusion.has_value()) {
      round->kernels = {problem_.base_kernels()};
      return round->kernels;
    }
    picks_.resize(options_.samples);
    for (int64_t i = 0; i < options_.samples; ++i) {
      picks_[i] = PicksOf(network_.options(), fusion->action(i));
    }
    tasks_.resize(options_.samples);
    GOPT_RETURN_IF_ERROR(pool_.Fuse(picks_, FusionOptions{}, tasks_));
    for (const auto& tasks : tasks_) {
      // Equal picks give the same task graph: its set is made once.
      std::shared_ptr<const KernelSet> set;
      for (size_t i = 0; i < round->kernels.size() && set == nullptr; ++i) {
        if (tasks_[i] == tasks) set = round->kernels[i];
      }
      if (set == nullptr) {
        set = std::make_shared<const KernelSet>(problem_.MakeKernelSet(*tasks));
      }
      round->kernels.push_back(std::move(set));
    }
    return round->kernels;
  }

  void MakeCandidates(const DecisionTrace::Round& round) {
    result_.candidates.resize(options_.samples);
    const bool direct = network_.options().decoder == DecoderKind::kDirect;
    for (int64_t i = 0; i < options_.samples; ++i) {
      PlanCandidate& candidate = result_.candidates[i];
      candidate.tasks = tasks_[tasks_.size() == 1 ? 0 : i];
      candidate.decoder = direct ? GuidanceDecoder::Kind::kDirect : GuidanceDecoder::Kind::kList;
      candidate.guidance = GuidanceOf(network_.options(), problem_, round, i, *candidate.tasks);
    }
  }

  // What the samples of this round decided.
  absl::StatusOr<DecisionState> NextState() {
    std::vector<DecisionState> states;
    for (int64_t i = 0; i < options_.samples; ++i) {
      const PlanCandidate& candidate = result_.candidates[i];
      Plan plan;
      GOPT_RETURN_IF_ERROR(
          GuidanceDecoder(candidate.tasks, candidate.decoder).Decode(candidate.guidance, &plan));
      states.push_back(problem_.StateOf(plan, picks_.empty() ? std::vector<int32_t>() : picks_[i]));
    }
    return StackStates(std::move(states));
  }

  PolicyNetworkImpl& network_;
  const PolicyProblem& problem_;
  const SampleOptions& options_;
  const at::Generator generator_;
  PlanPool& pool_;
  std::vector<std::vector<int32_t>> picks_;
  std::vector<std::shared_ptr<const TaskGraph>> tasks_;  // One for all samples, or one each.
  SampledDecisions result_;
};

}  // namespace

DecisionTrace DecisionTrace::Select(std::span<const int64_t> chosen) const {
  DecisionTrace part = {.samples = static_cast<int64_t>(chosen.size()), .rounds = {}};
  const at::Tensor index = at::tensor(at::ArrayRef<int64_t>(chosen.data(), chosen.size()));
  for (const Round& round : rounds) {
    Round& to = part.rounds.emplace_back();
    to.state = round.state;
    if (round.state.device.size(0) > 1) {
      to.state = {round.state.device.index_select(0, index),
                  round.state.position.index_select(0, index),
                  round.state.pick.index_select(0, index)};
    }
    for (int task = 0; task < kNumTasks; ++task) {
      if (round.head[task].has_value()) to.head[task] = round.head[task]->Select(chosen);
    }
    if (round.kernels.size() == 1) {
      to.kernels = round.kernels;
    } else {
      for (const int64_t sample : chosen) to.kernels.push_back(round.kernels[sample]);
    }
  }
  return part;
}

absl::StatusOr<SampledDecisions> SampleDecisions(PolicyNetwork network,
                                                 const PolicyProblem& problem,
                                                 const SampleOptions& options,
                                                 const at::Generator& generator, PlanPool* pool) {
  const at::NoGradGuard no_grad;
  return Sampler(*network, problem, options, generator, pool).Run();
}

Replay ReplayDecisions(PolicyNetwork network, const PolicyProblem& problem,
                       const DecisionTrace& trace) {
  Replay replay;
  const EncodedGraph graph = network->Encode(problem.features());
  for (size_t i = 0; i < trace.rounds.size(); ++i) {
    const DecisionTrace::Round& round = trace.rounds[i];
    TaskState begin = network->Begin(graph, round.state);
    if (i == 0 && network->options().value) replay.value = network->Value(begin);
    const auto choose = [&](Task task, const HeadOutput& output) -> const HeadActions& {
      const HeadActions& actions = *round.head[static_cast<int>(task)];
      replay.heads.push_back({task, static_cast<int>(i), &actions, output});
      return actions;
    };
    const absl::Status status =
        GoThroughRound(*network, problem, std::move(begin), choose,
                       [&]() -> absl::StatusOr<std::vector<std::shared_ptr<const KernelSet>>> {
                         return round.kernels;
                       });
    GOPT_CHECK(status.ok());
  }
  return replay;
}

}  // namespace gopt

#include "src/rl/training_state.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/version.h"
#include "gopt/io/plan_file.h"
#include "src/rl/bundle_tensors.h"
#include "src/rl/trace_tensors.h"

namespace gopt {
namespace {

using Json = nlohmann::json;

constexpr char kNetwork[] = "network.", kFirstMoment[] = "adam.first_moment.",
               kSecondMoment[] = "adam.second_moment.", kBestWeights[] = "best.", kGood[] = "good.";
constexpr char kStateKey[] = "training", kProblemsKey[] = "problems", kStepsKey[] = "adam_steps";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

torch::optim::AdamParamState* MomentsOf(PpoLearner& learner, const at::Tensor& parameter) {
  auto& states = learner.optimizer().state();
  auto it = states.find(parameter.unsafeGetTensorImpl());
  return it == states.end() ? nullptr
                            : static_cast<torch::optim::AdamParamState*>(it->second.get());
}

// Adds moments to the bundle and returns the number of steps that made them. Parameters that no
// step has reached have none.
std::string AddMoments(PpoLearner& learner, Bundle* bundle) {
  Json steps = Json::object();
  for (const auto& item : learner.network()->named_parameters()) {
    const auto* moments = MomentsOf(learner, item.value());
    if (moments == nullptr) continue;
    steps[item.key()] = moments->step();
    bundle->tensors.push_back(ToBundleTensor(kFirstMoment + item.key(), moments->exp_avg()));
    bundle->tensors.push_back(ToBundleTensor(kSecondMoment + item.key(), moments->exp_avg_sq()));
  }
  return steps.dump();
}

void RestoreMoments(const Bundle& bundle, const Json& steps, PpoLearner* learner) {
  auto& states = learner->optimizer().state();
  states.clear();
  for (const auto& item : learner->network()->named_parameters()) {
    if (!steps.contains(item.key())) continue;
    auto moments = std::make_unique<torch::optim::AdamParamState>();
    moments->step(steps[item.key()].get<int64_t>());
    const at::Device device = item.value().device();
    moments->exp_avg(FromBundleTensor(*FindTensor(bundle, kFirstMoment + item.key())).to(device));
    moments->exp_avg_sq(
        FromBundleTensor(*FindTensor(bundle, kSecondMoment + item.key())).to(device));
    states[item.value().unsafeGetTensorImpl()] = std::move(moments);
  }
}

Json ToJson(const TrainingState& state) {
  return {{"iteration", state.iteration},
          {"evaluations", state.evaluations},
          {"seconds", state.seconds},
          {"best_evaluation", state.best_evaluation},
          {"best_iteration", state.best_iteration},
          {"last_evaluation", state.last_evaluation},
          {"consecutive_skips", state.consecutive_skips},
          {"restores", state.restores},
          {"good_iteration", state.good.iteration},
          {"good_steps", state.good.adam_steps}};
}

void FromJson(const Json& json, TrainingState* state) {
  state->iteration = json.at("iteration").get<int64_t>();
  state->evaluations = json.at("evaluations").get<int64_t>();
  state->seconds = json.at("seconds").get<double>();
  state->best_evaluation = json.at("best_evaluation").get<double>();
  state->best_iteration = json.at("best_iteration").get<int64_t>();
  state->last_evaluation = json.at("last_evaluation").get<int64_t>();
  state->consecutive_skips = json.at("consecutive_skips").get<int>();
  state->restores = json.at("restores").get<int>();
  state->good.iteration = json.at("good_iteration").get<int64_t>();
  state->good.adam_steps = json.at("good_steps").get<std::string>();
}

std::string PlanKey(size_t problem) { return absl::StrCat("best_plan.", problem); }
std::string TracePrefix(size_t problem) { return absl::StrCat("trace.", problem, "."); }

// Null for another process's.
Json AddProblem(size_t index, TrainedProblem* problem, Bundle* bundle) {
  if (problem == nullptr) return nullptr;
  const BestSample& best = problem->best();
  if (best.step_time > 0) {
    const PlanFile file = {.plan = best.plan};
    bundle->state[PlanKey(index)] = SerializePlan(file);
  }
  if (best.trace != nullptr) AddTrace(*best.trace, TracePrefix(index), bundle);
  return {{"fingerprint", problem->problem()->problem().graph().fingerprint()},
          {"worst_feasible", problem->reward_scale().worst_feasible()},
          {"best_time", best.step_time},
          {"best_reward", best.reward}};
}

// What this process's problems remember, and nothing else.
Bundle MemoryOf(const std::vector<std::unique_ptr<TrainedProblem>>& problems) {
  Bundle memory;
  Json list = Json::array();
  for (size_t i = 0; i < problems.size(); ++i) {
    list.push_back(AddProblem(i, problems[i].get(), &memory));
  }
  memory.state[kProblemsKey] = list.dump();
  return memory;
}

// Adds what one process's problems remember to what others' do.
void MergeMemory(Bundle part, Bundle* bundle) {
  const Json own = Json::parse(part.state[kProblemsKey]);
  std::string& merged = bundle->state[kProblemsKey];
  Json list = merged.empty() ? own : Json::parse(merged);
  for (size_t i = 0; i < own.size(); ++i) {
    if (!own[i].is_null()) list[i] = own[i];
  }
  merged = list.dump();
  for (auto& [key, bytes] : part.state) bundle->state.try_emplace(key, std::move(bytes));
  for (BundleTensor& tensor : part.tensors) bundle->tensors.push_back(std::move(tensor));
}

absl::Status AddMemory(const std::vector<std::unique_ptr<TrainedProblem>>& problems,
                       const Processes& processes, Bundle* bundle) {
  Bundle own = MemoryOf(problems);
  std::vector<std::string> others;
  if (!processes.alone()) {
    GOPT_ASSIGN_OR_RETURN(const std::string bytes, SerializeBundle(own));
    GOPT_ASSIGN_OR_RETURN(others, processes.Gather(bytes));
  }
  MergeMemory(std::move(own), bundle);
  for (int i = 0; i < static_cast<int>(others.size()); ++i) {
    if (i == processes.index()) continue;
    GOPT_ASSIGN_OR_RETURN(Bundle part, ParseBundle(others[i], "another process's problems"));
    MergeMemory(std::move(part), bundle);
  }
  return absl::OkStatus();
}

absl::Status RestoreProblem(const Json& stored, const Bundle& bundle, size_t index,
                            TrainedProblem* problem) {
  const auto graph = problem->problem()->problem().shared_graph();
  if (stored.at("fingerprint").get<uint64_t>() != graph->fingerprint()) {
    return absl::InvalidArgumentError(absl::StrCat("problem ", index,
                                                   ": the checkpoint is of another graph than '",
                                                   problem->named().graph, "' is now"));
  }
  problem->reward_scale().set_worst_feasible(stored.at("worst_feasible").get<double>());
  BestSample best;
  best.step_time = stored.at("best_time").get<int64_t>();
  best.reward = stored.at("best_reward").get<double>();
  if (auto bytes = bundle.state.find(PlanKey(index)); bytes != bundle.state.end()) {
    GOPT_ASSIGN_OR_RETURN(PlanFile file, DeserializePlan(bytes->second, graph, "best plan"));
    best.plan = std::move(file.plan);
  }
  GOPT_ASSIGN_OR_RETURN(best.trace, FindTrace(bundle, TracePrefix(index), problem));
  problem->set_best(std::move(best));
  return absl::OkStatus();
}

// Tensors of the parameters and of their moments, where there are any.
void ExpectWeights(const std::string& prefix, const Policy& policy, const Json& steps,
                   std::vector<ExpectedTensor>* expected) {
  for (const ExpectedTensor& tensor : ExpectedParameters("", *policy.network())) {
    for (const char* part : {kNetwork, kFirstMoment, kSecondMoment}) {
      if (part != kNetwork && !steps.contains(tensor.name)) continue;
      expected->push_back({prefix + part + tensor.name, tensor.type, tensor.shape});
    }
  }
}

bool HasPrefix(const Bundle& bundle, std::string_view prefix) {
  return std::any_of(bundle.tensors.begin(), bundle.tensors.end(),
                     [&](const BundleTensor& tensor) { return tensor.name.starts_with(prefix); });
}

// All but the problems' part, checked before anything is changed.
absl::Status CheckCheckpoint(const Bundle& bundle, const Policy& policy, const Json& steps,
                             const Json& good_steps) {
  Bundle known;
  for (const BundleTensor& tensor : bundle.tensors) {
    for (const char* prefix : {kNetwork, kFirstMoment, kSecondMoment, kBestWeights, kGood}) {
      if (!tensor.name.starts_with(prefix)) continue;
      known.tensors.push_back({.name = tensor.name, .type = tensor.type, .shape = tensor.shape});
    }
  }
  std::vector<ExpectedTensor> expected;
  ExpectWeights("", policy, steps, &expected);
  ExpectWeights(kGood, policy, good_steps, &expected);
  if (HasPrefix(bundle, kBestWeights)) {
    for (ExpectedTensor& tensor : ExpectedParameters(kBestWeights, *policy.network())) {
      expected.push_back(std::move(tensor));
    }
  }
  return CheckTensors(known, expected);
}

absl::Status Restore(const Bundle& bundle, const Policy& policy, PpoLearner* learner,
                     TrainingState* state, std::vector<std::unique_ptr<TrainedProblem>>* problems) {
  const auto text = [&](const char* key) {
    const auto it = bundle.state.find(key);
    return it == bundle.state.end() ? std::string("null") : it->second;
  };
  const Json steps = Json::parse(text(kStepsKey)), list = Json::parse(text(kProblemsKey));
  TrainingState read;
  FromJson(Json::parse(text(kStateKey)), &read);
  GOPT_RETURN_IF_ERROR(CheckCheckpoint(bundle, policy, steps, Json::parse(read.good.adam_steps)));
  if (list.size() != problems->size()) {
    return absl::InvalidArgumentError(absl::StrCat("the checkpoint is of ", list.size(),
                                                   " problems, here are ", problems->size()));
  }
  for (size_t i = 0; i < problems->size(); ++i) {
    TrainedProblem* problem = (*problems)[i].get();
    if (problem == nullptr || list[i].is_null()) continue;
    GOPT_RETURN_IF_ERROR(RestoreProblem(list[i], bundle, i, problem));
  }
  for (const BundleTensor& tensor : bundle.tensors) {
    if (tensor.name.starts_with(kBestWeights)) read.best_weights.push_back(tensor);
    if (!tensor.name.starts_with(kGood)) continue;
    read.good.tensors.push_back(tensor);
    read.good.tensors.back().name.erase(0, std::string_view(kGood).size());
  }
  PolicyNetwork network = policy.network();
  CopyIntoParameters(bundle, kNetwork, network.get());
  RestoreMoments(bundle, steps, learner);
  *state = std::move(read);
  return absl::OkStatus();
}

}  // namespace

Snapshot TakeSnapshot(const Policy& policy, PpoLearner& learner, int64_t iteration) {
  Bundle bundle;
  for (const auto& item : policy.network()->named_parameters()) {
    bundle.tensors.push_back(ToBundleTensor(kNetwork + item.key(), item.value()));
  }
  Snapshot snapshot = {.iteration = iteration};
  snapshot.adam_steps = AddMoments(learner, &bundle);
  snapshot.tensors = std::move(bundle.tensors);
  return snapshot;
}

void RestoreSnapshot(const Snapshot& snapshot, const Policy& policy, PpoLearner* learner) {
  Bundle bundle;
  bundle.tensors = snapshot.tensors;
  PolicyNetwork network = policy.network();
  CopyIntoParameters(bundle, kNetwork, network.get());
  RestoreMoments(bundle, Json::parse(snapshot.adam_steps), learner);
}

bool IsFinite(const Policy& policy, PpoLearner& learner) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> all;
  for (const at::Tensor& parameter : policy.network()->parameters()) {
    all.push_back(parameter.flatten());
    const auto* moments = MomentsOf(learner, parameter);
    if (moments == nullptr) continue;
    all.push_back(moments->exp_avg().flatten());
    all.push_back(moments->exp_avg_sq().flatten());
  }
  return at::isfinite(at::cat(all)).all().item<bool>();
}

void RememberBest(const Policy& policy, PpoLearner& learner, double evaluation,
                  TrainingState* state) {
  if (!std::isfinite(evaluation) || !IsFinite(policy, learner)) return;
  if (state->best_evaluation > 0 && evaluation >= state->best_evaluation) return;
  state->best_evaluation = evaluation;
  state->best_iteration = state->iteration;
  state->best_weights.clear();
  for (const auto& item : policy.network()->named_parameters()) {
    state->best_weights.push_back(ToBundleTensor(kBestWeights + item.key(), item.value()));
  }
}

std::shared_ptr<const Policy> MakeBestPolicy(const Policy& policy, const TrainingState& state,
                                             std::string model_card) {
  Bundle bundle = policy.ToBundle();
  if (!state.best_weights.empty()) {
    bundle.tensors = state.best_weights;
    for (BundleTensor& tensor : bundle.tensors) {
      tensor.name = kNetwork + tensor.name.substr(std::string_view(kBestWeights).size());
    }
  }
  bundle.metadata = {{"gopt_version", std::string(Version())},
                     {"iterations", absl::StrCat(state.iteration)},
                     {"plans_priced", absl::StrCat(state.evaluations)}};
  bundle.model_card = std::move(model_card);
  auto best = Policy::FromBundle(bundle);
  GOPT_CHECK(best.ok());
  return *std::move(best);
}

absl::StatusOr<Bundle> MakeCheckpoint(const Policy& policy, PpoLearner& learner,
                                      const TrainingState& state,
                                      const std::vector<std::unique_ptr<TrainedProblem>>& problems,
                                      const Processes& processes) {
  Bundle bundle = policy.ToBundle();
  bundle.kind = "checkpoint";
  bundle.iteration = state.iteration;
  bundle.state[kStepsKey] = AddMoments(learner, &bundle);
  bundle.tensors.insert(bundle.tensors.end(), state.best_weights.begin(), state.best_weights.end());
  for (const BundleTensor& tensor : state.good.tensors) {
    bundle.tensors.push_back(tensor);
    bundle.tensors.back().name.insert(0, kGood);
  }
  bundle.state[kStateKey] = ToJson(state).dump();
  GOPT_RETURN_IF_ERROR(AddMemory(problems, processes, &bundle));
  return bundle;
}

absl::Status RestoreCheckpoint(const Bundle& bundle, std::string_view source, const Policy& policy,
                               PpoLearner* learner, TrainingState* state,
                               std::vector<std::unique_ptr<TrainedProblem>>* problems) {
  absl::Status status;
  if (bundle.kind != "checkpoint") {
    status = absl::InvalidArgumentError(absl::StrCat("holds a ", bundle.kind, ", no checkpoint"));
  } else {
    try {
      status = Restore(bundle, policy, learner, state, problems);
    } catch (const std::exception& error) {  // Of JSON, and of tensors that do not fit together.
      status = absl::InvalidArgumentError(absl::StrCat("training state: ", error.what()));
    }
  }
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(View(source), ": ", status.message()));
}

}  // namespace gopt

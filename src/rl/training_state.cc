#include "src/rl/training_state.h"

#include <ATen/ATen.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/io/plan_file.h"
#include "src/rl/bundle_tensors.h"
#include "src/rl/trace_tensors.h"

namespace gopt {
namespace {

using Json = nlohmann::json;

constexpr char kNetwork[] = "network.", kFirstMoment[] = "adam.first_moment.",
               kSecondMoment[] = "adam.second_moment.", kBestWeights[] = "best.";
constexpr char kStateKey[] = "training", kProblemsKey[] = "problems";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

torch::optim::AdamParamState* MomentsOf(PpoLearner& learner, const at::Tensor& parameter) {
  auto& states = learner.optimizer().state();
  auto it = states.find(parameter.unsafeGetTensorImpl());
  return it == states.end() ? nullptr
                            : static_cast<torch::optim::AdamParamState*>(it->second.get());
}

// Parameters that no step has reached have no moments; zeros stand for them, and step 0.
void AddMoments(PpoLearner& learner, Bundle* bundle) {
  Json steps = Json::object();
  for (const auto& item : learner.network()->named_parameters()) {
    const auto* moments = MomentsOf(learner, item.value());
    if (moments == nullptr) continue;
    steps[item.key()] = moments->step();
    bundle->tensors.push_back(ToBundleTensor(kFirstMoment + item.key(), moments->exp_avg()));
    bundle->tensors.push_back(ToBundleTensor(kSecondMoment + item.key(), moments->exp_avg_sq()));
  }
  bundle->state["adam_steps"] = steps.dump();
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
          {"restores", state.restores}};
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
}

std::string PlanKey(size_t problem) { return absl::StrCat("best_plan.", problem); }
std::string TracePrefix(size_t problem) { return absl::StrCat("trace.", problem, "."); }

Json AddProblems(const std::vector<std::unique_ptr<TrainedProblem>>& problems, Bundle* bundle) {
  Json list = Json::array();
  for (size_t i = 0; i < problems.size(); ++i) {
    if (problems[i] == nullptr) {
      list.push_back(nullptr);  // Another process's.
      continue;
    }
    TrainedProblem& problem = *problems[i];
    const BestSample& best = problem.best();
    list.push_back({{"fingerprint", problem.problem()->problem().graph().fingerprint()},
                    {"worst_feasible", problem.reward_scale().worst_feasible()},
                    {"best_time", best.step_time},
                    {"best_reward", best.reward}});
    if (best.step_time > 0) {
      PlanFile file = {.plan = best.plan};
      bundle->state[PlanKey(i)] = SerializePlan(file);
    }
    if (best.trace != nullptr) AddTrace(*best.trace, TracePrefix(i), bundle);
  }
  return list;
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

// All but the problems' part, checked before anything is changed.
absl::Status CheckCheckpoint(const Bundle& bundle, const Policy& policy, const Json& steps) {
  Bundle known;
  std::vector<ExpectedTensor> expected;
  for (const BundleTensor& tensor : bundle.tensors) {
    for (const char* prefix : {kNetwork, kFirstMoment, kSecondMoment}) {
      if (tensor.name.starts_with(prefix)) {
        known.tensors.push_back({.name = tensor.name, .type = tensor.type, .shape = tensor.shape});
      }
    }
  }
  for (const ExpectedTensor& tensor : ExpectedParameters("", *policy.network())) {
    for (const char* prefix : {kNetwork, kFirstMoment, kSecondMoment}) {
      if (prefix != kNetwork && !steps.contains(tensor.name)) continue;
      expected.push_back({prefix + tensor.name, tensor.type, tensor.shape});
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
  const Json steps = Json::parse(text("adam_steps")), stored = Json::parse(text(kStateKey)),
             list = Json::parse(text(kProblemsKey));
  GOPT_RETURN_IF_ERROR(CheckCheckpoint(bundle, policy, steps));
  if (list.size() != problems->size()) {
    return absl::InvalidArgumentError(absl::StrCat("the checkpoint is of ", list.size(),
                                                   " problems, here are ", problems->size()));
  }
  for (size_t i = 0; i < problems->size(); ++i) {
    TrainedProblem* problem = (*problems)[i].get();
    if (problem == nullptr || list[i].is_null()) continue;
    GOPT_RETURN_IF_ERROR(RestoreProblem(list[i], bundle, i, problem));
  }
  TrainingState read;
  FromJson(stored, &read);
  for (const BundleTensor& tensor : bundle.tensors) {
    if (tensor.name.starts_with(kBestWeights)) read.best_weights.push_back(tensor);
  }
  PolicyNetwork network = policy.network();
  CopyIntoParameters(bundle, kNetwork, network.get());
  RestoreMoments(bundle, steps, learner);
  *state = std::move(read);
  return absl::OkStatus();
}

}  // namespace

Bundle MakeCheckpoint(const Policy& policy, PpoLearner& learner, const TrainingState& state,
                      const std::vector<std::unique_ptr<TrainedProblem>>& problems) {
  Bundle bundle = policy.ToBundle();
  bundle.kind = "checkpoint";
  bundle.iteration = state.iteration;
  AddMoments(learner, &bundle);
  bundle.tensors.insert(bundle.tensors.end(), state.best_weights.begin(), state.best_weights.end());
  bundle.state[kStateKey] = ToJson(state).dump();
  bundle.state[kProblemsKey] = AddProblems(problems, &bundle).dump();
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
    } catch (const Json::exception& error) {
      status = absl::InvalidArgumentError(absl::StrCat("training state: ", error.what()));
    }
  }
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(View(source), ": ", status.message()));
}

}  // namespace gopt

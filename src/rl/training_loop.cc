#include "src/rl/training_loop.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/rl/evaluation.h"
#include "src/rl/guarded.h"
#include "src/rl/iteration_seed.h"
#include "src/rl/model_card.h"
#include "src/rl/problem_status.h"
#include "src/rl/tensor_threads.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostSkips = 3;     // Iterations in a row that made no step; then weights go back.
constexpr int kMostRestores = 3;  // In a row; then the run ends.

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

TrainingLoop::TrainingLoop(std::unique_ptr<PreparedRun> run)
    : run_(std::move(run)),
      config_(run_->config),
      processes_(run_->processes),
      policy_(*run_->policy),
      learner_(*run_->learner),
      train_(run_->train),
      evaluation_(run_->evaluation),
      state_(run_->state) {}

absl::StatusOr<TrainingResult> TrainingLoop::Run() {
  const TensorThreads tensor_threads(run_->tensor_threads());
  std::string stopped = "cancelled";
  if (!run_->cut_short) {
    GOPT_ASSIGN_OR_RETURN(stopped, RunToTheEnd());
    GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "stopped", stopped)));
  }
  TrainingResult result = {.policy = BestPolicy(),
                           .iterations = state_.iteration,
                           .evaluations = state_.evaluations,
                           .stopped = stopped};
  BatchSums sums;
  sums.AddBest(train_);
  GOPT_RETURN_IF_ERROR(processes_.Sum(sums.sums()));
  if (sums.problems_with_best > 0) {
    result.ratio_best = std::exp(sums.log_best / sums.problems_with_best);
  }
  return result;
}

absl::StatusOr<std::string> TrainingLoop::RunToTheEnd() {
  while (true) {
    if (EvaluationIsDue()) {
      GOPT_ASSIGN_OR_RETURN(const bool evaluated, Evaluate());
      if (!evaluated) break;
    }
    if (state_.iteration >= config_.iterations) return SaveAndSay("completed");
    const int64_t waited = state_.iteration - state_.best_iteration;
    if (config_.patience > 0 && state_.best_iteration > 0 && waited >= config_.patience) {
      return SaveAndSay(absl::StrCat("no better evaluation for ", waited, " iterations"));
    }
    GOPT_ASSIGN_OR_RETURN(const bool due, CheckpointIsDue());
    if (due) GOPT_RETURN_IF_ERROR(SaveCheckpoint());
    GOPT_ASSIGN_OR_RETURN(const bool done, Iteration());
    if (!done) break;
  }
  return SaveAndSay("cancelled");
}

double TrainingLoop::progress() const {
  return static_cast<double>(state_.iteration) /
         static_cast<double>(std::max<int64_t>(config_.iterations, 1));
}

absl::StatusOr<bool> TrainingLoop::Iteration() {
  const Clock::time_point start = Clock::now();
  IterationTime time;
  const std::vector<int> batch = Batch();
  GOPT_RETURN_IF_ERROR(Collect(batch, &time));
  GOPT_ASSIGN_OR_RETURN(const bool any_cancelled, processes_.Any(run_->cancelled()));
  if (any_cancelled) return false;
  BatchSums sums;
  std::vector<Rollout> rollouts;
  for (const int index : batch) {
    rollouts.push_back(train_[index]->TakeRollout(
        config_.ppo,
        IterationSeed(config_.seed, SeedPurpose::kMinibatches, state_.iteration, index)));
    sums.Add(train_[index]->stats(), rollouts.back());
    if (rollouts.back().reward.empty()) rollouts.pop_back();
  }
  const Clock::time_point update = Clock::now();
  Snapshot before = TakeSnapshot(policy_, learner_, state_.iteration);
  GOPT_ASSIGN_OR_RETURN(const PpoStats stats, Guarded([&] {
                          return learner_.Update(rollouts, progress(), run_->options.sum);
                        }));
  time.update = Since(update);
  ++state_.iteration;
  sums.AddBest(train_);
  GOPT_RETURN_IF_ERROR(processes_.Sum(sums.sums()));
  GOPT_RETURN_IF_ERROR(processes_.Max(&sums.reward_best));
  state_.evaluations += static_cast<int64_t>(sums.samples - sums.not_finite);
  GOPT_ASSIGN_OR_RETURN(Json lines, GatherLines(processes_, BatchLines(train_, batch)));
  time.total = Since(start) + other_seconds_;
  other_seconds_ = 0.0;
  state_.seconds += time.total;
  GOPT_RETURN_IF_ERROR(
      Log(IterationLine(state_, stats, sums, time, config_.network.value, std::move(lines))));
  GOPT_RETURN_IF_ERROR(Guard(stats, sums.not_finite > 0, batch, std::move(before)));
  return true;
}

std::vector<int> TrainingLoop::Batch() const {
  std::vector<int64_t> sizes;
  std::vector<int> own;
  for (size_t i = 0; i < train_.size(); ++i) {
    if (train_[i] == nullptr) continue;
    own.push_back(static_cast<int>(i));
    sizes.push_back(train_[i]->problem()->problem().graph().num_ops());
  }
  const int batch = std::max(1, config_.batch / processes_.count());
  std::vector<int> chosen =
      ChooseProblems(sizes, batch, config_.curriculum, progress(),
                     IterationSeed(config_.seed, SeedPurpose::kBatch, state_.iteration, 0));
  for (int& index : chosen) index = own[index];
  return chosen;
}

absl::Status TrainingLoop::Collect(const std::vector<int>& batch, IterationTime* time) {
  const SampleOptions options = {.samples = config_.ppo.samples,
                                 .exploration = config_.exploration};
  std::future<absl::Status> pricing;
  absl::Status status;
  for (const int index : batch) {
    TrainedProblem* problem = train_[index].get();
    const uint64_t seed =
        IterationSeed(config_.seed, SeedPurpose::kSamples, state_.iteration, index);
    status = InProblem(problem->named(),
                       Guarded([&] { return problem->Draw(policy_.network(), options, seed); }));
    time->forward += problem->stats().forward_seconds;
    const Clock::time_point wait = Clock::now();
    if (pricing.valid()) status.Update(pricing.get());
    time->price += Since(wait);
    if (!status.ok()) return status;
    pricing = std::async(std::launch::async, [this, problem] {
      return InProblem(problem->named(), problem->Price(run_->budget()));
    });
  }
  const Clock::time_point wait = Clock::now();
  if (pricing.valid()) status.Update(pricing.get());
  time->price += Since(wait);
  return status;
}

absl::Status TrainingLoop::Guard(const PpoStats& stats, bool not_finite,
                                 const std::vector<int>& batch, Snapshot before) {
  if (stats.minibatches > 0 && IsFinite(policy_, learner_)) {
    state_.consecutive_skips = state_.restores = 0;
    state_.good = std::move(before);
    return absl::OkStatus();
  }
  const bool all_failed = stats.minibatches == 0 && stats.skipped == 0 && !not_finite;
  if (all_failed || ++state_.consecutive_skips < kMostSkips) return absl::OkStatus();
  if (++state_.restores > kMostRestores) {
    return absl::InternalError(absl::StrCat(
        "training diverges: updates were not finite at iteration ", state_.iteration,
        ", again after weights were restored ", kMostRestores, " times; lower ppo.learning_rate"));
  }
  RestoreSnapshot(state_.good, policy_, &learner_);
  state_.consecutive_skips = 0;  // Others are drawn now than those that failed.
  GOPT_RETURN_IF_ERROR(WriteReproducer(batch));
  return Log(
      EventLine(state_, "restored",
                absl::StrCat("updates were not finite in ", kMostSkips, " iterations in a row")));
}

absl::Status TrainingLoop::WriteReproducer(const std::vector<int>& batch) {
  TrainingState at = state_;
  at.iteration = state_.good.iteration;
  at.restores = 0;
  GOPT_ASSIGN_OR_RETURN(const Bundle bundle,
                        MakeCheckpoint(policy_, learner_, at, train_, processes_));
  if (!run_->is_writer()) return absl::OkStatus();
  return run_->folder.WriteReproducer(config_, state_.iteration, batch, bundle);
}

bool TrainingLoop::EvaluationIsDue() const {
  if (state_.iteration == 0 || state_.last_evaluation == state_.iteration) return false;
  return state_.iteration >= config_.iterations ||
         (config_.evaluate_every > 0 && state_.iteration % config_.evaluate_every == 0);
}

absl::StatusOr<bool> TrainingLoop::Evaluate() {
  const Clock::time_point start = Clock::now();
  Json lines = Json::array();
  EvaluationSums sums;
  for (const auto& [set, problems] :
       {std::pair("train", &train_), std::pair("evaluation", &evaluation_)}) {
    // What generalises is what counts, where there is something to tell by.
    const bool counts = problems == &evaluation_ || evaluation_.empty();
    GOPT_ASSIGN_OR_RETURN(Json of_set, Guarded([&] {
                            return EvaluateSet(set, *problems, policy_, config_, run_->budget(),
                                               counts ? &sums : nullptr);
                          }));
    GOPT_ASSIGN_OR_RETURN(const Json all, GatherLines(processes_, std::move(of_set)));
    lines.insert(lines.end(), all.begin(), all.end());
  }
  GOPT_ASSIGN_OR_RETURN(const bool any_cancelled, processes_.Any(run_->cancelled()));
  if (any_cancelled) return false;
  GOPT_RETURN_IF_ERROR(processes_.Sum(sums.sums()));
  RememberBest(policy_, learner_, sums.samples_ratio(), &state_);
  state_.last_evaluation = state_.iteration;
  other_seconds_ += Since(start);
  return LogEvaluation(sums.greedy_ratio(), sums.samples_ratio(), std::move(lines));
}

absl::StatusOr<bool> TrainingLoop::LogEvaluation(double greedy, double samples, Json lines) {
  GOPT_RETURN_IF_ERROR(Log({{"kind", "evaluation"},
                            {"iteration", state_.iteration},
                            {"evaluations", state_.evaluations},
                            {"ratio_greedy", Number(greedy)},
                            {"ratio_samples", Number(samples)},
                            {"problems", std::move(lines)},
                            {"seconds", Number(state_.seconds + other_seconds_)}}));
  return true;
}

absl::StatusOr<bool> TrainingLoop::CheckpointIsDue() const {
  const bool due = Since(last_checkpoint_) >= config_.checkpoint_minutes * 60;
  return processes_.Any(processes_.index() == 0 && due);
}

absl::Status TrainingLoop::SaveCheckpoint() {
  if (!run_->writes() || !IsFinite(policy_, learner_)) return absl::OkStatus();
  const Clock::time_point start = Clock::now();
  GOPT_ASSIGN_OR_RETURN(const Bundle checkpoint,
                        MakeCheckpoint(policy_, learner_, state_, train_, processes_));
  if (run_->is_writer()) {
    GOPT_RETURN_IF_ERROR(WriteBundleFile(checkpoint, run_->folder.checkpoint()));
    GOPT_RETURN_IF_ERROR(BestPolicy()->Save(run_->folder.policy()));
    GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "checkpoint", "")));
  }
  last_checkpoint_ = Clock::now();
  other_seconds_ += Since(start);
  return absl::OkStatus();
}

absl::StatusOr<std::string> TrainingLoop::SaveAndSay(std::string why) {
  if (!IsFinite(policy_, learner_)) {
    RestoreSnapshot(state_.good, policy_, &learner_);
    GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "restored", "weights were not finite")));
  }
  GOPT_RETURN_IF_ERROR(SaveCheckpoint());
  return why;
}

std::shared_ptr<const Policy> TrainingLoop::BestPolicy() const {
  return MakeBestPolicy(policy_, state_, ModelCard(config_, state_, train_, evaluation_));
}

}  // namespace gopt

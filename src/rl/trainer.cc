#include "gopt/rl/trainer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/version.h"
#include "gopt/io/training_file.h"
#include "src/io/file_bytes.h"
#include "src/rl/evaluation.h"
#include "src/rl/iteration_seed.h"
#include "src/rl/metrics_log.h"
#include "src/rl/model_card.h"
#include "src/rl/problem_status.h"
#include "src/rl/processes.h"
#include "src/rl/run_folder.h"
#include "src/rl/tensor_threads.h"
#include "src/rl/training_lines.h"
#include "src/rl/training_state.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostSkips = 3;     // Iterations in a row that made no step; then weights go back.
constexpr int kMostRestores = 3;  // In a row; then the run ends.

// LibTorch throws where memory runs out, and a backend may be anybody's code.
template <typename Function>
auto Guarded(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("training: ", error.what()));
  }
}

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::Status CheckOptions(const TrainingConfig& config, const TrainerOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckTrainingConfig(config));
  if (options.processes < 1 || options.process < 0 || options.process >= options.processes) {
    return absl::InvalidArgumentError("process must be from 0 to processes - 1");
  }
  if (options.processes > 1 && !options.sum) {
    return absl::InvalidArgumentError("several processes need a sum over them");
  }
  if (static_cast<int>(config.problem.size()) < options.processes) {
    return absl::InvalidArgumentError(absl::StrCat(config.problem.size(), " problems for ",
                                                   options.processes,
                                                   " processes: each needs one at least"));
  }
  return absl::OkStatus();
}

}  // namespace

class Trainer::Impl {
 public:
  Impl(const TrainingConfig& config, TrainerOptions options)
      : config_(config),
        options_(std::move(options)),
        folder_(options_.folder),
        processes_(options_.process, options_.processes, options_.sum) {}

  absl::Status Prepare() {
    GOPT_RETURN_IF_ERROR(CheckOptions(config_, options_));
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(folder_.Prepare(options_.resume));
    }
    const TensorThreads tensor_threads(threads_of_tensors());
    threads_ = std::make_shared<WorkerThreads>(config_.threads);
    backend_ = options_.backend;
    if (backend_ == nullptr) {
      GOPT_ASSIGN_OR_RETURN(backend_, CostBackends().Create(config_.backend));
    }
    std::vector<std::string> warnings;
    std::optional<Bundle> checkpoint;
    if (options_.resume && !options_.folder.empty()) {
      GOPT_ASSIGN_OR_RETURN(checkpoint, folder_.ReadCheckpoint(&warnings));
    }
    GOPT_RETURN_IF_ERROR(MakePolicy(checkpoint));
    GOPT_RETURN_IF_ERROR(LoadProblems(config_.problem, &train_, &of_train_));
    GOPT_RETURN_IF_ERROR(LoadProblems(config_.evaluation, &evaluation_, &of_evaluation_));
    learner_.emplace(policy_->network(), config_.ppo);
    return Begin(checkpoint, warnings);
  }

  absl::StatusOr<TrainingResult> Run() {
    const TensorThreads tensor_threads(threads_of_tensors());
    const absl::StatusOr<std::string> stopped = RunToTheEnd();
    if (!stopped.ok()) return stopped.status();
    GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "stopped", *stopped)));
    TrainingResult result = {.policy = BestPolicy(),
                             .iterations = state_.iteration,
                             .evaluations = state_.evaluations,
                             .stopped = *stopped};
    BatchSums sums;
    sums.AddBest(train_);
    GOPT_RETURN_IF_ERROR(processes_.Sum(sums.sums()));
    result.ratio_best = std::exp(sums.log_best / std::max(sums.problems_with_best, 1.0));
    return result;
  }

  const PolicyNetwork& network() const { return policy_->network(); }

 private:
  bool is_writer() const { return options_.process == 0 && !options_.folder.empty(); }
  // Of all processes alike: they do it together.
  bool writes() const { return !processes_.alone() || !options_.folder.empty(); }
  bool cancelled() const { return options_.cancel != nullptr && options_.cancel->cancelled(); }
  Budget budget() const {
    Budget budget;
    budget.cancel = options_.cancel;
    return budget;
  }
  // Several threads on one operation change its last bits.
  int threads_of_tensors() const { return config_.deterministic ? 1 : config_.threads; }
  double progress() const {
    return static_cast<double>(state_.iteration) /
           static_cast<double>(std::max<int64_t>(config_.iterations, 1));
  }

  // A checkpoint's, so that a resume needs the file of the start no more.
  absl::Status MakePolicy(const std::optional<Bundle>& checkpoint) {
    if (!checkpoint.has_value() && config_.init.empty()) {
      policy_ = Policy::Create(config_);
    } else {
      Bundle bundle;
      if (checkpoint.has_value()) {
        bundle = *checkpoint;
      } else {
        GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Policy> init, Policy::Load(config_.init));
        bundle = init->ToBundle();
      }
      bundle.config = config_;
      GOPT_ASSIGN_OR_RETURN(
          policy_,
          Policy::FromBundle(bundle, checkpoint.has_value() ? folder_.checkpoint() : config_.init));
    }
    try {
      PolicyNetwork network = policy_->network();
      network->to(at::Device(options_.device));
    } catch (const c10::Error& error) {
      return absl::InvalidArgumentError(
          absl::StrCat("device '", options_.device, "': ", error.what_without_backtrace()));
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(
          absl::StrCat("device '", options_.device, "': ", error.what()));
    }
    return absl::OkStatus();
  }

  // Those of this process.
  absl::Status LoadProblems(const std::vector<TrainingProblem>& named, Problems* problems,
                            std::vector<Baselines>* baselines) {
    for (size_t i = 0; i < named.size(); ++i) {
      problems->emplace_back();
      baselines->emplace_back();
      if (!processes_.owns(static_cast<int64_t>(i))) continue;
      GOPT_RETURN_IF_ERROR(InProblem(
          named[i],
          Guarded([&] { return MakeReady(named[i], &problems->back(), &baselines->back()); })));
    }
    return absl::OkStatus();
  }

  absl::Status MakeReady(const TrainingProblem& named, std::unique_ptr<TrainedProblem>* ready,
                         Baselines* baselines) {
    GOPT_ASSIGN_OR_RETURN(
        const Problem problem,
        LoadProblem(named, config_.fusion, config_.placement, config_.scheduling));
    if (!options_.folder.empty() || options_.on_line) {
      *baselines = FindBaselines(problem, *backend_);
    }
    GOPT_ASSIGN_OR_RETURN(*ready, TrainedProblem::Create(named, problem, backend_, threads_,
                                                         config_.reward, policy_->spec()));
    return absl::OkStatus();
  }

  absl::Status Begin(const std::optional<Bundle>& checkpoint,
                     const std::vector<std::string>& warnings) {
    state_.good = TakeSnapshot(*policy_, *learner_, 0);
    if (checkpoint.has_value()) {
      GOPT_RETURN_IF_ERROR(RestoreCheckpoint(*checkpoint, folder_.checkpoint(), *policy_,
                                             &*learner_, &state_, &train_));
    }
    GOPT_RETURN_IF_ERROR(SameIteration());
    GOPT_ASSIGN_OR_RETURN(
        log_, MetricsLog::Open(is_writer() ? folder_.metrics() : std::string(),
                               {state_.iteration, state_.last_evaluation},
                               options_.process == 0 ? options_.on_line : MetricsLog::OnLine()));
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(WriteFileAtomically(folder_.config(), ToText(config_)));
    }
    Json problems = Json::array();
    for (const auto& lines : {ProblemLines("train", train_, of_train_),
                              ProblemLines("evaluation", evaluation_, of_evaluation_)}) {
      GOPT_ASSIGN_OR_RETURN(const Json all, GatherLines(processes_, lines));
      problems.insert(problems.end(), all.begin(), all.end());
    }
    GOPT_RETURN_IF_ERROR(
        Log(RunLine(config_, policy_->network()->num_parameters(), std::move(problems))));
    if (checkpoint.has_value()) {
      std::string reason = absl::StrCat("from iteration ", state_.iteration);
      for (const std::string& warning : warnings) absl::StrAppend(&reason, "; ", warning);
      GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "resumed", reason)));
    }
    last_checkpoint_ = Clock::now();
    return absl::OkStatus();
  }

  // Processes must go on from the same checkpoint.
  absl::Status SameIteration() {
    const auto own = static_cast<double>(state_.iteration);
    double least = -own, most = own;
    GOPT_RETURN_IF_ERROR(processes_.Max(&least));
    GOPT_RETURN_IF_ERROR(processes_.Max(&most));
    if (-least == most) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("process ", options_.process, " resumes at iteration ", state_.iteration,
                     ", others elsewhere: all must see the same folder"));
  }

  // Why it ended.
  absl::StatusOr<std::string> RunToTheEnd() {
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

  bool EvaluationIsDue() const {
    if (state_.iteration == 0 || state_.last_evaluation == state_.iteration) return false;
    return state_.iteration >= config_.iterations ||
           (config_.evaluate_every > 0 && state_.iteration % config_.evaluate_every == 0);
  }

  // By the first process's clock: all of them write together.
  absl::StatusOr<bool> CheckpointIsDue() const {
    double due = Since(last_checkpoint_) >= config_.checkpoint_minutes * 60 ? 1.0 : 0.0;
    if (processes_.index() != 0) due = 0.0;
    GOPT_RETURN_IF_ERROR(processes_.Sum({&due}));
    return due > 0;
  }

  absl::StatusOr<std::string> SaveAndSay(std::string why) {
    if (!IsFinite(*policy_, *learner_)) {
      RestoreSnapshot(state_.good, *policy_, &*learner_);
      GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "restored", "weights were not finite")));
    }
    GOPT_RETURN_IF_ERROR(SaveCheckpoint());
    return why;
  }

  // The problems of this process that the coming iteration trains on.
  std::vector<int> Batch() const {
    std::vector<int64_t> sizes;
    std::vector<int> own;
    for (size_t i = 0; i < train_.size(); ++i) {
      if (train_[i] == nullptr) continue;
      own.push_back(static_cast<int>(i));
      sizes.push_back(train_[i]->problem()->problem().graph().num_ops());
    }
    const int batch = std::max(1, config_.batch / options_.processes);
    std::vector<int> chosen =
        ChooseProblems(sizes, batch, config_.curriculum, progress(),
                       IterationSeed(config_.seed, SeedPurpose::kBatch, state_.iteration, 0));
    for (int& index : chosen) index = own[index];
    return chosen;
  }

  // Draws and prices; one problem's plans are priced while the next one's are drawn.
  absl::Status Collect(const std::vector<int>& batch, IterationTime* time) {
    const SampleOptions options = {.samples = config_.ppo.samples,
                                   .exploration = config_.exploration};
    std::future<absl::Status> pricing;
    absl::Status status;
    for (const int index : batch) {
      TrainedProblem* problem = train_[index].get();
      const uint64_t seed =
          IterationSeed(config_.seed, SeedPurpose::kSamples, state_.iteration, index);
      status = InProblem(problem->named(),
                         Guarded([&] { return problem->Draw(policy_->network(), options, seed); }));
      time->forward += problem->stats().forward_seconds;
      const Clock::time_point wait = Clock::now();
      if (pricing.valid()) status.Update(pricing.get());
      time->price += Since(wait);
      if (!status.ok()) return status;
      pricing = std::async(std::launch::async, [this, problem] {
        return InProblem(problem->named(), problem->Price(budget()));
      });
    }
    const Clock::time_point wait = Clock::now();
    if (pricing.valid()) status.Update(pricing.get());
    time->price += Since(wait);
    return status;
  }

  // False when it was cancelled: then nothing has changed.
  absl::StatusOr<bool> Iteration() {
    const Clock::time_point start = Clock::now();
    IterationTime time;
    const std::vector<int> batch = Batch();
    GOPT_RETURN_IF_ERROR(Collect(batch, &time));
    GOPT_ASSIGN_OR_RETURN(const bool any_cancelled, AnyCancelled());
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
    Snapshot before = TakeSnapshot(*policy_, *learner_, state_.iteration);
    GOPT_ASSIGN_OR_RETURN(const PpoStats stats, Guarded([&] {
                            return learner_->Update(rollouts, progress(), options_.sum);
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

  absl::StatusOr<bool> AnyCancelled() {
    double count = cancelled() ? 1.0 : 0.0;
    GOPT_RETURN_IF_ERROR(processes_.Sum({&count}));
    return count > 0;
  }

  // Counts iterations that made no step since something was not finite, and goes back after a few.
  // What the problems remember stays. not_finite: of the outputs that samples are drawn around.
  absl::Status Guard(const PpoStats& stats, bool not_finite, const std::vector<int>& batch,
                     Snapshot before) {
    if (stats.minibatches > 0 && IsFinite(*policy_, *learner_)) {
      state_.consecutive_skips = state_.restores = 0;
      state_.good = std::move(before);
      return absl::OkStatus();
    }
    const bool all_failed = stats.minibatches == 0 && stats.skipped == 0 && !not_finite;
    if (all_failed || ++state_.consecutive_skips < kMostSkips) return absl::OkStatus();
    if (++state_.restores > kMostRestores) {
      return absl::InternalError(
          absl::StrCat("training diverges: updates were not finite at iteration ", state_.iteration,
                       ", again after weights were restored ", kMostRestores,
                       " times; lower ppo.learning_rate"));
    }
    RestoreSnapshot(state_.good, *policy_, &*learner_);
    state_.consecutive_skips = 0;  // Others are drawn now than those that failed.
    GOPT_RETURN_IF_ERROR(WriteReproducer(batch));
    return Log(
        EventLine(state_, "restored",
                  absl::StrCat("updates were not finite in ", kMostSkips, " iterations in a row")));
  }

  // A checkpoint of the iteration whose weights were restored.
  absl::Status WriteReproducer(const std::vector<int>& batch) {
    TrainingState at = state_;
    at.iteration = state_.good.iteration;
    at.restores = 0;
    GOPT_ASSIGN_OR_RETURN(const Bundle bundle,
                          MakeCheckpoint(*policy_, *learner_, at, train_, processes_));
    if (!is_writer()) return absl::OkStatus();
    return folder_.WriteReproducer(config_, state_.iteration, batch, bundle);
  }

  // False when it was cancelled.
  absl::StatusOr<bool> Evaluate() {
    const Clock::time_point start = Clock::now();
    Json lines = Json::array();
    EvaluationSums sums;
    for (const auto& [set, problems] :
         {std::pair("train", &train_), std::pair("evaluation", &evaluation_)}) {
      // What generalises is what counts, where there is something to tell by.
      const bool counts = problems == &evaluation_ || evaluation_.empty();
      GOPT_ASSIGN_OR_RETURN(Json of_set, Guarded([&] {
                              return EvaluateSet(set, *problems, *policy_, config_, budget(),
                                                 counts ? &sums : nullptr);
                            }));
      GOPT_ASSIGN_OR_RETURN(const Json all, GatherLines(processes_, std::move(of_set)));
      lines.insert(lines.end(), all.begin(), all.end());
    }
    GOPT_ASSIGN_OR_RETURN(const bool any_cancelled, AnyCancelled());
    if (any_cancelled) return false;
    GOPT_RETURN_IF_ERROR(processes_.Sum(sums.sums()));
    RememberBest(*policy_, *learner_, sums.samples_ratio(), &state_);
    state_.last_evaluation = state_.iteration;
    other_seconds_ += Since(start);
    return LogEvaluation(sums.greedy_ratio(), sums.samples_ratio(), std::move(lines));
  }

  absl::StatusOr<bool> LogEvaluation(double greedy, double samples, Json lines) {
    GOPT_RETURN_IF_ERROR(Log({{"kind", "evaluation"},
                              {"iteration", state_.iteration},
                              {"evaluations", state_.evaluations},
                              {"ratio_greedy", Number(greedy)},
                              {"ratio_samples", Number(samples)},
                              {"problems", std::move(lines)},
                              {"seconds", Number(state_.seconds + other_seconds_)}}));
    return true;
  }

  // Weights that are not finite are never written: they wait for Guard.
  absl::Status SaveCheckpoint() {
    if (!writes() || !IsFinite(*policy_, *learner_)) return absl::OkStatus();
    const Clock::time_point start = Clock::now();
    GOPT_ASSIGN_OR_RETURN(const Bundle checkpoint,
                          MakeCheckpoint(*policy_, *learner_, state_, train_, processes_));
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(WriteBundleFile(checkpoint, folder_.checkpoint()));
      GOPT_RETURN_IF_ERROR(SavePolicy());
      GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "checkpoint", "")));
    }
    last_checkpoint_ = Clock::now();
    other_seconds_ += Since(start);
    return absl::OkStatus();
  }

  std::shared_ptr<const Policy> BestPolicy() const {
    return MakeBestPolicy(*policy_, state_, ModelCard(config_, state_, train_, evaluation_));
  }

  absl::Status SavePolicy() {
    return is_writer() ? BestPolicy()->Save(folder_.policy()) : absl::OkStatus();
  }

  absl::Status Log(const Json& line) { return log_.Write(line); }

  const TrainingConfig config_;
  const TrainerOptions options_;
  const RunFolder folder_;
  const Processes processes_;
  std::shared_ptr<WorkerThreads> threads_;
  std::shared_ptr<const CostBackend> backend_;
  std::shared_ptr<Policy> policy_;
  std::optional<PpoLearner> learner_;
  Problems train_, evaluation_;
  std::vector<Baselines> of_train_, of_evaluation_;
  TrainingState state_;
  MetricsLog log_;
  Clock::time_point last_checkpoint_;
  double other_seconds_ = 0.0;  // Since the last iteration: evaluations and checkpoints.
};

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const TrainingConfig& config,
                                                         TrainerOptions options) {
  auto impl = std::make_unique<Impl>(config, std::move(options));
  GOPT_RETURN_IF_ERROR(impl->Prepare());
  return std::unique_ptr<Trainer>(new Trainer(std::move(impl)));
}

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

absl::StatusOr<TrainingResult> Trainer::Run() { return impl_->Run(); }

const PolicyNetwork& Trainer::network() const { return impl_->network(); }

}  // namespace gopt

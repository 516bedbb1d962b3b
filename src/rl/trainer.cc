#include "gopt/rl/trainer.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
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
#include "src/rl/bundle_tensors.h"
#include "src/rl/evaluation.h"
#include "src/rl/iteration_seed.h"
#include "src/rl/metrics_log.h"
#include "src/rl/model_card.h"
#include "src/rl/problem_status.h"
#include "src/rl/run_folder.h"
#include "src/rl/training_lines.h"
#include "src/rl/training_state.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostSkips = 3;     // Iterations in a row that made no step; then weights go back.
constexpr int kMostRestores = 3;  // In a row; then the run ends.

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

class Trainer::Impl {
 public:
  Impl(const TrainingConfig& config, TrainerOptions options)
      : config_(config), options_(std::move(options)), folder_(options_.folder) {}

  absl::Status Prepare() {
    GOPT_RETURN_IF_ERROR(CheckOptions());
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(folder_.Prepare(options_.resume));
    }
    at::set_num_threads(config_.threads);
    threads_ = std::make_shared<WorkerThreads>(config_.threads);
    backend_ = options_.backend;
    if (backend_ == nullptr) {
      GOPT_ASSIGN_OR_RETURN(backend_, CostBackends().Create(config_.backend));
    }
    GOPT_RETURN_IF_ERROR(MakePolicy());
    GOPT_RETURN_IF_ERROR(LoadProblems(config_.problem, &train_, &of_train_));
    GOPT_RETURN_IF_ERROR(LoadProblems(config_.evaluation, &evaluation_, &of_evaluation_));
    learner_.emplace(policy_->network(), config_.ppo);
    return Resume();
  }

  absl::StatusOr<TrainingResult> Run() {
    const absl::StatusOr<std::string> stopped = RunToTheEnd();
    if (!stopped.ok()) return stopped.status();
    GOPT_RETURN_IF_ERROR(SavePolicy());
    GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "stopped", *stopped)));
    TrainingResult result = {.policy = BestPolicy(),
                             .iterations = state_.iteration,
                             .evaluations = state_.evaluations,
                             .stopped = *stopped};
    BatchSums sums;
    AddBest(&sums);
    GOPT_RETURN_IF_ERROR(SumOver(sums.sums()));
    result.ratio_best = std::exp(sums.log_best / std::max(sums.problems_with_best, 1.0));
    return result;
  }

  const PolicyNetwork& network() const { return policy_->network(); }

 private:
  bool is_writer() const { return options_.process == 0 && !options_.folder.empty(); }
  bool logs() const { return is_writer() || (options_.process == 0 && options_.on_line); }
  bool cancelled() const { return options_.cancel != nullptr && options_.cancel->cancelled(); }
  Budget budget() const {
    Budget budget;
    budget.cancel = options_.cancel;
    return budget;
  }
  double progress() const {
    return static_cast<double>(state_.iteration) /
           static_cast<double>(std::max<int64_t>(config_.iterations, 1));
  }

  absl::Status CheckOptions() const {
    GOPT_RETURN_IF_ERROR(CheckTrainingConfig(config_));
    if (options_.processes < 1 || options_.process < 0 || options_.process >= options_.processes) {
      return absl::InvalidArgumentError("process must be from 0 to processes - 1");
    }
    if (options_.processes > 1 && !options_.sum) {
      return absl::InvalidArgumentError("several processes need a sum over them");
    }
    if (static_cast<int>(config_.problem.size()) < options_.processes) {
      return absl::InvalidArgumentError(absl::StrCat(config_.problem.size(), " problems for ",
                                                     options_.processes,
                                                     " processes: each needs one at least"));
    }
    return absl::OkStatus();
  }

  absl::Status MakePolicy() {
    if (config_.init.empty()) {
      policy_ = Policy::Create(config_);
    } else {
      GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Policy> init, Policy::Load(config_.init));
      Bundle bundle = init->ToBundle();
      bundle.config = config_;
      GOPT_ASSIGN_OR_RETURN(policy_, Policy::FromBundle(bundle, config_.init));
    }
    try {
      PolicyNetwork network = policy_->network();
      network->to(at::Device(options_.device));
    } catch (const c10::Error& error) {
      return absl::InvalidArgumentError(
          absl::StrCat("device '", options_.device, "': ", error.what_without_backtrace()));
    }
    return absl::OkStatus();
  }

  // Those of this process.
  absl::Status LoadProblems(const std::vector<TrainingProblem>& named, Problems* problems,
                            std::vector<Baselines>* baselines) {
    for (size_t i = 0; i < named.size(); ++i) {
      problems->emplace_back();
      baselines->emplace_back();
      if (static_cast<int>(i) % options_.processes != options_.process) continue;
      auto problem = LoadProblem(named[i], config_.fusion, config_.placement, config_.scheduling);
      GOPT_RETURN_IF_ERROR(InProblem(named[i], problem.status()));
      if (logs()) baselines->back() = FindBaselines(*problem, *backend_);
      auto ready = TrainedProblem::Create(named[i], *problem, backend_, threads_, config_.reward,
                                          policy_->spec());
      GOPT_RETURN_IF_ERROR(InProblem(named[i], ready.status()));
      problems->back() = *std::move(ready);
    }
    return absl::OkStatus();
  }

  absl::Status Resume() {
    std::vector<std::string> warnings;
    std::optional<Bundle> checkpoint;
    if (options_.resume && !options_.folder.empty()) {
      GOPT_ASSIGN_OR_RETURN(checkpoint, folder_.ReadCheckpoint(&warnings));
    }
    if (checkpoint.has_value()) {
      GOPT_RETURN_IF_ERROR(RestoreCheckpoint(*checkpoint, folder_.checkpoint(), *policy_,
                                             &*learner_, &state_, &train_));
    }
    GOPT_RETURN_IF_ERROR(SameIteration());
    GOPT_ASSIGN_OR_RETURN(
        log_, MetricsLog::Open(is_writer() ? folder_.metrics() : std::string(),
                               checkpoint.has_value() ? state_.iteration : 0,
                               options_.process == 0 ? options_.on_line : MetricsLog::OnLine()));
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(WriteFileAtomically(folder_.config(), ToText(config_)));
    }
    GOPT_RETURN_IF_ERROR(Log(RunLine(config_, policy_->network()->num_parameters(), train_,
                                     of_train_, evaluation_, of_evaluation_)));
    if (checkpoint.has_value()) {
      std::string reason = absl::StrCat("from iteration ", state_.iteration);
      for (const std::string& warning : warnings) absl::StrAppend(&reason, "; ", warning);
      GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "resumed", reason)));
    }
    KeepGood();
    last_checkpoint_ = Clock::now();
    return absl::OkStatus();
  }

  // Processes must go on from the same checkpoint.
  absl::Status SameIteration() {
    if (options_.processes == 1) return absl::OkStatus();
    const double own = static_cast<double>(state_.iteration);
    at::Tensor sum = at::full({1}, own, at::kDouble);
    GOPT_RETURN_IF_ERROR(options_.sum(sum));
    if (sum.item<double>() == own * options_.processes) return absl::OkStatus();
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
      if (Since(last_checkpoint_) >= config_.checkpoint_minutes * 60) {
        GOPT_RETURN_IF_ERROR(SaveCheckpoint());
      }
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

  absl::StatusOr<std::string> SaveAndSay(std::string why) {
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
      status = problem->Draw(
          policy_->network(), options,
          IterationSeed(config_.seed, SeedPurpose::kSamples, state_.iteration, index));
      time->forward += problem->stats().forward_seconds;
      const Clock::time_point wait = Clock::now();
      if (pricing.valid()) status.Update(pricing.get());
      time->price += Since(wait);
      if (!status.ok()) return InProblem(problem->named(), status);
      pricing =
          std::async(std::launch::async, [this, problem] { return problem->Price(budget()); });
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
    GOPT_ASSIGN_OR_RETURN(const PpoStats stats,
                          learner_->Update(rollouts, progress(), options_.sum));
    time.update = Since(update);
    ++state_.iteration;
    GOPT_RETURN_IF_ERROR(Guard(stats, batch));
    AddBest(&sums);
    GOPT_RETURN_IF_ERROR(SumOver(sums.sums()));
    state_.evaluations += static_cast<int64_t>(sums.samples);
    time.total = Since(start) + other_seconds_;
    other_seconds_ = 0.0;
    state_.seconds += time.total;
    GOPT_RETURN_IF_ERROR(
        Log(IterationLine(state_, stats, sums, time, config_.network.value, BatchLines(batch))));
    return true;
  }

  Json BatchLines(const std::vector<int>& batch) const {
    Json lines = Json::array();
    for (const int index : batch) {
      const TrainedProblem& problem = *train_[index];
      const SampleStats& stats = problem.stats();
      const double reference = static_cast<double>(problem.problem()->reference_time());
      lines.push_back(
          {{"index", index},
           {"ratio_mean",
            stats.feasible == 0 ? Json() : Number(std::exp(stats.log_ratio_sum / stats.feasible))},
           {"ratio_best", problem.best().step_time == 0
                              ? Json()
                              : Number(problem.best().step_time / reference)}});
    }
    return lines;
  }

  absl::StatusOr<bool> AnyCancelled() {
    double count = cancelled() ? 1.0 : 0.0;
    GOPT_RETURN_IF_ERROR(SumOver({&count}));
    return count > 0;
  }

  absl::Status SumOver(const std::vector<double*>& numbers) {
    if (options_.processes == 1) return absl::OkStatus();
    at::Tensor tensor = at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble);
    auto* values = tensor.mutable_data_ptr<double>();
    for (size_t i = 0; i < numbers.size(); ++i) values[i] = *numbers[i];
    GOPT_RETURN_IF_ERROR(options_.sum(tensor));
    for (size_t i = 0; i < numbers.size(); ++i) *numbers[i] = values[i];
    return absl::OkStatus();
  }

  // Of this process's training problems; summed by the caller.
  void AddBest(BatchSums* sums) {
    for (const auto& problem : train_) {
      if (problem == nullptr || problem->best().step_time == 0) continue;
      sums->problems_with_best += 1;
      sums->log_best += std::log(static_cast<double>(problem->best().step_time) /
                                 static_cast<double>(problem->problem()->reference_time()));
    }
  }

  // Weights that work, to go back to.
  void KeepGood() { good_ = MakeCheckpoint(*policy_, *learner_, state_, train_); }

  // Counts iterations whose updates were not finite, and goes back after a few.
  absl::Status Guard(const PpoStats& stats, const std::vector<int>& batch) {
    const bool skipped = stats.skipped > 0 && stats.minibatches == 0;
    state_.consecutive_skips = skipped ? state_.consecutive_skips + 1 : 0;
    if (!skipped && stats.minibatches > 0) state_.restores = 0;
    if (state_.consecutive_skips < kMostSkips) return absl::OkStatus();
    if (++state_.restores > kMostRestores) {
      return absl::InternalError(
          absl::StrCat("training diverges: updates were not finite at iteration ", state_.iteration,
                       ", again after weights were restored ", kMostRestores,
                       " times; lower ppo.learning_rate"));
    }
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(folder_.WriteReproducer(config_, state_.iteration, batch, good_));
    }
    TrainingState now = state_;
    GOPT_RETURN_IF_ERROR(
        RestoreCheckpoint(good_, "restored weights", *policy_, &*learner_, &state_, &train_));
    now.consecutive_skips = 0;
    state_ = std::move(now);  // The iterations go on: others are drawn than those that failed.
    return Log(
        EventLine(state_, "restored",
                  absl::StrCat("updates were not finite in ", kMostSkips, " iterations in a row")));
  }

  // False when it was cancelled.
  absl::StatusOr<bool> Evaluate() {
    const Clock::time_point start = Clock::now();
    Json lines = Json::array();
    double greedy = 0, with_greedy = 0, samples = 0, with_samples = 0;
    for (const auto& [set, problems] :
         {std::pair("train", &train_), std::pair("evaluation", &evaluation_)}) {
      // What generalises is what counts, where there is something to tell by.
      const bool counts = problems == &evaluation_ || evaluation_.empty();
      for (size_t i = 0; i < problems->size(); ++i) {
        TrainedProblem* problem = (*problems)[i].get();
        if (problem == nullptr) continue;
        GOPT_ASSIGN_OR_RETURN(const EvaluationResult result,
                              EvaluateOn(problem, policy_->network(), config_.exploration,
                                         IterationSeed(config_.seed, SeedPurpose::kEvaluation, 0,
                                                       static_cast<int64_t>(i)),
                                         budget()));
        lines.push_back({{"set", set},
                         {"index", i},
                         {"greedy_ns", result.greedy > 0 ? Json(result.greedy) : Json()},
                         {"best_ns", result.samples > 0 ? Json(result.samples) : Json()}});
        if (!counts) continue;
        const double reference = static_cast<double>(problem->problem()->reference_time());
        if (result.greedy > 0) greedy += std::log(result.greedy / reference), with_greedy += 1;
        if (result.samples > 0) samples += std::log(result.samples / reference), with_samples += 1;
      }
    }
    GOPT_ASSIGN_OR_RETURN(const bool any_cancelled, AnyCancelled());
    if (any_cancelled) return false;
    GOPT_RETURN_IF_ERROR(SumOver({&greedy, &with_greedy, &samples, &with_samples}));
    const double ratio_samples = with_samples > 0 ? std::exp(samples / with_samples) : NAN;
    Remember(ratio_samples);
    state_.last_evaluation = state_.iteration;
    other_seconds_ += Since(start);
    return LogEvaluation(with_greedy > 0 ? std::exp(greedy / with_greedy) : NAN, ratio_samples,
                         std::move(lines));
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

  // Keeps the weights of the best evaluation.
  void Remember(double ratio_samples) {
    if (!std::isfinite(ratio_samples)) return;
    if (state_.best_evaluation > 0 && ratio_samples >= state_.best_evaluation) return;
    state_.best_evaluation = ratio_samples;
    state_.best_iteration = state_.iteration;
    state_.best_weights.clear();
    for (const auto& item : policy_->network()->named_parameters()) {
      state_.best_weights.push_back(ToBundleTensor("best." + item.key(), item.value()));
    }
  }

  absl::Status SaveCheckpoint() {
    const Clock::time_point start = Clock::now();
    KeepGood();
    if (is_writer()) {
      GOPT_RETURN_IF_ERROR(WriteBundleFile(good_, folder_.checkpoint()));
      GOPT_RETURN_IF_ERROR(SavePolicy());
      GOPT_RETURN_IF_ERROR(Log(EventLine(state_, "checkpoint", "")));
    }
    last_checkpoint_ = Clock::now();
    other_seconds_ += Since(start);
    return absl::OkStatus();
  }

  // The policy file's content: the best evaluation's weights, and a card that says what they did.
  std::shared_ptr<const Policy> BestPolicy() const {
    Bundle bundle = policy_->ToBundle();
    if (!state_.best_weights.empty()) {
      bundle.tensors = state_.best_weights;
      for (BundleTensor& tensor : bundle.tensors) {
        tensor.name = "network." + tensor.name.substr(std::string("best.").size());
      }
    }
    bundle.metadata = {{"gopt_version", std::string(Version())},
                       {"iterations", absl::StrCat(state_.iteration)},
                       {"plans_priced", absl::StrCat(state_.evaluations)}};
    bundle.model_card = ModelCard(config_, state_, train_, evaluation_);
    auto policy = Policy::FromBundle(bundle);
    GOPT_CHECK(policy.ok());
    return *std::move(policy);
  }

  absl::Status SavePolicy() {
    return is_writer() ? BestPolicy()->Save(folder_.policy()) : absl::OkStatus();
  }

  absl::Status Log(const Json& line) { return log_.Write(line); }

  const TrainingConfig config_;
  const TrainerOptions options_;
  const RunFolder folder_;
  std::shared_ptr<WorkerThreads> threads_;
  std::shared_ptr<const CostBackend> backend_;
  std::shared_ptr<Policy> policy_;
  std::optional<PpoLearner> learner_;
  Problems train_, evaluation_;
  std::vector<Baselines> of_train_, of_evaluation_;
  TrainingState state_;
  Bundle good_;
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

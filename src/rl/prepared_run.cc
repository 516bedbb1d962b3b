#include "src/rl/prepared_run.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/io/training_file.h"
#include "src/io/file_bytes.h"
#include "src/rl/guarded.h"
#include "src/rl/problem_status.h"
#include "src/rl/tensor_threads.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

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

// Fills a run, step by step.
class Preparation {
 public:
  explicit Preparation(PreparedRun* run) : run_(*run) {}

  absl::Status Prepare() {
    GOPT_RETURN_IF_ERROR(CheckOptions(run_.config, run_.options));
    if (run_.is_writer()) {
      GOPT_RETURN_IF_ERROR(run_.folder.Prepare(run_.options.resume));
    }
    const TensorThreads tensor_threads(run_.tensor_threads());
    run_.threads = std::make_shared<WorkerThreads>(run_.config.threads);
    run_.backend = run_.options.backend;
    if (run_.backend == nullptr) {
      GOPT_ASSIGN_OR_RETURN(run_.backend, CostBackends().Create(run_.config.backend));
    }
    if (run_.options.resume && !run_.options.folder.empty()) {
      GOPT_ASSIGN_OR_RETURN(checkpoint_, run_.folder.ReadCheckpoint(&warnings_));
    }
    GOPT_RETURN_IF_ERROR(MakePolicy());
    GOPT_RETURN_IF_ERROR(LoadProblems(run_.config.problem, &run_.train, &of_train_));
    GOPT_RETURN_IF_ERROR(LoadProblems(run_.config.evaluation, &run_.evaluation, &of_evaluation_));
    GOPT_RETURN_IF_ERROR(SeeWhetherCutShort());
    GOPT_RETURN_IF_ERROR(RestoreState());
    GOPT_RETURN_IF_ERROR(WriteConfig());
    return run_.cut_short ? absl::OkStatus() : BeginLog();
  }

 private:
  // A checkpoint's, so that a resume needs the file of the start no more.
  absl::Status MakePolicy() {
    const std::string& init = run_.config.init;
    if (!checkpoint_.has_value() && init.empty()) {
      run_.policy = Policy::Create(run_.config);
    } else {
      Bundle bundle;
      if (checkpoint_.has_value()) {
        bundle = *checkpoint_;
      } else {
        GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Policy> policy, Policy::Load(init));
        bundle = policy->ToBundle();
      }
      bundle.config = run_.config;
      GOPT_ASSIGN_OR_RETURN(
          run_.policy,
          Policy::FromBundle(bundle, checkpoint_.has_value() ? run_.folder.checkpoint() : init));
    }
    GOPT_RETURN_IF_ERROR(MoveToDevice(run_.options.device));
    run_.learner.emplace(run_.policy->network(), run_.config.ppo);
    return absl::OkStatus();
  }

  absl::Status MoveToDevice(const std::string& device) {
    try {
      PolicyNetwork network = run_.policy->network();
      network->to(at::Device(device));
    } catch (const c10::Error& error) {
      return absl::InvalidArgumentError(
          absl::StrCat("device '", device, "': ", error.what_without_backtrace()));
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(absl::StrCat("device '", device, "': ", error.what()));
    }
    return absl::OkStatus();
  }

  // Those of this process; those there is time for.
  absl::Status LoadProblems(const std::vector<TrainingProblem>& named, Problems* problems,
                            std::vector<Baselines>* baselines) {
    for (size_t i = 0; i < named.size(); ++i) {
      problems->emplace_back();
      baselines->emplace_back();
      if (!run_.processes.owns(static_cast<int64_t>(i))) continue;
      absl::Status status = absl::CancelledError();
      if (!run_.cancelled()) {
        status =
            Guarded([&] { return MakeReady(named[i], &problems->back(), &baselines->back()); });
      }
      if (run_.cancelled() && absl::IsCancelled(status)) {
        run_.cut_short = true;
        continue;
      }
      GOPT_RETURN_IF_ERROR(InProblem(named[i], status));
    }
    return absl::OkStatus();
  }

  absl::Status MakeReady(const TrainingProblem& named, std::unique_ptr<TrainedProblem>* ready,
                         Baselines* baselines) {
    const TrainingConfig& config = run_.config;
    const Budget budget = run_.budget();
    GOPT_ASSIGN_OR_RETURN(const Problem problem, LoadProblem(named, config.fusion, config.placement,
                                                             config.scheduling, budget));
    if (!run_.options.folder.empty() || run_.options.on_line) {
      *baselines = FindBaselines(problem, *run_.backend, budget);
    }
    GOPT_ASSIGN_OR_RETURN(
        *ready, TrainedProblem::Create(named, problem, run_.backend, run_.threads, config.reward,
                                       run_.policy->spec(), budget));
    return absl::OkStatus();
  }

  // All processes go on together, or none does.
  absl::Status SeeWhetherCutShort() {
    GOPT_ASSIGN_OR_RETURN(run_.cut_short, run_.processes.Any(run_.cut_short));
    if (!run_.cut_short) return absl::OkStatus();
    for (Problems* problems : {&run_.train, &run_.evaluation}) {
      for (auto& problem : *problems) problem = nullptr;
    }
    return absl::OkStatus();
  }

  absl::Status RestoreState() {
    run_.state.good = TakeSnapshot(*run_.policy, *run_.learner, 0);
    if (checkpoint_.has_value()) {
      GOPT_RETURN_IF_ERROR(RestoreCheckpoint(*checkpoint_, run_.folder.checkpoint(), *run_.policy,
                                             &*run_.learner, &run_.state, &run_.train));
    }
    return SameIteration();
  }

  // Processes must go on from the same checkpoint.
  absl::Status SameIteration() {
    const auto own = static_cast<double>(run_.state.iteration);
    double least = -own, most = own;
    GOPT_RETURN_IF_ERROR(run_.processes.Max(&least));
    GOPT_RETURN_IF_ERROR(run_.processes.Max(&most));
    if (-least == most) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("process ", run_.processes.index(), " resumes at iteration ",
                     run_.state.iteration, ", others elsewhere: all must see the same folder"));
  }

  absl::Status WriteConfig() {
    if (!run_.is_writer()) return absl::OkStatus();
    return WriteFileAtomically(run_.folder.config(), ToText(run_.config));
  }

  absl::Status BeginLog() {
    GOPT_ASSIGN_OR_RETURN(
        run_.log,
        MetricsLog::Open(run_.is_writer() ? run_.folder.metrics() : std::string(),
                         {run_.state.iteration, run_.state.last_evaluation},
                         run_.options.process == 0 ? run_.options.on_line : MetricsLog::OnLine()));
    Json problems = Json::array();
    for (const auto& lines : {ProblemLines("train", run_.train, of_train_),
                              ProblemLines("evaluation", run_.evaluation, of_evaluation_)}) {
      GOPT_ASSIGN_OR_RETURN(const Json all, GatherLines(run_.processes, lines));
      problems.insert(problems.end(), all.begin(), all.end());
    }
    const int64_t parameters = run_.policy->network()->num_parameters();
    GOPT_RETURN_IF_ERROR(run_.log.Write(RunLine(run_.config, parameters, std::move(problems))));
    if (!checkpoint_.has_value()) return absl::OkStatus();
    std::string reason = absl::StrCat("from iteration ", run_.state.iteration);
    for (const std::string& warning : warnings_) absl::StrAppend(&reason, "; ", warning);
    return run_.log.Write(EventLine(run_.state, "resumed", reason));
  }

  PreparedRun& run_;
  std::optional<Bundle> checkpoint_;
  std::vector<std::string> warnings_;  // Of reading it.
  std::vector<Baselines> of_train_, of_evaluation_;
};

}  // namespace

PreparedRun::PreparedRun(const TrainingConfig& config, TrainerOptions options)
    : config(config),
      options(std::move(options)),
      folder(this->options.folder),
      processes(this->options.process, this->options.processes, this->options.sum) {}

Budget PreparedRun::budget() const {
  Budget budget;
  budget.cancel = options.cancel;
  return budget;
}

absl::StatusOr<std::unique_ptr<PreparedRun>> PrepareRun(const TrainingConfig& config,
                                                        TrainerOptions options) {
  auto run = std::make_unique<PreparedRun>(config, std::move(options));
  GOPT_RETURN_IF_ERROR(Preparation(run.get()).Prepare());
  return run;
}

}  // namespace gopt

#include "src/rl/training_lines.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/base/version.h"
#include "gopt/io/training_file.h"
#include "gopt/solve/solver.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kBaselines[] = {"single_device", "expert_paper", "expert", "metis", "heft"};

double Share(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

}  // namespace

double RatioOf(Nanoseconds step_time, Nanoseconds reference) {
  return static_cast<double>(std::max<Nanoseconds>(step_time, 1)) /
         static_cast<double>(std::max<Nanoseconds>(reference, 1));
}

Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Baselines FindBaselines(const Problem& problem, const CostBackend& backend, const Budget& budget) {
  Baselines found;
  for (const char* spec : kBaselines) {
    const auto solver = Solvers().Create(spec);
    if (budget.cancelled()) break;
    if (!solver.ok()) continue;  // Built without METIS.
    SolveRequest request;
    request.problem = &problem;
    request.backend = &backend;
    request.budget = budget;
    const absl::StatusOr<Solution> solution = (*solver)->Solve(request);
    found.step_time[spec] = solution.ok() ? solution->report.step_time : 0;
    if (solution.ok()) found.lower_bound = solution->bounds.step_time();
  }
  return found;
}

Json ProblemLines(const char* set, const Problems& problems,
                  const std::vector<Baselines>& baselines) {
  Json list = Json::array();
  for (size_t i = 0; i < problems.size(); ++i) {
    if (problems[i] == nullptr) continue;  // Another process's.
    const PolicyProblem& problem = *problems[i]->problem();
    Json times = Json::object();
    for (const auto& [solver, time] : baselines[i].step_time) {
      times[solver] = time > 0 ? Json(time) : Json();
    }
    list.push_back({{"set", set},
                    {"index", i},
                    {"graph", problems[i]->named().graph},
                    {"machine", problems[i]->named().machine},
                    {"devices", problem.problem().machine().num_devices()},
                    {"ops", problem.problem().graph().kernel_ops().size()},
                    {"reference_ns", problem.reference_time()},
                    {"reference_solver", problem.reference().solver},
                    {"lower_bound_ns", baselines[i].lower_bound},
                    {"baselines", std::move(times)}});
  }
  return list;
}

Json RunLine(const TrainingConfig& config, int64_t parameters, Json problems) {
  Json tasks = Json::array();
  if (config.fusion) tasks.push_back("fusion");
  if (config.placement) tasks.push_back("placement");
  if (config.scheduling) tasks.push_back("scheduling");
  return {{"kind", "run"},
          {"name", config.name},
          {"version", Version()},
          {"seed", config.seed},
          {"config", ToText(config)},
          {"decoder", ToString(config.network.decoder)},
          {"tasks", std::move(tasks)},
          {"parameters", parameters},
          {"problems", std::move(problems)}};
}

Json BatchLines(const Problems& problems, const std::vector<int>& batch) {
  Json lines = Json::array();
  for (const int index : batch) {
    const TrainedProblem& problem = *problems[index];
    const SampleStats& stats = problem.stats();
    const double mean = stats.log_ratio_sum / static_cast<double>(stats.feasible);
    const double best = RatioOf(problem.best().step_time, problem.problem()->reference_time());
    lines.push_back({{"index", index},
                     {"ratio_mean", stats.feasible == 0 ? Json() : Number(std::exp(mean))},
                     {"ratio_best", problem.best().step_time == 0 ? Json() : Number(best)}});
  }
  return lines;
}

absl::StatusOr<Json> GatherLines(const Processes& processes, Json own) {
  if (processes.alone()) return own;
  GOPT_ASSIGN_OR_RETURN(const std::vector<std::string> parts, processes.Gather(own.dump()));
  Json all = Json::array();
  for (const std::string& part : parts) {
    for (Json& line : Json::parse(part)) all.push_back(std::move(line));
  }
  std::stable_sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
    return a["index"].get<int64_t>() < b["index"].get<int64_t>();
  });
  return all;
}

void BatchSums::Add(const SampleStats& stats, const Rollout& rollout) {
  samples += static_cast<double>(stats.priced);
  infeasible += static_cast<double>(stats.infeasible);
  failed += static_cast<double>(stats.failed);
  not_finite += static_cast<double>(stats.not_finite);
  feasible += static_cast<double>(stats.feasible);
  log_ratio += stats.log_ratio_sum;
  decode += stats.decode_seconds;
  evaluate += stats.evaluate_seconds;
  for (const double value : rollout.reward) {
    reward += value;
    rewarded += 1;
    reward_best = std::max(reward_best, value);
  }
}

void BatchSums::AddBest(const Problems& problems) {
  for (const auto& problem : problems) {
    if (problem == nullptr || problem->best().step_time == 0) continue;
    problems_with_best += 1;
    log_best += std::log(RatioOf(problem->best().step_time, problem->problem()->reference_time()));
  }
}

std::vector<double*> BatchSums::sums() {
  return {&samples,  &infeasible, &failed, &not_finite, &rewarded,           &reward,
          &feasible, &log_ratio,  &decode, &evaluate,   &problems_with_best, &log_best};
}

Json IterationLine(const TrainingState& state, const PpoStats& stats, const BatchSums& sums,
                   const IterationTime& time, bool has_value, Json problems) {
  const double threads = sums.decode + sums.evaluate;
  const double decode = time.price * Share(sums.decode, threads);
  const double known = time.forward + time.price + time.update;
  const auto mean = [](double sum, double count) { return Number(count > 0 ? sum / count : NAN); };
  const auto ratio = [](double sum, double count) {
    return Number(count > 0 ? std::exp(sum / count) : NAN);
  };
  return {{"kind", "iteration"},
          {"iteration", state.iteration},
          {"evaluations", state.evaluations},
          {"reward_mean", mean(sums.reward, sums.rewarded)},
          {"reward_best", sums.rewarded > 0 ? Number(sums.reward_best) : Json()},
          {"ratio_mean", ratio(sums.log_ratio, sums.feasible)},
          {"ratio_best", ratio(sums.log_best, sums.problems_with_best)},
          {"entropy", Number(stats.entropy)},
          {"policy_loss", Number(stats.policy_loss)},
          {"value_loss", has_value ? Number(stats.value_loss) : Json()},
          {"output_l2", Number(stats.output_l2)},
          {"clip_fraction", Number(stats.clip_fraction)},
          {"approximate_kl", Number(stats.approximate_kl)},
          {"ratio_limit_fraction", Number(stats.ratio_limit_fraction)},
          {"explained_variance", has_value ? Number(stats.explained_variance) : Json()},
          {"gradient_norm", Number(stats.gradient_norm)},
          {"learning_rate", Number(stats.learning_rate)},
          {"entropy_coefficient", Number(stats.entropy_coefficient)},
          {"infeasible_fraction", Number(Share(sums.infeasible, sums.samples))},
          {"failed_fraction", Number(Share(sums.failed, sums.samples))},
          {"skipped_updates", stats.skipped},
          {"problems", std::move(problems)},
          {"seconds", Number(state.seconds)},
          {"time",
           {{"network_forward", Number(time.forward)},
            {"decode", Number(decode)},
            {"evaluate", Number(time.price - decode)},
            {"network_update", Number(time.update)},
            {"other", Number(std::max(0.0, time.total - known))}}}};
}

Json EventLine(const TrainingState& state, const std::string& event, const std::string& reason) {
  return {{"kind", "event"},
          {"iteration", state.iteration},
          {"event", event},
          {"reason", reason},
          {"seconds", Number(state.seconds)}};
}

}  // namespace gopt

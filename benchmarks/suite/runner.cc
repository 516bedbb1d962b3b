#include "benchmarks/suite/runner.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_join.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/version.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/solve/solver.h"

namespace gopt::suite {
namespace {

struct Task {
  size_t row;
  std::string solver;
  uint64_t seed;
};

Conditions ConditionsOf(const Row& row, const RunOptions& options) {
  return {row.facts.machine,
          row.facts.graph_hash,
          options.evaluations,
          options.deadline_seconds,
          absl::StrJoin(options.starts, ","),
          std::string(Version())};
}

class Runner {
 public:
  Runner(const std::vector<Row>& rows, const RunOptions& options, SuiteResults* results,
         const CellCallback& on_cell)
      : rows_(rows),
        options_(options),
        results_(*results),
        on_cell_(on_cell),
        starts_(rows.size()) {}

  absl::Status Run() {
    GOPT_ASSIGN_OR_RETURN(backend_, CostBackends().Create("simulator"));
    GOPT_RETURN_IF_ERROR(CheckSpecs());
    ListTasks();
    std::vector<std::thread> workers;
    for (int i = 0; i < std::max(1, options_.threads); ++i)
      workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    return status_;
  }

 private:
  // The plans that searches of one row begin with, made by the first that needs them.
  struct Starts {
    std::once_flag made;
    std::vector<Plan> plans;
  };

  absl::Status CheckSpecs() const {
    for (const auto* list : {&options_.solvers, &options_.starts}) {
      for (const std::string& spec : *list) GOPT_RETURN_IF_ERROR(Solvers().Create(spec).status());
    }
    return absl::OkStatus();
  }

  void ListTasks() {
    for (size_t row = 0; row < rows_.size(); ++row) {
      for (const std::string& solver : options_.solvers) {
        const int seeds = options_.depends_on_seed(solver) ? options_.seeds : 1;
        for (uint64_t seed = 0; seed < static_cast<uint64_t>(seeds); ++seed) {
          const Task task{row, solver, seed};
          const Conditions conditions = ConditionsOf(rows_[row], options_);
          if (results_.Find(PlaceOf(task), conditions) == nullptr) tasks_.push_back(task);
        }
      }
    }
  }

  Place PlaceOf(const Task& task) const {
    const RowFacts& facts = rows_[task.row].facts;
    return {facts.setting, facts.name, task.solver, task.seed};
  }

  void Work() {
    while (!stopped_.load()) {
      const size_t next = next_.fetch_add(1);
      if (next >= tasks_.size()) return;
      Deliver(Solve(tasks_[next]));
    }
  }

  Cell Solve(const Task& task) {
    const Row& row = rows_[task.row];
    SolveRequest request;
    request.problem = &row.problem;
    request.backend = backend_.get();
    request.seed = task.seed;
    request.start_plans = StartPlans(task.row);
    request.best_effort = true;  // How far over the limit is told too.
    request.budget = Budget::Evaluations(options_.evaluations);
    if (options_.deadline_seconds > 0.0) {
      request.budget.deadline = Budget::Seconds(options_.deadline_seconds).deadline;
    }
    Cell cell;
    cell.place = PlaceOf(task);
    cell.conditions = ConditionsOf(row, options_);
    const Clock::time_point begin = Clock::now();
    const absl::StatusOr<Solution> solution = (*Solvers().Create(task.solver))->Solve(request);
    cell.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    Fill(solution, &cell);
    if (!options_.curves) cell.curve.clear();
    return cell;
  }

  static void Fill(const absl::StatusOr<Solution>& solution, Cell* cell) {
    if (!solution.ok()) {
      const bool memory = absl::IsResourceExhausted(solution.status());
      cell->outcome = memory ? CellOutcome::kOutOfMemory : CellOutcome::kFailed;
      cell->reason = std::string(solution.status().message());
      return;
    }
    const CostReport& report = solution->report;
    cell->outcome = report.ok()                   ? CellOutcome::kOk
                    : report.bytes_over_limit > 0 ? CellOutcome::kOutOfMemory
                                                  : CellOutcome::kFailed;
    cell->reason = report.reason;
    cell->step_time = report.step_time;
    for (int64_t bytes : report.peak_bytes) cell->peak_bytes = std::max(cell->peak_bytes, bytes);
    cell->found_by = solution->solver;
    cell->evaluations = solution->evaluations;
    cell->stop = std::string(gopt::ToString(solution->stop));
    cell->curve = Thinned(solution->curve);
  }

  const std::vector<Plan>& StartPlans(size_t row) {
    Starts& starts = starts_[row];
    std::call_once(starts.made, [&] {
      for (const std::string& spec : options_.starts) {
        SolveRequest request;
        request.problem = &rows_[row].problem;
        request.backend = backend_.get();
        request.best_effort = true;
        absl::StatusOr<Solution> solution = (*Solvers().Create(spec))->Solve(request);
        if (solution.ok()) starts.plans.push_back(std::move(solution->plan));
      }
    });
    return starts.plans;
  }

  void Deliver(Cell cell) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Place place = cell.place;
    const Conditions conditions = cell.conditions;
    results_.Put(std::move(cell), !options_.keep_other_conditions);
    ++done_;
    const absl::Status status = on_cell_({results_.Find(place, conditions), done_, tasks_.size()});
    if (!status.ok()) {
      status_ = status;
      stopped_.store(true);
    }
  }

  const std::vector<Row>& rows_;
  const RunOptions& options_;
  SuiteResults& results_;
  const CellCallback& on_cell_;
  std::shared_ptr<const CostBackend> backend_;
  std::vector<Starts> starts_;
  std::vector<Task> tasks_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // Guards what follows, and the results.
  size_t done_ = 0;
  absl::Status status_;
};

}  // namespace

absl::Status RunCells(const std::vector<Row>& rows, const RunOptions& options,
                      SuiteResults* results, const CellCallback& on_cell) {
  for (const Row& row : rows) results->PutRow(row.facts);
  results->OrderSolvers(options.solvers);
  return Runner(rows, options, results, on_cell).Run();
}

}  // namespace gopt::suite

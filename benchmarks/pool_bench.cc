// gopt_bench_pool: what PlanPool costs over decoding and simulating by hand, and what threads gain.
//
//   gopt_bench_pool [--ops=1000,10000] [--threads=2] [--plans=64] [--rounds=15] [--json=FILE]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/plan_pool.h"
#include "nlohmann/json.hpp"
#include "tests/testing/random_problem.h"

ABSL_FLAG(std::string, ops, "1000,10000", "Ops of the generated graphs.");
ABSL_FLAG(int, devices, 4, "Equal devices, a channel for each ordered pair.");
ABSL_FLAG(int, threads, 2, "Threads of the second pool.");
ABSL_FLAG(int, plans, 64, "Candidates of a batch.");
ABSL_FLAG(int, rounds, 15, "Rounds; figures are medians over them.");
ABSL_FLAG(std::string, json, "", "Write the numbers to this file.");

namespace gopt {
namespace {

double Microseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

std::vector<PlanCandidate> MakeCandidates(const std::shared_ptr<const TaskGraph>& tasks) {
  Random random(1);
  const std::vector<double> priority = UpwardRanks(*tasks);
  const double scale = 0.1 * *std::max_element(priority.begin(), priority.end());
  std::vector<PlanCandidate> candidates(absl::GetFlag(FLAGS_plans));
  for (PlanCandidate& each : candidates) {
    each.tasks = tasks;
    for (const double x : priority) {
      each.guidance.priority.push_back(x + scale * random.Uniform());
    }
    for (size_t e = 0; e < tasks->kernel_graph().inputs.size(); ++e) {
      each.guidance.stickiness.push_back(static_cast<float>(random.Uniform()));
    }
  }
  return candidates;
}

// Decodes and simulates by hand, on one thread, into the same plan and report.
class ByHand {
 public:
  ByHand(const Problem& problem, const CostBackend& backend, const TaskGraph& tasks)
      : evaluator_(*backend.Bind(problem)), decoder_(tasks) {}

  void Price(const std::vector<PlanCandidate>& candidates) {
    for (const PlanCandidate& each : candidates) {
      decoder_.Decode(each.guidance.priority, each.guidance.stickiness, &plan_);
      evaluator_->Evaluate({&plan_, 1}, {}, {&report_, 1});
    }
  }

 private:
  std::unique_ptr<Evaluator> evaluator_;
  ListDecoder decoder_;
  Plan plan_;
  CostReport report_;
};

absl::StatusOr<nlohmann::json> Measure(int ops) {
  GOPT_ASSIGN_OR_RETURN(
      const Machine machine,
      UniformMachine({.count = absl::GetFlag(FLAGS_devices), .bandwidth = 1e10, .latency = 1'000}));
  GOPT_ASSIGN_OR_RETURN(const Problem problem,
                        Problem::Create(testing::LargeGraph({.ops = ops, .window = 50}), machine));
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const CostBackend> backend, Simulator::Create({}));
  const int threads = absl::GetFlag(FLAGS_threads);
  GOPT_ASSIGN_OR_RETURN(const auto one, PlanPool::Create(problem, backend));
  GOPT_ASSIGN_OR_RETURN(
      const auto many,
      PlanPool::Create(problem, backend, {.threads = std::make_shared<WorkerThreads>(threads)}));
  GOPT_ASSIGN_OR_RETURN(const auto tasks, one->StartTasks());
  const std::vector<PlanCandidate> candidates = MakeCandidates(tasks);
  ByHand by_hand(problem, *backend, *tasks);
  std::vector<PricedPlan> results(candidates.size());
  std::vector<double> raw, pool, parallel, overhead, gain;
  absl::Status status;
  for (int round = -1; round < absl::GetFlag(FLAGS_rounds); ++round) {
    const double a = Microseconds([&] { by_hand.Price(candidates); });
    const double b = Microseconds([&] { status.Update(one->Price(candidates, results)); });
    const double c = Microseconds([&] { status.Update(many->Price(candidates, results)); });
    if (round < 0) continue;  // The first fills buffers.
    raw.push_back(a / candidates.size());
    pool.push_back(b / candidates.size());
    parallel.push_back(c / candidates.size());
    overhead.push_back(b / a - 1.0);
    gain.push_back(b / c);
  }
  GOPT_RETURN_IF_ERROR(status);
  std::printf("%7d %12.1f %12.1f %9.1f %% %12.1f %8.2f\n", ops, Median(raw), Median(pool),
              100 * Median(overhead), Median(parallel), Median(gain));
  return nlohmann::json{{"ops", ops},
                        {"by_hand_us", Median(raw)},
                        {"pool_us", Median(pool)},
                        {"overhead", Median(overhead)},
                        {"threads", threads},
                        {"threads_us", Median(parallel)},
                        {"gain", Median(gain)}};
}

absl::Status Run() {
  std::printf("microseconds per plan\n%7s %12s %12s %11s %9d thr. %8s\n", "ops", "by hand", "pool",
              "overhead", absl::GetFlag(FLAGS_threads), "gain");
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& text :
       std::vector<std::string>(absl::StrSplit(absl::GetFlag(FLAGS_ops), ','))) {
    int ops = 0;
    if (!absl::SimpleAtoi(text, &ops) || ops < 1) {
      return absl::InvalidArgumentError(absl::StrCat("--ops: '", text, "' is no number of ops"));
    }
    GOPT_ASSIGN_OR_RETURN(nlohmann::json row, Measure(ops));
    rows.push_back(std::move(row));
  }
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << rows.dump(2) << "\n";
  return file.good() ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "What PlanPool costs over decoding and simulating by hand.");
  const absl::Status status = gopt::Run();
  if (!status.ok()) std::fprintf(stderr, "gopt_bench_pool: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

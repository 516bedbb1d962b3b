#include "tests/rl/training_runs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"

namespace gopt::testing {
namespace {

class HookedEvaluator final : public Evaluator {
 public:
  HookedEvaluator(std::unique_ptr<Evaluator> inner, const HookedBackend::Hook& hook)
      : inner_(std::move(inner)), hook_(hook) {}

  void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                std::span<CostReport> reports) override {
    inner_->Evaluate(plans, options, reports);
    for (size_t i = 0; i < plans.size(); ++i) hook_(plans[i], &reports[i]);
  }
  const OpCostModel* op_costs() const override { return inner_->op_costs(); }

 private:
  const std::unique_ptr<Evaluator> inner_;
  const HookedBackend::Hook& hook_;
};

std::string WithoutSeconds(const std::string& state) {
  nlohmann::json json = nlohmann::json::parse(state);
  json.erase("seconds");
  return json.dump();
}

}  // namespace

TrainingConfig SmallTraining(int64_t iterations) {
  TrainingConfig config;
  config.name = "small";
  config.problem = {{"layered(ops=60,width=6,seed=1)", "p100x2", ""},
                    {"layered(ops=40,width=5,seed=2)", "p100x3", ""}};
  config.network.width = config.network.head_width = 8;
  config.network.attention_heads = 2;
  config.network.encoder_layers = config.network.attention_layers = 1;
  config.network.segment = 32;
  config.network.state_width = 4;
  config.exploration.rank = 4;
  config.ppo.samples = 4;
  config.ppo.epochs = 2;
  config.iterations = iterations;
  config.threads = 1;
  config.evaluate_every = 2;
  config.checkpoint_minutes = 1000.0;
  return config;
}

std::string NewFolder() {
  static std::atomic<int> count = 0;
  const std::string folder = ::testing::TempDir() + "gopt_rl_" + std::to_string(::getpid()) + "_" +
                             std::to_string(count++);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

absl::StatusOr<TrainingResult> Train(const TrainingConfig& config, TrainerOptions options) {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer,
                        Trainer::Create(config, std::move(options)));
  return trainer->Run();
}

absl::StatusOr<TrainingResult> TrainIn(const std::string& folder, const TrainingConfig& config,
                                       bool resume) {
  return Train(config, {.folder = folder, .resume = resume});
}

TrainerOptions StoppedAfter(int64_t iteration, const std::string& folder, bool resume) {
  auto cancel = std::make_shared<CancelToken>();
  TrainerOptions options = {.folder = folder, .resume = resume, .cancel = cancel};
  options.on_line = [cancel, iteration](std::string_view line) {
    const nlohmann::json json = nlohmann::json::parse(line);
    if (json["kind"] == "iteration" && json["iteration"] == iteration) cancel->Cancel();
  };
  return options;
}

std::vector<nlohmann::json> LinesOf(const std::string& folder) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(folder + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

std::vector<nlohmann::json> LinesOfKind(const std::string& folder, const std::string& kind) {
  std::vector<nlohmann::json> chosen;
  for (nlohmann::json& line : LinesOf(folder)) {
    if (line["kind"] == kind) chosen.push_back(std::move(line));
  }
  return chosen;
}

std::vector<std::string> CurveOf(const std::string& folder) {
  std::vector<std::string> curve;
  for (nlohmann::json& line : LinesOf(folder)) {
    if (line["kind"] != "iteration" && line["kind"] != "evaluation") continue;
    line.erase("seconds");
    line.erase("time");
    curve.push_back(line.dump());
  }
  return curve;
}

std::vector<std::string> EventsOf(const std::string& folder) {
  std::vector<std::string> events;
  for (const nlohmann::json& line : LinesOfKind(folder, "event")) events.push_back(line["event"]);
  return events;
}

bool SameTensors(const std::vector<BundleTensor>& a, const std::vector<BundleTensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].shape != b[i].shape || a[i].bytes != b[i].bytes)
      return false;
  }
  return true;
}

void ExpectSameRun(const std::string& folder, const std::string& other) {
  EXPECT_EQ(CurveOf(folder), CurveOf(other));
  const absl::StatusOr<Bundle> a = ReadBundleFile(folder + "/checkpoint.gopt"),
                               b = ReadBundleFile(other + "/checkpoint.gopt");
  ASSERT_TRUE(a.ok()) << a.status();
  ASSERT_TRUE(b.ok()) << b.status();
  EXPECT_TRUE(SameTensors(a->tensors, b->tensors));
  ASSERT_EQ(a->state.size(), b->state.size());
  for (const auto& [key, bytes] : a->state) {
    ASSERT_TRUE(b->state.contains(key)) << key;
    if (key == "training") {
      EXPECT_EQ(WithoutSeconds(bytes), WithoutSeconds(b->state.at(key)));
    } else {
      EXPECT_EQ(bytes, b->state.at(key)) << key;
    }
  }
}

HookedBackend::HookedBackend(Hook hook)
    : simulator_(*Simulator::Create()), hook_(std::move(hook)) {}

absl::StatusOr<std::unique_ptr<Evaluator>> HookedBackend::Bind(const Problem& problem) const {
  GOPT_ASSIGN_OR_RETURN(std::unique_ptr<Evaluator> inner, simulator_->Bind(problem));
  return std::make_unique<HookedEvaluator>(std::move(inner), hook_);
}

}  // namespace gopt::testing

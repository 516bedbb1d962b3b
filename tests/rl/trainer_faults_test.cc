#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <thread>

#include "gopt/rl/trainer.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::Each;
using testing::EventsOf;
using testing::HookedBackend;
using testing::LinesOfKind;
using testing::NewFolder;
using ::testing::Not;
using testing::SmallTraining;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Runs with a backend that misbehaves from the end of the preparations on.
absl::StatusOr<TrainingResult> RunWith(const std::string& folder, const TrainingConfig& config,
                                       HookedBackend::Hook hook,
                                       std::shared_ptr<const CancelToken> cancel = nullptr) {
  auto on = std::make_shared<std::atomic<bool>>(false);
  TrainerOptions options = {.folder = folder, .cancel = std::move(cancel)};
  options.backend =
      std::make_shared<HookedBackend>([hook, on](const Plan& plan, CostReport* report) {
        if (*on) hook(plan, report);
      });
  GOPT_ASSIGN_OR_RETURN(const auto trainer, Trainer::Create(config, std::move(options)));
  *on = true;
  return trainer->Run();
}

std::vector<double> Numbers(const std::string& folder, const std::string& key) {
  std::vector<double> values;
  for (const json& line : LinesOfKind(folder, "iteration")) {
    values.push_back(line[key].is_null() ? NAN : line[key].get<double>());
  }
  return values;
}

TrainingConfig WithoutEvaluations(int64_t iterations) {
  TrainingConfig config = SmallTraining(iterations);
  config.evaluate_every = 0;
  return config;
}

// --- Backends.

void Throws(const Plan&, CostReport*) { throw std::runtime_error("boom"); }
void ThrowsOddly(const Plan&, CostReport*) { throw 7; }
void GivesNoAnswer(const Plan&, CostReport* report) {
  *report = CostReport();
  report->reason = "no answer";
}
void IsInfeasible(const Plan&, CostReport* report) {
  report->outcome = Outcome::kInfeasible;
  report->bytes_over_limit = 1000;
}
void AnswersNonsense(const Plan&, CostReport* report) { report->step_time = -5; }
void AnswersAnotherOutcome(const Plan&, CostReport* report) {
  report->outcome = static_cast<Outcome>(77);
}

struct Fault {
  std::string name;
  HookedBackend::Hook hook;
  bool failed;  // Else infeasible.
};
std::string NameOf(const ::testing::TestParamInfo<Fault>& info) { return info.param.name; }

class BackendFaultTest : public ::testing::TestWithParam<Fault> {};

TEST_P(BackendFaultTest, OfSomePlansIsCountedAndTheRestIsLearnedFrom) {
  const std::string folder = NewFolder();
  std::atomic<int> calls = 0;
  const auto hook = [&](const Plan& plan, CostReport* report) {
    if (calls++ % 2 == 0) GetParam().hook(plan, report);
  };
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, RunWith(folder, WithoutEvaluations(2), hook));
  EXPECT_EQ(result.iterations, 2);
  const char* key = GetParam().failed ? "failed_fraction" : "infeasible_fraction";
  EXPECT_THAT(Numbers(folder, key), Each(0.5));
  EXPECT_THAT(Numbers(folder, "skipped_updates"), Each(0.0));
  EXPECT_THAT(Numbers(folder, "gradient_norm"), Each(::testing::Gt(0.0)));
}

TEST_P(BackendFaultTest, OfAllPlansEndsNothing) {
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result,
                       RunWith(folder, SmallTraining(5), GetParam().hook));
  EXPECT_EQ(result.iterations, 5);
  EXPECT_EQ(result.stopped, "completed");
  const char* key = GetParam().failed ? "failed_fraction" : "infeasible_fraction";
  EXPECT_THAT(Numbers(folder, key), Each(1.0));
  EXPECT_THAT(EventsOf(folder), Not(Contains("restored")));
  for (const json& line : LinesOfKind(folder, "iteration")) {
    EXPECT_TRUE(line["ratio_mean"].is_null());
    EXPECT_EQ(line["reward_mean"].is_null(), GetParam().failed);
    EXPECT_TRUE(line["problems"][0]["ratio_best"].is_null());
  }
  EXPECT_OK(Policy::Load(folder + "/policy.gopt"));
}

INSTANTIATE_TEST_SUITE_P(All, BackendFaultTest,
                         ::testing::Values(Fault{"Throws", Throws, true},
                                           Fault{"ThrowsOddly", ThrowsOddly, true},
                                           Fault{"Fails", GivesNoAnswer, true},
                                           Fault{"Infeasible", IsInfeasible, false},
                                           Fault{"Nonsense", AnswersNonsense, true},
                                           Fault{"OtherOutcome", AnswersAnotherOutcome, true}),
                         NameOf);

TEST(TrainerFaultsTest, AllFailedChangesNoWeight) {
  TrainerOptions options;
  auto on = std::make_shared<std::atomic<bool>>(false);
  options.backend = std::make_shared<HookedBackend>([on](const Plan& plan, CostReport* report) {
    if (*on) GivesNoAnswer(plan, report);
  });
  ASSERT_OK_AND_ASSIGN(const auto trainer, Trainer::Create(WithoutEvaluations(2), options));
  *on = true;
  std::vector<at::Tensor> before;
  for (const at::Tensor& parameter : trainer->network()->parameters()) {
    before.push_back(parameter.detach().clone());
  }
  ASSERT_OK(trainer->Run());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(before[i].equal(trainer->network()->parameters()[i]));
  }
}

TEST(TrainerFaultsTest, ABackendThatThrowsFromTheStartIsAnError) {
  TrainerOptions options;
  options.backend = std::make_shared<HookedBackend>(Throws);
  const absl::Status status = Trainer::Create(SmallTraining(1), options).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr("layered(ops=60"));
  // After the solvers have had their answers.
  std::atomic<int> calls = 0;
  options.backend = std::make_shared<HookedBackend>([&](const Plan& plan, CostReport* report) {
    if (calls++ > 20) Throws(plan, report);
  });
  EXPECT_FALSE(Trainer::Create(SmallTraining(1), options).ok());
}

TEST(TrainerFaultsTest, CancelEndsASlowBackendWithinAnEvaluation) {
  TrainingConfig config = SmallTraining(1000);
  config.ppo.samples = 200;
  auto cancel = std::make_shared<CancelToken>();
  std::atomic<int> after = 0, calls = 0;
  const auto hook = [&](const Plan&, CostReport*) {
    if (cancel->cancelled()) ++after;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (++calls == 30) cancel->Cancel();
  };
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, RunWith(folder, config, hook, cancel));
  EXPECT_EQ(result.stopped, "cancelled");
  EXPECT_EQ(result.iterations, 0);
  EXPECT_EQ(after, 0);
  EXPECT_TRUE(fs::exists(folder + "/checkpoint.gopt"));
}

// Cancels at an evaluation while baselines and references are sought; counts those after it.
TrainerOptions CutShortAt(int evaluation, const std::string& folder, bool resume,
                          std::shared_ptr<std::atomic<int>> after) {
  auto cancel = std::make_shared<CancelToken>();
  auto calls = std::make_shared<std::atomic<int>>(0);
  TrainerOptions options = {.folder = folder, .resume = resume, .cancel = cancel};
  options.backend = std::make_shared<HookedBackend>([=](const Plan&, CostReport*) {
    if (cancel->cancelled()) ++*after;
    if (++*calls == evaluation) cancel->Cancel();
  });
  return options;
}

class CutShortTest : public ::testing::TestWithParam<int> {};

TEST_P(CutShortTest, TheSearchForReferencesEndsSoonAndNothingIsLost) {
  const TrainingConfig config = SmallTraining(4);
  const std::string whole = NewFolder(), parts = NewFolder();
  ASSERT_OK(testing::TrainIn(whole, config));
  const auto after = std::make_shared<std::atomic<int>>(0);
  ASSERT_OK_AND_ASSIGN(TrainingResult result,
                       testing::Train(config, CutShortAt(GetParam(), parts, false, after)));
  EXPECT_EQ(result.stopped, "cancelled");
  EXPECT_EQ(result.iterations, 0);
  EXPECT_LE(*after, 2);
  EXPECT_TRUE(fs::exists(parts + "/config.txtpb"));
  EXPECT_FALSE(fs::exists(parts + "/metrics.jsonl"));
  ASSERT_OK(testing::Train(config, testing::StoppedAfter(2, parts, true)));
  ASSERT_OK_AND_ASSIGN(result, testing::Train(config, CutShortAt(GetParam(), parts, true, after)));
  EXPECT_EQ(result.stopped, "cancelled");
  EXPECT_EQ(result.iterations, 2);
  EXPECT_EQ(result.policy->metadata.at("iterations"), "2");
  EXPECT_LE(*after, 4);
  ASSERT_OK(testing::TrainIn(parts, config, true));
  testing::ExpectSameRun(whole, parts);
}

// Of a baseline, of the reference, of the second problem.
INSTANTIATE_TEST_SUITE_P(At, CutShortTest, ::testing::Values(1, 30, 60));

// --- Numbers that are not finite.

// Calls `before` before each iteration and before the end, with the number of those done.
absl::StatusOr<TrainingResult> RunAndBreak(
    const std::string& folder, TrainingConfig config,
    const std::function<void(const PolicyNetwork&, int64_t done)>& before) {
  config.checkpoint_minutes = 0.0;
  std::unique_ptr<Trainer> trainer;
  TrainerOptions options = {.folder = folder};
  options.on_line = [&](std::string_view line) {
    const json object = json::parse(line);
    const bool ends = object["kind"] == "evaluation" && object["iteration"] == config.iterations;
    if (ends || (object["kind"] == "event" && object["event"] == "checkpoint")) {
      before(trainer->network(), object["iteration"]);
    }
  };
  GOPT_ASSIGN_OR_RETURN(trainer, Trainer::Create(config, std::move(options)));
  return trainer->Run();
}

void SetFirstWeight(const PolicyNetwork& network, float value) {
  const at::NoGradGuard no_grad;
  network->parameters()[0].flatten()[0].fill_(value);
}

TEST(TrainerFaultsTest, AGradientThatIsNotFiniteSkipsItsMinibatch) {
  const std::string folder = NewFolder();
  bool break_it = false;
  int64_t left = 1;
  unsigned hook = 0;
  ASSERT_OK_AND_ASSIGN(
      const TrainingResult result,
      RunAndBreak(folder, WithoutEvaluations(4), [&](const PolicyNetwork& network, int64_t i) {
        if (hook == 0 && i == 1) {
          hook = 1;
          network->parameters()[0].register_hook([&](const at::Tensor& gradient) {
            if (!break_it || left-- <= 0) return gradient;
            return at::full_like(gradient, kNan);
          });
        }
        break_it = i == 2;
      }));
  EXPECT_EQ(result.iterations, 4);
  EXPECT_THAT(Numbers(folder, "skipped_updates"), ::testing::ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(EventsOf(folder), Not(Contains("restored")));
}

class BrokenWeightTest : public ::testing::TestWithParam<std::tuple<DecoderKind, float>> {};

// Iterations 3 to 5 draw no sample; then the weights of the start of iteration 2 are back.
TEST_P(BrokenWeightTest, IsRestoredAfterThreeIterations) {
  TrainingConfig config = SmallTraining(8);
  config.network.decoder = std::get<0>(GetParam());
  const std::string folder = NewFolder();
  bool finite = true;
  ASSERT_OK_AND_ASSIGN(const TrainingResult result,
                       RunAndBreak(folder, config, [&](const PolicyNetwork& network, int64_t done) {
                         if (done == 2) {
                           for (const at::Tensor& parameter : network->parameters()) {
                             const at::NoGradGuard no_grad;
                             at::Tensor(parameter).fill_(std::get<1>(GetParam()));
                           }
                         }
                         finite = finite && ReadBundleFile(folder + "/checkpoint.gopt").ok();
                       }));
  EXPECT_EQ(result.iterations, 8);
  EXPECT_TRUE(finite);
  const std::vector<json> lines = LinesOfKind(folder, "iteration");
  for (int i = 2; i < 5; ++i) {
    EXPECT_TRUE(lines[i]["skipped_updates"] > 0 || lines[i]["failed_fraction"] == 1.0) << i;
  }
  EXPECT_EQ(lines[5]["failed_fraction"], 0.0);
  EXPECT_EQ(lines[5]["skipped_updates"], 0);
  EXPECT_THAT(EventsOf(folder), Contains("restored"));
  EXPECT_TRUE(fs::exists(folder + "/not_finite-5.json"));
  ASSERT_OK_AND_ASSIGN(const Bundle reproducer, ReadBundleFile(folder + "/not_finite-5.gopt"));
  EXPECT_EQ(reproducer.iteration, 1);
  EXPECT_LE(lines[7]["ratio_best"], lines[1]["ratio_best"]);  // What was found is kept.
  // The reproducer is a checkpoint that a run goes on from.
  const std::string again = NewFolder();
  fs::copy_file(folder + "/not_finite-5.gopt", again + "/checkpoint.gopt");
  config.iterations = 3;
  EXPECT_OK(testing::TrainIn(again, config, true));
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenWeightTest,
    ::testing::Combine(::testing::Values(DecoderKind::kList, DecoderKind::kDirect),
                       ::testing::Values(kNan, std::numeric_limits<float>::infinity(), 1e30f)));

TEST(TrainerFaultsTest, DivergingForGoodIsAnError) {
  TrainingConfig config = SmallTraining(100);
  const std::string folder = NewFolder();
  const absl::Status status =
      RunAndBreak(folder, config, [](const PolicyNetwork& network, int64_t done) {
        if (done > 1) SetFirstWeight(network, kNan);
      }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr("training diverges"));
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr("ppo.learning_rate"));
  EXPECT_LT(LinesOfKind(folder, "iteration").size(), 20u);
}

TEST(TrainerFaultsTest, ARunThatEndsBrokenSavesTheLastGoodWeights) {
  const std::string folder = NewFolder();
  ASSERT_OK(
      RunAndBreak(folder, WithoutEvaluations(3), [](const PolicyNetwork& network, int64_t done) {
        if (done == 3) SetFirstWeight(network, kNan);
      }));
  EXPECT_THAT(EventsOf(folder), Contains("restored"));
  EXPECT_OK(Policy::Load(folder + "/policy.gopt"));
  EXPECT_OK(ReadBundleFile(folder + "/checkpoint.gopt"));
}

}  // namespace
}  // namespace gopt

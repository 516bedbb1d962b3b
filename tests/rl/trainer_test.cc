#include "gopt/rl/trainer.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "gopt/io/training_file.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/paths.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CurveOf;
using ::testing::ElementsAre;
using testing::EventsOf;
using testing::ExpectSameRun;
using ::testing::HasSubstr;
using testing::LinesOf;
using testing::LinesOfKind;
using testing::NewFolder;
using testing::SmallTraining;
using testing::Train;
using testing::TrainIn;

// The keys in the first column of the tables under a heading of docs/metrics.md.
std::set<std::string> DocumentedKeys(const std::string& heading) {
  std::ifstream file(testing::SourcePath("docs/metrics.md"));
  std::set<std::string> keys;
  bool inside = false;
  const std::regex key("`([a-z0-9_]+)`");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) inside = line.ends_with("# " + heading);
    if (!inside || !line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find('|', 2));
    for (std::sregex_iterator it(cell.begin(), cell.end(), key), end; it != end; ++it) {
      keys.insert((*it)[1]);
    }
  }
  EXPECT_FALSE(keys.empty()) << heading;
  return keys;
}

void ExpectKeys(const json& object, const std::string& heading) {
  std::set<std::string> keys = DocumentedKeys(heading);
  keys.erase("kind");
  std::set<std::string> found;
  for (const auto& [key, value] : object.items()) {
    if (key != "kind") found.insert(key);
  }
  EXPECT_EQ(found, keys) << heading;
}

struct Variant {
  std::string name;
  std::vector<std::string> settings;
};

std::string NameOf(const ::testing::TestParamInfo<Variant>& info) { return info.param.name; }

TrainingConfig ConfigOf(const Variant& variant, int64_t iterations) {
  TrainingConfig config = SmallTraining(iterations);
  for (const std::string& setting : variant.settings) {
    EXPECT_OK(ApplySetting(&config, setting)) << setting;
  }
  return config;
}

class TrainerVariantTest : public ::testing::TestWithParam<Variant> {};

TEST_P(TrainerVariantTest, WritesAllFilesAndEveryDocumentedNumber) {
  const TrainingConfig config = ConfigOf(GetParam(), 3);
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(folder, config));
  EXPECT_EQ(result.stopped, "completed");
  EXPECT_EQ(result.iterations, 3);
  EXPECT_EQ(result.evaluations, 3 * 2 * 4);
  EXPECT_GT(result.ratio_best, 0.0);
  for (const char* file : {"metrics.jsonl", "config.txtpb", "checkpoint.gopt", "policy.gopt"}) {
    EXPECT_TRUE(fs::exists(folder + "/" + file)) << file;
  }
  ASSERT_OK_AND_ASSIGN(const TrainingConfig read, ReadTrainingConfigFile(folder + "/config.txtpb"));
  EXPECT_EQ(ToText(read), ToText(config));
  EXPECT_OK(Policy::Load(folder + "/policy.gopt"));

  ASSERT_EQ(LinesOfKind(folder, "run").size(), 1u);
  const json run = LinesOfKind(folder, "run")[0];
  ExpectKeys(run, "`run`");
  ASSERT_EQ(run["problems"].size(), 2u);
  ExpectKeys(run["problems"][0], "Problems of a run");
  const std::vector<json> iterations = LinesOfKind(folder, "iteration");
  ASSERT_EQ(iterations.size(), 3u);
  for (const json& line : iterations) {
    ExpectKeys(line, "`iteration`");
    ASSERT_EQ(line["problems"].size(), 2u);
    ExpectKeys(line["problems"][0], "Problems of an iteration");
    ExpectKeys(line["time"], "Time of an iteration");
    EXPECT_EQ(line["skipped_updates"], 0);
    EXPECT_EQ(line["failed_fraction"], 0.0);
    EXPECT_TRUE(std::isfinite(line["policy_loss"].get<double>()));
    EXPECT_EQ(line["value_loss"].is_null(), !config.network.value);
  }
  EXPECT_EQ(iterations[2]["evaluations"], 24);
  EXPECT_LE(iterations[2]["ratio_best"], iterations[0]["ratio_best"]);
  EXPECT_EQ(iterations[2]["ratio_best"], result.ratio_best);
  const std::vector<json> evaluations = LinesOfKind(folder, "evaluation");
  ASSERT_EQ(evaluations.size(), 2u);  // After two, and at the end.
  ExpectKeys(evaluations[0], "`evaluation`");
  ExpectKeys(evaluations[0]["problems"][0], "Problems of an evaluation");
  ExpectKeys(LinesOfKind(folder, "event")[0], "`event`");
  EXPECT_THAT(EventsOf(folder), ElementsAre("checkpoint", "stopped"));
}

void PrintTo(const Variant& variant, std::ostream* os) { *os << variant.name; }

INSTANTIATE_TEST_SUITE_P(
    All, TrainerVariantTest,
    ::testing::Values(
        Variant{"List", {}}, Variant{"ListFusion", {"fusion=true"}},
        Variant{"ListImitation", {"fusion=true", "ppo.self_imitation=0.1", "network.rounds=2"}},
        Variant{"Direct", {"network.decoder=direct", "ppo.entropy_coefficient=0.01"}},
        Variant{"DirectFusion",
                {"network.decoder=direct", "fusion=true", "network.conditioning=actions",
                 "ppo.self_imitation=0.1"}},
        Variant{"Value", {"network.value=true", "ppo.baseline=value", "ppo.minibatches=2"}},
        Variant{"Curriculum", {"curriculum=true", "ppo.learning_rate_end=1e-4"}}),
    NameOf);

TEST(TrainerTest, TellsEachLineToTheCallback) {
  const std::string folder = NewFolder();
  std::vector<json> seen;
  TrainerOptions options = {.folder = folder};
  options.on_line = [&](std::string_view line) { seen.push_back(json::parse(line)); };
  ASSERT_OK(Train(SmallTraining(2), std::move(options)));
  EXPECT_EQ(seen, LinesOf(folder));
}

TEST(TrainerTest, NeedsNoFolder) {
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, Train(SmallTraining(2), {}));
  EXPECT_EQ(result.iterations, 2);
  EXPECT_THAT(result.policy->model_card, HasSubstr("# small"));
}

TEST(TrainerTest, EqualSeedsGiveEqualRuns) {
  const std::string a = NewFolder(), b = NewFolder(), c = NewFolder();
  TrainingConfig config = SmallTraining(3);
  ASSERT_OK(TrainIn(a, config));
  ASSERT_OK(TrainIn(b, config));
  ExpectSameRun(a, b);
  config.seed = 9;
  ASSERT_OK(TrainIn(c, config));
  EXPECT_NE(CurveOf(a), CurveOf(c));
}

TEST(TrainerTest, CurriculumBeginsWithSmallGraphs) {
  TrainingConfig config = SmallTraining(8);
  config.curriculum = true;
  config.batch = 1;
  const std::string folder = NewFolder();
  ASSERT_OK(TrainIn(folder, config));
  const std::vector<json> lines = LinesOfKind(folder, "iteration");
  std::set<int> late;
  for (int i = 0; i < 8; ++i) {
    if (i == 0) EXPECT_EQ(lines[i]["problems"][0]["index"], 1);  // 40 ops, not 60.
    if (i >= 4) late.insert(lines[i]["problems"][0]["index"].get<int>());
  }
  EXPECT_EQ(late.size(), 2u);
}

TEST(TrainerTest, EvaluationProblemsAreNeverTrainedOn) {
  TrainingConfig config = SmallTraining(3);
  config.evaluation = {{"layered(ops=30,seed=5)", "p100x2", ""}};
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(folder, config));
  const json line = LinesOfKind(folder, "evaluation").back();
  ASSERT_EQ(line["problems"].size(), 3u);
  EXPECT_EQ(line["problems"][2]["set"], "evaluation");
  const json run = LinesOfKind(folder, "run")[0];
  const double reference = run["problems"][2]["reference_ns"].get<double>();
  const double greedy = line["problems"][2]["greedy_ns"].get<double>();
  EXPECT_NEAR(line["ratio_greedy"].get<double>(), greedy / reference, 1e-12);
  EXPECT_THAT(result.policy->model_card, HasSubstr("never trained on"));
}

// With a learning rate of zero no evaluation is better than the first.
TEST(TrainerTest, PatienceEndsARunThatGetsNoBetter) {
  TrainingConfig config = SmallTraining(50);
  config.ppo.learning_rate = config.ppo.learning_rate_end = 0.0;
  config.patience = 4;
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(folder, config));
  EXPECT_EQ(result.stopped, "no better evaluation for 4 iterations");
  EXPECT_EQ(result.iterations, 6);
  EXPECT_EQ(LinesOfKind(folder, "event").back()["reason"], result.stopped);
}

TEST(TrainerTest, TheResultIsTheBestEvaluationsPolicy) {
  TrainingConfig config = SmallTraining(6);
  config.ppo.learning_rate = config.ppo.learning_rate_end = 0.05;
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(folder, config));
  double best = INFINITY;
  int64_t at = 0;
  for (const json& line : LinesOfKind(folder, "evaluation")) {
    if (line["ratio_samples"] < best) {
      best = line["ratio_samples"];
      at = line["iteration"];
    }
  }
  EXPECT_THAT(result.policy->model_card, HasSubstr("those of iteration " + std::to_string(at)));
  EXPECT_EQ(result.policy->metadata.at("iterations"), "6");
  ASSERT_OK_AND_ASSIGN(const auto saved, Policy::Load(folder + "/policy.gopt"));
  EXPECT_TRUE(testing::SameTensors(saved->ToBundle().tensors, result.policy->ToBundle().tensors));
}

TEST(TrainerTest, StartsFromAPolicyFile) {
  TrainingConfig config = SmallTraining(2);
  const std::string first = NewFolder(), second = NewFolder();
  ASSERT_OK(TrainIn(first, config));
  config.init = first + "/policy.gopt";
  ASSERT_OK_AND_ASSIGN(const auto init, Policy::Load(config.init));
  ASSERT_OK_AND_ASSIGN(const auto trainer, Trainer::Create(config, {.folder = second}));
  for (const auto& parameter : trainer->network()->named_parameters()) {
    EXPECT_TRUE(parameter.value().equal(init->network()->named_parameters()[parameter.key()]));
  }
  ASSERT_OK(trainer->Run());
  // A resume needs the file no more.
  fs::remove(config.init);
  config.iterations = 4;
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(second, config, true));
  EXPECT_EQ(result.iterations, 4);
}

TEST(TrainerTest, RefusesAPolicyOfAnotherArchitecture) {
  TrainingConfig config = SmallTraining(1);
  const std::string path = NewFolder() + "/wide.gopt";
  config.network.head_width = 16;
  ASSERT_OK(Policy::Create(config)->Save(path));
  config.network.head_width = 8;
  config.init = path;
  EXPECT_THAT(Train(config, {}), IsInvalid("tensors differ"));
}

TEST(TrainerTest, RefusesWhatItCannotDo) {
  const std::string folder = NewFolder();
  ASSERT_OK(TrainIn(folder, SmallTraining(1)));
  EXPECT_THAT(TrainIn(folder, SmallTraining(1)), IsUnmet("holds a run"));
  EXPECT_THAT(Train(SmallTraining(1), {.device = "toaster"}), IsInvalid("toaster"));
  TrainingConfig config = SmallTraining(1);
  config.problem[1].graph = "nothing_of_this_name";
  EXPECT_THAT(Train(config, {}).status().ToString(), HasSubstr("nothing_of_this_name"));
  config = SmallTraining(1);
  config.backend = "oracle";
  EXPECT_FALSE(Train(config, {}).ok());
  config = SmallTraining(1);
  config.ppo.clip = -1;
  EXPECT_THAT(Train(config, {}), IsInvalid("ppo.clip"));
  EXPECT_THAT(Train(SmallTraining(1), {.processes = 2}), IsInvalid("sum"));
  EXPECT_THAT(Train(SmallTraining(1), {.process = 1}), IsInvalid("process"));
}

TEST(TrainerTest, LeavesTheThreadsOfTheCallerAlone) {
  const int before = at::get_num_threads();
  TrainingConfig config = SmallTraining(1);
  config.threads = before + 1;
  ASSERT_OK(Train(config, {}));
  EXPECT_EQ(at::get_num_threads(), before);
}

// Large enough for tensor operations to be split between threads.
TEST(TrainerTest, DeterministicRunsAreEqualOnAnyNumberOfThreads) {
  TrainingConfig config = SmallTraining(2);
  config.problem = {{"layered(ops=2000,width=40,seed=3)", "p100x2", ""}};
  config.network.width = config.network.head_width = 32;
  config.network.segment = 128;
  config.ppo.samples = 8;
  config.evaluate_every = 0;
  config.deterministic = true;
  const std::string one = NewFolder(), two = NewFolder();
  ASSERT_OK(TrainIn(one, config));
  config.threads = 2;
  ASSERT_OK(TrainIn(two, config));
  ExpectSameRun(one, two);
}

}  // namespace
}  // namespace gopt

#include "src/rl/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "gopt/base/random.h"
#include "gopt/io/training_file.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using testing::EventsOf;
using testing::ExpectSameRun;
using ::testing::HasSubstr;
using testing::HookedBackend;
using testing::NewFolder;
using testing::SmallTraining;
using testing::StoppedAfter;
using testing::Train;
using testing::TrainIn;

struct Variant {
  std::string name;
  std::vector<std::string> settings;
};
std::string NameOf(const ::testing::TestParamInfo<Variant>& info) { return info.param.name; }

class ResumeTest : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    for (const std::string& setting : GetParam().settings) {
      ASSERT_OK(ApplySetting(&config_, setting)) << setting;
    }
    ASSERT_OK(TrainIn(whole_, config_));
  }

  const std::string whole_ = NewFolder(), parts_ = NewFolder();
  TrainingConfig config_ = SmallTraining(6);
};

TEST_P(ResumeTest, BetweenIterationsIsEqualToTheBit) {
  ASSERT_OK_AND_ASSIGN(TrainingResult result, Train(config_, StoppedAfter(1, parts_)));
  EXPECT_EQ(result.stopped, "cancelled");
  EXPECT_EQ(result.iterations, 1);
  ASSERT_OK_AND_ASSIGN(result, Train(config_, StoppedAfter(4, parts_, true)));
  EXPECT_EQ(result.iterations, 4);
  ASSERT_OK_AND_ASSIGN(result, TrainIn(parts_, config_, true));
  EXPECT_EQ(result.stopped, "completed");
  EXPECT_EQ(result.evaluations, testing::LinesOfKind(whole_, "iteration").back()["evaluations"]);
  ExpectSameRun(whole_, parts_);
  ASSERT_OK_AND_ASSIGN(const auto a, Policy::Load(whole_ + "/policy.gopt"));
  ASSERT_OK_AND_ASSIGN(const auto b, Policy::Load(parts_ + "/policy.gopt"));
  EXPECT_EQ(a->ToBundle().model_card, b->ToBundle().model_card);
  EXPECT_TRUE(testing::SameTensors(a->ToBundle().tensors, b->ToBundle().tensors));
}

// While plans are priced, of training or of an evaluation.
TEST_P(ResumeTest, InTheMiddleOfAnIterationIsEqualToTheBit) {
  for (int stops = 0; stops < 5; ++stops) {
    auto cancel = std::make_shared<CancelToken>();
    auto calls = std::make_shared<std::atomic<int>>(-1'000'000);
    TrainerOptions options = {.folder = parts_, .resume = true, .cancel = cancel};
    options.backend = std::make_shared<HookedBackend>([=](const Plan&, CostReport*) {
      if (++*calls == 11 + 3 * stops) cancel->Cancel();
    });
    ASSERT_OK_AND_ASSIGN(const auto trainer, Trainer::Create(config_, options));
    *calls = 0;
    ASSERT_OK(trainer->Run());
  }
  ASSERT_OK(TrainIn(parts_, config_, true));
  ExpectSameRun(whole_, parts_);
}

INSTANTIATE_TEST_SUITE_P(
    All, ResumeTest,
    ::testing::Values(Variant{"List", {}},
                      Variant{"Imitation",
                              {"fusion=true", "ppo.self_imitation=0.5", "network.rounds=2",
                               "network.conditioning=actions"}},
                      Variant{"Direct",
                              {"network.decoder=direct", "fusion=true", "ppo.self_imitation=0.5",
                               "ppo.entropy_coefficient=0.05"}},
                      Variant{"Value",
                              {"network.value=true", "ppo.baseline=value", "ppo.minibatches=2",
                               "curriculum=true", "batch=1", "ppo.learning_rate_end=1e-5"}},
                      Variant{
                          "TightMemory",
                          {"problem[0].machine=p100x2(memory=9MiB)", "exploration.shared=false"}}),
    NameOf);

TEST(TrainingStateTest, MoreIterationsGoOnFromACompletedRun) {
  const std::string whole = NewFolder(), parts = NewFolder();
  ASSERT_OK(TrainIn(whole, SmallTraining(4)));
  ASSERT_OK(TrainIn(parts, SmallTraining(2)));
  ASSERT_OK_AND_ASSIGN(TrainingResult result, TrainIn(parts, SmallTraining(4), true));
  EXPECT_EQ(result.iterations, 4);
  ExpectSameRun(whole, parts);
  // There is nothing left to do.
  ASSERT_OK_AND_ASSIGN(result, TrainIn(parts, SmallTraining(4), true));
  EXPECT_EQ(result.stopped, "completed");
  ExpectSameRun(whole, parts);
}

TEST(TrainingStateTest, ResumeOfAnEmptyFolderStarts) {
  const std::string folder = NewFolder();
  ASSERT_OK_AND_ASSIGN(const TrainingResult result, TrainIn(folder, SmallTraining(1), true));
  EXPECT_EQ(result.iterations, 1);
  EXPECT_THAT(EventsOf(folder), ::testing::Not(Contains("resumed")));
}

// In a process of its own, so that whatever happens to it leaves this one alone.
int InChild(const std::function<bool()>& work, const std::function<void(pid_t)>& meanwhile = {}) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  if (meanwhile) meanwhile(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

// GOPT_KILL_TRIALS sets how many: scripts/kill_training.sh.
TEST(TrainingStateTest, KilledAtAnyMomentItGoesOnToTheSameEnd) {
  const char* set = std::getenv("GOPT_KILL_TRIALS");
  const int trials = set == nullptr ? 10 : std::atoi(set);
  TrainingConfig config = SmallTraining(4);
  config.checkpoint_minutes = 0.0;
  config.fusion = true;
  config.ppo.self_imitation = 0.5;
  const std::string whole = NewFolder();
  const Clock::time_point start = Clock::now();
  ASSERT_OK(TrainIn(whole, config));
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  Random random(std::random_device{}());
  int killed = 0, unfinished = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const std::string folder = NewFolder();
    const int status = InChild([&] { return TrainIn(folder, config, true).ok(); },
                               [&](pid_t child) {
                                 ::usleep(static_cast<useconds_t>(random.Below(microseconds)));
                                 ::kill(child, SIGKILL);
                               });
    killed += WIFSIGNALED(status) ? 1 : 0;
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    for (const auto& entry : fs::directory_iterator(folder)) {
      unfinished += entry.path().filename().string().starts_with(".gopt-") ? 1 : 0;
    }
    if (fs::exists(folder + "/checkpoint.gopt")) {
      EXPECT_OK(ReadBundleFile(folder + "/checkpoint.gopt", {.fall_back = false}));
    }
    ASSERT_OK(TrainIn(folder, config, true));
    ExpectSameRun(whole, folder);
    for (const auto& entry : fs::directory_iterator(folder)) {
      EXPECT_FALSE(entry.path().filename().string().starts_with(".gopt-")) << entry.path();
    }
    fs::remove_all(folder);
  }
  EXPECT_GT(killed, 0);  // Some had ended before.
  RecordProperty("killed", killed);
  RecordProperty("unfinished_files", unfinished);
}

TEST(TrainingStateTest, ADamagedCheckpointGivesWayToTheOneBefore) {
  TrainingConfig config = SmallTraining(5);
  config.checkpoint_minutes = 0.0;
  const std::string whole = NewFolder(), parts = NewFolder();
  ASSERT_OK(TrainIn(whole, config));
  ASSERT_OK(Train(config, StoppedAfter(3, parts)));
  // A second write, so that there is one before.
  ASSERT_OK(Train(config, StoppedAfter(4, parts, true)));
  const std::string path = parts + "/checkpoint.gopt";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(path) / 2));
  file.put('\x55').put('\xaa');
  file.close();
  ASSERT_FALSE(ReadBundleFile(path, {.fall_back = false}).ok());
  ASSERT_OK(TrainIn(parts, config, true));
  ExpectSameRun(whole, parts);
  bool said = false;
  for (const auto& line : testing::LinesOfKind(parts, "event")) {
    said = said || line["reason"].get<std::string>().find("previous") != std::string::npos;
  }
  EXPECT_TRUE(said);
}

TEST(TrainingStateTest, DamageOfBothIsAnErrorThatNamesThem) {
  const std::string folder = NewFolder();
  ASSERT_OK(TrainIn(folder, SmallTraining(2)));
  std::ofstream(folder + "/checkpoint.gopt") << "none";
  fs::remove(folder + "/checkpoint.gopt.previous");
  EXPECT_THAT(TrainIn(folder, SmallTraining(2), true).status().ToString(),
              HasSubstr(folder + "/checkpoint.gopt"));
}

TEST(TrainingStateTest, AFullDiskIsAnErrorAndTheRunGoesOnLater) {
  TrainingConfig config = SmallTraining(6);
  config.checkpoint_minutes = 0.0;
  const std::string whole = NewFolder();
  ASSERT_OK(TrainIn(whole, config));
  const auto checkpoint = static_cast<rlim_t>(fs::file_size(whole + "/checkpoint.gopt"));
  const auto metrics = static_cast<rlim_t>(fs::file_size(whole + "/metrics.jsonl"));
  // No room for any file, for the metrics, or for the end of a checkpoint, whose size differs by a
  // few bytes from run to run: it holds seconds.
  for (const rlim_t room : {rlim_t{100}, metrics / 2, checkpoint - checkpoint / 20}) {
    const std::string folder = NewFolder();
    ASSERT_OK(Train(config, StoppedAfter(2, folder)));
    const int status = InChild([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const struct rlimit limit = {room, room};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
      const auto result = TrainIn(folder, config, true);
      return result.status().code() == absl::StatusCode::kResourceExhausted;
    });
    EXPECT_EQ(status, 0) << room;
    ASSERT_OK(TrainIn(folder, config, true));
    ExpectSameRun(whole, folder);
  }
}

TEST(TrainingStateTest, AFolderThatCannotBeWrittenIsAnError) {
  TrainingConfig config = SmallTraining(4);
  const std::string whole = NewFolder(), folder = NewFolder();
  ASSERT_OK(TrainIn(whole, config));
  ASSERT_OK(Train(config, StoppedAfter(2, folder)));
  for (const auto& entry : fs::directory_iterator(folder)) {
    fs::permissions(entry.path(), fs::perms::owner_read | fs::perms::others_read);
  }
  fs::permissions(folder, fs::perms(0555));
  const int status = InChild([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0)
      return false;  // The superuser may write anywhere.
    return TrainIn(folder, config, true).status().code() == absl::StatusCode::kPermissionDenied;
  });
  EXPECT_EQ(status, 0);
  fs::permissions(folder, fs::perms(0755));
  for (const auto& entry : fs::directory_iterator(folder)) {
    fs::permissions(entry.path(), fs::perms(0644));
  }
  ASSERT_OK(TrainIn(folder, config, true));
  ExpectSameRun(whole, folder);
}

// --- Checkpoints that do not fit.

class ForeignCheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(TrainIn(folder_, SmallTraining(2))); }

  absl::Status ResumeWith(const TrainingConfig& config) {
    return TrainIn(folder_, config, true).status();
  }
  absl::Status ResumeAfter(const std::function<void(Bundle*)>& change) {
    Bundle bundle = *ReadBundleFile(folder_ + "/checkpoint.gopt");
    change(&bundle);
    EXPECT_OK(WriteBundleFile(bundle, folder_ + "/checkpoint.gopt"));
    return ResumeWith(SmallTraining(4));
  }

  const std::string folder_ = NewFolder();
};

TEST_F(ForeignCheckpointTest, OfAnotherNetworkListsTheTensors) {
  TrainingConfig config = SmallTraining(4);
  config.network.head_width = 16;
  EXPECT_THAT(ResumeWith(config), IsInvalid("tensors differ"));
}

TEST_F(ForeignCheckpointTest, OfOtherProblemsIsRefused) {
  TrainingConfig config = SmallTraining(4);
  config.problem[1].graph = "layered(ops=41,width=5,seed=2)";
  EXPECT_THAT(ResumeWith(config), IsInvalid("problem 1: the checkpoint is of another graph"));
  config.problem.pop_back();
  EXPECT_THAT(ResumeWith(config), IsInvalid("of 2 problems, here are 1"));
}

TEST_F(ForeignCheckpointTest, APolicyIsNone) {
  fs::copy_file(folder_ + "/policy.gopt", folder_ + "/checkpoint.gopt",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(ResumeWith(SmallTraining(4)), IsInvalid("holds a policy, no checkpoint"));
}

TEST_F(ForeignCheckpointTest, ForgedStateIsRefused) {
  for (const char* key : {"training", "problems", "adam_steps"}) {
    for (const char* text : {"", "null", "[]", "{\"iteration\":\"x\"}", "7", "[[], {}]"}) {
      const std::string saved = NewFolder() + "/checkpoint.gopt";
      fs::copy_file(folder_ + "/checkpoint.gopt", saved);
      const absl::Status status = ResumeAfter([&](Bundle* bundle) { bundle->state[key] = text; });
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << key << text << status;
      fs::copy_file(saved, folder_ + "/checkpoint.gopt", fs::copy_options::overwrite_existing);
    }
  }
}

TEST_F(ForeignCheckpointTest, AnyMissingWeightIsNamed) {
  for (const char* prefix :
       {"network.", "adam.first_moment.", "best.", "good.network.", "good.adam.second_moment."}) {
    const std::string saved = NewFolder() + "/checkpoint.gopt";
    fs::copy_file(folder_ + "/checkpoint.gopt", saved);
    std::string name;
    const absl::Status status = ResumeAfter([&](Bundle* bundle) {
      for (size_t i = 0; i < bundle->tensors.size(); ++i) {
        if (!bundle->tensors[i].name.starts_with(prefix)) continue;
        name = bundle->tensors[i].name;
        bundle->tensors.erase(bundle->tensors.begin() + static_cast<std::ptrdiff_t>(i));
        return;
      }
      ADD_FAILURE() << prefix;
    });
    EXPECT_THAT(status, IsInvalid(name)) << prefix;
    fs::copy_file(saved, folder_ + "/checkpoint.gopt", fs::copy_options::overwrite_existing);
  }
}

}  // namespace
}  // namespace gopt

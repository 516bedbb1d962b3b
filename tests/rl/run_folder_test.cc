#include "src/rl/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gopt/io/training_file.h"
#include "gopt/rl/policy.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using testing::NewFolder;
using testing::SmallTraining;

Bundle Checkpoint(int64_t iteration) {
  Bundle bundle = Policy::Create(SmallTraining())->ToBundle();
  bundle.kind = "checkpoint";
  bundle.iteration = iteration;
  return bundle;
}

TEST(RunFolderTest, IsMadeIfItIsMissing) {
  const std::string path = NewFolder() + "/a/b";
  EXPECT_OK(RunFolder(path).Prepare(false));
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_OK(RunFolder(path).Prepare(false));
}

TEST(RunFolderTest, IsRefusedWhereItHoldsARun) {
  for (const char* file :
       {"metrics.jsonl", "checkpoint.gopt", "checkpoint.gopt.previous", "policy.gopt"}) {
    const std::string path = NewFolder();
    std::ofstream(path + "/" + file) << "x";
    EXPECT_THAT(RunFolder(path).Prepare(false), IsUnmet(path + ": holds a run")) << file;
    EXPECT_OK(RunFolder(path).Prepare(true)) << file;
  }
}

TEST(RunFolderTest, SaysThatItCannotBeMade) {
  const std::string path = NewFolder() + "/file";
  std::ofstream(path) << "x";
  EXPECT_THAT(RunFolder(path).Prepare(false),
              Fails(absl::StatusCode::kPermissionDenied, path + ": cannot be made a folder"));
  EXPECT_THAT(RunFolder("/proc/none/run").Prepare(true),
              Fails(absl::StatusCode::kPermissionDenied, "/proc/none/run"));
}

TEST(RunFolderTest, RemovesUnfinishedFilesOfKilledWritesAndNothingElse) {
  const std::string path = NewFolder();
  for (const char* file : {".gopt-12-0.tmp", ".gopt-7-31.tmp", "notes.tmp", ".gopt-keep"}) {
    std::ofstream(path + "/" + file) << "x";
  }
  EXPECT_OK(RunFolder(path).Prepare(true));
  EXPECT_FALSE(fs::exists(path + "/.gopt-12-0.tmp"));
  EXPECT_FALSE(fs::exists(path + "/.gopt-7-31.tmp"));
  EXPECT_TRUE(fs::exists(path + "/notes.tmp"));
  EXPECT_TRUE(fs::exists(path + "/.gopt-keep"));
}

TEST(RunFolderTest, ReadsTheNewestCheckpointThatIsWhole) {
  const RunFolder folder(NewFolder());
  std::vector<std::string> warnings;
  ASSERT_OK_AND_ASSIGN(std::optional<Bundle> none, folder.ReadCheckpoint(&warnings));
  EXPECT_FALSE(none.has_value());
  ASSERT_OK(WriteBundleFile(Checkpoint(3), folder.checkpoint()));
  ASSERT_OK(WriteBundleFile(Checkpoint(6), folder.checkpoint()));
  ASSERT_OK_AND_ASSIGN(std::optional<Bundle> newest, folder.ReadCheckpoint(&warnings));
  EXPECT_EQ(newest->iteration, 6);
  EXPECT_TRUE(warnings.empty());
  fs::resize_file(folder.checkpoint(), fs::file_size(folder.checkpoint()) / 2);
  ASSERT_OK_AND_ASSIGN(std::optional<Bundle> before, folder.ReadCheckpoint(&warnings));
  EXPECT_EQ(before->iteration, 3);
  EXPECT_EQ(warnings.size(), 1u);
  fs::remove(folder.checkpoint());
  ASSERT_OK_AND_ASSIGN(before, folder.ReadCheckpoint(&warnings));
  EXPECT_EQ(before->iteration, 3);
  fs::resize_file(folder.checkpoint() + ".previous", 10);
  EXPECT_THAT(folder.ReadCheckpoint(&warnings).status().ToString(),
              ::testing::HasSubstr(folder.checkpoint()));
}

TEST(RunFolderTest, WritesWhatReproducesAnIteration) {
  const std::string path = NewFolder();
  ASSERT_OK(RunFolder(path).WriteReproducer(SmallTraining(), 9, {1, 0}, Checkpoint(6)));
  std::ifstream file(path + "/not_finite-9.json");
  const auto json = nlohmann::json::parse(file);
  EXPECT_EQ(json["iteration"], 9);
  EXPECT_EQ(json["checkpoint_iteration"], 6);
  EXPECT_EQ(json["problems"], (nlohmann::json{1, 0}));
  EXPECT_OK(TrainingConfigFromText(json["config"].get<std::string>()));
  ASSERT_OK_AND_ASSIGN(const Bundle bundle, ReadBundleFile(path + "/not_finite-9.gopt"));
  EXPECT_EQ(bundle.iteration, 6);
}

}  // namespace
}  // namespace gopt

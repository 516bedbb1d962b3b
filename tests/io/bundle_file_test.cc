#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/base/random.h"
#include "gopt/io/bundle.h"
#include "gtest/gtest.h"
#include "src/io/file_bytes.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Told apart by its iteration.
Bundle Numbered(int64_t iteration, int64_t values = 10) {
  Bundle bundle;
  bundle.iteration = iteration;
  bundle.tensors.push_back({"w", TensorType::kFloat32, {values}, std::string(values * 4, '\1')});
  return bundle;
}

class BundleFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "gopt_bundle_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/policy.gopt";
    previous_ = path_ + ".previous";
  }
  void TearDown() override {
    ::chmod(folder_.c_str(), 0700);
    std::filesystem::remove_all(folder_);
  }

  void Write(int64_t iteration) {
    const absl::Status status = WriteBundleFile(Numbered(iteration), path_);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Damage(const std::string& path) {
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  }
  // The iteration of the bundle read, or -1.
  int64_t Read(const std::string& path, std::vector<std::string>* warnings = nullptr) {
    std::vector<std::string> unused;
    const auto bundle = ReadBundleFile(path, {}, warnings == nullptr ? &unused : warnings);
    return bundle.ok() ? bundle->iteration : -1;
  }
  std::string ReadFault() { return std::string(ReadBundleFile(path_).status().message()); }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string folder_, path_, previous_;
};

TEST_F(BundleFileTest, KeepsTheLastTwo) {
  Write(1);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt"));
  EXPECT_EQ(Read(path_), 1);
  Write(2);
  Write(3);
  EXPECT_EQ(Read(path_), 3);
  EXPECT_EQ(Read(previous_), 2);
  ASSERT_TRUE(WriteBundleFile(Numbered(4), path_, {.keep_previous = false}).ok());
  EXPECT_EQ(Read(path_), 4);
  EXPECT_EQ(Read(previous_), 2);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt", "policy.gopt.previous"));
}

TEST_F(BundleFileTest, IsItsOwnersAloneUnlessToldOtherwise) {
  Write(1);
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  Write(2);
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

TEST_F(BundleFileTest, FallsBackToThePreviousAndSaysSo) {
  Write(1);
  Write(2);
  Damage(path_);
  std::vector<std::string> warnings;
  EXPECT_EQ(Read(path_, &warnings), 1);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr(path_ + ": the end states"));
  EXPECT_THAT(warnings[0], HasSubstr("; " + previous_ + " is used instead"));
  const auto strict = ReadBundleFile(path_, {.fall_back = false});
  EXPECT_EQ(strict.status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::remove(path_);
  EXPECT_EQ(Read(path_), 1);
}

TEST_F(BundleFileTest, ADamagedFileDoesNotReplaceTheWholePreviousOne) {
  Write(1);
  Write(2);
  Damage(path_);
  Write(3);
  EXPECT_EQ(Read(path_), 3);
  EXPECT_EQ(Read(previous_), 1);
}

TEST_F(BundleFileTest, NamesBothWhereNeitherIsABundle) {
  EXPECT_EQ(ReadBundleFile(path_).status().code(), absl::StatusCode::kNotFound);
  Write(1);
  Damage(path_);
  EXPECT_THAT(ReadFault(), HasSubstr(path_ + ": "));
  EXPECT_THAT(ReadFault(), ::testing::Not(HasSubstr("previous")));
  std::ofstream(previous_) << "junk";
  EXPECT_THAT(ReadFault(), HasSubstr("; " + previous_ + ": not a policy bundle"));
}

TEST_F(BundleFileTest, OneFileUnderBothNamesIsNoTrouble) {
  Write(1);
  std::filesystem::create_hard_link(path_, previous_);
  Write(2);
  EXPECT_EQ(Read(path_), 2);
  EXPECT_EQ(Read(previous_), 1);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt", "policy.gopt.previous"));
}

TEST_F(BundleFileTest, RefusesAPickleAndAnArchiveOfPyTorch) {
  std::ofstream(path_) << "PK\3\4 archive/data.pkl";
  EXPECT_THAT(ReadFault(), HasSubstr(path_ + ": is a zip archive"));
}

TEST_F(BundleFileTest, RefusesTwoGibibytesByTheirSize) {
  std::ofstream(path_).put('x');
  std::filesystem::resize_file(path_, uint64_t{2} << 30);  // A hole: takes no space.
  EXPECT_EQ(ReadBundleFile(path_).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadBundleFile(path_, {.limits = {.max_bytes = 0}}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(BundleFileTest, WritesNothingThatIsNotFinite) {
  Write(1);
  Bundle bundle = Numbered(2, 1);
  bundle.tensors[0].bytes = "\xff\xff\xff\xff";
  const absl::Status status = WriteBundleFile(bundle, path_);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_ + ": tensor 'w': value 0 is"));
  EXPECT_EQ(Read(path_), 1);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt"));
}

// Stands for a full disk: writing fails midway with EFBIG.
TEST_F(BundleFileTest, KeepsBothFilesWhenTheDiskIsFull) {
  Write(1);
  Write(2);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteBundleFile(Numbered(3, 10000), path_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Read(path_), 2);
  EXPECT_EQ(Read(previous_), 1);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt", "policy.gopt.previous"));
}

TEST_F(BundleFileTest, SaysThatAFolderIsReadOnlyOrMissing) {
  Write(1);
  EXPECT_EQ(WriteBundleFile(Numbered(2), folder_ + "/no/policy.gopt").code(),
            absl::StatusCode::kNotFound);
  ASSERT_EQ(::chmod(folder_.c_str(), 0555), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  const uid_t user = ::geteuid();
  constexpr uid_t kNobody = 65534;
  if (user == 0 && ::seteuid(kNobody) != 0) GTEST_SKIP() << "root may write everywhere";
  const absl::Status status = WriteBundleFile(Numbered(2), path_);
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_EQ(Read(path_), 1);
  EXPECT_THAT(Files(), ElementsAre("policy.gopt"));
}

// Writes ever higher iterations until it is killed.
[[noreturn]] void WriteForever(const std::string& path, int64_t iteration) {
  while (WriteBundleFile(Numbered(iteration++, 20000), path).ok()) {
  }
  ::_exit(1);
}

TEST_F(BundleFileTest, AWholeBundleIsThereWheneverTheWriterIsKilled) {
  Write(0);
  Random random(11);
  int64_t last = 0;
  const int kills = testing::kSanitizerSlowdown > 1 ? 10 : 40;
  for (int kill = 0; kill < kills; ++kill) {
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) WriteForever(path_, last + 1);
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + random.Below(20000)));
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer gave up";
    std::vector<std::string> warnings;
    const int64_t newest = Read(path_, &warnings);
    ASSERT_GE(newest, last);
    ASSERT_THAT(warnings, IsEmpty());
    if (std::filesystem::exists(previous_)) {
      ASSERT_GE(Read(previous_), 0);
    }
    last = newest;
  }
  EXPECT_GT(last, 0);
}

}  // namespace
}  // namespace gopt

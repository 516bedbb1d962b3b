#include "src/io/file_bytes.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gopt {
namespace {

using ::testing::HasSubstr;

// A folder of the test's own.
class FileBytesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "gopt_file_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    ::chmod(folder_.c_str(), 0700);
    std::filesystem::remove_all(folder_);
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  int FilesInFolder() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::string folder_;
};

TEST_F(FileBytesTest, ReadsBackWhatItWrote) {
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), bytes).ok());
  EXPECT_EQ(*ReadFileBytes(Path("f"), 4), bytes);
  EXPECT_EQ(*ReadFirstBytes(Path("f"), 2), bytes.substr(0, 2));
  EXPECT_EQ(*ReadFirstBytes(Path("f"), 100), bytes);
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(FileBytesTest, ReplacesAFileAndKeepsItsMode) {
  const mode_t umask_before = ::umask(0027);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "old").ok());
  ::umask(umask_before);
  struct stat info;
  ASSERT_EQ(::stat(Path("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  ASSERT_EQ(::chmod(Path("f").c_str(), 0644), 0);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "new").ok());
  ASSERT_EQ(::stat(Path("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  EXPECT_EQ(*ReadFileBytes(Path("f"), 100), "new");
}

TEST_F(FileBytesTest, KeepsWhatItReplacesIfAsked) {
  const WriteFileOptions options = {.keep_previous = true, .is_private = true};
  for (const char* bytes : {"1", "2", "3"}) {
    ASSERT_TRUE(WriteFileAtomically(Path("f"), bytes, options).ok());
  }
  EXPECT_EQ(*ReadFileBytes(Path("f"), 100), "3");
  EXPECT_EQ(*ReadFileBytes(Path("f.previous"), 100), "2");
  EXPECT_EQ(FilesInFolder(), 2);
  struct stat info;
  ASSERT_EQ(::stat(Path("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  // A folder is neither replaced nor moved out of the way.
  ASSERT_EQ(::mkdir(Path("folder").c_str(), 0700), 0);
  EXPECT_FALSE(WriteFileAtomically(Path("folder"), "x", options).ok());
  EXPECT_TRUE(std::filesystem::is_directory(Path("folder")));
  EXPECT_EQ(FilesInFolder(), 3);
}

TEST_F(FileBytesTest, SaysWhichFileIsMissingOrIsNone) {
  const auto missing = ReadFileBytes(Path("nowhere"), 100);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("nowhere"));
  EXPECT_EQ(ReadFileBytes(folder_, 100).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFileBytes("/dev/zero", 100).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteFileAtomically(Path("no/such/folder"), "x").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(WriteFileAtomically("", "x").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileBytesTest, RefusesThreeGibibytesByTheirSize) {
  std::ofstream(Path("big")).put('x');
  std::filesystem::resize_file(Path("big"), uint64_t{3} << 30);  // A hole: takes no space.
  const auto bytes = ReadFileBytes(Path("big"), int64_t{512} << 20);
  EXPECT_EQ(bytes.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(bytes.status().message()), HasSubstr("3221225472 bytes"));
}

// Stands for a full disk: writing fails midway with EFBIG.
TEST_F(FileBytesTest, KeepsTheOldFileWhenTheDiskIsFull) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "old").ok());
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteFileAtomically(Path("f"), std::string(100000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(*ReadFileBytes(Path("f"), 100), "old");
  EXPECT_EQ(FilesInFolder(), 1);  // The temporary file is gone.
}

TEST_F(FileBytesTest, SaysThatAFolderIsReadOnly) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  ASSERT_EQ(::chmod(folder_.c_str(), 0500), 0);
  EXPECT_EQ(WriteFileAtomically(Path("f"), "x").code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace gopt

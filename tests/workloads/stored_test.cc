#include "gopt/workloads/stored.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/graph_file.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char kVariable[] = "GOPT_WORKLOADS_DIR";

void WriteText(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string IndexOf(const Graph& graph, const std::string& name) {
  return absl::StrCat(R"({"version": 1, "workloads": [{"name": ")", name,
                      R"(", "family": "f", "suite": "paper", "devices": 2, "summary": "s",)",
                      R"("ops": 2, "edges": 1, "parameters": 0, "fingerprint": ")",
                      absl::Hex(graph.fingerprint(), absl::kZeroPad16), R"("}]})");
}

// A folder of stored graphs of its own, which the variable names while the test runs.
class StoredWorkloadsTest : public ::testing::Test {
 protected:
  StoredWorkloadsTest() {
    fs::create_directories(folder_);
    setenv(kVariable, folder_.c_str(), 1);
  }
  ~StoredWorkloadsTest() override {
    unsetenv(kVariable);
    fs::remove_all(folder_);
  }

  void Store(const std::string& name, const Graph& graph) {
    ASSERT_OK(WriteGraphFile(graph, (folder_ / (name + ".gopt")).string(), {.compress = true}));
    WriteText(folder_ / "index.json", IndexOf(graph, name));
  }

  const fs::path folder_ =
      fs::path(::testing::TempDir()) / absl::StrCat("stored_workloads_", getpid());
};

TEST_F(StoredWorkloadsTest, GivesTheGraphOfAName) {
  ASSERT_OK_AND_ASSIGN(const auto graph, ParseGraph("a:matmul -> b:relu"));
  Store("pair", *graph);
  ASSERT_OK_AND_ASSIGN(const auto rows, StoredWorkloads());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, "pair");
  ASSERT_OK_AND_ASSIGN(const auto loaded, LoadWorkload("pair"));
  EXPECT_EQ(loaded->fingerprint(), graph->fingerprint());
  EXPECT_EQ(*StoredWorkloadsFolder(), folder_.string());
}

TEST_F(StoredWorkloadsTest, ListsTheNamesWhenThereIsNoSuchOne) {
  ASSERT_OK_AND_ASSIGN(const auto graph, ParseGraph("a:matmul -> b:relu"));
  Store("pair", *graph);
  EXPECT_THAT(LoadWorkload("pear"),
              Fails(absl::StatusCode::kNotFound, "no workload 'pear'; there are pair"));
  EXPECT_THAT(LoadWorkload("../pair"), Fails(absl::StatusCode::kNotFound, "no workload"));
}

TEST_F(StoredWorkloadsTest, NamesTheFolderThatHasNoIndex) {
  EXPECT_THAT(StoredWorkloads(), Fails(absl::StatusCode::kNotFound, folder_.string()));
  EXPECT_THAT(LoadWorkload("pair"), Fails(absl::StatusCode::kNotFound, kVariable));
}

TEST_F(StoredWorkloadsTest, NamesTheFileThatIsWrong) {
  ASSERT_OK_AND_ASSIGN(const auto graph, ParseGraph("a:matmul -> b:relu"));
  Store("pair", *graph);
  WriteText(folder_ / "pair.gopt", "no graph");
  EXPECT_THAT(LoadWorkload("pair"), IsInvalid("pair.gopt: "));
  fs::remove(folder_ / "pair.gopt");
  EXPECT_THAT(LoadWorkload("pair"), Fails(absl::StatusCode::kNotFound, "pair.gopt"));
  WriteText(folder_ / "index.json", "{");
  EXPECT_THAT(LoadWorkload("pair"), IsInvalid("index.json: parse error"));
}

TEST_F(StoredWorkloadsTest, NoticesAFileOfAnotherGraph) {
  ASSERT_OK_AND_ASSIGN(const auto graph, ParseGraph("a:matmul -> b:relu"));
  ASSERT_OK_AND_ASSIGN(const auto other, ParseGraph("a:matmul -> b:softmax"));
  Store("pair", *graph);
  ASSERT_OK(WriteGraphFile(*other, (folder_ / "pair.gopt").string()));
  EXPECT_THAT(LoadWorkload("pair"), IsUnmet("index.json says"));
}

// Beside the library, as in a build tree.
TEST(ShippedWorkloadsTest, EveryRowMatchesItsFile) {
  unsetenv(kVariable);
  ASSERT_OK_AND_ASSIGN(const auto rows, StoredWorkloads());
  EXPECT_FALSE(rows.empty());
  for (const StoredWorkload& row : rows) {
    ASSERT_OK_AND_ASSIGN(const auto graph, LoadWorkload(row.name));
    EXPECT_EQ(graph->name(), row.name);
    EXPECT_EQ(graph->num_ops(), row.ops) << row.name;
    EXPECT_EQ(graph->num_edges(), row.edges) << row.name;
    const auto& metadata = graph->columns().metadata;
    EXPECT_EQ(metadata.at("workload.name"), row.name);
    EXPECT_EQ(metadata.at("workload.family"), row.family);
    EXPECT_EQ(metadata.at("workload.suite"), row.suite);
    EXPECT_EQ(metadata.at("workload.devices"), absl::StrCat(row.devices));
  }
}

TEST(ShippedWorkloadsTest, TakeUnderEightMegabytes) {
  ASSERT_OK_AND_ASSIGN(const std::string folder, StoredWorkloadsFolder());
  uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(folder)) bytes += file.file_size();
  EXPECT_LT(bytes, 8'000'000u);
}

}  // namespace
}  // namespace gopt

#include "tests/testing/importer_conformance.h"

#include <filesystem>
#include <fstream>

#include "gopt/base/random.h"
#include "gopt/graph/graph_text.h"
#include "gtest/gtest.h"

namespace gopt::testing {
namespace {

constexpr int kMutations = 300;

// A folder that goes away with this.
class Folder {
 public:
  Folder() {
    std::string pattern = ::testing::TempDir() + "gopt_importer_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& bytes) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void ExpectFits(const Imported& imported) {
  ASSERT_NE(imported.graph, nullptr);
  const auto& expert = imported.expert_placement;
  if (expert.empty()) return;
  ASSERT_TRUE(imported.machine.has_value());
  EXPECT_EQ(expert.size(), static_cast<size_t>(imported.graph->num_ops()));
  for (DeviceId device : expert) {
    EXPECT_GE(device, 0);
    EXPECT_LT(device, imported.machine->num_devices());
  }
}

void ExpectGraphOrFaultThatNames(const Importer& importer, const std::string& path) {
  const auto imported = importer.Import(path, {});
  if (imported.ok()) return ExpectFits(*imported);
  EXPECT_NE(imported.status().message().find(path), absl::string_view::npos) << imported.status();
}

}  // namespace

void TestImporterConformance(const Importer& importer, const std::string& file_name,
                             const std::string& bytes) {
  SCOPED_TRACE(importer.name() + " " + file_name);
  const Folder folder;
  const std::string path = folder.Write(file_name, bytes);
  EXPECT_TRUE(importer.Recognizes(path, std::string_view(bytes).substr(0, 64)));
  EXPECT_FALSE(importer.Recognizes("picture.png", "\x89PNG\r\n\x1a\n"));
  EXPECT_FALSE(importer.Recognizes("", ""));

  const auto imported = importer.Import(path, {});
  ASSERT_TRUE(imported.ok()) << imported.status();
  ExpectFits(*imported);
  const auto again = importer.Import(path, {});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(GraphToText(*imported->graph), GraphToText(*again->graph));
  EXPECT_EQ(imported->graph->fingerprint(), again->graph->fingerprint());

  EXPECT_EQ(importer.Import(folder.Path("missing"), {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(importer.Import(path, {.max_ops = 0}).ok());
  EXPECT_EQ(importer.Import(path, {.max_bytes = 5}).status().code(),
            absl::StatusCode::kResourceExhausted);

  Random random(3);
  const auto size = static_cast<int64_t>(bytes.size());
  for (int i = 0; i < kMutations; ++i) {
    std::string mutated = bytes;
    mutated[static_cast<size_t>(random.Below(size))] = static_cast<char>(random.Next());
    if (i % 3 == 0) mutated.resize(static_cast<size_t>(random.Below(size)));
    ExpectGraphOrFaultThatNames(importer, folder.Write(file_name, mutated));
  }
}

}  // namespace gopt::testing

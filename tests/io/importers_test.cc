#include <string>

#include "gmock/gmock.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/graph_file.h"
#include "gopt/io/importer.h"
#include "gopt/io/machine_file.h"
#include "gtest/gtest.h"
#include "src/io/container.h"
#include "src/io/file_bytes.h"
#include "tests/testing/fake_io.h"
#include "tests/testing/importer_conformance.h"
#include "tests/testing/paths.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

std::shared_ptr<const Graph> SmallGraph() {
  return *ParseGraph("a:matmul[time=5,bytes=100] -> b:relu -> c:reduce; a -> c");
}

constexpr const char* kSchedule = R"({"name": "s", "devices": 2, "latency_ns": 5,
  "bandwidth_bytes_per_s": 1e9, "cost_ns": [1, 2, 3], "output_bytes": [4, 5, 6],
  "edges": [[0, 1], [0, 2]], "scopes": [[0, 0, 1]], "expert": [0, 0, 1], "prototype_B_ns": 6})";

std::string Corpus(const std::string& file) {
  return *ReadFileBytes(testing::SourcePath("tests/fuzz/corpus/" + file), 1 << 20);
}

TEST(ImportersTest, AllRegisteredOnesConform) {
  EXPECT_EQ(Importers().NamesAndSummaries().size(), 4u);  // A new one needs a line below.
  const auto gopt = *Importers().Create("gopt");
  testing::TestImporterConformance(*gopt, "g.gopt", SerializeGraph(*SmallGraph()));
  testing::TestImporterConformance(*gopt, "g.txtpb", GraphToTextProto(*SmallGraph()));
  const auto schedule = *Importers().Create("schedule_json");
  testing::TestImporterConformance(*schedule, "s.json", kSchedule);
  const auto profile = *Importers().Create("pipedream");
  testing::TestImporterConformance(*profile, "p.graph.txt", Corpus("pipedream/small.graph.txt"));
  testing::TestImporterConformance(*profile, "s.graph.txt", Corpus("pipedream/stages.graph.txt"));
  const auto partitioning = *Importers().Create("dnn_partitioning");
  testing::TestImporterConformance(*partitioning, "d.json", Corpus("dnn_partitioning/small.json"));
}

TEST(ImportersTest, TheFakeIsAnImporter) {
  const testing::FakeImporter fake(SmallGraph());
  EXPECT_TRUE(fake.Recognizes("x.fake", ""));
  EXPECT_FALSE(fake.Recognizes("x", ""));
  EXPECT_EQ(fake.Import("x.fake", {})->graph->num_ops(), 3);
}

TEST(ImportersTest, ImportFileAsksWhoseFileItIs) {
  const std::string base = ::testing::TempDir() + "importers_test";
  ASSERT_OK(WriteGraphFile(*SmallGraph(), base + ".gopt"));
  ASSERT_OK(WriteFileAtomically(base + ".json", kSchedule));
  ASSERT_OK(WriteFileAtomically(base + ".png", "\x89PNG"));
  EXPECT_FALSE(ImportFile(base + ".gopt")->machine.has_value());
  EXPECT_EQ(ImportFile(base + ".json")->machine->num_devices(), 2);
  EXPECT_THAT(ImportFile(base + ".png"), IsInvalid("no importer recognizes the file"));
  EXPECT_THAT(ImportFile(base + ".none"), Fails(absl::StatusCode::kNotFound, "none"));
  ASSERT_OK(WriteMachineFile(*UniformMachine({}), base + ".gopt"));
  EXPECT_THAT(ImportFile(base + ".gopt"), IsInvalid("holds a machine, not a graph"));
  for (const char* extension : {".gopt", ".json", ".png"}) {
    std::remove((base + extension).c_str());
  }
}

TEST(ImportersTest, ImportFileTakesASpecWithOptions) {
  const std::string path = testing::SourcePath("tests/fuzz/corpus/pipedream/small.graph.txt");
  const int training = ImportFile(path)->graph->num_ops();
  EXPECT_LT(ImportFile(path, {}, "pipedream(training=false)")->graph->num_ops(), training);
  EXPECT_THAT(ImportFile(path, {}, "pipedream(train=false)"), IsInvalid("unknown key 'train'"));
  EXPECT_THAT(ImportFile(path, {}, "schedule_json"), IsInvalid("small.graph.txt: byte"));
  EXPECT_THAT(ImportFile(path, {}, "none"), Fails(absl::StatusCode::kNotFound, "dnn_partitioning"));
}

TEST(MachineSpecTest, IsAFileOrAPreset) {
  const std::string path = ::testing::TempDir() + "machine_spec_test.txtpb";
  ASSERT_OK(WriteMachineFile(*UniformMachine({.count = 3}), path));
  EXPECT_EQ(MachineFromSpec(path)->num_devices(), 3);
  std::remove(path.c_str());
  EXPECT_EQ(MachineFromSpec("p100x4")->num_devices(), 4);
  EXPECT_THAT(MachineFromSpec("nonesuch"),
              Fails(absl::StatusCode::kNotFound, "nor is there a file of that name"));
}

}  // namespace
}  // namespace gopt

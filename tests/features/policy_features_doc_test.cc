// docs/policy_features.md says what the columns are and what they lie between: it is tested.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gopt/features/graph_features.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "tests/features/feature_cases.h"
#include "tests/testing/paths.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

// A row of a table: | `name` | formula | [low, high] |; the range may be a set {low, high}.
struct DocumentedColumn {
  std::string name;
  float low = 0, high = 0;
  bool is_set = false;

  bool Holds(float value) const {
    return is_set ? value == low || value == high : value >= low && value <= high;
  }
};

std::vector<DocumentedColumn> Table(const std::string& heading) {
  std::ifstream file(testing::SourcePath("docs/policy_features.md"));
  std::vector<DocumentedColumn> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "## ")) inside = line == "## " + heading;
    if (!inside || !absl::StartsWith(line, "| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    EXPECT_EQ(cells.size(), 5) << line;
    DocumentedColumn row;
    row.name = cells[1].substr(2, cells[1].size() - 4);
    const size_t begin = cells[3].find_first_of("[{");
    EXPECT_NE(begin, std::string::npos) << line;
    row.is_set = cells[3][begin] == '{';
    const std::string range = cells[3].substr(begin + 1, cells[3].find_first_of("]}") - begin - 1);
    const std::vector<std::string> limits = absl::StrSplit(range, ", ");
    EXPECT_TRUE(absl::SimpleAtof(limits[0], &row.low) && absl::SimpleAtof(limits[1], &row.high))
        << line;
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> Names(const std::vector<DocumentedColumn>& table) {
  std::vector<std::string> names;
  for (const DocumentedColumn& row : table) names.push_back(row.name);
  return names;
}

TEST(PolicyFeaturesDocTest, ListsTheColumnsOfTheSpec) {
  EXPECT_EQ(Names(Table("Nodes")), FeatureSpec::Default().node_columns);
  EXPECT_EQ(Names(Table("Edges")), FeatureSpec::Default().edge_columns);
  EXPECT_EQ(Names(Table("Devices")), FeatureSpec::Default().device_columns);
}

void ExpectInRange(const at::Tensor& rows, const std::vector<DocumentedColumn>& table) {
  ASSERT_EQ(rows.size(1), static_cast<int64_t>(table.size()));
  const std::vector<float> values = testing::Floats(rows);
  for (size_t i = 0; i < values.size(); ++i) {
    const DocumentedColumn& column = table[i % table.size()];
    ASSERT_TRUE(column.Holds(values[i]))
        << column.name << " of row " << i / table.size() << " is " << values[i];
  }
}

TEST(PolicyFeaturesDocTest, ValuesAreInTheirRanges) {
  std::vector<Problem> problems;
  for (const char* name : {"txl4", "inception32", "moe"}) {
    ASSERT_OK_AND_ASSIGN(auto graph, LoadWorkload(name));
    problems.push_back(testing::UniformProblem(std::move(graph), 4));
  }
  problems.push_back(testing::UniformProblem(MakeGnmt().value(), 8));
  problems.push_back(testing::UniformProblem(MakeFanOut({.ops = 3'000}).value(), 2));
  Random random(9);
  for (int i = 0; i < 100; ++i) problems.push_back(testing::MakeRandomCase(random).problem);
  const std::vector<DocumentedColumn> nodes = Table("Nodes"), edges = Table("Edges");
  const std::vector<DocumentedColumn> devices = Table("Devices");
  for (const Problem& problem : problems) {
    ASSERT_OK_AND_ASSIGN(const GraphFeatures f,
                         MakeGraphFeatures(problem, testing::FullContext(problem, 4)));
    ExpectInRange(f.node, nodes);
    ExpectInRange(f.edge, edges);
    ExpectInRange(f.device, devices);
  }
}

}  // namespace
}  // namespace gopt

#include "src/rl/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;
using testing::NewFolder;

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void SetText(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(MetricsLogTest, WritesALineAtATimeToFileAndCallback) {
  const std::string path = NewFolder() + "/metrics.jsonl";
  std::string seen;
  const auto on_line = [&](std::string_view line) {
    seen += line;
    seen += '\n';
    EXPECT_EQ(TextOf(path), seen);  // Nothing waits in a buffer.
  };
  ASSERT_OK_AND_ASSIGN(MetricsLog log, MetricsLog::Open(path, {}, on_line));
  EXPECT_OK(log.Write({{"kind", "event"}, {"iteration", 1}}));
  EXPECT_OK(log.Write({{"kind", "event"}, {"iteration", 2}}));
  EXPECT_EQ(seen, "{\"kind\":\"event\",\"iteration\":1}\n{\"kind\":\"event\",\"iteration\":2}\n");
}

TEST(MetricsLogTest, NeedsNoFile) {
  int lines = 0;
  ASSERT_OK_AND_ASSIGN(MetricsLog log,
                       MetricsLog::Open("", {}, [&](std::string_view) { ++lines; }));
  EXPECT_OK(log.Write({{"kind", "event"}}));
  EXPECT_EQ(lines, 1);
}

TEST(MetricsLogTest, WritesWhatIsNotFiniteAsNullAndAnyBytesAsText) {
  const std::string path = NewFolder() + "/metrics.jsonl";
  ASSERT_OK_AND_ASSIGN(MetricsLog log, MetricsLog::Open(path, {}, {}));
  EXPECT_OK(log.Write({{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", "\xff\n"}}));
  const Json line = Json::parse(TextOf(path));
  EXPECT_TRUE(line["a"].is_null());
  EXPECT_EQ(TextOf(path).find('\n'), TextOf(path).size() - 1);
}

TEST(MetricsLogTest, KeepsLinesThroughTheCheckpoint) {
  const std::string path = NewFolder() + "/metrics.jsonl";
  SetText(path,
          "{\"kind\":\"run\"}\n{\"iteration\":1}\n{\"iteration\":2}\n{\"iteration\":3}\n"
          "{\"kind\":\"other\"}\n{\"iteration\":4,\"reward_me");
  ASSERT_OK_AND_ASSIGN(MetricsLog log, MetricsLog::Open(path, {2, 0}, {}));
  EXPECT_OK(log.Write({{"iteration", 3}}));
  EXPECT_EQ(TextOf(path),
            "{\"kind\":\"run\"}\n{\"iteration\":1}\n{\"iteration\":2}\n{\"kind\":\"other\"}\n"
            "{\"iteration\":3}\n");
}

TEST(MetricsLogTest, DropsAnEvaluationThatTheCheckpointDoesNotKnow) {
  const std::string path = NewFolder() + "/metrics.jsonl";
  const std::string first = "{\"kind\":\"evaluation\",\"iteration\":2}\n";
  const std::string fourth = "{\"kind\":\"iteration\",\"iteration\":4}\n";
  SetText(path, first + fourth + "{\"kind\":\"evaluation\",\"iteration\":4}\n");
  ASSERT_OK(MetricsLog::Open(path, {4, 2}, {}));
  EXPECT_EQ(TextOf(path), first + fourth);
}

TEST(MetricsLogTest, SaysWhereItCannotWrite) {
  EXPECT_FALSE(MetricsLog::Open("/nowhere/metrics.jsonl", {}, {}).ok());
  const std::string folder = NewFolder();
  EXPECT_THAT(MetricsLog::Open(folder, {}, {}), IsInvalid(folder));
}

}  // namespace
}  // namespace gopt

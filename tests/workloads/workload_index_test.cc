#include "src/workloads/workload_index.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/testing/status.h"

namespace gopt {
namespace {

using Json = nlohmann::json;

Json Row(const std::string& name) {
  return {{"name", name},
          {"family", "chain"},
          {"suite", "paper"},
          {"devices", 2},
          {"summary", "a line"},
          {"ops", 3},
          {"edges", 2},
          {"parameters", 5},
          {"fingerprint", "00000000000000ff"},
          {"capture_seconds", 1.5}};
}

Json Index(const std::vector<Json>& rows) { return {{"version", 1}, {"workloads", rows}}; }

auto Parse(const Json& index) { return ParseWorkloadIndex(index.dump(), "dir/index.json"); }

auto ParseWith(const std::string& key, const Json& value) {
  Json row = Row("a");
  row[key] = value;
  return Parse(Index({row}));
}

TEST(WorkloadIndexTest, KeepsTheOrderAndSkipsWhatItDoesNotKnow) {
  ASSERT_OK_AND_ASSIGN(const auto rows, Parse(Index({Row("b-1"), Row("a_2")})));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "b-1");
  EXPECT_EQ(rows[1].name, "a_2");
  EXPECT_EQ(rows[0].family, "chain");
  EXPECT_EQ(rows[0].suite, "paper");
  EXPECT_EQ(rows[0].summary, "a line");
  EXPECT_EQ(rows[0].devices, 2);
  EXPECT_EQ(rows[0].ops, 3);
  EXPECT_EQ(rows[0].edges, 2);
  EXPECT_EQ(rows[0].parameters, 5);
  EXPECT_EQ(rows[0].fingerprint, 0xffu);
}

TEST(WorkloadIndexTest, AnIndexMayBeEmpty) {
  ASSERT_OK_AND_ASSIGN(const auto rows, Parse(Index({})));
  EXPECT_TRUE(rows.empty());
}

TEST(WorkloadIndexTest, SaysWhereTheTextIsNoJson) {
  EXPECT_THAT(ParseWorkloadIndex("{\n \"version\": }", "dir/index.json"),
              IsInvalid("dir/index.json: parse error at line 2, column 13"));
  EXPECT_THAT(ParseWorkloadIndex("", "dir/index.json"), IsInvalid("dir/index.json: parse error"));
  EXPECT_THAT(ParseWorkloadIndex(std::string(1 << 20, '['), "i"), IsInvalid("parse error"));
}

TEST(WorkloadIndexTest, RefusesAnotherShape) {
  EXPECT_THAT(Parse(Json::array()), IsInvalid("expected an object"));
  EXPECT_THAT(Parse({{"version", 2}}), IsInvalid("index version 2; this library reads version 1"));
  EXPECT_THAT(Parse({{"version", 1}}), IsInvalid("field 'workloads': expected a list"));
  EXPECT_THAT(Parse(Index({Row("a"), 7})), IsInvalid("workload 1: expected an object"));
}

TEST(WorkloadIndexTest, NamesTheRowAndTheFieldThatIsWrong) {
  EXPECT_THAT(ParseWith("family", 3), IsInvalid("workload 0: field 'family': expected a text"));
  EXPECT_THAT(ParseWith("devices", 0), IsInvalid("field 'devices': expected a whole number in 1"));
  EXPECT_THAT(ParseWith("ops", -1), IsInvalid("field 'ops'"));
  EXPECT_THAT(ParseWith("edges", 1.5), IsInvalid("field 'edges'"));
  EXPECT_THAT(ParseWith("fingerprint", "xyz"), IsInvalid("16 hexadecimal digits"));
  EXPECT_THAT(ParseWith("fingerprint", "-00000000000000f"), IsInvalid("16 hexadecimal digits"));
  EXPECT_THAT(ParseWith("summary", std::string(5000, 'x')), IsInvalid("above 4096 bytes"));
}

TEST(WorkloadIndexTest, RefusesNamesThatAreNoFileNames) {
  for (const char* name : {"", "../a", "a/b", ".a", "a b", "ü"}) {
    EXPECT_THAT(Parse(Index({Row(name)})), IsInvalid("the name")) << name;
  }
  EXPECT_THAT(Parse(Index({Row("a"), Row("a")})), IsInvalid("two rows of 'a'"));
}

}  // namespace
}  // namespace gopt

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/exporter.h"
#include "gtest/gtest.h"
#include "tests/testing/exporter_conformance.h"
#include "tests/testing/fake_io.h"
#include "tests/testing/golden.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::ExportCase;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Export(const std::string& spec, const ExportRequest& request) {
  const auto exporter = Exporters().Create(spec);
  EXPECT_OK(exporter);
  const auto text = (*exporter)->Export(request);
  EXPECT_OK(text);
  return text.ok() ? *text : "";
}

// Two devices, a fused kernel, a parameter that is fetched and a tensor that is sent.
ExportCase SmallCase() {
  const auto graph = ParseGraph(
      "w:parameter[bytes=800,copies=2] -> a:matmul[bytes=1000,time=5000,dims=10x25,scope=enc.0]"
      " -> b:relu[bytes=1000,time=1000,dims=10x25,scope=enc.0]"
      " -> c:add[bytes=1000,time=1000,dims=10x25,scope=enc.1]"
      " -> d:reduce[bytes=40,time=2000,dims=10,scope=head] -> y:output; a => d; w -> d");
  EXPECT_OK(graph);
  auto problem = Problem::Create(*graph, *UniformMachine({.count = 2, .latency = 100}));
  EXPECT_OK(problem);
  const auto op = [&](std::string_view name) {
    for (OpId id = 0; id < (*graph)->num_ops(); ++id) {
      if ((*graph)->op_name(id) == name) return id;
    }
    return kNone;
  };
  Plan plan;
  auto kernels =
      Kernels::Create(*graph, {.begin = {0, 1, 3, 4}, .ops = {op("a"), op("b"), op("c"), op("d")}});
  EXPECT_OK(kernels);
  plan.kernels = *kernels;
  plan.device = {0, 0, 1};
  plan.rank = {0, 1, 2};
  plan.producer = "by hand";
  const auto report =
      Price(**Simulator::Create(), *problem, plan, {.timeline = true, .critical_chain = true});
  EXPECT_OK(report);
  return {*std::move(problem), std::move(plan), *report};
}

TEST(ExportersTest, AllRegisteredOnesConform) {
  const auto names = Exporters().NamesAndSummaries();
  EXPECT_EQ(names.size(), 4u);
  for (const auto& [name, summary] : names) {
    EXPECT_FALSE(summary.empty());
    const auto exporter = Exporters().Create(name);
    ASSERT_OK(exporter);
    EXPECT_EQ((*exporter)->name(), name);
    testing::TestExporterConformance(**exporter);
  }
  for (const char* spec : {"dot(max_nodes=3)", "model_explorer_data(value=device)",
                           "model_explorer_data(value=start)"}) {
    testing::TestExporterConformance(**Exporters().Create(spec));
  }
}

TEST(ExportersTest, TheFakeConformsWhereItCan) {
  const testing::FakeExporter fake(std::string("text"));
  const ExportCase one = SmallCase();
  EXPECT_EQ(*fake.Export(one.request()), "text");
  EXPECT_THAT(fake.Export({}), IsInvalid("no problem"));
}

TEST(ExportersTest, OptionsAreChecked) {
  EXPECT_THAT(Exporters().Create("dot(max_nodes=0)"), IsInvalid("max_nodes"));
  EXPECT_THAT(Exporters().Create("trace(x=1)"), IsInvalid("x"));
  EXPECT_THAT(Exporters().Create("model_explorer_data(value=colour)"), IsInvalid("'colour'"));
  EXPECT_THAT(Exporters().Create("svg"), Fails(absl::StatusCode::kNotFound, "dot"));
}

TEST(ExportersTest, GoldenFilesOfASmallPlan) {
  const ExportCase one = SmallCase();
  EXPECT_TRUE(testing::IsGolden("io/small.trace.json", Export("trace", one.request())));
  EXPECT_TRUE(testing::IsGolden("io/small.dot", Export("dot", one.request())));
  EXPECT_TRUE(
      testing::IsGolden("io/small_by_scope.dot", Export("dot(max_nodes=4)", one.request())));
  EXPECT_TRUE(
      testing::IsGolden("io/small.model_explorer.json", Export("model_explorer", one.request())));
  EXPECT_TRUE(testing::IsGolden("io/small.model_explorer_data.json",
                                Export("model_explorer_data", one.request())));
}

TEST(TraceExporterTest, NeedsATimeline) {
  ExportCase one = SmallCase();
  const auto exporter = *Exporters().Create("trace");
  EXPECT_THAT(exporter->Export({&one.problem, &one.plan, nullptr}), IsUnmet("timeline"));
  EXPECT_THAT(exporter->Export({&one.problem, nullptr, nullptr}), IsUnmet("needs a plan"));
  one.report.kernel_spans.clear();
  EXPECT_THAT(exporter->Export(one.request()), IsUnmet("timeline"));
}

TEST(TraceExporterTest, ShowsEveryKernelAndTransferOnATrackWithoutOverlaps) {
  for (const ExportCase& one : testing::ExportCases(50, 23)) {
    const json trace = json::parse(Export("trace", one.request()));
    std::map<int, std::vector<std::pair<double, double>>> slices;
    size_t kernels = 0, transfers = 0, expected_transfers = 0;
    for (const json& event : trace["traceEvents"]) {
      if (event["ph"] != "X") continue;
      slices[event["tid"]].emplace_back(event["ts"], event["dur"]);
      ++(event["args"].contains("kernel") ? kernels : transfers);
    }
    for (const TransferSpan& span : one.report.transfer_spans) {
      expected_transfers += one.problem.machine().route(span.from, span.to).size();
    }
    EXPECT_EQ(kernels, one.report.kernel_spans.size());
    EXPECT_EQ(transfers, expected_transfers);
    for (auto& [track, list] : slices) {
      std::sort(list.begin(), list.end());
      for (size_t i = 1; i < list.size(); ++i) {
        EXPECT_LE(list[i - 1].first + list[i - 1].second, list[i].first + 1e-6) << track;
      }
    }
  }
}

TEST(TraceExporterTest, EveryArrowStartsOnceAndEndsOnce) {
  for (const ExportCase& one : testing::ExportCases(50, 24)) {
    const json trace = json::parse(Export("trace", one.request()));
    std::map<int, std::string> flows;
    for (const json& event : trace["traceEvents"]) {
      const std::string phase = event["ph"];
      if (phase == "s" || phase == "t" || phase == "f") flows[event["id"]] += phase;
    }
    EXPECT_EQ(flows.size(), one.report.transfer_spans.size());
    for (const auto& [id, phases] : flows) {
      EXPECT_THAT(phases, ::testing::MatchesRegex("st*f")) << id;
    }
  }
}

TEST(TraceExporterTest, OverlappingTransfersGetTracksOfTheirOwn) {
  ExportCase one = SmallCase();
  ASSERT_FALSE(one.report.transfer_spans.empty());
  one.report.transfer_spans.push_back(one.report.transfer_spans[0]);
  const std::string text = Export("trace", one.request());
  EXPECT_THAT(text, HasSubstr("(2)\""));
}

TEST(DotExporterTest, DrawsScopesAboveTheLimit) {
  const ExportCase one = SmallCase();
  const std::string ops = Export("dot", one.request());
  EXPECT_THAT(ops, HasSubstr("cluster_k1"));
  EXPECT_THAT(ops, HasSubstr("style=dashed"));
  const std::string scopes = Export("dot(max_nodes=4)", one.request());
  EXPECT_THAT(scopes, HasSubstr("enc\\n3 ops"));
  EXPECT_THAT(scopes, Not(HasSubstr("cluster_k1")));
}

TEST(ModelExplorerTest, EdgesAndDataNameNodesThatExist) {
  for (const ExportCase& one : testing::ExportCases(20, 25)) {
    const json collection = json::parse(Export("model_explorer", one.request()));
    ASSERT_TRUE(collection.contains("label"));
    const json& graph = collection["graphs"][0];
    std::set<std::string> ids;
    for (const json& node : graph["nodes"]) {
      EXPECT_TRUE(ids.insert(node["id"]).second);
      EXPECT_TRUE(node["label"].is_string() && node["namespace"].is_string());
      for (const json& attribute : node["attrs"]) {
        EXPECT_TRUE(attribute["key"].is_string() && attribute["value"].is_string());
      }
    }
    EXPECT_EQ(ids.size(), static_cast<size_t>(one.problem.graph().num_ops()));
    for (const json& node : graph["nodes"]) {
      for (const json& edge : node["incomingEdges"]) {
        EXPECT_TRUE(ids.count(edge["sourceNodeId"]));
        EXPECT_TRUE(edge["sourceNodeOutputId"].is_string());
        EXPECT_TRUE(edge["targetNodeInputId"].is_string());
      }
    }
    const json data = json::parse(Export("model_explorer_data", one.request()));
    ASSERT_TRUE(data.contains(graph["id"]));
    for (const auto& [id, result] : data[graph["id"].get<std::string>()]["results"].items()) {
      EXPECT_TRUE(ids.count(id));
      EXPECT_TRUE(result["value"].is_number());
    }
  }
}

}  // namespace
}  // namespace gopt

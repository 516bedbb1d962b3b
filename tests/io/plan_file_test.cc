#include "gopt/io/plan_file.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/base/random.h"
#include "gopt/graph/graph_text.h"
#include "gopt/machine/machine.h"
#include "gopt/v1/plan.pb.h"
#include "gtest/gtest.h"
#include "src/io/container.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Graph> SmallGraph() {
  auto graph =
      ParseGraph("w:parameter[bytes=8] -> a:matmul[time=5,bytes=100] -> b:relu -> c:reduce");
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *graph;
}

PlanFile SmallPlan() {
  const auto graph = SmallGraph();
  PlanFile file;
  auto kernels = Kernels::Create(graph, {.begin = {0, 2, 3}, .ops = {1, 2, 3}});
  EXPECT_TRUE(kernels.ok()) << kernels.status();
  file.plan.kernels = *kernels;
  file.plan.device = {0, 1};
  file.plan.rank = {4, -7};
  file.plan.parameter_home = {kNone};
  file.plan.dispatch = Dispatch::kSequence;
  file.plan.sequence = {0, 1};
  file.plan.producer = "by hand";
  file.plan.metadata["why"] = "a test";
  file.graph_fingerprint = graph->fingerprint();
  file.machine = *UniformMachine({.count = 2});
  file.lower_bound = 5;
  CostReport report;
  report.outcome = Outcome::kInfeasible;
  report.reason = "device 1 is 3 bytes over";
  report.step_time = 123;
  report.samples = {120, 126};
  report.busy = {100, 20};
  report.peak_bytes = {int64_t{1} << 50, 3};
  report.bytes_over_limit = 3;
  report.transfers = 1;
  report.transfer_bytes = 100;
  report.start_order = {0, 1};
  file.expected = report;
  return file;
}

v1::PlanProto SmallProto() {
  const std::string bytes = SerializePlan(SmallPlan());
  std::string buffer;
  const auto payload = UnwrapContainer(bytes, ContainerKind::kPlan, "", int64_t{1} << 30, &buffer);
  v1::PlanProto proto;
  EXPECT_TRUE(payload.ok() && proto.ParseFromString(std::string(*payload)));
  return proto;
}

void ExpectSame(const PlanFile& a, const PlanFile& b) {
  EXPECT_EQ(PlanToText(a), PlanToText(b));
  EXPECT_EQ(a.plan.device, b.plan.device);
  EXPECT_EQ(a.plan.rank, b.plan.rank);
  EXPECT_EQ(a.plan.sequence, b.plan.sequence);
  EXPECT_EQ(a.plan.metadata, b.plan.metadata);
  EXPECT_EQ(a.graph_fingerprint, b.graph_fingerprint);
  EXPECT_EQ(a.expected.has_value(), b.expected.has_value());
  EXPECT_EQ(a.lower_bound, b.lower_bound);
}

std::string Fault(const v1::PlanProto& proto) {
  const auto file = DeserializePlan(
      WrapInContainer(ContainerKind::kPlan, proto.SerializeAsString()), SmallGraph(), "p.gopt");
  return std::string(file.status().message());
}

TEST(PlanFileTest, KeepsEverythingInTextAndInBytes) {
  const auto from_text = PlanFromText(PlanToText(SmallPlan()), SmallGraph());
  ASSERT_TRUE(from_text.ok()) << from_text.status();
  ExpectSame(*from_text, SmallPlan());
  const auto from_bytes = DeserializePlan(SerializePlan(SmallPlan()), SmallGraph());
  ASSERT_TRUE(from_bytes.ok()) << from_bytes.status();
  ExpectSame(*from_bytes, SmallPlan());
  EXPECT_EQ(from_bytes->expected->step_time, 123);
  EXPECT_EQ(from_bytes->expected->reason, "device 1 is 3 bytes over");
  EXPECT_THAT(from_bytes->expected->peak_bytes, ElementsAre(int64_t{1} << 50, 3));
}

TEST(PlanFileTest, KeepsClonesAndRecomputation) {
  const auto graph = SmallGraph();
  PlanFile file;
  auto kernels = Kernels::Create(graph, {.begin = {0, 1, 3, 5},
                                         .ops = {1, 1, 2, 2, 3},
                                         .recompute = {0, 0, 1},
                                         .recomputed_ops = {2}});
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  file.plan.kernels = *kernels;
  file.plan.device = {0, 0, 0};
  file.plan.rank = {0, 1, 2};
  const auto back = DeserializePlan(SerializePlan(file), graph);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->plan.kernels->columns().ops, file.plan.kernels->columns().ops);
  EXPECT_EQ(back->plan.kernels->columns().recompute, file.plan.kernels->columns().recompute);
  EXPECT_THAT(back->plan.kernels->columns().recomputed_ops, ElementsAre(2));
  EXPECT_FALSE(back->machine.has_value());
  EXPECT_FALSE(back->expected.has_value());
}

TEST(PlanFileTest, ChoosesTheFormByTheNameOfTheFile) {
  const std::string base = ::testing::TempDir() + "plan_file_test";
  for (const std::string& path : {base + ".gopt", base + ".txtpb"}) {
    ASSERT_TRUE(WritePlanFile(SmallPlan(), path).ok());
    const auto back = ReadPlanFile(path, SmallGraph());
    ASSERT_TRUE(back.ok()) << back.status();
    ExpectSame(*back, SmallPlan());
    std::remove(path.c_str());
  }
}

TEST(PlanFileTest, RefusesAnotherGraph) {
  const auto other = ParseGraph("a:matmul -> b:relu");
  ASSERT_TRUE(other.ok());
  const auto file = DeserializePlan(SerializePlan(SmallPlan()), *other, "p.gopt");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("made for another graph"));
}

TEST(PlanFileTest, RefusesAPlanCutAtEveryLength) {
  const std::string bytes = SerializePlan(SmallPlan());
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(DeserializePlan(std::string_view(bytes).substr(0, length), SmallGraph()).ok());
  }
}

TEST(PlanFileTest, SurvivesTenThousandRandomMutationsInsideAForgedContainer) {
  const std::string payload = SmallProto().SerializeAsString();
  const auto graph = SmallGraph();
  Random random(5);
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    std::string mutated = payload;
    const auto at = static_cast<size_t>(random.Below(static_cast<int64_t>(payload.size())));
    mutated[at] = static_cast<char>(random.Next());
    std::vector<std::string> warnings;
    (void)DeserializePlan(WrapInContainer(ContainerKind::kPlan, mutated), graph, "p", &warnings)
        .ok();
  }
}

TEST(PlanFileTest, NamesTheColumnThatDoesNotFit) {
  const v1::PlanProto good = SmallProto();
  EXPECT_EQ(Fault(good), "");
  v1::PlanProto proto = good;
  proto.set_kernel_device(1, 2);
  EXPECT_EQ(Fault(proto), "p.gopt: kernel_device[1]: 2 does not exist; there are 2");
  proto = good;
  proto.add_kernel_rank(1);
  EXPECT_EQ(Fault(proto), "p.gopt: kernel_rank has 3 entries, expected 2");
  proto = good;
  proto.set_kernel_num_ops(0, 0xffffffffu);
  EXPECT_THAT(Fault(proto), HasSubstr("kernel_num_ops adds up"));
  proto = good;
  proto.set_kernel_ops(0, 4);
  EXPECT_THAT(Fault(proto), HasSubstr("kernel_ops[0]: 4 does not exist"));
  proto = good;
  proto.set_kernel_ops(0, 0);
  EXPECT_THAT(Fault(proto), HasSubstr("'w'"));  // Parameters run nowhere.
  proto = good;
  proto.clear_dispatch();
  EXPECT_THAT(Fault(proto), HasSubstr("dispatch 0 is missing or unknown"));
  proto = good;
  proto.clear_sequence();
  EXPECT_EQ(Fault(proto), "p.gopt: sequence has 0 entries, expected 2");
  proto = good;
  proto.mutable_expected()->set_step_time_ns(-1);
  EXPECT_THAT(Fault(proto), HasSubstr("expected.step_time_ns is -1"));
  proto = good;
  proto.mutable_machine()->mutable_devices(0)->set_peak_flops(-1);
  EXPECT_THAT(Fault(proto), HasSubstr("p.gopt: "));
  proto = good;
  proto.set_schema_major(7);
  EXPECT_THAT(Fault(proto), HasSubstr("schema version 7.0"));
}

TEST(PlanFileTest, TextErrorsNameLineAndColumn) {
  const auto file = PlanFromText("producer: \"x\"\nkernel_rnak: 3", SmallGraph(), "p.txtpb");
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("p.txtpb:2:"));
}

}  // namespace
}  // namespace gopt

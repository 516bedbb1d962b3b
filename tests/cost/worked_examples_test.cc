// The examples of docs/simulator.md, under their names, with its numbers; both simulators.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/problem.h"
#include "gopt/plan/validate.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/report_compare.h"

namespace gopt::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr EvaluateOptions kEverything = {
    .start_order = true, .timeline = true, .critical_chain = true};

OpId FindOp(const Graph& graph, std::string_view name) {
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (graph.op_name(op) == name) return op;
  }
  ADD_FAILURE() << "no op is named " << name;
  return kNone;
}

Machine OneBytePerNanosecond(int devices, Nanoseconds latency = 0) {
  return *UniformMachine({.count = devices, .latency = latency});
}

// All devices behind one channel.
Machine SharedBus(int devices) {
  std::vector<Device> list;
  std::vector<Machine::Route> routes;
  for (DeviceId d = 0; d < devices; ++d) {
    list.push_back(OneBytePerNanosecond(devices).device(d));
    for (DeviceId to = 0; to < devices; ++to) {
      if (to != d) routes.push_back({.from = d, .to = to, .channels = {0}});
    }
  }
  return *Machine::Create("bus", list, {{.name = "bus", .bandwidth = 1e9}}, routes);
}

// A graph, a machine and a plan by the names of ops: one kernel per op, ranks in op order.
class Example {
 public:
  Example(std::string_view text, Machine machine,
          const std::map<std::string, DeviceId>& device = {})
      : graph_(*ParseGraph(text)), problem_(*Problem::Create(graph_, std::move(machine))) {
    UseKernels(Kernels::Singletons(graph_));
    for (const auto& [name, d] : device) plan.device[Kernel(name)] = d;
  }

  void UseKernels(std::shared_ptr<const Kernels> kernels) {
    plan.kernels = std::move(kernels);
    plan.device.assign(plan.kernels->size(), 0);
    plan.rank.clear();
    for (KernelId k = 0; k < plan.kernels->size(); ++k) plan.rank.push_back(k);
  }
  // Kernels by the names of their ops.
  void Group(const std::vector<std::vector<std::string>>& groups,
             std::vector<uint8_t> recompute = {}, const std::vector<std::string>& recomputed = {}) {
    Kernels::Columns columns = {
        .begin = {0}, .ops = {}, .recompute = recompute, .recomputed_ops = {}};
    for (const auto& group : groups) {
      for (const std::string& name : group) columns.ops.push_back(Op(name));
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    for (const std::string& name : recomputed) columns.recomputed_ops.push_back(Op(name));
    UseKernels(*Kernels::Create(graph_, columns));
  }
  void Rank(const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) plan.rank[Kernel(names[i])] = static_cast<int32_t>(i);
  }
  void Sequence(const std::vector<std::string>& names) {
    plan.dispatch = Dispatch::kSequence;
    plan.sequence.clear();
    for (const std::string& name : names) plan.sequence.push_back(Kernel(name));
  }

  OpId Op(std::string_view name) const { return FindOp(*graph_, name); }
  KernelId Kernel(std::string_view name) const { return plan.kernels->kernel_of(Op(name)); }

  // By the simulator, for any plan.
  CostReport PriceOnly(SimulatorOptions options = {}) const {
    return *Price(**Simulator::Create(options), problem_, plan, kEverything);
  }
  // By both, which must agree; the plan is legal.
  CostReport Run(SimulatorOptions options = {}) const {
    CostReport report = PriceOnly(options);
    EXPECT_EQ(FirstDifference(ReferencePrice(problem_, plan, options, kEverything), report), "");
    return report;
  }
  // start..end of the kernel that holds the op.
  std::pair<Nanoseconds, Nanoseconds> Span(const CostReport& report, std::string_view name) const {
    const KernelSpan& span = report.kernel_spans[Kernel(name)];
    return {span.start, span.end};
  }
  const Graph& graph() const { return *graph_; }
  const Problem& problem() const { return problem_; }

  Plan plan;

 private:
  std::shared_ptr<const Graph> graph_;
  Problem problem_;
};

// request, start, end and arrival of one transfer
std::vector<Nanoseconds> Times(const TransferSpan& span) {
  return {span.request, span.start, span.end, span.arrival};
}

using Interval = std::pair<Nanoseconds, Nanoseconds>;

TEST(WorkedExamples, InputsAndOutputsTakeNoTime) {
  const Example example("x:input -> a[time=5,bytes=7] -> y:output", OneBytePerNanosecond(1));
  const CostReport report = example.Run();
  EXPECT_EQ(report.step_time, 5);
  EXPECT_EQ(report.start_order.size(), 1u);
  EXPECT_THAT(report.peak_bytes, ElementsAre(7));
}

TEST(WorkedExamples, HomeIsWhereTheOptimizerRuns) {
  Example example("w:parameter -> f; w -> u:optimizer; f -> u", OneBytePerNanosecond(2),
                  {{"u", 1}});
  EXPECT_THAT(ParameterHomes(example.graph(), example.plan), ElementsAre(1));
  EXPECT_TRUE(example.Run().ok());
  example.plan.parameter_home = {0};
  const CostReport report = example.PriceOnly();
  EXPECT_EQ(report.outcome, Outcome::kInfeasible);
  EXPECT_EQ(report.reason,
            "illegal plan: the home of parameter op 0 'w' is device 0, but its optimizer op 2 'u' "
            "runs on device 1");
}

TEST(WorkedExamples, CloneSavesATransfer) {
  const char* text = "a[time=2,bytes=10] -> b[time=1]; a -> c[time=1]";
  Example example(text, OneBytePerNanosecond(2), {{"c", 1}});
  EXPECT_EQ(example.Run().step_time, 13);
  example.Group({{"a"}, {"b"}, {"c"}, {"a"}});
  example.plan.device = {0, 0, 1, 1};
  const CostReport cloned = example.Run();
  EXPECT_EQ(cloned.step_time, 3);
  EXPECT_EQ(cloned.transfers, 0);
  example.plan.device = {0, 0, 1, 0};
  EXPECT_THAT(example.PriceOnly().reason, StartsWith("illegal plan: "));
}

TEST(WorkedExamples, BackwardReadsTheRecomputedCopy) {
  Example example("f[time=2,bytes=10] -> h[time=1]; f -> g[time=1,phase=b]",
                  OneBytePerNanosecond(1));
  example.Group({{"f"}, {"g"}, {"h"}, {"f"}}, {0, 0, 0, 1}, {"f"});
  example.plan.rank = {0, 3, 1, 2};
  const CostReport report = example.Run();
  EXPECT_EQ(report.step_time, 6);
  EXPECT_THAT(report.start_order, ElementsAre(0, 2, 3, 1));
  EXPECT_THAT(report.peak_bytes, ElementsAre(10));
}

TEST(WorkedExamples, ControlEdgesSendNothing) {
  const Example example("a[time=4] => b[time=1]", OneBytePerNanosecond(2), {{"b", 1}});
  const CostReport report = example.Run();
  EXPECT_EQ(example.Span(report, "b"), Interval(4, 5));
  EXPECT_EQ(report.transfers, 0);
}

TEST(WorkedExamples, SequenceThatContradictsTheGraphIsIllegal) {
  Example example("a[time=1] -> b[time=1]", OneBytePerNanosecond(1));
  example.Sequence({"b", "a"});
  const CostReport report = example.PriceOnly();
  EXPECT_EQ(report.outcome, Outcome::kInfeasible);
  EXPECT_THAT(report.reason,
              StartsWith("illegal plan: the sequence never lets kernel 1 (op 1 'b') start on "
                         "device 0: "));
}

Machine Accelerator(std::vector<Efficiency> efficiency = {}) {
  const Device device = {.name = "accelerator",
                         .kind = "device",
                         .memory_bytes = 1 << 30,
                         .peak_flops = 1e12,
                         .memory_bandwidth = 1e11,
                         .launch = 3,
                         .efficiency = std::move(efficiency)};
  return *Machine::Create("accelerator", {device}, {}, {});
}

TEST(WorkedExamples, RooflineOfOneOp) {
  const char* text = "a:relu[flops=5000,read=100,written=50]";
  EXPECT_EQ(Example(text, Accelerator()).Run().step_time, 8);
  const Efficiency half = {.op_class = FusionClass::kElementwise, .flops = 0.5};
  EXPECT_EQ(Example(text, Accelerator({half})).Run().step_time, 13);
  const Efficiency full = {.op_type = "relu"};  // The type overrides the class.
  EXPECT_EQ(Example(text, Accelerator({half, full})).Run().step_time, 8);
  const char* more = "a:relu[flops=5000,read=800,written=50]";
  EXPECT_EQ(Example(more, Accelerator()).Run().step_time, 12);
  const char* measured = "a:relu[flops=5000,read=100,written=50,time=4]";
  EXPECT_EQ(Example(measured, Accelerator()).Run().step_time, 4);
}

TEST(WorkedExamples, FusionSavesALaunchAndBytes) {
  Example example(
      "a:relu[flops=1000,read=100,written=100,bytes=100] -> "
      "b:relu[flops=1000,read=100,written=100,bytes=100] -> y:output",
      Accelerator());
  EXPECT_EQ(example.Run().step_time, 10);
  example.Group({{"a", "b"}});
  EXPECT_EQ(example.Run().step_time, 5);
}

TEST(WorkedExamples, FusionOfMeasuredOps) {
  Example example(
      "a:relu[flops=1000,read=100,written=100,bytes=100,time=9] -> "
      "b:relu[flops=1000,read=100,written=100,bytes=100,time=7] -> y:output",
      Accelerator());
  EXPECT_EQ(example.Run().step_time, 16);
  example.Group({{"a", "b"}});
  EXPECT_EQ(example.Run().step_time, 11);
}

Example DispatchExample() {
  Example example("x[time=4]; t[time=1] => b[time=2]; s[time=3] => a[time=2]",
                  OneBytePerNanosecond(3), {{"t", 1}, {"s", 2}});
  example.Rank({"x", "a", "b", "s", "t"});
  return example;
}

TEST(WorkedExamples, DispatchRules) {
  Example example = DispatchExample();
  CostReport report = example.Run();
  EXPECT_EQ(example.Span(report, "a"), Interval(4, 6));
  EXPECT_EQ(example.Span(report, "b"), Interval(6, 8));

  example.plan.dispatch = Dispatch::kFifo;
  report = example.Run();
  EXPECT_EQ(example.Span(report, "b"), Interval(4, 6));
  EXPECT_EQ(example.Span(report, "a"), Interval(6, 8));

  example.Sequence({"a", "x", "b", "s", "t"});
  report = example.Run();
  EXPECT_EQ(example.Span(report, "a"), Interval(3, 5));
  EXPECT_EQ(example.Span(report, "x"), Interval(5, 9));
  EXPECT_EQ(example.Span(report, "b"), Interval(9, 11));
}

TEST(WorkedExamples, ZeroTimeKernelsFinishInTheNextPass) {
  Example example("z[time=0] => k[time=2]; h[time=5]", OneBytePerNanosecond(2),
                  {{"k", 1}, {"h", 1}});
  example.Rank({"z", "k", "h"});
  const CostReport report = example.Run();
  EXPECT_EQ(example.Span(report, "z"), Interval(0, 0));
  EXPECT_EQ(example.Span(report, "h"), Interval(0, 5));
  EXPECT_EQ(example.Span(report, "k"), Interval(5, 7));
}

constexpr char kTwoTensors[] = "a[time=1,bytes=10] -> c[time=1]; b[time=1,bytes=5] -> e[time=1]";

TEST(WorkedExamples, ChannelsCarryOneTensorAtATime) {
  Example example(kTwoTensors, OneBytePerNanosecond(2), {{"c", 1}, {"e", 1}});
  example.Rank({"a", "b", "c", "e"});
  CostReport report = example.Run();
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(1, 1, 11, 11));
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(2, 11, 16, 16));
  EXPECT_EQ(report.step_time, 17);

  report = example.Run({.contention = false});
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(2, 2, 7, 7));
  EXPECT_EQ(report.step_time, 12);

  Example slow(kTwoTensors, OneBytePerNanosecond(2, 3), {{"c", 1}, {"e", 1}});
  slow.Rank({"a", "b", "c", "e"});
  report = slow.Run();
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(1, 1, 11, 14));
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(2, 11, 16, 19));
  EXPECT_EQ(report.step_time, 20);
}

TEST(WorkedExamples, RoutesOverSeveralChannels) {
  const Machine two = OneBytePerNanosecond(2);
  const Machine machine = *Machine::Create("relay", {two.device(0), two.device(1)},
                                           {{.name = "first", .bandwidth = 1e9, .latency = 3},
                                            {.name = "second", .bandwidth = 5e8, .latency = 4}},
                                           {{.from = 0, .to = 1, .channels = {0, 1}}});
  const Example example("a[time=1,bytes=10] -> b[time=1]", machine, {{"b", 1}});
  EXPECT_THAT(Times(example.Run().transfer_spans[0]), ElementsAre(1, 1, 21, 28));
}

TEST(WorkedExamples, RequestsOfOnePassAreBookedByRank) {
  Example example("a[time=1,bytes=4] -> c[time=1]; b[time=1,bytes=2] -> e[time=1]", SharedBus(3),
                  {{"b", 1}, {"c", 2}, {"e", 2}});
  example.Rank({"b", "a", "c", "e"});
  CostReport report = example.Run();
  EXPECT_EQ(report.transfer_spans[0].producer, example.Kernel("b"));
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(1, 1, 3, 3));
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(1, 3, 7, 7));
  example.Rank({"a", "b", "c", "e"});
  report = example.Run();
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(1, 1, 5, 5));
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(1, 5, 7, 7));
}

TEST(WorkedExamples, DestinationsAreServedByTheirMostUrgentReader) {
  Example example("a[time=1,bytes=4] -> c[time=1]; a -> e[time=1]", SharedBus(3),
                  {{"c", 1}, {"e", 2}});
  example.Rank({"a", "e", "c"});
  const CostReport report = example.Run();
  EXPECT_EQ(report.transfer_spans[0].to, 2);
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(1, 1, 5, 5));
  EXPECT_THAT(Times(report.transfer_spans[1]), ElementsAre(1, 5, 9, 9));
}

TEST(WorkedExamples, ParametersAreSentWhenTheirFirstReaderNeedsThem) {
  Example example("x[time=3]; w:parameter[bytes=10] -> f[time=1], g[time=1]; x -> f, g",
                  OneBytePerNanosecond(2), {{"x", 1}, {"f", 1}, {"g", 1}});
  example.plan.parameter_home = {0};
  const CostReport report = example.Run();
  ASSERT_EQ(report.transfers, 1);
  EXPECT_EQ(report.transfer_spans[0].producer, kNone);
  EXPECT_THAT(Times(report.transfer_spans[0]), ElementsAre(3, 3, 13, 13));
  EXPECT_EQ(example.Span(report, "f"), Interval(13, 14));
  EXPECT_EQ(example.Span(report, "g"), Interval(14, 15));
}

constexpr char kChain[] =
    "a[time=2,bytes=100] -> b[time=3,bytes=10] -> c[time=1,bytes=1] -> y:output";

TEST(WorkedExamples, MemoryIntervals) {
  const CostReport report = Example(kChain, OneBytePerNanosecond(2), {{"c", 1}}).Run();
  EXPECT_EQ(report.step_time, 16);
  EXPECT_THAT(report.peak_bytes, ElementsAre(110, 11));
  std::vector<Interval> samples;
  for (const MemorySample& s : report.memory_samples[0]) samples.emplace_back(s.time, s.bytes);
  EXPECT_THAT(samples,
              ElementsAre(Interval(0, 100), Interval(2, 110), Interval(5, 10), Interval(15, 0)));
  samples.clear();
  for (const MemorySample& s : report.memory_samples[1]) samples.emplace_back(s.time, s.bytes);
  EXPECT_THAT(samples,
              ElementsAre(Interval(0, 0), Interval(5, 10), Interval(15, 11), Interval(16, 0)));

  EXPECT_THAT(Example("w:parameter[bytes=8,copies=2] -> a[time=2,bytes=100] -> "
                      "b[time=3,bytes=10] -> c[time=1,bytes=1] -> y:output",
                      OneBytePerNanosecond(2), {{"c", 1}})
                  .Run()
                  .peak_bytes,
              ElementsAre(134, 11));
  EXPECT_THAT(Example("a[time=2,bytes=100] -> b[time=3,bytes=10,scratch=50] -> "
                      "c[time=1,bytes=1] -> y:output",
                      OneBytePerNanosecond(2), {{"c", 1}})
                  .Run()
                  .peak_bytes,
              ElementsAre(160, 11));
}

TEST(WorkedExamples, UnusedStorages) {
  Example example("a[time=2,bytes=100]; b[time=1,bytes=1] -> y:output", OneBytePerNanosecond(1));
  EXPECT_THAT(example.Run().peak_bytes, ElementsAre(100));
  example.Group({{"a", "b"}});
  EXPECT_THAT(example.Run().peak_bytes, ElementsAre(1));
}

TEST(WorkedExamples, OutOfMemoryNamesTheTensors) {
  const CostReport report =
      Example(kChain, OneBytePerNanosecond(2).WithMemoryLimit(100), {{"c", 1}}).Run();
  EXPECT_EQ(report.outcome, Outcome::kInfeasible);
  EXPECT_EQ(report.step_time, 16);
  EXPECT_EQ(report.bytes_over_limit, 10);
  EXPECT_EQ(report.reason,
            "out of memory: device 0 'device:0' needs 110 bytes, 10 over its limit of 100; largest "
            "live tensors: 'a' 100, 'b' 10");
}

TEST(WorkedExamples, CriticalChain) {
  Example example(kTwoTensors, OneBytePerNanosecond(2), {{"c", 1}, {"e", 1}});
  example.Rank({"a", "b", "c", "e"});
  const CostReport report = example.Run();
  using Reason = CriticalStep::Reason;
  std::vector<std::tuple<KernelId, Reason, KernelId>> chain;
  for (const CriticalStep& step : report.critical_chain) {
    chain.emplace_back(step.kernel, step.reason, step.cause);
  }
  const KernelId a = example.Kernel("a"), b = example.Kernel("b"), e = example.Kernel("e");
  EXPECT_THAT(chain,
              ElementsAre(std::tuple(a, Reason::kStart, kNone), std::tuple(b, Reason::kDevice, a),
                          std::tuple(e, Reason::kTransfer, b)));
}

TEST(WorkedExamples, SequenceOfTheStartOrderTakesTheSameTime) {
  Example example = DispatchExample();
  example.plan.dispatch = Dispatch::kFifo;
  const CostReport first = example.Run();
  EXPECT_THAT(first.start_order,
              ElementsAre(example.Kernel("x"), example.Kernel("t"), example.Kernel("s"),
                          example.Kernel("b"), example.Kernel("a")));
  example.plan.dispatch = Dispatch::kSequence;
  example.plan.sequence = first.start_order;
  EXPECT_EQ(FirstDifference(first, example.Run()), "");
}

}  // namespace
}  // namespace gopt::testing

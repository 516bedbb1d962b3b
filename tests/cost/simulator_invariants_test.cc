// What holds for every plan. Not true, and never asserted: that a faster device, channel or op, or
// a better priority, makes the step no longer (Graham's anomalies).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/problem.h"
#include "gopt/plan/validate.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/report_compare.h"

namespace gopt::testing {
namespace {

constexpr EvaluateOptions kEverything = {
    .start_order = true, .timeline = true, .critical_chain = true};

CostReport PriceAll(const Problem& problem, const Plan& plan, SimulatorOptions options = {}) {
  return *Price(**Simulator::Create(options), problem, plan, kEverything);
}

// Calls check(case, report) for many random cases.
template <typename Check>
void ForManyCases(uint64_t seed, Check check, const RandomCaseOptions& options = {}) {
  for (uint64_t i = 0; i < 1'000; ++i) {
    Random random(seed * 1'000'000 + i);
    const RandomCase random_case = MakeRandomCase(random, options);
    SCOPED_TRACE(absl::StrCat("case ", i));
    check(random_case, PriceAll(random_case.problem, random_case.plan));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SimulatorInvariants, KernelsOfOneDeviceNeverOverlap) {
  ForManyCases(1, [](const RandomCase& random_case, const CostReport& report) {
    std::map<DeviceId, Nanoseconds> free;
    for (KernelId kernel : report.start_order) {
      const KernelSpan& span = report.kernel_spans[kernel];
      EXPECT_GE(span.start, free[span.device]);
      free[span.device] = span.end;
    }
  });
}

TEST(SimulatorInvariants, NoTransferBeginsBeforeItsProducerEnds) {
  ForManyCases(2, [](const RandomCase& random_case, const CostReport& report) {
    for (const TransferSpan& span : report.transfer_spans) {
      if (span.producer == kNone) continue;
      EXPECT_EQ(span.request, report.kernel_spans[span.producer].end);
      EXPECT_GE(span.start, span.request);
    }
  });
}

TEST(SimulatorInvariants, KernelsStartAfterTheirInputsAreThere) {
  ForManyCases(3, [](const RandomCase& random_case, const CostReport& report) {
    const Plan& plan = random_case.plan;
    const KernelGraph graph = *KernelGraph::Create(*plan.kernels, plan.device);
    std::map<std::tuple<PortId, KernelId, DeviceId>, Nanoseconds> arrival;
    for (const TransferSpan& span : report.transfer_spans) {
      arrival[{span.port, span.producer, span.to}] = span.arrival;
    }
    for (const KernelSpan& span : report.kernel_spans) {
      for (const auto& input : KernelGraph::Row(graph.inputs, graph.input_begin, span.kernel)) {
        const auto sent = arrival.find({input.port, input.source, span.device});
        if (sent != arrival.end()) {
          EXPECT_GE(span.start, sent->second);
        } else if (input.source != kNone) {
          EXPECT_EQ(plan.device[input.source], span.device);
          EXPECT_GE(span.start, report.kernel_spans[input.source].end);
        }
      }
      for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, span.kernel)) {
        EXPECT_GE(span.start, report.kernel_spans[source].end);
      }
    }
  });
}

TEST(SimulatorInvariants, ChannelsAreFirstInFirstOut) {
  ForManyCases(4, [](const RandomCase& random_case, const CostReport& report) {
    std::map<ChannelId, Nanoseconds> free;
    Nanoseconds last_request = 0;
    for (const TransferSpan& span : report.transfer_spans) {
      EXPECT_GE(span.request, last_request);
      last_request = span.request;
      for (ChannelId channel : random_case.problem.machine().route(span.from, span.to)) {
        EXPECT_GE(span.start, free[channel]);
        free[channel] = span.end;
      }
    }
  });
}

// The work of the busiest device, and every chain of dependencies, are lower bounds.
TEST(SimulatorInvariants, StepIsNoShorterThanItsBounds) {
  ForManyCases(5, [](const RandomCase& random_case, const CostReport& report) {
    const KernelGraph graph =
        *KernelGraph::Create(*random_case.plan.kernels, random_case.plan.device);
    std::vector<Nanoseconds> path(static_cast<size_t>(graph.num_kernels), 0);
    for (KernelId kernel : graph.topological_order) {
      Nanoseconds before = 0;
      for (KernelId p : KernelGraph::Row(graph.predecessors, graph.predecessor_begin, kernel)) {
        before = std::max(before, path[p]);
      }
      path[kernel] = before + report.kernel_spans[kernel].end - report.kernel_spans[kernel].start;
      EXPECT_GE(report.step_time, path[kernel]);
    }
    for (Nanoseconds busy : report.busy) EXPECT_GE(report.step_time, busy);
  });
}

TEST(SimulatorInvariants, PeakIsAtLeastThePersistentBytes) {
  ForManyCases(6, [](const RandomCase& random_case, const CostReport& report) {
    const Graph& graph = random_case.problem.graph();
    std::vector<int64_t> persistent(report.peak_bytes.size(), 0);
    const std::vector<DeviceId> homes = ParameterHomes(graph, random_case.plan);
    for (size_t i = 0; i < homes.size(); ++i) {
      const PortId port = graph.first_port(graph.parameters()[i]);
      persistent[homes[i]] += graph.port_bytes(port) * (1 + graph.optimizer_copies(port));
    }
    for (size_t d = 0; d < persistent.size(); ++d) {
      EXPECT_GE(report.peak_bytes[d], persistent[d]);
    }
  });
}

TEST(SimulatorInvariants, OneDeviceTakesExactlyTheSumOfItsCosts) {
  const RandomCaseOptions options = {.max_devices = 1, .tight_memory = false};
  ForManyCases(
      7,
      [](const RandomCase& random_case, const CostReport& report) {
        if (random_case.problem.machine().num_devices() > 1) return;
        EXPECT_EQ(report.step_time, report.busy[0]);
        EXPECT_EQ(report.transfers, 0);
      },
      options);
}

// "What is executed is what was priced."
TEST(SimulatorInvariants, SequenceOfTheStartOrderTakesTheSameTimes) {
  ForManyCases(8, [](const RandomCase& random_case, const CostReport& report) {
    Plan plan = random_case.plan;
    plan.dispatch = Dispatch::kSequence;
    plan.sequence = report.start_order;
    EXPECT_EQ(FirstDifference(report, PriceAll(random_case.problem, plan)), "");
  });
}

TEST(SimulatorInvariants, CriticalChainLeadsFromTheStartToTheLastFinish) {
  ForManyCases(9, [](const RandomCase& random_case, const CostReport& report) {
    if (report.kernel_spans.empty()) return;
    const std::vector<CriticalStep>& chain = report.critical_chain;
    ASSERT_FALSE(chain.empty());
    EXPECT_EQ(report.kernel_spans[chain.back().kernel].end, report.step_time);
    for (size_t i = 1; i < chain.size(); ++i) {
      EXPECT_GE(report.kernel_spans[chain[i].kernel].start,
                report.kernel_spans[chain[i - 1].kernel].end);
      EXPECT_TRUE(chain[i].cause == kNone || chain[i].cause == chain[i - 1].kernel);
    }
    using Reason = CriticalStep::Reason;
    const bool parameter =
        chain.front().reason == Reason::kTransfer && chain.front().cause == kNone;
    EXPECT_TRUE(parameter || chain.front().reason == Reason::kStart);
  });
}

// A layered graph whose durations, bytes (one nanosecond each) and latencies are all multiplied.
Problem ScaledProblem(uint64_t seed, int64_t scale) {
  Random random(seed);
  GraphBuilder builder;
  std::vector<Nanoseconds> duration;
  for (OpId op = 0; op < 60; ++op) {
    builder.AddOp({.name = absl::StrCat("op", op), .type = "op"});
    builder.AddPort(op, {.bytes = random.Below(50) * scale});
    for (int i = 0; i < 2 && op > 0; ++i) {
      builder.AddOperands(op, std::vector<PortId>{static_cast<PortId>(random.Below(op))});
    }
    duration.push_back(random.Below(30) * scale);
  }
  builder.AddCostTable("test", "device", duration);
  return *Problem::Create(*builder.Build(), *UniformMachine({.count = 4, .latency = 3 * scale}));
}

TEST(SimulatorInvariants, ScalingAllTimesByAPowerOfTwoScalesTheStepExactly) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Problem one = ScaledProblem(seed, 1), many = ScaledProblem(seed, 1 << 20);
    for (Dispatch dispatch : {Dispatch::kPriority, Dispatch::kFifo}) {
      Plan plan = LargePlan(Kernels::Singletons(one.shared_graph()), 4, seed);
      plan.dispatch = dispatch;
      const Nanoseconds expected = PriceAll(one, plan).step_time * (1 << 20);
      plan.kernels = Kernels::Singletons(many.shared_graph());
      EXPECT_EQ(PriceAll(many, plan).step_time, expected);
    }
  }
}

// The same ops added to the builder in another topological order, with the same distinct ranks.
TEST(SimulatorInvariants, RelabellingChangesNothingWhenRanksAreDistinct) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    constexpr int kOps = 40;
    std::vector<std::vector<int>> reads(kOps);
    std::vector<Nanoseconds> time;
    std::vector<int64_t> bytes;
    std::vector<int32_t> rank(kOps);
    std::vector<DeviceId> device;
    std::iota(rank.begin(), rank.end(), 0);
    for (int op = 0; op < kOps; ++op) {
      for (int i = 0; i < 2 && op > 0; ++i) reads[op].push_back(static_cast<int>(random.Below(op)));
      time.push_back(random.Below(20));
      bytes.push_back(random.Below(20));
      device.push_back(static_cast<DeviceId>(random.Below(3)));
      std::swap(rank[op], rank[random.Below(op + 1)]);
    }
    std::vector<int> order(kOps);
    std::iota(order.begin(), order.end(), 0);
    Nanoseconds expected = -1;
    for (int relabelling = 0; relabelling < 3; ++relabelling) {
      GraphBuilder builder;
      std::vector<Nanoseconds> duration;
      std::vector<OpId> id(kOps);
      for (int op : order) {
        id[op] = builder.AddOp({.name = absl::StrCat("op", op), .type = "op"});
        duration.push_back(time[op]);
      }
      for (OpId i = 0; i < kOps; ++i) builder.AddPort(i, {.bytes = bytes[order[i]]});
      for (int op = 0; op < kOps; ++op) {
        for (int source : reads[op]) builder.AddOperands(id[op], std::vector<PortId>{id[source]});
      }
      builder.AddCostTable("test", "device", duration);
      std::vector<OpId> final_id;
      const auto graph = *builder.Build(&final_id);
      Plan plan = LargePlan(Kernels::Singletons(graph), 3, 1);
      for (int op = 0; op < kOps; ++op) {
        plan.device[final_id[id[op]]] = device[op];
        plan.rank[final_id[id[op]]] = rank[op];
      }
      const Problem problem = *Problem::Create(graph, *UniformMachine({.count = 3, .latency = 1}));
      const CostReport report = PriceAll(problem, plan);
      if (expected == -1) expected = report.step_time;
      EXPECT_EQ(report.step_time, expected) << "seed " << seed;
      for (int i = kOps - 1; i > 0; --i) std::swap(order[i], order[random.Below(i + 1)]);
    }
  }
}

TEST(SimulatorInvariants, TwoThreadsPriceAsOne) {
  Random random(5);
  const RandomCase random_case = MakeRandomCase(random);
  std::vector<Plan> plans;
  for (int i = 0; i < 100; ++i) plans.push_back(RandomPlan(random, random_case.problem));
  const auto simulator = *Simulator::Create();
  const auto price_all = [&](std::vector<CostReport>* reports) {
    reports->resize(plans.size());
    const auto evaluator = *simulator->Bind(random_case.problem);
    evaluator->Evaluate(plans, kEverything, *reports);
  };
  std::vector<CostReport> alone, first, second;
  price_all(&alone);
  std::thread a([&] { price_all(&first); }), b([&] { price_all(&second); });
  a.join();
  b.join();
  for (size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(FirstDifference(alone[i], first[i]), "");
    EXPECT_EQ(FirstDifference(alone[i], second[i]), "");
  }
}

}  // namespace
}  // namespace gopt::testing

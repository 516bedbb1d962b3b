#include "tests/solve/task_graphs.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/random.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"

namespace gopt::testing {

Machine EqualDevices(int devices) {
  return UniformMachine({.count = devices, .bandwidth = 1e9}).value();
}

TaskProblem::TaskProblem(std::shared_ptr<const Graph> graph, const Machine& machine,
                         ProblemOptions options)
    : problem(Problem::Create(std::move(graph), machine, std::move(options)).value()),
      costs(problem),
      tasks(TaskGraph::Create(problem, problem.base_kernels(), costs).value()) {}

TaskProblem::TaskProblem(std::string_view text, int devices, ProblemOptions options)
    : TaskProblem(ParseGraph(text).value(), EqualDevices(devices), std::move(options)) {}

OpId TaskProblem::Op(std::string_view name) const {
  for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
    if (problem.graph().op_name(op) == name) return op;
  }
  GOPT_CHECK(false && "no op has the name");
  return kNone;
}

KernelId TaskProblem::Task(std::string_view name) const {
  return tasks.kernels()->kernel_of(Op(name));
}

namespace {

// Counted from 1, as papers do.
struct PaperEdge {
  OpId from, to;
  int64_t bytes;
};

std::shared_ptr<const Graph> PaperGraph(const std::string& name, std::span<const PaperEdge> edges,
                                        const std::vector<Nanoseconds> (&times)[3]) {
  GraphBuilder builder(name);
  for (size_t i = 1; i <= times[0].size(); ++i) {
    builder.AddOp({.name = absl::StrCat("n", i), .type = "task"});
  }
  for (const PaperEdge& edge : edges) {
    const PortId port = builder.AddPort(edge.from - 1, {.bytes = edge.bytes});
    builder.AddOperands(edge.to - 1, {{port}});
  }
  for (int p = 0; p < 3; ++p) builder.AddCostTable("paper", absl::StrCat("p", p + 1), times[p]);
  return builder.Build().value();
}

}  // namespace

std::shared_ptr<const Graph> TopcuogluGraph() {
  const PaperEdge edges[] = {{1, 2, 18}, {1, 3, 12}, {1, 4, 9},   {1, 5, 11},  {1, 6, 14},
                             {2, 8, 19}, {2, 9, 16}, {3, 7, 23},  {4, 8, 27},  {4, 9, 23},
                             {5, 9, 13}, {6, 8, 15}, {7, 10, 17}, {8, 10, 11}, {9, 10, 13}};
  return PaperGraph("topcuoglu", edges,
                    {{14, 13, 11, 13, 12, 13, 7, 5, 18, 21},
                     {16, 19, 13, 8, 13, 16, 15, 11, 12, 7},
                     {9, 18, 19, 17, 10, 9, 11, 14, 20, 16}});
}

std::shared_ptr<const Graph> PeftGraph() {
  const PaperEdge edges[] = {{1, 2, 17}, {1, 3, 31}, {1, 4, 29}, {1, 5, 13},  {1, 6, 7},
                             {2, 8, 3},  {2, 9, 30}, {3, 7, 16}, {4, 8, 11},  {4, 9, 7},
                             {5, 9, 57}, {6, 8, 5},  {7, 10, 9}, {8, 10, 42}, {9, 10, 7}};
  return PaperGraph("peft", edges,
                    {{22, 22, 32, 7, 29, 26, 14, 29, 15, 13},
                     {21, 18, 27, 10, 27, 17, 25, 23, 21, 16},
                     {36, 18, 43, 4, 35, 24, 30, 36, 8, 33}});
}

Machine TopcuogluMachine() {
  std::vector<Device> devices;
  for (const char* kind : {"p1", "p2", "p3"}) {
    devices.push_back({.name = kind,
                       .kind = kind,
                       .memory_bytes = int64_t{1} << 40,
                       .peak_flops = 1e12,
                       .memory_bandwidth = 1e12});
  }
  std::vector<Channel> channels;
  std::vector<Machine::Route> routes;
  for (DeviceId from = 0; from < 3; ++from) {
    for (DeviceId to = 0; to < 3; ++to) {
      if (from == to) continue;
      routes.push_back({from, to, {static_cast<ChannelId>(channels.size())}});
      channels.push_back({absl::StrCat("c", from, to), 1e9, 0});
    }
  }
  return Machine::Create("topcuoglu", devices, channels, routes).value();
}

std::shared_ptr<const Graph> LayeredGraph(int ops, int width, uint64_t seed) {
  Random random(seed);
  GraphBuilder builder("layered");
  std::vector<Nanoseconds> time;
  for (int i = 0; i < ops; ++i) {
    builder.AddOp({.name = absl::StrCat("op", i), .type = "op"});
    builder.AddPort(i, {.bytes = random.Below(200)});
    time.push_back(1 + random.Below(100));
    const int layer_begin = i / width * width;
    if (layer_begin == 0) continue;
    std::vector<PortId> operands;
    for (int64_t k = random.Below(3); k >= 0; --k) {
      const int64_t reach = std::min<int64_t>(layer_begin, 2 * width);
      operands.push_back(static_cast<PortId>(layer_begin - 1 - random.Below(reach)));
    }
    builder.AddOperands(i, operands);
  }
  builder.AddCostTable("test", std::string(kTextDeviceKind), time);
  return builder.Build().value();
}

}  // namespace gopt::testing

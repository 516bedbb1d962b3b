#include "tests/testing/random_problem.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/plan/kernel_graph.h"
#include "tests/testing/reference_costs.h"

namespace gopt::testing {
namespace {

bool Chance(Random& random, double probability) { return random.Uniform() < probability; }

int Between(Random& random, int low, int high) {  // Both ends included.
  return low + static_cast<int>(random.Below(high - low + 1));
}

template <typename T>
const T& Pick(Random& random, const std::vector<T>& values) {
  return values[random.Below(static_cast<int64_t>(values.size()))];
}

template <typename T>
void Shuffle(Random& random, std::vector<T>* values) {
  for (size_t i = values->size(); i > 1; --i) {
    std::swap((*values)[i - 1], (*values)[random.Below(static_cast<int64_t>(i))]);
  }
}

template <typename T>
T Unwrap(absl::StatusOr<T> value) {
  if (!value.ok()) {
    CheckFailed(__FILE__, __LINE__, std::string(value.status().message()).c_str());
  }
  return *std::move(value);
}

class GraphMaker {
 public:
  GraphMaker(Random& random, const RandomCaseOptions& options)
      : random_(random), options_(options) {}

  std::shared_ptr<const Graph> Make() {
    no_bytes_ = Chance(random_, 0.08);
    no_time_ = Chance(random_, 0.08);
    const int num_parameters = options_.parameters ? Between(random_, 0, 4) : 0;
    for (int i = 0; i < num_parameters; ++i) AddSource(OpKind::kParameter);
    for (int i = Between(random_, 0, 2); i > 0; --i) AddSource(OpKind::kInput);
    if (Chance(random_, 0.2)) AddSource(OpKind::kConstant);
    const int compute = Between(random_, 1, options_.max_compute_ops);
    for (int i = 0; i < compute; ++i) AddCompute(i >= compute / 2);
    for (PortId parameter : parameters_) {
      if (Chance(random_, 0.6)) AddOptimizer(parameter);
    }
    for (int i = Between(random_, 0, 2); i > 0; --i) AddOutput();
    AddCosts();
    return Unwrap(builder_.Build());
  }

 private:
  std::string Name() { return absl::StrCat("op", builder_.num_ops()); }
  int64_t Bytes() { return no_bytes_ || Chance(random_, 0.15) ? 0 : random_.Below(12); }

  void AddSource(OpKind kind) {
    const OpId op = builder_.AddOp({.name = Name(), .type = "source", .kind = kind});
    const bool parameter = kind == OpKind::kParameter;
    const PortId port =
        builder_.AddPort(op, {.bytes = Bytes(),
                              .persistent = parameter,
                              .optimizer_copies = parameter ? Between(random_, 0, 2) : 0});
    if (parameter) parameters_.push_back(port);
    ports_.push_back(port);
    ops_.push_back(op);
  }

  void AddCompute(bool late) {
    static const std::vector<std::string> kTypes = {"matmul", "add", "reduce", "copy", "op"};
    const bool collective = Chance(random_, 0.05);
    const OpId op = builder_.AddOp(
        {.name = Name(),
         .type = Pick(random_, kTypes),
         .kind = collective ? OpKind::kCollective : OpKind::kCompute,
         .phase = late && Chance(random_, 0.8) ? Phase::kBackward : Phase::kForward,
         .fusion_class = static_cast<FusionClass>(random_.Below(kNumFusionClasses)),
         .flops = Chance(random_, 0.2) ? -1.0 : static_cast<double>(random_.Below(20)),
         .bytes_read = Chance(random_, 0.6) ? -1 : random_.Below(20),
         .bytes_written = Chance(random_, 0.6) ? -1 : random_.Below(20),
         .scratch_bytes = Chance(random_, 0.8) ? 0 : random_.Below(20)});
    AddReads(op, Between(random_, 0, 3));
    AddPorts(op);
    ops_.push_back(op);
  }

  void AddReads(OpId op, int operands) {
    std::vector<PortId> reads;
    for (int i = 0; i < operands && !ports_.empty(); ++i) reads.push_back(Pick(random_, ports_));
    builder_.AddOperands(op, reads);
    if (options_.controls && !ops_.empty() && Chance(random_, 0.15)) {
      builder_.AddControls(op, std::vector<OpId>{Pick(random_, ops_)});
    }
  }

  void AddPorts(OpId op) {
    PortId shared = kNone;
    for (int i = Chance(random_, 0.75) ? 1 : Between(random_, 0, 4); i > 0; --i) {
      PortOptions port = {.bytes = Bytes()};
      if (shared != kNone && Chance(random_, 0.4)) {
        port.share_storage_with = shared;
      } else {
        port.storage_bytes = port.bytes + (Chance(random_, 0.5) ? 0 : random_.Below(5) + 12);
      }
      // A slice lies within its storage.
      if (shared != kNone && port.share_storage_with != kNone) port.bytes = 0;
      ports_.push_back(builder_.AddPort(op, port));
      tensors_.push_back(ports_.back());
      if (port.share_storage_with == kNone) shared = ports_.back();
    }
  }

  void AddOptimizer(PortId parameter) {
    const OpId op = builder_.AddOp(
        {.name = Name(), .type = "optimizer", .phase = Phase::kOptimizer, .flops = 1.0});
    std::vector<PortId> reads = {parameter};
    for (int i = Between(random_, 0, 2); i > 0 && !tensors_.empty(); --i) {
      reads.push_back(Pick(random_, tensors_));
    }
    builder_.AddOperands(op, reads);
    ops_.push_back(op);
  }

  void AddOutput() {
    const OpId op = builder_.AddOp({.name = Name(), .type = "output", .kind = OpKind::kOutput});
    if (!ports_.empty()) builder_.AddOperands(op, std::vector<PortId>{Pick(random_, ports_)});
  }

  void AddCosts() {
    for (const char* kind : {"a", "b"}) {
      for (const char* source : {"roofline", "profile", "profile2"}) {
        if (Chance(random_, 0.5)) continue;
        std::vector<Nanoseconds> duration;
        for (int i = 0; i < builder_.num_ops(); ++i) {
          duration.push_back(no_time_ ? 0 : Chance(random_, 0.3) ? -1 : random_.Below(10));
        }
        builder_.AddCostTable(source, kind, std::move(duration));
      }
    }
  }

  Random& random_;
  const RandomCaseOptions& options_;
  GraphBuilder builder_;
  bool no_bytes_ = false, no_time_ = false;
  std::vector<PortId> ports_, parameters_, tensors_;  // All; parameters'; computed ones.
  std::vector<OpId> ops_;
};

Device RandomDevice(Random& random, int index, bool tight_memory) {
  Device device;
  device.name = absl::StrCat("d", index);
  device.kind = Pick(random, std::vector<std::string>{"a", "a", "b", "c"});
  device.memory_bytes = tight_memory && Chance(random, 0.3) ? random.Below(150) : int64_t{1} << 40;
  device.peak_flops = Pick(random, std::vector<double>{1e9, 3e9, 7e8});
  device.memory_bandwidth = Pick(random, std::vector<double>{2e9, 1e9, 6e9});
  device.launch = random.Below(4);
  if (Chance(random, 0.5)) {
    device.efficiency.push_back({.op_type = "matmul", .flops = 0.7, .bytes = 0.9});
    device.efficiency.push_back(
        {.op_class = static_cast<FusionClass>(Between(random, 1, kNumFusionClasses - 1)),
         .flops = 0.3,
         .bytes = 0.45});
  }
  return device;
}

// Channels from each device to the next and back; routes go the shorter way round.
void MakeRing(int devices, std::vector<Machine::Route>* routes) {
  for (DeviceId from = 0; from < devices; ++from) {
    for (DeviceId to = 0; to < devices; ++to) {
      if (from == to) continue;
      Machine::Route route = {.from = from, .to = to, .channels = {}};
      const int forward = (to - from + devices) % devices;
      const bool up = 2 * forward <= devices;
      for (DeviceId at = from; at != to; at = (at + (up ? 1 : devices - 1)) % devices) {
        route.channels.push_back(2 * at + (up ? 0 : 1));
      }
      routes->push_back(std::move(route));
    }
  }
}

// A topological order, each step a random choice among the kernels that are free.
std::vector<KernelId> RandomOrder(Random& random, const std::vector<std::set<KernelId>>& before) {
  std::vector<std::vector<KernelId>> after(before.size());
  std::vector<size_t> missing;
  std::vector<KernelId> free, order;
  for (KernelId kernel = 0; kernel < static_cast<KernelId>(before.size()); ++kernel) {
    missing.push_back(before[kernel].size());
    if (before[kernel].empty()) free.push_back(kernel);
    for (KernelId source : before[kernel]) after[source].push_back(kernel);
  }
  while (!free.empty()) {
    const int64_t i = random.Below(static_cast<int64_t>(free.size()));
    order.push_back(free[i]);
    free[i] = free.back();
    free.pop_back();
    for (KernelId next : after[order.back()]) {
      if (--missing[next] == 0) free.push_back(next);
    }
  }
  GOPT_CHECK(order.size() == before.size());
  return order;
}

std::vector<std::set<OpId>> OpsBefore(const Graph& graph) {
  std::vector<std::set<OpId>> before(graph.num_ops());
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    before[op] = {graph.predecessors(op).begin(), graph.predecessors(op).end()};
  }
  return before;
}

std::shared_ptr<const Kernels> KernelsFromGroups(std::shared_ptr<const Graph> graph,
                                                 const std::vector<std::set<OpId>>& groups,
                                                 std::vector<uint8_t> recompute,
                                                 std::vector<OpId> recomputed_ops) {
  Kernels::Columns columns;
  columns.begin = {0};
  for (const std::set<OpId>& group : groups) {
    columns.ops.insert(columns.ops.end(), group.begin(), group.end());
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  columns.recompute = std::move(recompute);
  columns.recomputed_ops = std::move(recomputed_ops);
  return Unwrap(Kernels::Create(std::move(graph), std::move(columns)));
}

// Consecutive pieces of a random topological order: acyclic whatever the pieces are.
std::vector<std::set<OpId>> RandomGroups(Random& random, const Graph& graph) {
  const double cut = random.Uniform();
  std::vector<std::set<OpId>> groups;
  for (OpId op : RandomOrder(random, OpsBefore(graph))) {
    if (!graph.in_kernel(op)) continue;
    if (groups.empty() || Chance(random, cut)) groups.emplace_back();
    groups.back().insert(op);
  }
  Shuffle(random, &groups);
  return groups;
}

std::vector<DeviceId> RandomDevices(Random& random, size_t kernels, int devices) {
  std::vector<DeviceId> result;
  for (size_t i = 0; i < kernels; ++i) result.push_back(Between(random, 0, devices - 1));
  return result;
}

// Kernels with copies of some ops: in the kernel of a reader, or in a kernel of their own. Fills
// the plan and returns true if the result is legal on some random devices.
bool TryClones(Random& random, const Problem& problem, std::vector<std::set<OpId>> groups,
               Plan* plan) {
  const Graph& graph = problem.graph();
  std::vector<uint8_t> recompute(groups.size(), 0);
  std::set<OpId> recomputed;
  for (int i = Between(random, 1, 3); i > 0; --i) {
    const OpId op =
        graph.kernel_ops()[random.Below(static_cast<int64_t>(graph.kernel_ops().size()))];
    if (graph.num_ports(op) == 0) continue;
    size_t target = static_cast<size_t>(random.Below(static_cast<int64_t>(groups.size() + 1)));
    if (target == groups.size()) {
      groups.emplace_back();
      recompute.push_back(0);
    }
    groups[target].insert(op);
    if (!Chance(random, 0.5)) continue;
    recompute[target] = 1;
    recomputed.insert(op);
  }
  plan->kernels = KernelsFromGroups(problem.shared_graph(), groups, recompute,
                                    {recomputed.begin(), recomputed.end()});
  for (int attempt = 0; attempt < 4; ++attempt) {
    plan->device = RandomDevices(random, groups.size(), problem.machine().num_devices());
    if (KernelGraph::Create(*plan->kernels, plan->device).ok()) return true;
  }
  return false;
}

void ChooseKernels(Random& random, const Problem& problem, const RandomCaseOptions& options,
                   Plan* plan) {
  std::vector<std::set<OpId>> groups;
  if (options.fusion && Chance(random, 0.6)) {
    groups = RandomGroups(random, problem.graph());
  } else {
    for (OpId op : problem.graph().kernel_ops()) groups.push_back({op});
  }
  for (int attempt = 0; options.clones && attempt < 4; ++attempt) {
    if (Chance(random, 0.6) && TryClones(random, problem, groups, plan)) return;
  }
  plan->kernels = KernelsFromGroups(problem.shared_graph(), groups, {}, {});
  plan->device = RandomDevices(random, groups.size(), problem.machine().num_devices());
}

void ChooseRanks(Random& random, const RandomCaseOptions& options, Plan* plan) {
  const int count = plan->kernels->size();
  const int shape = options.distinct_ranks ? 0 : Between(random, 0, 3);
  for (int i = 0; i < count; ++i) {
    plan->rank.push_back(shape == 0 ? i : shape == 1 ? 7 : Between(random, -3, count / shape));
  }
  Shuffle(random, &plan->rank);
}

void ChooseHomes(Random& random, const Problem& problem, Plan* plan) {
  if (Chance(random, 0.4)) return;
  const Graph& graph = problem.graph();
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const OpId optimizer = graph.optimizer_op(static_cast<int>(i));
    DeviceId home = Between(random, 0, problem.machine().num_devices() - 1);
    if (optimizer != kNone) home = plan->device[plan->kernels->kernel_of(optimizer)];
    plan->parameter_home.push_back(Chance(random, 0.3) ? kNone : home);
  }
}

std::vector<KernelId> RandomSequence(Random& random, const Plan& plan) {
  const Reads reads = ResolveReads(*plan.kernels, plan.device);
  std::vector<std::set<KernelId>> before = reads.controls;
  for (size_t kernel = 0; kernel < before.size(); ++kernel) {
    for (const Tensor& tensor : reads.inputs[kernel]) {
      if (tensor.source != kNone) before[kernel].insert(tensor.source);
    }
  }
  return RandomOrder(random, before);
}

}  // namespace

std::shared_ptr<const Graph> RandomGraph(Random& random, const RandomCaseOptions& options) {
  return GraphMaker(random, options).Make();
}

Machine RandomMachine(Random& random, const RandomCaseOptions& options) {
  const int count = Chance(random, 0.02) ? 70 : Between(random, 1, options.max_devices);
  std::vector<Device> devices;
  for (int i = 0; i < count; ++i) {
    devices.push_back(RandomDevice(random, i, options.tight_memory));
  }
  std::vector<Machine::Route> routes;
  const int shape = Between(random, 0, 3);
  int channels = shape == 0 ? count * count : shape == 1 ? 1 : shape == 2 ? 2 * count : 4;
  if (shape == 2) MakeRing(count, &routes);
  for (DeviceId from = 0; shape != 2 && from < count; ++from) {
    for (DeviceId to = 0; to < count; ++to) {
      if (from == to) continue;
      std::set<ChannelId> route = {shape == 0 ? from * count + to : 0};
      if (shape == 3) route = {Between(random, 0, 3), Between(random, 0, 3), Between(random, 0, 3)};
      routes.push_back({.from = from, .to = to, .channels = {route.begin(), route.end()}});
    }
  }
  std::vector<Channel> list;
  const bool free_latency = Chance(random, 0.3);
  for (int i = 0; i < channels; ++i) {
    list.push_back({.name = absl::StrCat("c", i),
                    .bandwidth = Pick(random, std::vector<double>{1e9, 1e9, 5e8, 3e8, 2.5e9}),
                    .latency = free_latency ? 0 : random.Below(4)});
  }
  return Unwrap(Machine::Create("random", std::move(devices), std::move(list), std::move(routes)));
}

Plan RandomPlan(Random& random, const Problem& problem, const RandomCaseOptions& options) {
  Plan plan;
  ChooseKernels(random, problem, options, &plan);
  ChooseRanks(random, options, &plan);
  ChooseHomes(random, problem, &plan);
  plan.dispatch = static_cast<Dispatch>(Between(random, 1, 3));
  if (plan.dispatch == Dispatch::kSequence) plan.sequence = RandomSequence(random, plan);
  return plan;
}

RandomCase MakeRandomCase(Random& random, const RandomCaseOptions& options) {
  std::shared_ptr<const Graph> graph = RandomGraph(random, options);
  Machine machine = RandomMachine(random, options);
  ProblemOptions problem_options;
  if (options.tight_memory && Chance(random, 0.2)) {
    problem_options.constraints.memory_limits.push_back(
        {.device = 0, .bytes = random.Below(100), .reason = "random"});
  }
  Problem problem =
      Unwrap(Problem::Create(std::move(graph), std::move(machine), std::move(problem_options)));
  Plan plan = RandomPlan(random, problem, options);
  return {.problem = std::move(problem), .plan = std::move(plan)};
}

std::shared_ptr<const Graph> LargeGraph(const LargeGraphOptions& options) {
  Random random(options.seed);
  GraphBuilder builder("large", "random");
  std::vector<Nanoseconds> duration;
  for (OpId op = 0; op < options.ops; ++op) {
    builder.AddOp(
        {.name = absl::StrCat("op", op),
         .type = options.elementwise ? "add" : "op",
         .fusion_class = options.elementwise ? FusionClass::kElementwise : FusionClass::kOpaque,
         .flops = 1e3});
    const int64_t elements = options.elementwise ? 1024 : 256 + random.Below(4096);
    builder.AddPort(op, {.bytes = 4 * elements, .dims = {1, elements}});
    std::set<PortId> operands;
    if (options.chain > 0.0 && op > 0 && Chance(random, options.chain)) operands.insert(op - 1);
    while (static_cast<int>(operands.size()) < std::min(op, 2)) {
      operands.insert(op - 1 - static_cast<PortId>(random.Below(std::min(op, options.window))));
    }
    builder.AddOperands(op, std::vector<PortId>(operands.begin(), operands.end()));
    duration.push_back(1'000 + random.Below(20'000));
  }
  builder.AddCostTable("random", UniformMachineOptions{}.kind, std::move(duration));
  return Unwrap(builder.Build());
}

Plan LargePlan(std::shared_ptr<const Kernels> kernels, int num_devices, uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.kernels = std::move(kernels);
  for (KernelId kernel = 0; kernel < plan.kernels->size(); ++kernel) {
    plan.device.push_back(static_cast<DeviceId>(random.Below(num_devices)));
    plan.rank.push_back(kernel);
  }
  return plan;
}

std::shared_ptr<const Kernels> ConsecutiveKernels(std::shared_ptr<const Graph> graph,
                                                  int ops_per_kernel) {
  Kernels::Columns columns;
  columns.begin = {0};
  for (OpId op : graph->kernel_ops()) {
    columns.ops.push_back(op);
    if (static_cast<int>(columns.ops.size()) - columns.begin.back() == ops_per_kernel) {
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
  }
  if (columns.begin.back() != static_cast<int32_t>(columns.ops.size())) {
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  return Unwrap(Kernels::Create(std::move(graph), std::move(columns)));
}

}  // namespace gopt::testing

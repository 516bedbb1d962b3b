#include "tests/testing/policy_cases.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "tests/testing/fusible_graph.h"

namespace gopt::testing {
namespace {

constexpr int kKinds = 4;

template <typename T>
T Must(absl::StatusOr<T> made) {
  GOPT_CHECK(made.ok());
  return *std::move(made);
}

ReferencePlan PriceReference(const CostBackend& backend, const Problem& problem, Plan plan) {
  ReferencePlan reference = {.plan = std::move(plan), .report = {}, .solver = "given"};
  reference.report = Must(Price(backend, problem, reference.plan,
                                {.start_order = true, .timeline = true, .critical_chain = true}));
  GOPT_CHECK(reference.report.ok());
  return reference;
}

void MakeReady(PolicyCase* made, Problem problem, ReferencePlan reference) {
  at::set_num_threads(1);
  made->pool = Must(PlanPool::Create(problem, made->backend));
  made->problem =
      Must(PolicyProblem::Create(std::move(problem), std::move(reference), made->pool->costs()));
}

}  // namespace

PolicyCase::PolicyCase(Problem given, const std::string& solver)
    : backend(std::shared_ptr<const CostBackend>(Must(Simulator::Create({})))) {
  ReferencePlan reference = Must(PolicyProblem::FindReference(given, *backend, solver));
  MakeReady(this, std::move(given), std::move(reference));
}

PolicyCase::PolicyCase(Problem given, Plan plan)
    : backend(std::shared_ptr<const CostBackend>(Must(Simulator::Create({})))) {
  ReferencePlan reference = PriceReference(*backend, given, std::move(plan));
  MakeReady(this, std::move(given), std::move(reference));
}

SampledDecisions PolicyCase::Sample(PolicyNetwork network, SampleOptions options,
                                    uint64_t seed) const {
  return Must(SampleDecisions(std::move(network), *problem, options,
                              at::detail::createCPUGenerator(seed), pool.get()));
}

PricedPlan PolicyCase::Greedy(PolicyNetwork network) const {
  return Price(Sample(std::move(network), {.samples = 1, .greedy = true}).candidates)[0];
}

std::vector<PricedPlan> PolicyCase::Price(const std::vector<PlanCandidate>& candidates) const {
  std::vector<PricedPlan> priced(candidates.size());
  GOPT_CHECK(pool->Price(candidates, priced).ok());
  return priced;
}

std::shared_ptr<const Graph> UnevenGraph(int ops, int width, uint64_t seed) {
  Random random(seed);
  GraphBuilder builder("uneven");
  std::vector<Nanoseconds> time[kKinds];
  for (int i = 0; i < ops; ++i) {
    builder.AddOp({.name = absl::StrCat("op", i), .type = i % 3 == 0 ? "matmul" : "add"});
    builder.AddPort(i, {.bytes = 1'000 + random.Below(200'000)});
    for (auto& of_kind : time) of_kind.push_back(10'000 + random.Below(1'000'000));
    const int layer_begin = i / width * width;
    if (layer_begin == 0) {
      if (i > 0) builder.AddOperands(i, std::vector<PortId>{0});
      continue;
    }
    std::vector<PortId> operands;
    for (int64_t k = random.Below(2); k >= 0; --k) {
      operands.push_back(static_cast<PortId>(
          layer_begin - 1 - random.Below(std::min<int64_t>(layer_begin, 2 * width))));
    }
    builder.AddOperands(i, operands);
  }
  for (int kind = 0; kind < kKinds; ++kind) {
    builder.AddCostTable("test", absl::StrCat("kind", kind), time[kind]);
  }
  return Must(builder.Build());
}

Machine UnevenMachine(const std::vector<int>& order) {
  std::vector<Device> devices;
  std::vector<Channel> channels;
  std::vector<Machine::Route> routes;
  for (size_t i = 0; i < order.size(); ++i) {
    const int d = order[i];
    devices.push_back({.name = absl::StrCat("d", d),
                       .kind = absl::StrCat("kind", d),
                       .memory_bytes = int64_t{1} << (40 + d),
                       .peak_flops = 1e12 * (d + 1),
                       .memory_bandwidth = 1e11 * (d + 2),
                       .launch = 1'000});
    for (size_t j = 0; j < order.size(); ++j) {
      if (i == j) continue;
      routes.push_back({static_cast<DeviceId>(i),
                        static_cast<DeviceId>(j),
                        {static_cast<ChannelId>(channels.size())}});
      channels.push_back({absl::StrCat("c", d, "_", order[j]),
                          1e9 * (1 + 0.1 * d + 0.37 * order[j]), 1'000 + 77 * d});
    }
  }
  return Must(Machine::Create("uneven", devices, channels, routes));
}

Problem UnevenProblem(int ops, uint64_t seed, const std::vector<int>& order) {
  return Must(Problem::Create(UnevenGraph(ops, 4, seed), UnevenMachine(order)));
}

Problem FusibleProblem(uint64_t seed) {
  Random random(seed);
  ProblemOptions options;
  options.tasks = {.fusion = true, .placement = true, .scheduling = true};
  std::shared_ptr<const Graph> graph;
  do {
    graph = RandomFusibleGraph(random, {.max_ops = 30});
  } while (graph->num_ops() < 20);
  return Must(
      Problem::Create(graph, Must(UniformMachine({.count = 2, .bandwidth = 1e9})), options));
}

NetworkOptions SmallNetwork(DecoderKind decoder) {
  NetworkOptions options;
  options.width = 12;
  options.encoder_layers = 1;
  options.attention_layers = 1;
  options.attention_heads = 3;
  options.segment = 64;  // One segment: gradients do not pass from a segment to the one before.
  options.state_width = 5;
  options.head_width = 6;
  options.priority_levels = 5;
  options.stickiness_base = 0.0;  // So that little noise makes another plan.
  options.decoder = decoder;
  return options;
}

std::vector<Variant> Variants() {
  const std::pair<const char*, void (*)(NetworkOptions*)> kChanges[] = {
      {"default", [](NetworkOptions*) {}},
      {"no_encoder", [](NetworkOptions* o) { o->encoder_layers = 0; }},
      {"no_attention", [](NetworkOptions* o) { o->attention_layers = 0; }},
      {"no_modulation", [](NetworkOptions* o) { o->modulation = Modulation::kNone; }},
      {"graph_modulation", [](NetworkOptions* o) { o->modulation = Modulation::kGraph; }},
      {"no_task_attention", [](NetworkOptions* o) { o->task_attention = false; }},
      {"unconditional", [](NetworkOptions* o) { o->conditioning = Conditioning::kNone; }},
      {"on_actions", [](NetworkOptions* o) { o->conditioning = Conditioning::kActions; }},
      {"no_state", [](NetworkOptions* o) { o->state_width = 0; }},
      {"two_rounds", [](NetworkOptions* o) { o->rounds = 2; }},
      {"two_rounds_on_actions",
       [](NetworkOptions* o) {
         o->rounds = 2;
         o->conditioning = Conditioning::kActions;
         o->modulation = Modulation::kGraph;
       }},
      {"no_edge_features", [](NetworkOptions* o) { o->edge_features = false; }},
      {"value", [](NetworkOptions* o) { o->value = true; }},
      {"segments_alone",
       [](NetworkOptions* o) {
         o->recurrence = false;
         o->segment = 5;
       }},
  };
  std::vector<Variant> variants;
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    for (const bool fusion : {false, true}) {
      for (const auto& [name, change] : kChanges) {
        Variant& variant = variants.emplace_back(Variant{
            .name = absl::StrCat(std::string(ToString(decoder)), fusion ? "_fusion_" : "_", name),
            .network = SmallNetwork(decoder),
            .fusion = fusion});
        change(&variant.network);
      }
    }
  }
  return variants;
}

Problem VariantProblem(const Variant& variant) {
  return variant.fusion ? FusibleProblem() : UnevenProblem();
}

PolicyNetwork MakeNetwork(const NetworkOptions& options) {
  return PolicyNetwork(options, FeatureSpec::Default());
}

void Shake(PolicyNetwork network, double scale, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  for (at::Tensor& parameter : network->parameters()) {
    parameter.add_(scale * at::randn(parameter.sizes(), generator, at::kDouble).to(parameter));
  }
}

}  // namespace gopt::testing

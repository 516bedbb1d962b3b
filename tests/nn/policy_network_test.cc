#include "gopt/nn/policy_network.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "tests/features/feature_cases.h"
#include "tests/nn/gradients.h"
#include "tests/testing/policy_cases.h"
#include "tests/testing/random_problem.h"

namespace gopt {
namespace {

using testing::Shake;
using testing::SmallNetwork;
using testing::Variant;

constexpr int kDevices = 3;

// Rows for heads, from a graph of random ops and random kernels and states over it.
class PolicyNetworkTest : public ::testing::TestWithParam<Variant> {
 protected:
  static constexpr int64_t kOps = 14;

  PolicyNetworkTest() {
    at::set_num_threads(1);
    const auto graph = testing::LargeGraph({.ops = kOps, .window = 5});
    const Problem problem = testing::UniformProblem(graph, kDevices);
    features_ = *MakeGraphFeatures(problem, testing::FullContext(problem, 5));
  }

  DecisionState State(uint64_t seed) const {
    Random random(seed);
    DecisionState state = {.device = at::empty({1, kOps}, at::kLong),
                           .position = at::empty({1, kOps}),
                           .pick = at::empty({1, kOps})};
    for (int64_t op = 0; op < kOps; ++op) {
      state.device[0][op] = random.Below(kDevices + 1) - 1;
      state.position[0][op] = random.Uniform();
      state.pick[0][op] = random.Uniform() - 0.5;
    }
    return state;
  }
  static DecisionState Stack(const std::vector<DecisionState>& states) {
    std::vector<at::Tensor> device, position, pick;
    for (const DecisionState& state : states) {
      device.push_back(state.device);
      position.push_back(state.position);
      pick.push_back(state.pick);
    }
    return {at::cat(device), at::cat(position), at::cat(pick)};
  }

  // Ops dealt out to `kernels` kernels, each with one at least, and some edges.
  static KernelSet Kernels(int64_t kernels, uint64_t seed) {
    Random random(seed);
    std::vector<std::vector<int64_t>> ops(kernels);
    for (int64_t op = 0; op < kOps; ++op) {
      ops[op < kernels ? op : random.Below(kernels)].push_back(op);
    }
    std::vector<int64_t> member, kernel, first, source, target;
    std::vector<float> share;
    for (int64_t k = 0; k < kernels; ++k) {
      first.push_back(ops[k][0]);
      for (const int64_t op : ops[k]) {
        member.push_back(op);
        kernel.push_back(k);
        share.push_back(1.0f / ops[k].size());
      }
      for (int64_t e = 0; k > 0 && e < 2; ++e) {
        source.push_back(random.Below(k));
        target.push_back(k);
      }
    }
    const int64_t edges = static_cast<int64_t>(source.size());
    KernelSet set = {.kernels = kernels,
                     .inputs = edges,
                     .member_op = at::tensor(member),
                     .member_kernel = at::tensor(kernel),
                     .share = at::tensor(share),
                     .first_op = at::tensor(first),
                     .edge_source = at::tensor(source, at::kLong),
                     .edge_target = at::tensor(target, at::kLong),
                     .edge_input = at::arange(edges)};
    set.edge =
        at::rand({edges, kKernelEdgeWidth}, at::detail::createCPUGenerator(seed), at::kFloat);
    return set;
  }

  // What the heads say, task by task.
  struct Heads {
    HeadOutput output[kNumTasks];
    at::Tensor value;
  };
  Heads Run(PolicyNetwork network, const DecisionState& state,
            const std::vector<const KernelSet*>& sets, bool fusion) const {
    Heads heads;
    TaskState ops = network->Begin(network->Encode(features_), state);
    if (network->options().value) heads.value = network->Value(ops);
    if (fusion) {
      heads.output[0] = network->Fusion(&ops);
      Condition(network, Task::kFusion, heads.output[0], &ops);
    }
    const bool one = ops.rows.size() == 1;
    const PackedKernels packed =
        PackKernels(sets, one ? 0 : kOps, network->options().segment, at::kCPU);
    TaskState kernels = network->Pool(ops, packed);
    heads.output[1] = network->Placement(packed, &kernels);
    if (network->options().decoder == DecoderKind::kDirect) {
      Condition(network, Task::kPlacement, heads.output[1], &kernels);
    }
    heads.output[2] = network->Scheduling(&kernels);
    return heads;
  }
  // By the likeliest actions, a sequence at a time.
  static void Condition(PolicyNetwork network, Task task, const HeadOutput& output,
                        TaskState* state) {
    network->Condition(task, output.value.dim() == 2 ? output.value.argmax(1) : output.value,
                       state);
  }

  GraphFeatures features_;
};
INSTANTIATE_TEST_SUITE_P(Options, PolicyNetworkTest, ::testing::ValuesIn(testing::Variants()),
                         [](const auto& info) { return info.param.name; });

TEST_P(PolicyNetworkTest, OutputsHaveTheShapesOfTheHeader) {
  PolicyNetwork network = testing::MakeNetwork(GetParam().network);
  const bool direct = GetParam().network.decoder == DecoderKind::kDirect;
  const KernelSet set = Kernels(9, 1);
  const Heads heads = Run(network, State(1), {&set}, GetParam().fusion);
  using Sizes = std::vector<int64_t>;
  if (GetParam().fusion) {
    EXPECT_EQ(heads.output[0].value.sizes(), (direct ? Sizes{kOps, 4} : Sizes{kOps}));
  }
  EXPECT_EQ(heads.output[1].value.sizes(), (direct ? Sizes{9, kDevices} : Sizes{16}));
  EXPECT_EQ(heads.output[1].rows, Sizes{direct ? 9 : 16});
  EXPECT_EQ(heads.output[2].value.sizes(), (direct ? Sizes{9, 5} : Sizes{9}));
  for (int task = GetParam().fusion ? 0 : 1; task < kNumTasks; ++task) {
    const HeadOutput& output = heads.output[task];
    EXPECT_EQ(output.features.sizes(), (Sizes{output.value.size(0), 6})) << task;
  }
  EXPECT_EQ(heads.value.defined(), GetParam().network.value);
  if (heads.value.defined()) {
    EXPECT_EQ(heads.value.sizes(), Sizes{1});
  }
}

TEST_P(PolicyNetworkTest, BeginsAtTheHeuristic) {
  PolicyNetwork network = testing::MakeNetwork(GetParam().network);
  DecisionState state = State(1);
  state.device = state.device.clamp_min(0);
  const KernelSet set = Kernels(9, 1);
  const Heads heads = Run(network, state, {&set}, GetParam().fusion);
  if (GetParam().network.decoder == DecoderKind::kList) {
    for (int task = GetParam().fusion ? 0 : 1; task < kNumTasks; ++task) {
      EXPECT_EQ(heads.output[task].value.abs().max().item<double>(), 0.0) << task;
    }
    return;
  }
  if (GetParam().fusion) {
    EXPECT_TRUE((heads.output[0].value.argmax(1) == 1).all().item<bool>());  // All equal.
  }
  EXPECT_TRUE(
      at::equal(heads.output[1].value.argmax(1), state.device[0].index_select(0, set.first_op)));
  // The earlier, the higher the level.
  const at::Tensor position = state.position[0].index_select(0, set.first_op);
  EXPECT_TRUE(at::equal(heads.output[2].value.argmax(1),
                        ((1 - position) * 5).floor().to(at::kLong).clamp(0, 4)));
  EXPECT_NEAR(at::softmax(heads.output[1].value, 1).max().item<double>(),
              std::exp(2.0) / (std::exp(2.0) + kDevices - 1), 1e-5);
}

TEST_P(PolicyNetworkTest, ABatchSaysWhatEachSequenceSaysAlone) {
  Variant variant = GetParam();
  variant.network.segment = 4;  // Several segments, the last one filled up.
  PolicyNetwork network = testing::MakeNetwork(variant.network);
  Shake(network, 0.3);
  network->to(at::kDouble);
  const torch::NoGradGuard no_grad;
  const std::vector<KernelSet> sets = {Kernels(9, 1), Kernels(14, 2), Kernels(3, 3)};
  const std::vector<DecisionState> states = {State(1), State(2), State(3)};
  std::vector<const KernelSet*> all;
  for (const KernelSet& set : sets) all.push_back(&set);
  for (const bool own_states : {true, false}) {
    const Heads batch = Run(network, own_states ? Stack(states) : states[0], all, variant.fusion);
    int64_t begin[kNumTasks] = {0, 0, 0};
    for (size_t i = 0; i < sets.size(); ++i) {
      const Heads single =
          Run(network, own_states ? states[i] : states[0], {&sets[i]}, variant.fusion);
      for (int task = variant.fusion ? 0 : 1; task < kNumTasks; ++task) {
        if (task == 0 && !own_states) begin[task] = 0;  // One sequence of ops for all.
        const int64_t rows = single.output[task].value.size(0);
        const auto of = [&](const at::Tensor& packed) {
          return packed.slice(0, begin[task], begin[task] + rows);
        };
        ExpectClose(of(batch.output[task].value), single.output[task].value, 1e-9, "value");
        ExpectClose(of(batch.output[task].features), single.output[task].features, 1e-9,
                    "features");
        begin[task] += rows;
      }
      if (variant.network.value) {
        ExpectClose(batch.value[own_states ? i : 0], single.value[0], 1e-9, "value network");
      }
    }
  }
}

// Every parameter that the variant's passes can reach has a gradient: nothing is wired to nowhere.
TEST_P(PolicyNetworkTest, AllWeightsAreUsed) {
  PolicyNetwork network = testing::MakeNetwork(GetParam().network);
  const KernelSet set = Kernels(9, 1);
  for (const uint64_t seed : {3, 4, 5}) {  // Under some weights all of a head's units are off.
    Shake(network, 0.3, seed);
    const Heads heads = Run(network, State(1), {&set}, GetParam().fusion);
    at::Tensor sum = at::zeros({});
    for (int task = GetParam().fusion ? 0 : 1; task < kNumTasks; ++task) {
      sum = sum + (heads.output[task].value * at::rand_like(heads.output[task].value)).sum();
    }
    if (heads.value.defined()) sum = sum + heads.value.sum();
    sum.backward();
  }
  const bool direct = GetParam().network.decoder == DecoderKind::kDirect;
  for (const auto& item : network->named_parameters()) {
    const std::string& name = item.key();
    if (!GetParam().fusion && name.find("fusion") != std::string::npos) continue;
    if (direct && name.starts_with("placement.output")) continue;  // Keys and queries instead.
    // Sampled devices are handed on as their keys, mean stickiness is not in this pass.
    if (name.starts_with("condition_placement")) continue;
    // A bias of keys adds the same to all scores of a query.
    const bool is_invariant =
        name.find("attention") != std::string::npos && name.find("bias") != std::string::npos;
    const at::Tensor& gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << name;
    EXPECT_TRUE(at::isfinite(gradient).all().item<bool>()) << name;
    EXPECT_TRUE(is_invariant || gradient.abs().max().item<double>() > 0.0) << name;
  }
}

TEST_P(PolicyNetworkTest, TheSeedDecidesTheWeightsAndNothingElse) {
  NetworkOptions options = GetParam().network;
  at::manual_seed(1);
  const at::Tensor expected_next = at::rand({3});
  at::manual_seed(1);
  PolicyNetwork first = testing::MakeNetwork(options);
  EXPECT_TRUE(at::equal(at::rand({3}), expected_next));  // As if nothing had been drawn.
  PolicyNetwork again = testing::MakeNetwork(options);
  options.seed = 2;
  PolicyNetwork other = testing::MakeNetwork(options);
  bool differs = false;
  for (const auto& item : first->named_parameters()) {
    EXPECT_TRUE(at::equal(item.value(), again->named_parameters()[item.key()])) << item.key();
    differs |= !at::equal(item.value(), other->named_parameters()[item.key()]);
  }
  EXPECT_TRUE(differs);
}

TEST_F(PolicyNetworkTest, OptionsRemoveTheirWeights) {
  const auto weights = [](void (*change)(NetworkOptions*)) {
    NetworkOptions options = SmallNetwork(DecoderKind::kList);
    change(&options);
    PolicyNetwork network = testing::MakeNetwork(options);
    int64_t sum = 0;
    for (const at::Tensor& parameter : network->parameters()) sum += parameter.numel();
    EXPECT_EQ(network->num_parameters(), sum);
    return sum;
  };
  const int64_t all = weights([](NetworkOptions*) {});
  EXPECT_LT(weights([](NetworkOptions* o) { o->encoder_layers = 0; }), all);
  EXPECT_LT(weights([](NetworkOptions* o) { o->attention_layers = 0; }), all);
  EXPECT_LT(weights([](NetworkOptions* o) { o->modulation = Modulation::kNone; }), all);
  EXPECT_LT(weights([](NetworkOptions* o) { o->task_attention = false; }), all);
  EXPECT_LT(weights([](NetworkOptions* o) { o->state_width = 0; }), all);
  EXPECT_LT(weights([](NetworkOptions* o) { o->edge_features = false; }), all);
  EXPECT_GT(weights([](NetworkOptions* o) { o->value = true; }), all);
  EXPECT_EQ(weights([](NetworkOptions* o) { o->recurrence = false; }), all);
}

TEST_F(PolicyNetworkTest, DevicesThatAreNotAllowedHaveNoProbability) {
  PolicyNetwork network = testing::MakeNetwork(SmallNetwork(DecoderKind::kDirect));
  KernelSet set = Kernels(9, 1);
  set.allowed = at::ones({9, kDevices}, at::kBool);
  set.allowed[4][1] = false;
  const Heads heads = Run(network, State(1), {&set}, false);
  const at::Tensor probability = at::softmax(heads.output[1].value, 1);
  EXPECT_EQ(probability[4][1].item<double>(), 0.0);
  EXPECT_EQ((probability == 0).sum().item<int64_t>(), 1);
  EXPECT_TRUE(at::isfinite(probability).all().item<bool>());
}

// What the decisions before it were is all that a head sees of them.
TEST_F(PolicyNetworkTest, ConditioningOnActionsMakesLaterHeadsDependOnThem) {
  for (const Conditioning conditioning : {Conditioning::kActions, Conditioning::kOutputs}) {
    NetworkOptions options = SmallNetwork(DecoderKind::kDirect);
    options.conditioning = conditioning;
    PolicyNetwork network = testing::MakeNetwork(options);
    Shake(network, 0.3);
    const KernelSet set = Kernels(9, 1);
    const KernelSet* sets[] = {&set};
    const PackedKernels packed = PackKernels(sets, 0, options.segment, at::kCPU);
    const TaskState ops = network->Begin(network->Encode(features_), State(1));
    const auto scheduling = [&](int64_t device) {
      TaskState kernels = network->Pool(ops, packed);
      network->Placement(packed, &kernels);
      network->Condition(Task::kPlacement, at::full({9}, device, at::kLong), &kernels);
      return network->Scheduling(&kernels).value;
    };
    EXPECT_EQ(at::allclose(scheduling(0), scheduling(2)), conditioning == Conditioning::kOutputs);
  }
}

TEST_F(PolicyNetworkTest, EmptyGraphsAreNoError) {
  const Problem problem = testing::TextProblem("x:input", 2);
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    NetworkOptions options = SmallNetwork(decoder);
    options.value = true;
    PolicyNetwork network = testing::MakeNetwork(options);
    const GraphFeatures features = *MakeGraphFeatures(problem, testing::FullContext(problem, 5));
    const KernelSet none = {.member_op = at::empty({0}, at::kLong),
                            .member_kernel = at::empty({0}, at::kLong),
                            .share = at::empty({0}),
                            .first_op = at::empty({0}, at::kLong),
                            .edge_source = at::empty({0}, at::kLong),
                            .edge_target = at::empty({0}, at::kLong),
                            .edge_input = at::empty({0}, at::kLong),
                            .edge = at::empty({0, kKernelEdgeWidth})};
    const KernelSet* sets[] = {&none};
    const PackedKernels packed = PackKernels(sets, 0, options.segment, at::kCPU);
    TaskState ops =
        network->Begin(network->Encode(features), {.device = at::full({1, 1}, -1, at::kLong),
                                                   .position = at::zeros({1, 1}),
                                                   .pick = at::zeros({1, 1})});
    EXPECT_EQ(network->Value(ops).numel(), 1);
    TaskState kernels = network->Pool(ops, packed);
    EXPECT_EQ(network->Placement(packed, &kernels).value.size(0), 0);
    EXPECT_EQ(network->Scheduling(&kernels).value.size(0), 0);
  }
}

// Devices that are alike in everything are told apart by what the state has put there, so that the
// head can express any placement.
TEST_F(PolicyNetworkTest, DirectHeadFitsAnyPlacementOnFourEqualDevices) {
  const auto graph = testing::LargeGraph({.ops = 16, .window = 5});
  const Problem problem = testing::UniformProblem(graph, 4);
  FeatureContext context = testing::PlainContext(problem);
  const GraphFeatures features = *MakeGraphFeatures(problem, context);
  NetworkOptions options = SmallNetwork(DecoderKind::kDirect);
  options.width = options.head_width = 24;
  PolicyNetwork network = testing::MakeNetwork(options);
  DecisionState state = {.device = at::arange(16).remainder(4).unsqueeze(0),
                         .position = (at::arange(16).to(at::kFloat) / 16).unsqueeze(0),
                         .pick = at::zeros({1, 16})};
  const at::Tensor every = at::arange(16);
  const KernelSet set = {.kernels = 16,
                         .inputs = 0,
                         .member_op = every,
                         .member_kernel = every,
                         .share = at::ones({16}),
                         .first_op = every,
                         .edge_source = at::empty({0}, at::kLong),
                         .edge_target = at::empty({0}, at::kLong),
                         .edge_input = at::empty({0}, at::kLong),
                         .edge = at::empty({0, kKernelEdgeWidth})};
  const KernelSet* sets[] = {&set};
  const PackedKernels packed = PackKernels(sets, 0, options.segment, at::kCPU);
  const at::Tensor wanted = at::randint(4, {16}, at::detail::createCPUGenerator(8), at::kLong);
  torch::optim::Adam adam(network->parameters(), torch::optim::AdamOptions(3e-3));
  at::Tensor logits;
  for (int step = 0; step < 2'000; ++step) {
    const TaskState ops = network->Begin(network->Encode(features), state);
    TaskState kernels = network->Pool(ops, packed);
    logits = network->Placement(packed, &kernels).value;
    if (at::equal(logits.argmax(1), wanted)) break;
    adam.zero_grad();
    at::nll_loss(at::log_softmax(logits, 1), wanted).backward();
    adam.step();
  }
  EXPECT_TRUE(at::equal(logits.argmax(1), wanted)) << logits.argmax(1) << wanted;
}

}  // namespace
}  // namespace gopt

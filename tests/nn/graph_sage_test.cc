#include "gopt/nn/graph_sage.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "src/nn/neighbor_max.h"
#include "tests/nn/gradients.h"
#include "tests/testing/literal_network.h"

namespace gopt {
namespace {

constexpr int64_t kNodes = 300;

class GraphSageTest : public ::testing::TestWithParam<int> {  // Width of an edge's features.
 protected:
  void SetUp() override {
    at::manual_seed(11);
    edges_ = RandomGraphEdges(kNodes, 1.6, GetParam(), 1);
    if (GetParam() > 0) edges_.features = edges_.features.to(at::kDouble);
  }
  GraphEdges edges_;
};
INSTANTIATE_TEST_SUITE_P(EdgeWidths, GraphSageTest, ::testing::Values(0, 5));

TEST_P(GraphSageTest, ALayerEqualsTheFormula) {
  GraphSage layer(GraphSageOptions{.width = 8, .edge_width = GetParam()});
  layer->to(at::kDouble);
  const at::Tensor h = at::randn({kNodes, 8}, at::kDouble).requires_grad_();
  const auto inputs = RandomInputs(layer, h);
  ExpectSame(layer(h, edges_), LiteralGraphSage(*layer, h, edges_), inputs, 1e-10);
}

TEST_P(GraphSageTest, TheEncoderEqualsTheFormula) {
  GraphSageEncoder encoder(GraphSageEncoderOptions{
      .in = 6, .types = 4, .width = 8, .layers = 3, .edge_width = GetParam()});
  encoder->to(at::kDouble);
  const at::Tensor features = at::randn({kNodes, 6}, at::kDouble).requires_grad_();
  const at::Tensor type = at::randint(4, {kNodes}, at::kLong);
  const auto inputs = RandomInputs(encoder, features);
  ExpectSame(encoder(features, type, edges_),
             LiteralGraphSageEncoder(*encoder, features, type, edges_), inputs, 1e-10);
}

TEST_P(GraphSageTest, TheKernelEqualsThePlainOps) {
  const at::Tensor message = at::randn({kNodes, 10}, at::kDouble).requires_grad_();
  std::vector<std::pair<std::string, at::Tensor>> inputs = {{"message", message}};
  at::Tensor edge_message;
  if (GetParam() > 0) {
    edge_message = at::randn({edges_.source.size(0), 10}, at::kDouble).requires_grad_();
    inputs.emplace_back("edge_message", edge_message);
  }
  // "None" is -infinity, through which no gradient passes; the sigmoid makes it 0.
  ExpectSame(at::sigmoid(NeighborMax(message, edge_message, edges_)),
             at::sigmoid(NeighborMaxOfOps(message, edge_message, edges_)), inputs, 1e-14);
}

TEST_P(GraphSageTest, TheKernelMakesMessagesOfFeatures) {
  if (GetParam() == 0) GTEST_SKIP();
  edges_.features = edges_.features.to(at::kFloat);
  for (int64_t width : {5, 16, 64}) {
    const at::Tensor message = at::randn({kNodes, 2 * width}).requires_grad_();
    const at::Tensor weight = at::randn({2 * width, GetParam()}).requires_grad_();
    const at::Tensor edge_message = at::matmul(edges_.features, weight.t());
    ExpectSame(at::sigmoid(NeighborMaxOfFeatures(message, weight, edges_)),
               at::sigmoid(NeighborMax(message, edge_message, edges_)),
               {{"message", message}, {"weight", weight}}, 1e-5);
  }
}

TEST_P(GraphSageTest, RenumberingNodesPermutesTheOutput) {
  GraphSageEncoder encoder(
      GraphSageEncoderOptions{.in = 6, .types = 4, .width = 8, .edge_width = GetParam()});
  const at::Tensor features = at::randn({kNodes, 6}), type = at::randint(4, {kNodes}, at::kLong);
  if (GetParam() > 0) edges_.features = edges_.features.to(at::kFloat);

  const at::Tensor number = at::randperm(kNodes), old = at::argsort(number);  // Of old and new.
  const int64_t *source = edges_.source.const_data_ptr<int64_t>(),
                *target = edges_.target.const_data_ptr<int64_t>(),
                *renumbered = number.const_data_ptr<int64_t>();
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t e = 0; e < edges_.source.size(0); ++e) {
    pairs.emplace_back(renumbered[source[e]], renumbered[target[e]]);
  }
  GraphEdges permuted = MakeGraphEdges(kNodes, pairs);
  if (GetParam() > 0) {  // The edges' order: by new target, then new source.
    const at::Tensor key =
        number.index_select(0, edges_.target) * kNodes + number.index_select(0, edges_.source);
    permuted.features = edges_.features.index_select(0, at::argsort(key));
  }
  ExpectClose(encoder(features.index_select(0, old), type.index_select(0, old), permuted),
              encoder(features, type, edges_).index_select(0, old), 1e-6, "output");
}

TEST(NeighborMaxTest, TakesTheLargestOfEachDirection) {
  // 0 -> 2, 1 -> 2
  const GraphEdges edges = MakeGraphEdges(3, {{1, 2}, {0, 2}});
  const at::Tensor message = at::tensor({1., 10., 2., 20., 3., 30.}).view({3, 2});
  const at::Tensor edge_message = at::tensor({5., 0., 0., 7.}).view({2, 2});
  const double none = -std::numeric_limits<double>::infinity();
  EXPECT_TRUE(at::equal(NeighborMax(message, edge_message, edges),
                        at::tensor({none, 30., none, 37., 6., none}).view({3, 2})));
}

TEST(NeighborMaxTest, TheFirstOfEqualOnesGetsTheGradient) {
  const GraphEdges edges = MakeGraphEdges(3, {{1, 2}, {0, 2}});
  const at::Tensor message = at::ones({3, 2}, at::kDouble).requires_grad_();
  const at::Tensor into = NeighborMax(message, {}, edges).narrow(0, 2, 1).narrow(1, 0, 1).sum();
  EXPECT_TRUE(at::equal(torch::autograd::grad({into}, {message})[0],
                        at::tensor({1., 0., 0., 0., 0., 0.}).view({3, 2})));
}

TEST(NeighborMaxTest, IsTheSameOnAnyNumberOfThreads) {
  at::manual_seed(2);
  GraphEdges edges = RandomGraphEdges(5'000, 3.0, 0, 4);
  const at::Tensor message = at::randn({5'000, 16}).requires_grad_();
  const at::Tensor edge_message = at::randn({edges.source.size(0), 16}).requires_grad_();
  ExpectSameOnAnyNumberOfThreads(
      [&] { return NeighborMax(message, edge_message, edges).clamp_min(-9); },
      {message, edge_message});
  edges.features = at::randn({edges.source.size(0), 6});
  const at::Tensor weight = at::randn({16, 6}).requires_grad_();
  ExpectSameOnAnyNumberOfThreads(
      [&] { return NeighborMaxOfFeatures(message, weight, edges).clamp_min(-9); },
      {message, weight});
}

TEST(GraphSageEncoderTest, WorksWithoutEdgesTypesOrNodes) {
  GraphSageEncoder encoder(GraphSageEncoderOptions{.in = 3, .width = 8});
  for (int64_t nodes : {0, 1, 5}) {
    const at::Tensor y = encoder(at::randn({nodes, 3}), at::Tensor(), MakeGraphEdges(nodes, {}));
    EXPECT_EQ(y.sizes(), at::IntArrayRef({nodes, 8}));
    EXPECT_TRUE(at::isfinite(y).all().item<bool>());
    ExpectFiniteGradients(y, encoder->parameters());
  }
}

}  // namespace
}  // namespace gopt

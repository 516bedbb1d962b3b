#include "gopt/nn/modulation.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "tests/nn/gradients.h"
#include "tests/testing/literal_network.h"

namespace gopt {
namespace {

constexpr int kSegment = 8;

class SuperpositionTest : public ::testing::TestWithParam<Modulation> {
 protected:
  void SetUp() override { at::manual_seed(13); }

  Superposition Layer() {
    Superposition layer(
        SuperpositionOptions{.modulation = GetParam(), .attention = {.width = 12, .heads = 3}});
    layer->to(at::kDouble);
    return layer;
  }
  static SegmentLayout Layout(std::vector<int64_t> lengths) {
    return SegmentLayout::Create(std::move(lengths), kSegment, at::kCPU);
  }
  static at::Tensor Rows(int64_t rows) { return at::randn({rows, 12}, at::kDouble); }
};
INSTANTIATE_TEST_SUITE_P(Modulations, SuperpositionTest,
                         ::testing::Values(Modulation::kNone, Modulation::kGraph,
                                           Modulation::kNode),
                         [](const auto& info) { return std::string(ToString(info.param)); });

TEST_P(SuperpositionTest, IsIdentityBeforeTraining) {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{19}, {9, 0, 10}}) {
    const at::Tensor h = Rows(19);
    EXPECT_TRUE(at::equal(Modulate(h, Layer()(h, Layout(lengths))), h));
  }
}

TEST_P(SuperpositionTest, EqualsTheFormulaForEachGraphOfABatch) {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{36}, {20, 9, 7}}) {
    Superposition layer = Layer();
    const at::Tensor h = Rows(36).requires_grad_();
    const auto inputs = RandomInputs(layer, h);
    ExpectSame(Modulate(h, layer(h, Layout(lengths))),
               h * LiteralSuperposition(*layer, h, lengths, kSegment), inputs, 1e-10);
  }
}

TEST_P(SuperpositionTest, ModulatesByAnotherGraphOnlyItsOwn) {
  if (GetParam() == Modulation::kNone) GTEST_SKIP();
  Superposition layer = Layer();
  const at::Tensor h = Rows(30);
  RandomInputs(layer, h);
  const at::Tensor changed = at::cat({h.narrow(0, 0, 13), Rows(17)});
  const at::Tensor factor = layer(h, Layout({13, 17})), other = layer(changed, Layout({13, 17}));
  EXPECT_TRUE(at::allclose(factor.narrow(0, 0, 13), other.narrow(0, 0, 13), 1e-12, 1e-12));
  EXPECT_FALSE(at::allclose(factor.narrow(0, 13, 17), other.narrow(0, 13, 17)));
}

TEST_P(SuperpositionTest, EmptyGraphsLeaveGradientsFinite) {
  if (GetParam() == Modulation::kNone) GTEST_SKIP();
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, {0}, {0, 5, 0}}) {
    Superposition layer = Layer();
    const auto layout = Layout(lengths);
    const at::Tensor h = Rows(layout.rows()).requires_grad_();
    const at::Tensor y = Modulate(h, layer(h, layout));
    EXPECT_EQ(y.sizes(), h.sizes());
    ExpectFiniteGradients(y, layer->parameters());
  }
}

}  // namespace
}  // namespace gopt

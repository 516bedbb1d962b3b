#include "gopt/nn/segment_attention.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "src/nn/attend_segments.h"
#include "tests/nn/gradients.h"
#include "tests/testing/literal_network.h"

namespace gopt {
namespace {

constexpr int kSegment = 8;

struct Case {
  const char* name;
  std::vector<int64_t> lengths;
  bool recurrence = true;
  FeedForwardActivation activation = FeedForwardActivation::kRelu;
};

class SegmentAttentionTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { at::manual_seed(7); }

  SegmentAttention Layer(at::ScalarType dtype) {
    SegmentAttention layer(SegmentAttentionOptions{.width = 12,
                                                   .heads = 3,
                                                   .recurrence = GetParam().recurrence,
                                                   .feed_forward_ratio = 2,
                                                   .activation = GetParam().activation});
    layer->to(dtype);
    return layer;
  }

  at::Tensor Rows(at::ScalarType dtype) {
    return (at::randn({layout_.rows(), 12}, dtype) + 0.5).requires_grad_();
  }

  SegmentLayout layout_ = SegmentLayout::Create(GetParam().lengths, kSegment, at::kCPU);
};

TEST_P(SegmentAttentionTest, EqualsTheLoopOverSegments) {
  for (const auto& [dtype, tolerance] : {std::pair(at::kDouble, 1e-10), {at::kFloat, 1e-5}}) {
    SegmentAttention layer = Layer(dtype);
    const at::Tensor x = Rows(dtype);
    const auto inputs = RandomInputs(layer, x);
    ExpectSame(layer(x, layout_), LiteralSegmentAttention(*layer, x, GetParam().lengths, kSegment),
               inputs, tolerance);
  }
}

TEST_P(SegmentAttentionTest, TheKernelEqualsThePlainOps) {
  const bool recurrence = GetParam().recurrence;
  const at::Tensor x = Rows(at::kDouble);
  const at::Tensor weight = at::randn({36, 12}, at::kDouble).requires_grad_();
  const at::Tensor bias = at::randn({36}, at::kDouble).requires_grad_();
  ExpectSame(AttendSegments(x, weight, bias, 1e-5, 3, recurrence, layout_),
             AttendSegmentsOfOps(x, weight, bias, 1e-5, 3, recurrence, layout_),
             {{"x", x}, {"weight", weight}, {"bias", bias}}, 1e-12);
}

// Widths of a head for which there are kernels of our own, and others.
TEST_P(SegmentAttentionTest, EqualsTheLoopForEveryWidthOfAHead) {
  for (int head_width : {4, 8, 12, 16, 24, 32}) {
    SegmentAttention layer(SegmentAttentionOptions{
        .width = 3 * head_width, .heads = 3, .recurrence = GetParam().recurrence});
    for (int segment : {8, 20, 128}) {
      const auto layout = SegmentLayout::Create(GetParam().lengths, segment, at::kCPU);
      const at::Tensor x = (at::randn({layout.rows(), 3 * head_width}) + 0.5).requires_grad_();
      ExpectSame(layer(x, layout), LiteralSegmentAttention(*layer, x, GetParam().lengths, segment),
                 RandomInputs(layer, x), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, SegmentAttentionTest,
    ::testing::Values(Case{"OneSegment", {kSegment}}, Case{"PartOfASegment", {3}},
                      Case{"WholeSegments", {5 * kSegment}}, Case{"APartialOneAtTheEnd", {45}},
                      Case{"Gelu", {45}, true, FeedForwardActivation::kGelu},
                      Case{"NoRecurrence", {45}, false}, Case{"Several", {20, 7, 0, 33, 16}},
                      Case{"SeveralWithoutRecurrence", {20, 7, 0, 33, 16}, false},
                      Case{"SeveralOfWholeSegments", {16, 24, 13}}, Case{"NoRows", {0}}),
    [](const auto& info) { return info.param.name; });

TEST(SegmentAttentionBatchTest, SequencesOfABatchEqualEachAlone) {
  at::manual_seed(3);
  const std::vector<int64_t> lengths = {20, 7, 0, 33, 16};
  SegmentAttention layer(SegmentAttentionOptions{.width = 12, .heads = 3});
  layer->to(at::kDouble);
  const at::Tensor x = at::randn({76, 12}, at::kDouble).requires_grad_();
  const auto inputs = RandomInputs(layer, x);
  std::vector<at::Tensor> alone;
  for (const at::Tensor& part : at::split_with_sizes(x, lengths)) {
    alone.push_back(layer(part, SegmentLayout::Create({part.size(0)}, kSegment, at::kCPU)));
  }
  ExpectSame(layer(x, SegmentLayout::Create(lengths, kSegment, at::kCPU)), at::cat(alone), inputs,
             1e-12);
}

TEST(SegmentAttentionBatchTest, IsTheSameOnAnyNumberOfThreads) {
  at::manual_seed(8);
  const auto layout = SegmentLayout::Create({700, 3, 90}, 32, at::kCPU);
  const at::Tensor x = at::randn({793, 16}).requires_grad_();
  const at::Tensor weight = at::randn({48, 16}).requires_grad_();
  const at::Tensor bias = at::randn({48}).requires_grad_();
  ExpectSameOnAnyNumberOfThreads(
      [&] { return AttendSegments(x, weight, bias, 1e-5, 2, true, layout); }, {x, weight, bias});
}

TEST(SegmentAttentionMemoryTest, SeesOneSegmentBackAndStopsTheGradientThere) {
  at::manual_seed(5);
  SegmentAttention layer(SegmentAttentionOptions{.width = 12, .heads = 3});
  layer->to(at::kDouble);
  const auto layout = SegmentLayout::Create({4 * kSegment}, kSegment, at::kCPU);
  const at::Tensor x = at::randn({4 * kSegment, 12}, at::kDouble).requires_grad_();
  const at::Tensor y = layer(x, layout);

  at::Tensor changed = x.detach().clone();
  changed.narrow(0, kSegment, kSegment).add_(at::randn({kSegment, 12}, at::kDouble));
  const at::Tensor difference = (layer(changed, layout) - y).abs().amax(1);
  const auto largest = [&](int s) {
    return difference.narrow(0, s * kSegment, kSegment).max().item<double>();
  };
  EXPECT_EQ(largest(0), 0);
  EXPECT_GT(largest(1), 1e-3);
  EXPECT_GT(largest(2), 1e-3);
  EXPECT_EQ(largest(3), 0);

  const at::Tensor third = y.narrow(0, 2 * kSegment, kSegment).square().sum();
  const at::Tensor gradient = torch::autograd::grad({third}, {x})[0].abs().amax(1);
  EXPECT_EQ(gradient.narrow(0, 0, 2 * kSegment).max().item<double>(), 0);
  EXPECT_GT(gradient.narrow(0, 2 * kSegment, kSegment).max().item<double>(), 1e-3);
}

TEST(SegmentAttentionMemoryTest, RowsOfASegmentHaveNoOrder) {
  at::manual_seed(6);
  SegmentAttention layer(SegmentAttentionOptions{.width = 12, .heads = 3});
  const auto layout = SegmentLayout::Create({2 * kSegment}, kSegment, at::kCPU);
  const at::Tensor x = at::randn({2 * kSegment, 12});
  const at::Tensor order = at::cat({at::randperm(kSegment), at::arange(kSegment, 2 * kSegment)});
  ExpectClose(layer(x.index_select(0, order), layout), layer(x, layout).index_select(0, order),
              1e-6, "permuted");
}

}  // namespace
}  // namespace gopt

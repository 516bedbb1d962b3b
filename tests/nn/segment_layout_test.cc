#include "gopt/nn/segment_layout.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int64_t> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kLong).contiguous();
  const int64_t* data = flat.const_data_ptr<int64_t>();
  return {data, data + flat.numel()};
}

TEST(SegmentLayoutTest, StartsEverySequenceOnASegmentOfItsOwn) {
  const auto layout = SegmentLayout::Create({3, 5}, 4, at::kCPU);
  EXPECT_EQ(layout.rows(), 8);
  EXPECT_EQ(layout.num_segments(), 3);
  EXPECT_FALSE(layout.contiguous());
  EXPECT_THAT(Values(layout.gather()), ElementsAre(0, 1, 2, 0, 3, 4, 5, 6, 7, 0, 0, 0));
  EXPECT_THAT(Values(layout.inverse()), ElementsAre(0, 1, 2, 4, 5, 6, 7, 8));
  EXPECT_THAT(Values(layout.previous()), ElementsAre(-1, -1, 1));
  EXPECT_THAT(Values(layout.padding()), ElementsAre(0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1));
  EXPECT_THAT(Values(layout.sequence()), ElementsAre(0, 0, 0, 1, 1, 1, 1, 1));
  EXPECT_THAT(Values(layout.spans()), ElementsAre(0, 3, 0, 3, 4, 0, 7, 1, 4));
}

TEST(SegmentLayoutTest, SeesWhenRowsStayWhereTheyAre) {
  EXPECT_TRUE(SegmentLayout::Create({7}, 4, at::kCPU).contiguous());
  EXPECT_TRUE(SegmentLayout::Create({8, 4, 3}, 4, at::kCPU).contiguous());
  EXPECT_TRUE(SegmentLayout::Create({8, 3, 0}, 4, at::kCPU).contiguous());
  EXPECT_FALSE(SegmentLayout::Create({8, 3, 1}, 4, at::kCPU).contiguous());
}

TEST(SegmentLayoutTest, SkipsEmptySequences) {
  const auto layout = SegmentLayout::Create({0, 2, 0, 3, 0}, 2, at::kCPU);
  EXPECT_EQ(layout.num_segments(), 3);
  EXPECT_THAT(Values(layout.previous()), ElementsAre(-1, -1, 1));
  EXPECT_THAT(Values(layout.sequence()), ElementsAre(1, 1, 3, 3, 3));
}

TEST(SegmentLayoutTest, MayBeEmpty) {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, {0}, {0, 0}}) {
    const auto layout = SegmentLayout::Create(lengths, 4, at::kCPU);
    EXPECT_EQ(layout.rows(), 0);
    EXPECT_EQ(layout.num_segments(), 0);
    EXPECT_THAT(Values(layout.gather()), IsEmpty());
    EXPECT_EQ(layout.KeyBias(true, at::kFloat).size(3), 8);
    const at::Tensor x = at::arange(0).view({0, 1});
    EXPECT_EQ(layout.Unpad(layout.Pad(x)).size(0), 0);
  }
}

TEST(SegmentLayoutTest, UnpadTakesBackWhatPadDid) {
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{11}, {8}, {8, 3}, {3, 8}, {1, 0, 5, 4, 2}}) {
    const auto layout = SegmentLayout::Create(lengths, 4, at::kCPU);
    const at::Tensor x = at::arange(2 * layout.rows()).view({layout.rows(), 2});
    const at::Tensor padded = layout.Pad(x);
    EXPECT_EQ(padded.size(0), layout.padded_rows());
    EXPECT_TRUE(at::equal(layout.Unpad(padded), x));
  }
}

TEST(SegmentLayoutTest, HidesPaddingAndOtherSequences) {
  const auto layout = SegmentLayout::Create({3, 1}, 2, at::kCPU);
  const at::Tensor bias = layout.KeyBias(true, at::kDouble);
  ASSERT_EQ(bias.sizes(), at::IntArrayRef({3, 1, 1, 4}));
  EXPECT_THAT(Values(bias.eq(0)), ElementsAre(0, 0, 1, 1,    // The first of its sequence.
                                              1, 1, 1, 0,    // Padding at the end.
                                              0, 0, 1, 0));  // The first of the next.
  EXPECT_EQ(bias.min().item<double>(), -std::numeric_limits<double>::infinity());
  EXPECT_THAT(Values(layout.KeyBias(false, at::kFloat).eq(0)), ElementsAre(1, 1, 1, 0, 1, 0));
}

}  // namespace
}  // namespace gopt

#include "gopt/nn/kernel_set.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

namespace gopt {
namespace {

// Kernels {0, 2} and {1} of three ops, an edge between them; kernel 1 may be on device 0 only.
KernelSet Fused() {
  KernelSet set;
  set.kernels = 2;
  set.inputs = 2;
  set.member_op = at::tensor({0, 2, 1}, at::kLong);
  set.member_kernel = at::tensor({0, 0, 1}, at::kLong);
  set.share = at::tensor({0.5f, 0.5f, 1.0f});
  set.first_op = at::tensor({0, 1}, at::kLong);
  set.edge_source = at::tensor({0}, at::kLong);
  set.edge_target = at::tensor({1}, at::kLong);
  set.edge_input = at::tensor({1}, at::kLong);
  set.edge = at::tensor({0.25f, 1.0f, 0.5f}).view({1, 3});
  set.allowed = at::tensor({1, 1, 1, 0}).view({2, 2}).to(at::kBool);
  return set;
}
KernelSet Single() {
  KernelSet set = Fused();
  set.kernels = 3;
  set.member_op = set.member_kernel = set.first_op = at::arange(3);
  set.share = at::ones({3});
  set.edge_source = at::tensor({0, 1}, at::kLong);
  set.edge_target = at::tensor({2, 2}, at::kLong);
  set.edge = at::rand({2, 3});
  set.allowed = at::ones({3, 2}, at::kBool);
  return set;
}

std::vector<int64_t> Longs(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()};
}
using Ids = std::vector<int64_t>;

TEST(PackKernelsTest, RowsOfLaterSetsComeAfterThoseOfEarlierOnes) {
  const KernelSet a = Fused(), b = Single();
  const KernelSet* sets[] = {&a, &b, &a};
  const PackedKernels packed = PackKernels(sets, /*op_stride=*/3, 4, at::kCPU);
  EXPECT_EQ(packed.kernels, (Ids{2, 3, 2}));
  EXPECT_EQ(packed.edges, (Ids{1, 2, 1}));
  EXPECT_EQ(packed.num_kernels(), 7);
  EXPECT_EQ(Longs(packed.member_row), (Ids{0, 2, 1, 3, 4, 5, 6, 8, 7}));
  EXPECT_EQ(Longs(packed.member_kernel), (Ids{0, 0, 1, 2, 3, 4, 5, 5, 6}));
  EXPECT_EQ(Longs(packed.first_row), (Ids{0, 1, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Longs(packed.edge_source), (Ids{0, 2, 3, 5}));
  EXPECT_EQ(Longs(packed.edge_target), (Ids{1, 4, 4, 6}));
  EXPECT_TRUE(at::equal(packed.edge, at::cat({a.edge, b.edge, a.edge})));
  EXPECT_TRUE(at::equal(packed.allowed, at::cat({a.allowed, b.allowed, a.allowed})));
  EXPECT_EQ(packed.layout.lengths(), (Ids{2, 3, 2}));
  EXPECT_EQ(packed.layout.segment(), 4);
  EXPECT_FALSE(packed.single_ops);
}

TEST(PackKernelsTest, SetsMayShareTheirOps) {
  const KernelSet a = Fused(), b = Single();
  const KernelSet* sets[] = {&a, &b};
  const PackedKernels packed = PackKernels(sets, /*op_stride=*/0, 4, at::kCPU);
  EXPECT_EQ(Longs(packed.member_row), (Ids{0, 2, 1, 0, 1, 2}));
  EXPECT_EQ(Longs(packed.first_row), (Ids{0, 1, 0, 1, 2}));
  EXPECT_EQ(Longs(packed.member_kernel), (Ids{0, 0, 1, 2, 3, 4}));
}

TEST(PackKernelsTest, OneSetIsAsItIs) {
  KernelSet set = Fused();
  set.allowed = at::Tensor();
  const KernelSet* sets[] = {&set};
  const PackedKernels packed = PackKernels(sets, 0, 4, at::kCPU);
  EXPECT_TRUE(at::equal(packed.member_row, set.member_op));
  EXPECT_TRUE(at::equal(packed.edge_source, set.edge_source));
  EXPECT_FALSE(packed.allowed.defined());
}

TEST(PoolKernelsTest, IsTheMeanOverOps) {
  const KernelSet a = Fused(), b = Single();
  const at::Tensor ops =
      at::tensor({1., 10., 3., 20., 5., 30., 7., 40., 9., 50., 11., 60.}, at::kDouble)
          .view({6, 2})
          .requires_grad_();
  const KernelSet* sets[] = {&a, &b};
  const at::Tensor pooled = PoolKernels(ops, PackKernels(sets, 3, 4, at::kCPU));
  EXPECT_TRUE(at::allclose(
      pooled,
      at::tensor({3., 20., 3., 20., 7., 40., 9., 50., 11., 60.}, at::kDouble).view({5, 2})));
  pooled.sum().backward();
  EXPECT_TRUE(at::allclose(ops.grad().select(1, 0),
                           at::tensor({0.5, 1.0, 0.5, 1.0, 1.0, 1.0}, at::kDouble)));
  const KernelSet* single[] = {&b};
  const PackedKernels packed = PackKernels(single, 0, 4, at::kCPU);
  EXPECT_TRUE(packed.single_ops);
  EXPECT_TRUE(at::equal(PoolKernels(ops.slice(0, 3), packed), ops.slice(0, 3)));
}

}  // namespace
}  // namespace gopt

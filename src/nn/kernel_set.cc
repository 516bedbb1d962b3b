#include "gopt/nn/kernel_set.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <numeric>

#include "gopt/base/check.h"

namespace gopt {
namespace {

// The column of each set one after the other; index columns are raised by the rows before.
template <typename Column>
at::Tensor Concatenate(std::span<const KernelSet* const> sets, Column column,
                       const std::vector<int64_t>& raise = {}) {
  if (sets.size() == 1) return column(*sets[0]);
  std::vector<at::Tensor> parts;
  parts.reserve(sets.size());
  for (size_t i = 0; i < sets.size(); ++i) {
    const at::Tensor& part = column(*sets[i]);
    parts.push_back(raise.empty() ? part : part + raise[i]);
  }
  return at::cat(parts);
}

}  // namespace

int64_t PackedKernels::num_kernels() const {
  return std::accumulate(kernels.begin(), kernels.end(), int64_t{0});
}

PackedKernels PackKernels(std::span<const KernelSet* const> sets, int64_t op_stride, int segment,
                          at::Device device) {
  GOPT_CHECK(!sets.empty());
  PackedKernels packed;
  std::vector<int64_t> kernels_before, ops_before;
  int64_t rows = 0;
  packed.single_ops = true;
  for (const KernelSet* set : sets) {
    kernels_before.push_back(rows);
    ops_before.push_back(op_stride * static_cast<int64_t>(ops_before.size()));
    packed.kernels.push_back(set->kernels);
    packed.edges.push_back(set->edge_source.size(0));
    packed.single_ops = packed.single_ops && set->member_op.size(0) == set->kernels;
    rows += set->kernels;
  }
  if (op_stride == 0) ops_before.clear();
  packed.member_row = Concatenate(
      sets, [](auto& set) -> auto& { return set.member_op; }, ops_before);
  packed.first_row = Concatenate(
      sets, [](auto& set) -> auto& { return set.first_op; }, ops_before);
  packed.member_kernel = Concatenate(
      sets, [](auto& set) -> auto& { return set.member_kernel; }, kernels_before);
  packed.share = Concatenate(
      sets, [](auto& set) -> auto& { return set.share; });
  packed.edge_source = Concatenate(
      sets, [](auto& set) -> auto& { return set.edge_source; }, kernels_before);
  packed.edge_target = Concatenate(
      sets, [](auto& set) -> auto& { return set.edge_target; }, kernels_before);
  packed.edge = Concatenate(
      sets, [](auto& set) -> auto& { return set.edge; });
  if (sets[0]->allowed.defined()) {
    packed.allowed = Concatenate(
        sets, [](auto& set) -> auto& { return set.allowed; });
  }
  for (at::Tensor* tensor :
       {&packed.member_row, &packed.member_kernel, &packed.share, &packed.first_row,
        &packed.edge_source, &packed.edge_target, &packed.edge, &packed.allowed}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  packed.layout = SegmentLayout::Create(packed.kernels, segment, device);
  return packed;
}

at::Tensor PoolKernels(const at::Tensor& ops, const PackedKernels& kernels) {
  at::Tensor members = ops.index_select(0, kernels.member_row);  // [members, width]
  if (kernels.single_ops) return members;
  members = members * kernels.share.to(ops.dtype()).unsqueeze(1);
  return at::zeros({kernels.num_kernels(), ops.size(1)}, ops.options())
      .index_add(0, kernels.member_kernel, members);
}

}  // namespace gopt

#ifndef GOPT_NN_LINEAR_ROWS_H_
#define GOPT_NN_LINEAR_ROWS_H_

#include <ATen/core/Tensor.h>

#include "gopt/base/export.h"

namespace gopt {

// y = norm(residual + relu([in, beside] weight' + bias)); what is undefined or off is left out.
// With relu, a residual goes with a norm.
struct RowLayer {
  at::Tensor in;            // [rows, *]
  at::Tensor beside;        // [rows, *]: more columns, which need not be copied next to the others.
  at::Tensor weight, bias;  // [to, columns of in and beside], [to]
  bool relu = false;
  at::Tensor residual;                // [rows, to]
  at::Tensor norm_weight, norm_bias;  // [to], both or neither.
  double epsilon = 1e-5;              // Of the norm.
};

// -> [rows, to]. On the CPU a block of rows at a time; what stands before the norm is made again
// for the gradient. Gradients of the weights are sums over fixed shards of rows.
GOPT_API at::Tensor LinearRows(const RowLayer& layer);

// The same of differentiable ops, for any device.
GOPT_API at::Tensor LinearRowsOfOps(const RowLayer& layer);

}  // namespace gopt

#endif  // GOPT_NN_LINEAR_ROWS_H_

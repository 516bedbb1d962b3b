#include "src/nn/attend_segments.h"

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

#include "gopt/base/check.h"
#include "src/nn/attend_segments_kernel.h"
#include "src/nn/attention_kernel.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sizes of one call.
struct Shape {
  int64_t segments, segment, heads, width;
  bool recurrence;
  int64_t head_width() const { return width / heads; }
  int64_t keys() const { return recurrence ? 2 * segment : segment; }
  int64_t rows() const { return segments * segment; }
};

// Queries, keys and values [segments, heads, rows, head width] as views of the projection
// [segment + padded rows, 3 width], whose first segment stands before the first: the rows of the
// previous and the own segment are neighbours, so keys of neighbouring segments overlap in memory.
struct Views {
  Views(const at::Tensor& projection, const Shape& shape) {
    const int64_t row = 3 * shape.width;
    const auto view = [&](int64_t count, int64_t first_row, int64_t column) {
      return projection.as_strided({shape.segments, shape.heads, count, shape.head_width()},
                                   {shape.segment * row, shape.head_width(), row, 1},
                                   first_row * row + column);
    };
    const int64_t first_key = shape.recurrence ? 0 : shape.segment;
    query = view(shape.segment, shape.segment, 0);
    key = view(shape.keys(), first_key, shape.width);
    value = view(shape.keys(), first_key, 2 * shape.width);
  }
  at::Tensor query, key, value;
};

// x [rows, width] -> [segment + padded rows, 3 width]; padding is finite.
at::Tensor Project(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                   const Shape& shape) {
  at::Tensor result = at::empty({shape.segment + shape.rows(), 3 * shape.width}, x.options());
  result.narrow(0, 0, shape.segment).zero_();
  result.narrow(0, shape.segment + x.size(0), shape.rows() - x.size(0)).zero_();
  at::Tensor rows = result.narrow(0, shape.segment, x.size(0));
  at::addmm_out(rows, bias, x, weight.t());
  return result;
}

// [segments, heads, segment, head width] -> [padded rows, width] and back.
at::Tensor JoinHeads(const at::Tensor& x, const Shape& shape) {
  return x.transpose(1, 2).reshape({shape.rows(), shape.width});
}
at::Tensor SplitHeads(const at::Tensor& x, const Shape& shape) {
  return x.view({shape.segments, shape.segment, shape.heads, shape.head_width()}).transpose(1, 2);
}

class AttendFunction : public torch::autograd::Function<AttendFunction> {
 public:
  // x [rows, width], the first of the padded rows.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& key_bias, int64_t heads,
                            bool recurrence, int64_t segment) {
    const Shape shape = {key_bias.size(0), segment, heads, x.size(1), recurrence};
    const at::Tensor projection = Project(x, weight, bias, shape);
    const Views views(projection, shape);
    auto [out, log_sum] = at::_scaled_dot_product_flash_attention_for_cpu(
        views.query, views.key, views.value, 0.0, false,
        key_bias.expand({shape.segments, 1, shape.segment, shape.keys()}));
    context->save_for_backward({x, weight, key_bias, projection, out, log_sum});
    context->saved_data["heads"] = heads;
    context->saved_data["recurrence"] = recurrence;
    context->saved_data["segment"] = segment;
    return JoinHeads(out, shape);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &key_bias = saved[2];
    const Shape shape = {key_bias.size(0), context->saved_data["segment"].toInt(),
                         context->saved_data["heads"].toInt(), x.size(1),
                         context->saved_data["recurrence"].toBool()};
    const Views views(saved[3], shape);
    const auto [query, key, value] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        SplitHeads(gradients[0].contiguous(), shape), views.query, views.key, views.value, saved[4],
        saved[5], 0.0, false, key_bias.expand({shape.segments, 1, shape.segment, shape.keys()}));

    // Of the projection: first what may pass on to x, then all.
    at::Tensor gradient = at::empty({shape.rows(), 3 * shape.width}, x.options());
    const int64_t own = shape.keys() - shape.segment;
    Part(gradient, 0, shape).copy_(query);
    Part(gradient, 1, shape).copy_(key.narrow(2, own, shape.segment));
    Part(gradient, 2, shape).copy_(value.narrow(2, own, shape.segment));
    const at::Tensor rows = gradient.narrow(0, 0, x.size(0));
    const at::Tensor to_x = context->needs_input_grad(0) ? at::mm(rows, weight) : at::Tensor();
    if (shape.recurrence) {
      AddMemory(Part(gradient, 1, shape), key, shape);
      AddMemory(Part(gradient, 2, shape), value, shape);
    }
    return {to_x,         at::mm(rows.t(), x), rows.sum(0), at::Tensor(),
            at::Tensor(), at::Tensor(),        at::Tensor()};
  }

 private:
  // The nth of query, key and value in [padded rows, 3 width], as [segments, heads, segment, head
  // width].
  static at::Tensor Part(const at::Tensor& gradient, int n, const Shape& shape) {
    return SplitHeads(gradient, {shape.segments, shape.segment, 3 * shape.heads, 3 * shape.width})
        .narrow(1, n * shape.heads, shape.heads);
  }

  // What segment s + 1 says of its memory belongs to segment s.
  static void AddMemory(at::Tensor part, const at::Tensor& keys, const Shape& shape) {
    if (shape.segments < 2) return;
    part.narrow(0, 0, shape.segments - 1)
        .add_(keys.narrow(0, 1, shape.segments - 1).narrow(2, 0, shape.segment));
  }
};

at::Tensor Normalize(const at::Tensor& x, double epsilon) {
  return at::layer_norm(x, {x.size(1)}, {}, {}, epsilon);
}

bool HasFlash(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

// [padded rows, parts * width] -> parts of [segments, heads, segment, head width].
std::vector<at::Tensor> Parts(const at::Tensor& x, int64_t parts, const Shape& shape) {
  return SplitHeads(x, {shape.segments, shape.segment, parts * shape.heads, parts * shape.width})
      .chunk(parts, 1);
}

// The previous segment's rows before the own ones; zeros before the first segment.
at::Tensor WithMemory(const at::Tensor& memory, const at::Tensor& own) {
  const at::Tensor shifted = at::constant_pad_nd(memory, {0, 0, 0, 0, 0, 0, 1, -1});
  return at::cat({shifted, own}, 2);
}

}  // namespace

at::Tensor AttendSegments(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          double epsilon, int heads, bool recurrence, const SegmentLayout& layout) {
  GOPT_CHECK(x.size(0) == layout.rows());
  GOPT_CHECK(weight.sizes() == at::IntArrayRef({3 * x.size(1), x.size(1)}));
  GOPT_CHECK(bias.numel() == 3 * x.size(1));
  if (!HasFlash(x) || x.size(0) == 0) {
    return AttendSegmentsOfOps(x, weight, bias, epsilon, heads, recurrence, layout);
  }
  if (RowKernelFor({x, weight, bias}) != nullptr &&
      FindAttentionKernel(x.size(1) / heads) != nullptr) {
    return AttendSegmentsByKernel(x, weight, bias, epsilon, heads, recurrence, layout.spans());
  }
  const at::Tensor normal = Normalize(x, epsilon);
  const at::Tensor rows = layout.contiguous() ? normal : layout.Pad(normal);
  const at::Tensor out =
      AttendFunction::apply(rows, weight, bias, layout.KeyBias(recurrence, x.scalar_type()),
                            int64_t{heads}, recurrence, int64_t{layout.segment()});
  return layout.Unpad(out);
}

at::Tensor AttendSegmentsOfOps(const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& bias, double epsilon, int heads, bool recurrence,
                               const SegmentLayout& layout) {
  if (x.size(0) == 0) return at::linear(x, weight, bias).narrow(1, 0, x.size(1));
  const Shape shape = {layout.num_segments(), layout.segment(), heads, x.size(1), recurrence};
  const at::Tensor padded = layout.Pad(Normalize(x, epsilon));
  std::vector<at::Tensor> parts = Parts(at::linear(padded, weight, bias), 3, shape);
  if (recurrence) {
    const int64_t width = x.size(1);
    const std::vector<at::Tensor> memory =
        Parts(at::linear(padded.detach(), weight.narrow(0, width, 2 * width),
                         bias.narrow(0, width, 2 * width)),
              2, shape);
    parts[1] = WithMemory(memory[0], parts[1]);
    parts[2] = WithMemory(memory[1], parts[2]);
  }
  const at::Tensor mask = layout.KeyBias(recurrence, x.scalar_type())
                              .expand({shape.segments, 1, shape.segment, shape.keys()});
  return layout.Unpad(
      JoinHeads(at::scaled_dot_product_attention(parts[0], parts[1], parts[2], mask), shape));
}

}  // namespace gopt

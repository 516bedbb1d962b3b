#include "src/nn/attend_segments_kernel.h"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "gopt/base/check.h"
#include "src/nn/attention_kernel.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Span {
  int64_t first, rows, before;
};

// The tensors of one call, none of which is padded.
struct Call {
  at::Tensor projection;  // [rows, 3 width]
  at::Tensor out;         // [rows, width]
  at::Tensor statistics;  // [2, heads, rows]: largest score, 1 / sum.
  const at::Tensor& spans;
  int64_t heads;
  bool recurrence;

  int64_t rows() const { return out.size(0); }
  int64_t width() const { return out.size(1); }
  int64_t head_width() const { return width() / heads; }
  int64_t segments() const { return spans.size(0); }
  Span span(int64_t s) const {
    const int64_t* data = spans.const_data_ptr<int64_t>() + 3 * s;
    return {data[0], data[1], recurrence ? data[2] : 0};
  }

  AttentionHead Head(const Span& span, int64_t head) const {
    const int64_t row = 3 * width(), column = head * head_width();
    const float* own = projection.const_data_ptr<float>() + span.first * row + column;
    const float* keys = own - span.before * row;
    float* const largest = statistics.mutable_data_ptr<float>() + head * rows() + span.first;
    return {.queries = span.rows,
            .keys = span.before + span.rows,
            .query = own,
            .key = keys + width(),
            .value = keys + 2 * width(),
            .stride = row,
            .scale = 1.0f / std::sqrt(static_cast<float>(head_width())),
            .out = out.mutable_data_ptr<float>() + span.first * width() + column,
            .out_stride = width(),
            .largest = largest,
            .inverse = largest + heads * rows()};
  }

  // Calls work(span, head, scratch) for all segments and heads.
  template <typename Work>
  void ForHeads(Work work) const {
    int64_t keys = 0;
    for (int64_t s = 0; s < segments(); ++s) keys = std::max(keys, span(s).before + span(s).rows);
    at::parallel_for(0, segments(), 1, [&](int64_t first, int64_t last) {
      const auto bytes = static_cast<size_t>(AttentionScratch(keys, head_width())) * sizeof(float);
      const std::unique_ptr<float, decltype(&std::free)> scratch(
          static_cast<float*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), &std::free);
      GOPT_CHECK(scratch != nullptr);
      for (int64_t s = first; s < last; ++s) {
        for (int64_t head = 0; head < heads; ++head) work(span(s), head, scratch.get());
      }
    });
  }
};

// Gradients of the projection: of the own segments, and of what segments say of the one before.
struct ProjectionGradient {
  explicit ProjectionGradient(const Call& call)
      : own(at::empty(call.projection.sizes(), call.projection.options())) {
    if (!call.recurrence) return;
    memory = at::empty({call.rows(), 2 * call.width()}, own.options());
    for (int64_t s = 0; s < call.segments(); ++s) {  // Nobody writes what no segment follows.
      if (s + 1 < call.segments() && call.span(s + 1).before > 0) continue;
      memory.narrow(0, call.span(s).first, call.span(s).rows).zero_();
    }
  }

  void Run(const Call& call, const at::Tensor& out) const {
    const AttentionKernel& kernel = *FindAttentionKernel(call.head_width());
    const float* out_data = out.const_data_ptr<float>();
    float* const own_data = own.mutable_data_ptr<float>();
    float* const memory_data = memory.defined() ? memory.mutable_data_ptr<float>() : nullptr;
    const int64_t width = call.width();
    call.ForHeads([&](const Span& span, int64_t head, float* scratch) {
      const int64_t column = head * call.head_width();
      float* const to = own_data + span.first * 3 * width + column;
      AttentionHeadGradient gradient = {.out = out_data + span.first * width + column,
                                        .query = to,
                                        .memory = span.before,
                                        .key = to + width,
                                        .value = to + 2 * width,
                                        .stride = 3 * width};
      if (span.before > 0) {
        gradient.memory_key = memory_data + (span.first - span.before) * 2 * width + column;
        gradient.memory_value = gradient.memory_key + width;
        gradient.memory_stride = 2 * width;
      }
      kernel.backward(call.Head(span, head), gradient, scratch);
    });
  }

  at::Tensor own;     // [rows, 3 width]
  at::Tensor memory;  // [rows, 2 width]: keys and values.
};

class KernelFunction : public torch::autograd::Function<KernelFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& spans, int64_t heads,
                            bool recurrence) {
    const Call call = {at::addmm(bias, x, weight.t()),
                       at::empty(x.sizes(), x.options()),
                       at::empty({2, heads, x.size(0)}, x.options()),
                       spans,
                       heads,
                       recurrence};
    const AttentionKernel& kernel = *FindAttentionKernel(call.head_width());
    call.ForHeads([&](const Span& span, int64_t head, float* scratch) {
      kernel.forward(call.Head(span, head), scratch);
    });
    context->save_for_backward({x, weight, spans, call.projection, call.out, call.statistics});
    context->saved_data["heads"] = heads;
    context->saved_data["recurrence"] = recurrence;
    return call.out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Call call = {saved[3],
                       saved[4],
                       saved[5],
                       saved[2],
                       context->saved_data["heads"].toInt(),
                       context->saved_data["recurrence"].toBool()};
    const ProjectionGradient gradient(call);
    gradient.Run(call, gradients[0].contiguous());
    const at::Tensor to_x =
        context->needs_input_grad(0) ? at::mm(gradient.own, weight) : at::Tensor();
    if (call.recurrence) {  // From here on: of the weights.
      gradient.own.narrow(1, call.width(), 2 * call.width()).add_(gradient.memory);
    }
    return {
        to_x,        at::mm(gradient.own.t(), x), gradient.own.sum(0), at::Tensor(), at::Tensor(),
        at::Tensor()};
  }
};

}  // namespace

at::Tensor AttendSegmentsByKernel(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, int heads, bool recurrence,
                                  const at::Tensor& spans) {
  return KernelFunction::apply(x.contiguous(), weight, bias, spans, int64_t{heads}, recurrence);
}

}  // namespace gopt

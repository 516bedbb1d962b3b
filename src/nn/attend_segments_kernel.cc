#include "src/nn/attend_segments_kernel.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/nn/attention_kernel.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Span {
  int64_t first, rows, before;
};

enum Weight { kWeight, kBias };

// The tensors of one call, none of which is padded.
struct Call {
  const at::Tensor &x, &weight, &bias, &spans;
  const at::Tensor& out;         // [rows, width]
  const at::Tensor& statistics;  // [2, heads, rows]: largest score, 1 / sum.
  double epsilon;
  int64_t heads;
  bool recurrence;

  int64_t rows() const { return x.size(0); }
  int64_t width() const { return x.size(1); }
  int64_t head_width() const { return width() / heads; }
  int64_t segments() const { return spans.size(0); }
  Span span(int64_t s) const {
    const int64_t* data = spans.const_data_ptr<int64_t>() + 3 * s;
    return {data[0], data[1], recurrence ? data[2] : 0};
  }
  int64_t largest_segment() const {
    int64_t rows = 0;
    for (int64_t s = 0; s < segments(); ++s) rows = std::max(rows, span(s).rows);
    return rows;
  }
};

// Segments in a row, each of which projects the one before it once more.
int64_t Shards(int64_t segments) {
  constexpr int64_t kFewestSegments = 3;
  return std::clamp<int64_t>(segments / kFewestSegments, 1, kMaxRowShards);
}

// Rows of a segment, normal and projected, and those of the one before it, which lie before them.
class Window {
 public:
  Window(const Call& call, const PackedWeight& weight, int64_t segment, RowScratch& scratch)
      : call_(call),
        kernel_(*FindRowKernel()),
        weight_(weight),
        width_(call.width()),
        segment_(segment),
        projection_(scratch.Take(2 * segment * 3 * width_)),
        normal_(scratch.Take(2 * segment * width_)),
        inverse_(scratch.Take(2 * segment)) {}
  static int64_t ScratchFloats(int64_t segment, int64_t width) {
    return 2 * segment * (4 * width + 1) + 64;
  }

  void ProjectOwn(const Span& span) { Project(span.first, span.rows, segment_); }
  void ProjectBefore(const Span& span) { Project(span.first - span.before, span.before, 0); }
  void OwnBecomesBefore() { Move(segment_, 0); }
  void BeforeBecomesOwn() { Move(0, segment_); }

  ConstRowMatrix own_normal() const { return {normal_ + segment_ * width_, width_}; }
  ConstRowMatrix normal_before() const { return {normal_, width_}; }
  const float* own_inverse() const { return inverse_ + segment_; }

  AttentionHead Head(const Span& span, int64_t head) const {
    const int64_t row = 3 * width_, column = head * call_.head_width();
    const float* const own = projection_ + segment_ * row + column;
    const float* const keys = own - span.before * row;
    float* const largest =
        call_.statistics.mutable_data_ptr<float>() + head * call_.rows() + span.first;
    return {.queries = span.rows,
            .keys = span.before + span.rows,
            .query = own,
            .key = keys + width_,
            .value = keys + 2 * width_,
            .stride = row,
            .scale = 1.0f / std::sqrt(static_cast<float>(call_.head_width())),
            .out = call_.out.mutable_data_ptr<float>() + span.first * width_ + column,
            .out_stride = width_,
            .largest = largest,
            .inverse = largest + call_.heads * call_.rows()};
  }

 private:
  void Project(int64_t first, int64_t rows, int64_t to) {
    const RowMatrix normal = {normal_ + to * width_, width_};
    kernel_.normalize(rows, width_, static_cast<float>(call_.epsilon), ConstRowsAt(call_.x, first),
                      normal, inverse_ + to);
    weight_.Multiply(rows, normal, {projection_ + to * 3 * width_, 3 * width_},
                     {.bias = DataOf(call_.bias)});
  }
  void Move(int64_t from, int64_t to) {
    std::copy_n(projection_ + from * 3 * width_, segment_ * 3 * width_,
                projection_ + to * 3 * width_);
    std::copy_n(normal_ + from * width_, segment_ * width_, normal_ + to * width_);
    std::copy_n(inverse_ + from, segment_, inverse_ + to);
  }

  const Call& call_;
  const RowKernel& kernel_;
  const PackedWeight& weight_;
  int64_t width_, segment_;
  float *projection_, *normal_, *inverse_;
};

void Attend(const Call& call) {
  const AttentionKernel& kernel = *FindAttentionKernel(call.head_width());
  const PackedWeight weight = PackedWeight::Forward(*FindRowKernel(), call.weight);
  const int64_t segment = call.largest_segment();
  at::parallel_for(0, call.segments(), 1, [&](int64_t first, int64_t last) {
    RowScratch scratch(Window::ScratchFloats(segment, call.width()) +
                       AttentionScratch(2 * segment, call.head_width()));
    Window window(call, weight, segment, scratch);
    float* const attention_scratch = scratch.Take(AttentionScratch(2 * segment, call.head_width()));
    for (int64_t s = first; s < last; ++s) {
      const Span span = call.span(s);
      if (span.before > 0) {
        s == first ? window.ProjectBefore(span) : window.OwnBecomesBefore();
      }
      window.ProjectOwn(span);
      for (int64_t head = 0; head < call.heads; ++head) {
        kernel.forward(window.Head(span, head), attention_scratch);
      }
    }
  });
}

// Gradients of x and of the weights, over the segments of a shard from the last to the first: what
// a segment says of the one before it is added to that one's own.
class Gradient {
 public:
  Gradient(const Call& call, const at::Tensor& out, const at::Tensor& to_x)
      : call_(call),
        out_(out),
        to_x_(to_x),
        segment_(call.largest_segment()),
        forward_(PackedWeight::Forward(*FindRowKernel(), call.weight)),
        backward_(PackedWeight::Backward(*FindRowKernel(), call.weight)),
        sums_(*FindRowKernel(), Shards(call.segments()), {call.weight, call.bias}) {}

  void Run() {
    at::parallel_for(0, sums_.shards(), 1, [&](int64_t first, int64_t last) {
      for (int64_t shard = first; shard < last; ++shard) {
        sums_.Clear(shard);
        RunShard(shard);
      }
    });
  }
  at::Tensor Sum(Weight weight) const { return sums_.Sum(weight); }

 private:
  void RunShard(int64_t shard) {
    const RowKernel& kernel = *FindRowKernel();
    const int64_t width = call_.width(), head_width = call_.head_width();
    const int64_t attention_floats = AttentionScratch(2 * segment_, head_width);
    const int64_t product_floats = ShardSums::ScratchFloats(kernel, segment_, width);
    RowScratch scratch(Window::ScratchFloats(segment_, width) + attention_floats + product_floats +
                       segment_ * 7 * width + 64);
    Window window(call_, forward_, segment_, scratch);
    float* const attention_scratch = scratch.Take(attention_floats);
    const RowMatrix own = {scratch.Take(segment_ * 3 * width), 3 * width};
    RowMatrix memory = {scratch.Take(segment_ * 2 * width), 2 * width};
    RowMatrix later = {scratch.Take(segment_ * 2 * width), 2 * width};  // Of the segment after.
    const RowMatrix own_keys = {own.data + width, own.stride};

    const int64_t segments = call_.segments(), shards = sums_.shards();
    const int64_t begin = shard * segments / shards, end = (shard + 1) * segments / shards;
    bool is_read_later = false;
    for (int64_t s = end - 1; s >= begin; --s) {
      const Span span = call_.span(s);
      is_read_later ? window.BeforeBecomesOwn() : window.ProjectOwn(span);
      if (span.before > 0) window.ProjectBefore(span);
      for (int64_t head = 0; head < call_.heads; ++head) {
        kernel_.backward(window.Head(span, head), Of(span, head, own, memory), attention_scratch);
      }
      if (to_x_.defined()) {
        const RowMatrix x = RowsAt(to_x_, span.first);
        backward_.Multiply(span.rows, own, x);
        kernel.normalize_gradient(span.rows, width, window.own_normal(), window.own_inverse(), x);
      }
      // From here on: of the weights.
      if (is_read_later) kernel.add(span.rows, 2 * width, later, own_keys);
      sums_.AddLinear(shard, kWeight, kBias, span.rows, own, window.own_normal(), scratch);
      is_read_later = span.before > 0;
      std::swap(memory, later);
    }
    if (is_read_later) {  // The segment's own are another shard's.
      sums_.AddProduct(shard, kWeight, segment_, later, window.normal_before(),
                       {.rows = 2 * width, .x_width = width, .row = width}, scratch);
      kernel.add_columns(segment_, 2 * width, later, {}, sums_.Of(shard, kBias) + width);
    }
  }

  AttentionHeadGradient Of(const Span& span, int64_t head, const RowMatrix& own,
                           const RowMatrix& memory) const {
    const int64_t width = call_.width(), column = head * call_.head_width();
    float* const to = own.data + column;
    return {.out = out_.const_data_ptr<float>() + span.first * width + column,
            .query = to,
            .memory = span.before,
            .memory_key = memory.data + column,
            .memory_value = memory.data + width + column,
            .memory_stride = memory.stride,
            .key = to + width,
            .value = to + 2 * width,
            .stride = own.stride};
  }

  const Call& call_;
  const AttentionKernel& kernel_ = *FindAttentionKernel(call_.head_width());
  const at::Tensor &out_, &to_x_;
  int64_t segment_;
  PackedWeight forward_, backward_;
  ShardSums sums_;
};

class KernelFunction : public torch::autograd::Function<KernelFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& spans, double epsilon,
                            int64_t heads, bool recurrence) {
    const at::Tensor out = at::empty_like(x);
    const at::Tensor statistics = at::empty({2, heads, x.size(0)}, x.options());
    Attend({x, weight, bias, spans, out, statistics, epsilon, heads, recurrence});
    context->save_for_backward({x, weight, bias, spans, out, statistics});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["heads"] = heads;
    context->saved_data["recurrence"] = recurrence;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const Call call = {x,
                       saved[1],
                       saved[2],
                       saved[3],
                       saved[4],
                       saved[5],
                       context->saved_data["epsilon"].toDouble(),
                       context->saved_data["heads"].toInt(),
                       context->saved_data["recurrence"].toBool()};
    const at::Tensor out = gradients[0].contiguous();
    const at::Tensor to_x = context->needs_input_grad(0) ? at::empty_like(x) : at::Tensor();
    Gradient gradient(call, out, to_x);
    gradient.Run();
    return {to_x,         gradient.Sum(kWeight), gradient.Sum(kBias), at::Tensor(),
            at::Tensor(), at::Tensor(),          at::Tensor()};
  }
};

}  // namespace

at::Tensor AttendSegmentsByKernel(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, double epsilon, int heads,
                                  bool recurrence, const at::Tensor& spans) {
  return KernelFunction::apply(x.contiguous(), weight.contiguous(), bias.contiguous(), spans,
                               epsilon, int64_t{heads}, recurrence);
}

}  // namespace gopt

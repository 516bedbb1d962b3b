#include "src/features/reach_sketch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace gopt {
namespace {

// Loops over a sketch have this fixed length, so that the compiler makes vectors of them.
constexpr int kDraws = 32;
constexpr int kLanes = 8;
using Sketch = std::array<float, kDraws>;

constexpr Sketch EmptySketch() {
  Sketch sketch{};
  sketch.fill(std::numeric_limits<float>::infinity());
  return sketch;
}

void Merge(const Sketch& other, Sketch* sketch) {
  for (int i = 0; i < kDraws; ++i) {
    (*sketch)[i] = other[i] < (*sketch)[i] ? other[i] : (*sketch)[i];
  }
}

// Minima with the op's own draws: exponential of mean 1, times `scale`. The random bits are
// lowbias32 (Wellons, 2018) of op and lane; -log(1 - v) is its Pade approximant [2/2], which is
// exact to first order at 0, where minima lie, and too small by a tenth at v = 0.9.
void MergeDraws(uint32_t op, float scale, Sketch* sketch) {
  for (uint32_t i = 0; i < kDraws; ++i) {
    uint32_t x = op * kDraws + i + 1;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    x ^= x >> 16;
    const float v = (static_cast<float>(static_cast<int32_t>(x >> 8)) + 0.5f) * 0x1p-24f;
    const float draw = scale * (3.0f * v * (2.0f - v)) / ((v - 6.0f) * v + 6.0f);
    (*sketch)[i] = draw < (*sketch)[i] ? draw : (*sketch)[i];
  }
}

// Unbiased estimate of the rate of the minima: (draws - 1) / their sum.
float Estimate(const Sketch& sketch) {
  std::array<float, kLanes> sums{};
  for (int i = 0; i < kDraws; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += sketch[i + lane];
  }
  float sum = 0.0f;
  for (const float part : sums) sum += part;
  return static_cast<float>(kDraws - 1) / sum;
}

// Times of mean 1 / share; infinite where the work is 0.
float DrawScale(double work, double total) {
  return work > 0.0 ? static_cast<float>(std::min(total / work, 1e30)) : 0.0f;
}

// An op that does no work stands for its neighbours alone.
void MergeOp(int op, float scale, Sketch* sketch) {
  if (scale > 0.0f) MergeDraws(static_cast<uint32_t>(op), scale, sketch);
}

std::vector<float> Ancestors(const EdgeIndex& edges, std::span<const float> scale,
                             std::vector<Sketch>* sketches) {
  std::vector<float> share(edges.num_ops());
  for (int op = 0; op < edges.num_ops(); ++op) {
    Sketch sketch = EmptySketch();
    for (int64_t e = edges.in_begin[op]; e < edges.in_begin[op + 1]; ++e) {
      Merge((*sketches)[edges.source[e]], &sketch);
    }
    share[op] = Estimate(sketch);
    MergeOp(op, scale[op], &sketch);
    (*sketches)[op] = sketch;
  }
  return share;
}

std::vector<float> Descendants(const EdgeIndex& edges, std::span<const float> scale,
                               std::vector<Sketch>* sketches) {
  std::vector<float> share(edges.num_ops());
  std::fill(sketches->begin(), sketches->end(), EmptySketch());
  for (int op = edges.num_ops() - 1; op >= 0; --op) {
    Sketch& sketch = (*sketches)[op];
    share[op] = Estimate(sketch);
    MergeOp(op, scale[op], &sketch);
    for (int64_t e = edges.in_begin[op]; e < edges.in_begin[op + 1]; ++e) {
      Merge(sketch, &(*sketches)[edges.source[e]]);
    }
  }
  return share;
}

// What is reached lies on one side of the op in topological order: no more than the work there.
void CutToOneSide(std::span<const double> work, double total, ReachedWork* reached) {
  double before = 0.0;
  for (size_t op = 0; op < work.size(); ++op) {
    const double after = std::max(0.0, total - before - work[op]);
    reached->ancestors[op] = std::min(reached->ancestors[op], static_cast<float>(before / total));
    reached->descendants[op] =
        std::min(reached->descendants[op], static_cast<float>(after / total));
    before += work[op];
  }
}

}  // namespace

ReachedWork EstimateReachedWork(const EdgeIndex& edges, std::span<const double> work,
                                double total_work) {
  const size_t ops = work.size();
  if (!(total_work > 0.0)) return {std::vector<float>(ops), std::vector<float>(ops)};
  std::vector<float> scale(ops);
  for (size_t op = 0; op < ops; ++op) scale[op] = DrawScale(work[op], total_work);
  std::vector<Sketch> sketches(ops);
  ReachedWork reached;
  reached.ancestors = Ancestors(edges, scale, &sketches);
  reached.descendants = Descendants(edges, scale, &sketches);
  CutToOneSide(work, total_work, &reached);
  return reached;
}

}  // namespace gopt

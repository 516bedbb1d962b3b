#include "src/nn/neighbor_kernels.h"

#include <limits>

#include "src/nn/simd.h"

namespace gopt {
namespace {

GOPT_SIMD_INLINE int64_t EdgeAt(const Neighbors& neighbors, int64_t position) {
  return neighbors.edge == nullptr ? position : neighbors.edge[position];
}

template <typename T>
GOPT_SIMD_INLINE void Max(const NeighborRange& range, Columns<const T> message,
                          Columns<const T> edge_message, Columns<T> best,
                          Columns<int32_t> best_edge) {
  const Neighbors& neighbors = range.neighbors;
  for (int64_t v = range.first; v < range.last; ++v) {
    T* const __restrict max = best.data + v * best.stride;
    int32_t* const __restrict arg = best_edge.data + v * best_edge.stride;
    for (int64_t c = 0; c < range.width; ++c) max[c] = -std::numeric_limits<T>::infinity();
    for (int64_t c = 0; c < range.width; ++c) arg[c] = -1;
    for (int64_t p = neighbors.begin[v]; p < neighbors.begin[v + 1]; ++p) {
      const int64_t e = EdgeAt(neighbors, p);
      const auto id = static_cast<int32_t>(e);
      const T* const __restrict from = message.data + neighbors.node[e] * message.stride;
      if (edge_message.data == nullptr) {
        for (int64_t c = 0; c < range.width; ++c) {
          const bool more = from[c] > max[c];
          arg[c] = more ? id : arg[c];
          max[c] = more ? from[c] : max[c];
        }
      } else {
        const T* const __restrict with =
            edge_message.data +
            (range.position >= 0 ? p - range.position : e) * edge_message.stride;
        for (int64_t c = 0; c < range.width; ++c) {
          const T value = from[c] + with[c];
          const bool more = value > max[c];
          arg[c] = more ? id : arg[c];
          max[c] = more ? value : max[c];
        }
      }
    }
  }
}

template <typename T>
GOPT_SIMD_INLINE void Senders(const NeighborRange& range, Columns<const T> best,
                              Columns<const int32_t> best_edge, Columns<T> message) {
  const Neighbors& neighbors = range.neighbors;
  for (int64_t u = range.first; u < range.last; ++u) {
    T* const __restrict sum = message.data + u * message.stride;
    for (int64_t c = 0; c < range.width; ++c) sum[c] = T{0};
    for (int64_t p = neighbors.begin[u]; p < neighbors.begin[u + 1]; ++p) {
      const int64_t e = EdgeAt(neighbors, p);
      const auto id = static_cast<int32_t>(e);
      const T* const __restrict from = best.data + neighbors.node[e] * best.stride;
      const int32_t* const __restrict arg = best_edge.data + neighbors.node[e] * best_edge.stride;
      for (int64_t c = 0; c < range.width; ++c) {
        const T won = from[c];
        sum[c] += arg[c] == id ? won : T{0};
      }
    }
  }
}

template <typename T>
GOPT_SIMD_INLINE void Edges(const NeighborRange& range, Columns<const T> best,
                            Columns<const int32_t> best_edge, Columns<T> edge_message) {
  for (int64_t e = range.first; e < range.last; ++e) {
    const auto id = static_cast<int32_t>(e);
    const int64_t reader = range.neighbors.node[e];
    const T* const __restrict from = best.data + reader * best.stride;
    const int32_t* const __restrict arg = best_edge.data + reader * best_edge.stride;
    T* const __restrict to = edge_message.data + e * edge_message.stride;
    for (int64_t c = 0; c < range.width; ++c) {
      const T won = from[c];
      to[c] = arg[c] == id ? won : T{0};
    }
  }
}

}  // namespace

// Clones are of functions, not of templates.
#define GOPT_NEIGHBOR_KERNELS(T, Name)                                                           \
  GOPT_SIMD static void Max##Name(const NeighborRange& range, Columns<const T> message,          \
                                  Columns<const T> edge_message, Columns<T> best,                \
                                  Columns<int32_t> best_edge) {                                  \
    Max<T>(range, message, edge_message, best, best_edge);                                       \
  }                                                                                              \
  GOPT_SIMD static void Senders##Name(const NeighborRange& range, Columns<const T> best,         \
                                      Columns<const int32_t> best_edge, Columns<T> message) {    \
    Senders<T>(range, best, best_edge, message);                                                 \
  }                                                                                              \
  GOPT_SIMD static void Edges##Name(const NeighborRange& range, Columns<const T> best,           \
                                    Columns<const int32_t> best_edge, Columns<T> edge_message) { \
    Edges<T>(range, best, best_edge, edge_message);                                              \
  }                                                                                              \
  template <>                                                                                    \
  void MaxOfNeighbors<T>(const NeighborRange& range, Columns<const T> message,                   \
                         Columns<const T> edge_message, Columns<T> best,                         \
                         Columns<int32_t> best_edge) {                                           \
    Max##Name(range, message, edge_message, best, best_edge);                                    \
  }                                                                                              \
  template <>                                                                                    \
  void GradientOfSenders<T>(const NeighborRange& range, Columns<const T> best,                   \
                            Columns<const int32_t> best_edge, Columns<T> message) {              \
    Senders##Name(range, best, best_edge, message);                                              \
  }                                                                                              \
  template <>                                                                                    \
  void GradientOfEdges<T>(const NeighborRange& range, Columns<const T> best,                     \
                          Columns<const int32_t> best_edge, Columns<T> edge_message) {           \
    Edges##Name(range, best, best_edge, edge_message);                                           \
  }

GOPT_NEIGHBOR_KERNELS(float, Float)
GOPT_NEIGHBOR_KERNELS(double, Double)
#undef GOPT_NEIGHBOR_KERNELS

}  // namespace gopt

#ifndef GOPT_NN_VECTORS_H_
#define GOPT_NN_VECTORS_H_

#include <cstdint>

// For sources that are compiled for one instruction set. So nothing here or in what they share may
// be shared with other sources: all is in an unnamed namespace, and no library header with inline
// functions is included.
namespace gopt {
namespace {

// kLanes floats.
template <int kLanes>
struct Vectors;
template <>
struct Vectors<8> {
  typedef float Float __attribute__((vector_size(32)));
  typedef int32_t Int __attribute__((vector_size(32)));
  typedef float Unaligned __attribute__((vector_size(32), aligned(4), may_alias));
};
template <>
struct Vectors<16> {
  typedef float Float __attribute__((vector_size(64)));
  typedef int32_t Int __attribute__((vector_size(64)));
  typedef float Unaligned __attribute__((vector_size(64), aligned(4), may_alias));
};

}  // namespace
}  // namespace gopt

#endif  // GOPT_NN_VECTORS_H_

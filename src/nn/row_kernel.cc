#include "src/nn/row_kernel.h"

namespace gopt {

#ifdef GOPT_X86_64_KERNELS
const RowKernel* Avx2RowKernel();
const RowKernel* Avx512RowKernel();

const RowKernel* FindRowKernel(int nth) {
  if (__builtin_cpu_supports("x86-64-v4") && nth-- == 0) return Avx512RowKernel();
  if (__builtin_cpu_supports("x86-64-v3") && nth-- == 0) return Avx2RowKernel();
  return nullptr;
}
#else
const RowKernel* FindRowKernel(int) { return nullptr; }
#endif

}  // namespace gopt

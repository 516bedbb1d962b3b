#include "src/nn/attention_kernel.h"

namespace gopt {

#ifdef GOPT_X86_64_KERNELS
const AttentionKernel* FindAvx2AttentionKernel(int64_t head_width);
const AttentionKernel* FindAvx512AttentionKernel(int64_t head_width);

const AttentionKernel* FindAttentionKernel(int64_t head_width) {
  if (__builtin_cpu_supports("x86-64-v4")) {
    const AttentionKernel* kernel = FindAvx512AttentionKernel(head_width);
    if (kernel != nullptr) return kernel;
  }
  if (__builtin_cpu_supports("x86-64-v3")) return FindAvx2AttentionKernel(head_width);
  return nullptr;
}
#else
const AttentionKernel* FindAttentionKernel(int64_t) { return nullptr; }
#endif

}  // namespace gopt

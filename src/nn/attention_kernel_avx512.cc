// Compiled for x86-64-v4.
#include "src/nn/attention_kernel_body.h"

namespace gopt {

const AttentionKernel* FindAvx512AttentionKernel(int64_t head_width) {
  switch (head_width) {
    case 16:
      return &HeadKernel<16, 16>::kKernel;
    case 32:
      return &HeadKernel<16, 32>::kKernel;
    default:
      return nullptr;
  }
}

}  // namespace gopt

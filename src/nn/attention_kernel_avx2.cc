// Compiled for x86-64-v3.
#include "src/nn/attention_kernel_body.h"

namespace gopt {

const AttentionKernel* FindAvx2AttentionKernel(int64_t head_width) {
  switch (head_width) {
    case 8:
      return &HeadKernel<8, 8>::kKernel;
    case 16:
      return &HeadKernel<8, 16>::kKernel;
    case 32:
      return &HeadKernel<8, 32>::kKernel;
    default:
      return nullptr;
  }
}

}  // namespace gopt

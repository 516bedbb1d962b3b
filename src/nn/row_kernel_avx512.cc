// Compiled for x86-64-v4.
#include "src/nn/row_kernel_body.h"

namespace gopt {

const RowKernel* Avx512RowKernel() { return &RowLoops<16, 4>::kKernel; }

}  // namespace gopt

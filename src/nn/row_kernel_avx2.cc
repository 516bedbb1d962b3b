// Compiled for x86-64-v3.
#include "src/nn/row_kernel_body.h"

namespace gopt {

const RowKernel* Avx2RowKernel() { return &RowLoops<8, 2>::kKernel; }

}  // namespace gopt

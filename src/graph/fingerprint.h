#ifndef GOPT_SRC_GRAPH_FINGERPRINT_H_
#define GOPT_SRC_GRAPH_FINGERPRINT_H_

#include <cstdint>

#include "gopt/graph/graph_columns.h"

namespace gopt {

// 64-bit hash of structure, sizes, types and costs. Stable: stored in plan files. Not
// cryptographic.
uint64_t Fingerprint(const GraphColumns& columns);

}  // namespace gopt

#endif  // GOPT_SRC_GRAPH_FINGERPRINT_H_

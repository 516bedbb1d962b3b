#ifndef GOPT_SRC_GRAPH_VALIDATE_COLUMNS_H_
#define GOPT_SRC_GRAPH_VALIDATE_COLUMNS_H_

#include "absl/status/status.h"
#include "gopt/graph/graph_columns.h"

namespace gopt {

// Every rule of a graph: sizes of columns, ranges of ids, topological order, names, numbers, and
// what each kind of op may have. InvalidArgument names the op, the field and the rule.
absl::Status ValidateColumns(const GraphColumns& columns, const GraphLimits& limits);

}  // namespace gopt

#endif  // GOPT_SRC_GRAPH_VALIDATE_COLUMNS_H_

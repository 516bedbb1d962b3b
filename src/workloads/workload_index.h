#ifndef GOPT_SRC_WORKLOADS_WORKLOAD_INDEX_H_
#define GOPT_SRC_WORKLOADS_WORKLOAD_INDEX_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/workloads/stored.h"

namespace gopt {

// The rows of an index.json (docs/workloads.md). `source` names the text in messages.
// InvalidArgument: no JSON (with line and column), another version, a field that is missing or of
// the wrong kind, a name that is no file name, a name given twice.
GOPT_API absl::StatusOr<std::vector<StoredWorkload>> ParseWorkloadIndex(std::string_view text,
                                                                        std::string_view source);

}  // namespace gopt

#endif  // GOPT_SRC_WORKLOADS_WORKLOAD_INDEX_H_

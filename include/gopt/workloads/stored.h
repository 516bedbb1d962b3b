#ifndef GOPT_WORKLOADS_STORED_H_
#define GOPT_WORKLOADS_STORED_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/graph/graph.h"

namespace gopt {

// A captured training step that is installed with the library. `gopt workloads make-all` remakes
// all of them from the models of the Python package gopt.workloads.
struct StoredWorkload {
  std::string name;     // "gnmt8"
  std::string family;   // "gnmt"; models of one family differ in size only.
  std::string suite;    // "paper": of the GO paper's table; "modern": what is trained today.
  int devices = 1;      // As in the paper's table.
  std::string summary;  // One line: layers, sizes, steps.
  int64_t ops = 0;
  int64_t edges = 0;
  int64_t parameters = 0;    // Numbers, not tensors.
  uint64_t fingerprint = 0;  // Of the graph.
};

// In the order of the suite's table. NotFound names the folders that were looked at: the variable
// GOPT_WORKLOADS_DIR, else beside the library. InvalidArgument names the file, the row and the
// rule.
GOPT_API absl::StatusOr<std::vector<StoredWorkload>> StoredWorkloads();

// The graph of that name. NotFound lists the names. FailedPrecondition: the file holds another
// graph than the index says.
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> LoadWorkload(std::string_view name);

// Where the files are: index.json and <name>.gopt. NotFound as above.
GOPT_API absl::StatusOr<std::string> StoredWorkloadsFolder();

}  // namespace gopt

#endif  // GOPT_WORKLOADS_STORED_H_

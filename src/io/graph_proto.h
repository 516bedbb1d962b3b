#ifndef GOPT_SRC_IO_GRAPH_PROTO_H_
#define GOPT_SRC_IO_GRAPH_PROTO_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/graph/graph.h"
#include "gopt/graph/graph_columns.h"
#include "gopt/v1/graph.pb.h"

namespace gopt {

v1::GraphProto ToProto(const Graph& graph);

// Columns from a serialized GraphProto, read straight from its bytes: no GraphProto is made, so
// memory stays near that of the columns, and `limits` are checked on the stated counts before
// anything is allocated (docs/adr/0010). `text` says that the bytes were written by people, who may
// leave the version out. Column lengths and contents are Graph::Create's to check.
absl::StatusOr<GraphColumns> DecodeGraphProto(std::string_view bytes, std::string_view source,
                                              const GraphLimits& limits, bool text,
                                              std::vector<std::string>* warnings);

}  // namespace gopt

#endif  // GOPT_SRC_IO_GRAPH_PROTO_H_

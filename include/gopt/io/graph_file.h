#ifndef GOPT_IO_GRAPH_FILE_H_
#define GOPT_IO_GRAPH_FILE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/graph/graph.h"

namespace gopt {

struct GraphFileOptions {
  // zlib's best level: an eighth to a fifth of the bytes; loading takes about half as long again,
  // saving many times as long. For files that travel. Text is never compressed.
  bool compress = false;
};

// A graph as a container (docs/formats): magic, version, lengths, GraphProto, CRC32C of each part.
// Cut and flipped bytes are always detected. Equal graphs give equal bytes.
GOPT_API std::string SerializeGraph(const Graph& graph, const GraphFileOptions& options = {});
// `source` names the bytes in messages: a path, or "<bytes>". Limits are enforced before memory is
// taken. Fields of a newer minor version of the format are skipped with a warning, which goes to
// `warnings` or, where that is null, to stderr; another major version is an error.
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> DeserializeGraph(
    std::string_view bytes, std::string_view source = "<bytes>", const GraphLimits& limits = {},
    std::vector<std::string>* warnings = nullptr);

// Text proto, for people: at most 64 MiB. Errors name line and column; an unknown field is one.
GOPT_API std::string GraphToTextProto(const Graph& graph);
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> GraphFromTextProto(
    std::string_view text, std::string_view source = "<text>", const GraphLimits& limits = {});

// By extension: .txtpb is text, everything else the container. Writing is atomic (temporary file,
// fsync, rename). NotFound, InvalidArgument (naming the file) or ResourceExhausted (disk full, or a
// file above the limits).
GOPT_API absl::Status WriteGraphFile(const Graph& graph, const std::string& path,
                                     const GraphFileOptions& options = {});
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> ReadGraphFile(
    const std::string& path, const GraphLimits& limits = {},
    std::vector<std::string>* warnings = nullptr);

}  // namespace gopt

#endif  // GOPT_IO_GRAPH_FILE_H_

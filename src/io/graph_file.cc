#include "gopt/io/graph_file.h"

#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "src/io/container.h"
#include "src/io/file_bytes.h"
#include "src/io/graph_proto.h"
#include "src/io/proto_text.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"

namespace gopt {
namespace {

absl::StatusOr<std::shared_ptr<const Graph>> GraphFromBytes(std::string_view message,
                                                            std::string_view source,
                                                            const GraphLimits& limits, bool text,
                                                            std::vector<std::string>* warnings) {
  std::vector<std::string> found;
  GOPT_ASSIGN_OR_RETURN(GraphColumns columns,
                        DecodeGraphProto(message, source, limits, text, &found));
  auto graph = Graph::Create(std::move(columns), limits);
  if (!graph.ok()) return InSource(source, graph.status());
  DeliverWarnings(std::move(found), warnings);
  return graph;
}

// Map entries in the order of their keys, which SerializeAsString leaves to chance.
std::string SerializeInOrder(const v1::GraphProto& proto) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  GOPT_CHECK(proto.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

}  // namespace

std::string SerializeGraph(const Graph& graph, const GraphFileOptions& options) {
  return WrapInContainer(ContainerKind::kGraph, SerializeInOrder(ToProto(graph)),
                         options.compress ? Compression::kZlib : Compression::kStored);
}

absl::StatusOr<std::shared_ptr<const Graph>> DeserializeGraph(std::string_view bytes,
                                                              std::string_view source,
                                                              const GraphLimits& limits,
                                                              std::vector<std::string>* warnings) {
  std::string buffer;
  GOPT_ASSIGN_OR_RETURN(
      const std::string_view message,
      UnwrapContainer(bytes, ContainerKind::kGraph, source, limits.max_bytes, &buffer));
  return GraphFromBytes(message, source, limits, /*text=*/false, warnings);
}

std::string GraphToTextProto(const Graph& graph) { return PrintTextProto(ToProto(graph)); }

absl::StatusOr<std::shared_ptr<const Graph>> GraphFromTextProto(std::string_view text,
                                                                std::string_view source,
                                                                const GraphLimits& limits) {
  std::string message;
  {
    v1::GraphProto proto;
    GOPT_RETURN_IF_ERROR(ParseTextProto(text, source, limits.max_bytes, &proto));
    message = proto.SerializeAsString();
  }
  return GraphFromBytes(message, source, limits, /*text=*/true, nullptr);
}

absl::Status WriteGraphFile(const Graph& graph, const std::string& path,
                            const GraphFileOptions& options) {
  return WriteFileAtomically(
      path, IsTextPath(path) ? GraphToTextProto(graph) : SerializeGraph(graph, options));
}

absl::StatusOr<std::shared_ptr<const Graph>> ReadGraphFile(const std::string& path,
                                                           const GraphLimits& limits,
                                                           std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, limits.max_bytes));
  if (IsTextPath(path)) return GraphFromTextProto(bytes, path, limits);
  return DeserializeGraph(bytes, path, limits, warnings);
}

}  // namespace gopt

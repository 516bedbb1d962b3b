#ifndef GOPT_GRAPH_GRAPH_TEXT_H_
#define GOPT_GRAPH_GRAPH_TEXT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/graph/graph.h"

namespace gopt {

// The device kind of times written in the one-line form, and of UniformMachine's devices.
inline constexpr std::string_view kTextDeviceKind = "device";

// A graph in one line, for tests and examples:
//   "a:matmul[time=5,bytes=100] -> b:reduce -> c:add; a -> c; w:parameter[bytes=8] -> b"
// Statements are separated by ';', each a chain `op -> op -> op`; `a, b -> c, d` joins each of a, b
// to each of c, d; `a => b` is a control edge. An op is described where it is first named,
// `name[:type][key=value,...]`; type defaults to "op". Every op has one port, read by its data
// edges (OUTPUT ops and ops of type "optimizer" have none). Types parameter, input, output,
// constant and collective set the kind, "optimizer" the phase; the fusion class follows from the
// type: matmul, conv -> contraction; add, mul, relu, exp, cast, ... -> elementwise; reduce,
// softmax, norm -> reduction; broadcast, expand -> broadcast; reshape, copy, concat, gather ->
// data_movement; else opaque. Keys: time (ns on devices of kind "device"), bytes (of the port),
// flops, read, written, scratch, phase (f, b, o), class, colocate (group), copies (optimizer), dims
// (4x8), scope, name. InvalidArgument names the column and what was expected.
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> ParseGraph(std::string_view text);

// One line per op, for people and golden files. Not parsed back.
GOPT_API std::string GraphToText(const Graph& graph);

}  // namespace gopt

#endif  // GOPT_GRAPH_GRAPH_TEXT_H_

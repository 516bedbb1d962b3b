#ifndef GOPT_WORKLOADS_SYNTHETIC_H_
#define GOPT_WORKLOADS_SYNTHETIC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/io/importer.h"

namespace gopt {

// Generated graphs of any size, for scale, tests and training. The same options give the same graph
// on every platform. InvalidArgument names the family and the option; no graph has more ops than
// GraphLimits allows.

// --- Training steps unrolled over layers and steps. Ops carry the flops and bytes of their shapes
// (float32), so presets price them by the roofline, and times for devices of kind "device": those
// of a P100. Each layer has a scope.

// What the grids have in common.
struct GridOptions {
  int batch = 64;                // Sequences that each op works on.
  bool backward = true;          // A gradient op per op, from the losses back.
  bool weight_gradients = true;  // With backward: one per use of a weight, and their running sum.
  bool parameters = true;        // PARAMETER ops; without, weights cost reading but no memory.
  bool optimizer = true;  // With parameters and weight gradients: an op that updates each weight.
  int optimizer_copies = 2;  // State of each weight, in copies of it; Adam has 2.
  double spread = 0.0;       // Of the times for "device": standard deviation in powers of two.
  uint64_t seed = 0;         // Of that spread.
};

// A stacked LSTM over a sequence (Hochreiter and Schmidhuber 1997), with a loss per step.
struct RnnOptions {
  int layers = 4;
  int steps = 20;
  int hidden = 1024;      // Width of every layer and of what it reads.
  int vocabulary = 8000;  // Of embedding and softmax; 0: there is neither, the input is given.
  int scope_steps = 0;  // Scopes end in blocks of so many steps: "layer2.steps20"; 0: they do not.
  GridOptions grid;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeRnn(const RnnOptions& options = {});

// An encoder and a decoder of stacked LSTMs; every step of the decoder's first layer attends to the
// encoder's whole output, and its next layer reads both (after Wu et al. 2016, arXiv 1609.08144;
// the encoder is unidirectional here).
struct GnmtOptions {
  int layers = 4;  // Of the encoder, and of the decoder.
  int encoder_steps = 12;
  int decoder_steps = 12;
  int hidden = 1024;
  int vocabulary = 8000;  // Of both languages.
  GridOptions grid;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeGnmt(const GnmtOptions& options = {});

// A Transformer that reads a text segment by segment; each layer also attends to its own input at
// the segment before (Dai et al. 2019, arXiv 1901.02860), head by head.
struct TransformerXlOptions {
  int layers = 6;
  int segments = 4;
  int heads = 8;
  int tokens = 64;  // Of a segment.
  int width = 512;  // Of the model; a multiple of heads.
  int feed_forward = 2048;
  int vocabulary = 8000;
  bool gradient_to_memory = false;  // The paper stops it.
  GridOptions grid = {.batch = 16};
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeTransformerXl(
    const TransformerXlOptions& options = {});

// --- Shapes whose ops differ in nothing but time and bytes, for devices of kind "device". (Their
// flops are what a P100 does in the time.) All ops are opaque and forward.

struct TimeOptions {
  Nanoseconds mean_time = 20'000;  // Of the ops.
  double spread = 1.0;             // Standard deviation of times and of bytes, in powers of two.
  double ccr = 1.0;                // Time to send every tensor that is read once, over all work ...
  double bandwidth = 12e9;         // ... at so many bytes per second.
  uint64_t seed = 0;
};

// Layers of bounded width; an op reads one op of the layer before and some of those further back.
struct LayeredOptions {
  int ops = 1000;
  int width = 16;  // Ops of a layer: half as many to this many, at random.
  int fan_in = 3;  // Operands of an op: 1 to this many, distinct.
  int reach = 2;   // How many layers back they may come from.
  TimeOptions time;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeLayered(
    const LayeredOptions& options = {});

// Blocks one after the other, each of parallel chains from one op to one that reads all their ends
// and the block's beginning: Inception and NASNet in outline. Scopes: "block3.branch2".
struct BlocksOptions {
  int blocks = 24;
  int branches = 4;
  int depth = 3;  // Ops of a branch.
  TimeOptions time;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeBlocks(const BlocksOptions& options = {});

struct ChainOptions {
  int ops = 1000;
  TimeOptions time;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeChain(const ChainOptions& options = {});

// One op feeds the others: directly (a star), or as a tree.
struct FanOutOptions {
  int ops = 1000;
  int arity = 0;      // Readers of an op; 0: a star.
  bool join = false;  // The last op reads all that nobody else reads.
  TimeOptions time;
};
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> MakeFanOut(const FanOutOptions& options = {});

// --- By name: "rnn(layers=8,steps=40)", "layered(ops=5000,width=16,ccr=2,seed=3)".

// The keys are the options' fields; besides, each family takes `devices`, `bandwidth` (bytes per
// second) and `latency` (ns) for a UniformMachine. "planted" (planted.h) gives its optimal devices
// as the expert placement and the figure "optimal_step_time_ns". NotFound lists the families.
GOPT_API absl::StatusOr<Imported> SyntheticFromSpec(std::string_view spec);

// What programs take as a graph: a spec, with its parentheses, or the path of a file of any format.
GOPT_API absl::StatusOr<Imported> SyntheticOrFile(const std::string& spec_or_path);

// Names and one-line summaries, sorted by name.
GOPT_API std::vector<std::pair<std::string, std::string>> SyntheticFamilies();

}  // namespace gopt

#endif  // GOPT_WORKLOADS_SYNTHETIC_H_

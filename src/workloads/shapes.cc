// The families whose ops differ in time and bytes only.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/workloads/synthetic.h"
#include "src/workloads/draw.h"
#include "src/workloads/timed_ops.h"

namespace gopt {
namespace {

// Keeps the draws of a shape apart from those of times and bytes.
constexpr uint64_t kShapeStream = 0x5ca1ab1e;

std::string OpName(OpId op) { return absl::StrCat("op", op); }

// Ops of a layer's neighbourhood to read: the first from the layer before.
void DrawOperands(const LayeredOptions& options, const std::vector<OpId>& layer_begin,
                  Random& random, std::vector<OpId>* operands) {
  operands->clear();
  const size_t layers = layer_begin.size() - 1;  // Before the one that is being made.
  if (layers == 0) return;
  const OpId end = layer_begin[layers], last = layer_begin[layers - 1];
  const OpId first = layer_begin[layers - std::min<size_t>(layers, options.reach)];
  operands->push_back(last + static_cast<OpId>(random.Below(end - last)));
  for (int64_t more = random.Below(options.fan_in); more > 0; --more) {
    operands->push_back(first + static_cast<OpId>(random.Below(end - first)));
  }
  std::sort(operands->begin(), operands->end());
  operands->erase(std::unique(operands->begin(), operands->end()), operands->end());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> MakeLayered(const LayeredOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckRange("layered", "ops", options.ops, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("layered", "width", options.width, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("layered", "fan_in", options.fan_in, 1, 64));
  GOPT_RETURN_IF_ERROR(CheckRange("layered", "reach", options.reach, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckTimeOptions("layered", options.time));
  Random random(options.time.seed ^ kShapeStream);
  TimedOps ops("layered");
  std::vector<OpId> layer_begin = {0};
  std::vector<OpId> operands;
  while (ops.num_ops() < options.ops) {
    const int least = (options.width + 1) / 2;
    const int drawn = least + static_cast<int>(random.Below(options.width - least + 1));
    const OpId end = std::min(options.ops, ops.num_ops() + drawn);
    const std::string scope = absl::StrCat("layer", layer_begin.size() - 1);
    while (ops.num_ops() < end) {
      DrawOperands(options, layer_begin, random, &operands);
      ops.Add(OpName(ops.num_ops()), scope, operands);
    }
    layer_begin.push_back(end);
  }
  return std::move(ops).Finish(options.time);
}

absl::StatusOr<std::shared_ptr<const Graph>> MakeBlocks(const BlocksOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckRange("blocks", "blocks", options.blocks, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("blocks", "branches", options.branches, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("blocks", "depth", options.depth, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckTimeOptions("blocks", options.time));
  const double block_ops = 1.0 + static_cast<double>(options.branches) * options.depth;
  GOPT_RETURN_IF_ERROR(
      CheckRange("blocks", "the number of ops", options.blocks * block_ops, 1, kMaxOps));
  TimedOps ops("blocks");
  std::vector<OpId> before, ends;
  for (int block = 0; block < options.blocks; ++block) {
    ends = before;
    for (int branch = 0; branch < options.branches; ++branch) {
      const std::string scope = absl::StrCat("block", block, ".branch", branch);
      std::vector<OpId> last = before;
      for (int i = 0; i < options.depth; ++i) last = {ops.Add(OpName(ops.num_ops()), scope, last)};
      ends.push_back(last[0]);
    }
    before = {ops.Add(OpName(ops.num_ops()), absl::StrCat("block", block, ".join"), ends)};
  }
  return std::move(ops).Finish(options.time);
}

absl::StatusOr<std::shared_ptr<const Graph>> MakeChain(const ChainOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckRange("chain", "ops", options.ops, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckTimeOptions("chain", options.time));
  TimedOps ops("chain");
  std::vector<OpId> last;
  for (int i = 0; i < options.ops; ++i) last = {ops.Add(OpName(i), "", last)};
  return std::move(ops).Finish(options.time);
}

absl::StatusOr<std::shared_ptr<const Graph>> MakeFanOut(const FanOutOptions& options) {
  const char* family = options.arity == 0 ? "star" : "tree";
  GOPT_RETURN_IF_ERROR(CheckRange(family, "ops", options.ops, options.join ? 2 : 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange(family, "arity", options.arity, 0, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckTimeOptions(family, options.time));
  const int fan_out = options.ops - (options.join ? 1 : 0);
  const auto parent = [&options](OpId op) {
    return options.arity == 0 ? 0 : (op - 1) / options.arity;
  };
  TimedOps ops(family);
  ops.Add(OpName(0), "", {});
  for (OpId op = 1; op < fan_out; ++op) {
    const OpId operand = parent(op);
    ops.Add(OpName(op), "", {&operand, 1});
  }
  if (options.join) {
    std::vector<OpId> leaves;
    for (OpId op = fan_out == 1 ? 0 : parent(fan_out - 1) + 1; op < fan_out; ++op) {
      leaves.push_back(op);
    }
    ops.Add(OpName(fan_out), "", leaves);
  }
  return std::move(ops).Finish(options.time);
}

}  // namespace gopt

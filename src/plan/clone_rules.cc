#include "gopt/plan/clone_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"

namespace gopt {
namespace {

// What names of ops that draw random numbers hold, in lower case.
constexpr std::string_view kRandomNames[] = {
    "dropout",           "bernoulli",    "multinomial",     "random",       "rng",    "uniform",
    "poisson",           "rrelu",        "aten::rand",      "aten::normal", "philox", "gumbel",
    "aten::exponential", "aten::cauchy", "aten::geometric", "log_normal"};

bool NamesARandomSource(std::string_view type) {
  const std::string lower = absl::AsciiStrToLower(std::string(type));
  if (lower.find("backward") != std::string::npos) return false;  // Applies what was drawn.
  return std::any_of(std::begin(kRandomNames), std::end(kRandomNames),
                     [&](std::string_view name) { return lower.find(name) != std::string::npos; });
}

}  // namespace

std::string_view WhyItRunsOnce(const Graph& graph, OpId op) {
  if (graph.kind(op) == OpKind::kCollective) return "it is a collective op";
  if (graph.phase(op) == Phase::kOptimizer) return "it is an optimizer op";
  if (graph.has_side_effect(op)) return "it has a side effect";
  if (NamesARandomSource(graph.op_type(op)) || NamesARandomSource(graph.native_type(op))) {
    return "its type draws random numbers";
  }
  return "";
}

}  // namespace gopt

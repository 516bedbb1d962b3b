#include "src/features/op_times.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "src/features/scale.h"

namespace gopt {
namespace {

// Adds one kind of device, of which there are so many of all devices.
void AddKind(const std::vector<Nanoseconds>& times, double share, OpTimes* result) {
  double total = 0.0;
  for (size_t op = 0; op < times.size(); ++op) {
    const auto time = static_cast<double>(times[op]);
    result->mean[op] += share * time;
    result->best[op] = std::min(result->best[op], time);
    result->worst[op] = std::max(result->worst[op], time);
    total += time;
  }
  result->kind_total.push_back(total);
}

}  // namespace

OpTimes MakeOpTimes(const Problem& problem, const FeatureContext& context) {
  const Graph& graph = problem.graph();
  std::vector<double> share(context.times.size(), 0.0);
  for (const int32_t kind : context.device_kind) share[kind] += 1.0;
  OpTimes result;
  result.mean.assign(graph.num_ops(), 0.0);
  result.best.assign(graph.num_ops(), std::numeric_limits<double>::infinity());
  result.worst.assign(graph.num_ops(), 0.0);
  for (size_t kind = 0; kind < share.size(); ++kind) {
    if (share[kind] > 0.0) {
      AddKind(context.times[kind], share[kind] / problem.machine().num_devices(), &result);
    } else {
      result.kind_total.push_back(0.0);  // No device is of this kind.
    }
  }
  const auto kernels = static_cast<double>(graph.kernel_ops().size());
  result.total = std::accumulate(result.mean.begin(), result.mean.end(), 0.0);
  result.mean_of_mean = MeanOf(result.total, kernels);
  result.mean_of_best =
      MeanOf(std::accumulate(result.best.begin(), result.best.end(), 0.0), kernels);
  return result;
}

}  // namespace gopt

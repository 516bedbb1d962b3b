#ifndef GOPT_TESTS_FEATURES_FEATURE_CASES_H_
#define GOPT_TESTS_FEATURES_FEATURE_CASES_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/features/graph_features.h"
#include "gopt/graph/graph_text.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/problem.h"

namespace gopt::testing {

// --- Cases

inline Problem UniformProblem(std::shared_ptr<const Graph> graph, int devices,
                              ProblemOptions options = {}) {
  return Problem::Create(std::move(graph), UniformMachine({.count = devices}).value(),
                         std::move(options))
      .value();
}
inline Problem TextProblem(std::string_view text, int devices = 2) {
  return UniformProblem(ParseGraph(text).value(), devices);
}

// One kind of device, times as the graph has them, no plans, no transfer takes time.
inline FeatureContext PlainContext(const Problem& problem) {
  FeatureContext context;
  context.device_kind.assign(problem.machine().num_devices(), 0);
  context.times.resize(1);
  for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
    const Nanoseconds time = problem.graph().MeasuredTime(op, kTextDeviceKind);
    context.times[0].push_back(time > 0 ? time : 0);
  }
  return context;
}

// Two kinds of devices (if there are two), random plans in which some ops have no device.
inline FeatureContext FullContext(const Problem& problem, uint64_t seed) {
  const int ops = problem.graph().num_ops(), devices = problem.machine().num_devices();
  Random random(seed);
  FeatureContext context = PlainContext(problem);
  context.times.push_back(context.times[0]);
  for (Nanoseconds& time : context.times[1]) time *= 1 + random.Below(4);
  for (int d = 0; d < devices; ++d) context.device_kind[d] = d % 2;
  context.mean_latency = 1'024;
  context.mean_inverse_bandwidth = 0.125;
  const auto device = [&] { return static_cast<DeviceId>(random.Below(devices + 1)) - 1; };
  context.incumbent.makespan = 1 << 20;
  for (OpId op = 0; op < ops; ++op) {
    context.incumbent.device.push_back(device());
    context.incumbent.start.push_back(random.Below(1 << 19));
    context.incumbent.finish.push_back(context.incumbent.start[op] + random.Below(1 << 19));
    context.incumbent.critical.push_back(random.Below(2) == 0 ? 1 : 0);
  }
  context.placements.resize(3);
  for (std::vector<DeviceId>& placement : context.placements) {
    for (OpId op = 0; op < ops; ++op) placement.push_back(device());
  }
  return context;
}

// --- Tensors

inline std::vector<int64_t> Longs(const at::Tensor& tensor) {
  const int64_t* data = tensor.const_data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}
inline std::vector<float> Floats(const at::Tensor& tensor) {
  const float* data = tensor.const_data_ptr<float>();
  return {data, data + tensor.numel()};
}

// The column of that name; empty, which no test expects, if there is none.
inline std::vector<float> Column(const at::Tensor& rows, const std::vector<std::string>& names,
                                 std::string_view name) {
  std::vector<float> column;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    const std::vector<float> values = Floats(rows);
    for (size_t k = i; k < values.size(); k += names.size()) column.push_back(values[k]);
  }
  return column;
}
inline std::vector<float> NodeColumn(const GraphFeatures& features, std::string_view name) {
  return Column(features.node, FeatureSpec::Default().node_columns, name);
}
inline std::vector<float> EdgeColumn(const GraphFeatures& features, std::string_view name) {
  return Column(features.edge, FeatureSpec::Default().edge_columns, name);
}
inline std::vector<float> DeviceColumn(const GraphFeatures& features, std::string_view name) {
  return Column(features.device, FeatureSpec::Default().device_columns, name);
}

}  // namespace gopt::testing

#endif  // GOPT_TESTS_FEATURES_FEATURE_CASES_H_

#ifndef GOPT_TESTS_PLAN_PLAN_TEST_UTIL_H_
#define GOPT_TESTS_PLAN_PLAN_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/graph/graph.h"
#include "gopt/graph/graph_text.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "tests/testing/status.h"

namespace gopt {

inline std::shared_ptr<const Graph> TextGraph(std::string_view text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(IsOk(graph)) << text;
  return graph.ok() ? *std::move(graph) : *ParseGraph("");
}

inline OpId OpNamed(const Graph& graph, std::string_view name) {
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (graph.op_name(op) == name) return op;
  }
  ADD_FAILURE() << "no op is named " << name;
  return kNone;
}

inline PortId PortOf(const Graph& graph, std::string_view name) {
  return graph.first_port(OpNamed(graph, name));
}

inline KernelId KernelOf(const Kernels& kernels, std::string_view name) {
  return kernels.kernel_of(OpNamed(kernels.graph(), name));
}

inline std::vector<OpId> OpsNamed(const Graph& graph, const std::vector<std::string>& names) {
  std::vector<OpId> ops;
  for (const std::string& name : names) ops.push_back(OpNamed(graph, name));
  std::sort(ops.begin(), ops.end());
  return ops;
}

inline std::vector<DeviceId> Devices(std::initializer_list<DeviceId> devices) { return devices; }

// Kernels by the names of their ops.
inline absl::StatusOr<std::shared_ptr<const Kernels>> MakeKernels(
    std::shared_ptr<const Graph> graph, const std::vector<std::vector<std::string>>& groups) {
  Kernels::Columns columns;
  columns.begin = {0};
  for (const std::vector<std::string>& group : groups) {
    for (const OpId op : OpsNamed(*graph, group)) columns.ops.push_back(op);
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  return Kernels::Create(std::move(graph), std::move(columns));
}

// `count` equal devices, each pair joined.
inline Machine EqualDevices(int count) { return *UniformMachine({.count = count}); }

// Singleton kernels on these devices (by kernel op), ranks in order.
inline Plan SingletonPlan(std::shared_ptr<const Graph> graph, std::vector<DeviceId> device) {
  Plan plan;
  plan.kernels = Kernels::Singletons(std::move(graph));
  plan.device = std::move(device);
  for (KernelId k = 0; k < plan.kernels->size(); ++k) plan.rank.push_back(k);
  return plan;
}

}  // namespace gopt

#endif  // GOPT_TESTS_PLAN_PLAN_TEST_UTIL_H_

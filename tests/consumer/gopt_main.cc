#include <gopt/features/graph_features.h>
#include <gopt/graph/graph_text.h>

#include <iostream>

int main() {
  const auto graph = gopt::ParseGraph("a:matmul -> b:reduce -> c:add; a -> c");
  const auto machine = gopt::UniformMachine({.count = 2});
  if (!graph.ok() || !machine.ok()) return 1;
  const auto problem = gopt::Problem::Create(*graph, *machine);
  if (!problem.ok()) return 1;
  const gopt::FeatureContext context{.device_kind = {0, 0}, .times = {{1, 2, 3}}};
  const auto features = gopt::MakeGraphFeatures(*problem, context);
  if (!features.ok()) {
    std::cerr << features.status() << "\n";
    return 1;
  }
  std::cout << "edges " << features->edge.sizes() << "\n";
  return features->num_edges() == 3 ? 0 : 1;
}

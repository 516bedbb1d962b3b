#include <gopt/base/version.h>
#include <gopt/graph/graph_text.h>
#include <gopt/workloads/stored.h>

#include <iostream>

int main() {
  const auto graph = gopt::ParseGraph("a:matmul -> b:reduce -> c:add; a -> c");
  if (!graph.ok()) {
    std::cerr << graph.status() << "\n";
    return 1;
  }
  std::cout << "gopt " << gopt::Version() << ", " << (*graph)->num_ops() << " ops\n";
  const auto step = gopt::LoadWorkload("inception32");
  if (!step.ok()) {
    std::cerr << step.status() << "\n";
    return 1;
  }
  std::cout << (*step)->name() << ", " << (*step)->num_ops() << " ops, from "
            << *gopt::StoredWorkloadsFolder() << "\n";
  return (*graph)->num_edges() == 3 && (*step)->num_ops() > 1000 ? 0 : 1;
}

#include <gopt/features/graph_tensors.h>
#include <gopt/graph/graph_text.h>

#include <iostream>

int main() {
  const auto graph = gopt::ParseGraph("a:matmul -> b:reduce -> c:add; a -> c");
  if (!graph.ok()) {
    std::cerr << graph.status() << "\n";
    return 1;
  }
  const gopt::GraphTensors tensors = gopt::MakeGraphTensors(**graph);
  std::cout << "edges " << tensors.edges.sizes() << "\n";
  return tensors.edges.size(1) == 3 ? 0 : 1;
}

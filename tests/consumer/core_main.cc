#include <gopt/base/version.h>
#include <gopt/graph/graph_text.h>

#include <iostream>

int main() {
  const auto graph = gopt::ParseGraph("a:matmul -> b:reduce -> c:add; a -> c");
  if (!graph.ok()) {
    std::cerr << graph.status() << "\n";
    return 1;
  }
  std::cout << "gopt " << gopt::Version() << ", " << (*graph)->num_ops() << " ops\n";
  return (*graph)->num_edges() == 3 ? 0 : 1;
}

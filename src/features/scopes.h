#ifndef GOPT_FEATURES_SCOPES_H_
#define GOPT_FEATURES_SCOPES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "gopt/graph/graph.h"

namespace gopt {

// The module paths of a graph's ops: "encoder.layers.3.attention". Each distinct path is looked at
// once.
struct Scopes {
  struct Scope {
    int32_t ops = 0;
    float depth = 0.0f;  // Parts of the path / 8, at most 1.
    float outer = 0.0f;  // Place of the outermost number among those after the same prefix: (0, 1].
    float inner = 0.0f;  // The same for the innermost number; both 0 where there is none (other).
    // +-1/2 by the hash of the path up to the outermost number, without one of its first part:
    // equal for all of a layer.
    std::array<float, 4> code{};
  };

  std::vector<int32_t> scope;     // [ops], numbered in order of their first op.
  std::vector<int32_t> position;  // [ops], among the ops of the scope.
  std::vector<Scope> scopes;
};
Scopes MakeScopes(const Graph& graph);

}  // namespace gopt

#endif  // GOPT_FEATURES_SCOPES_H_

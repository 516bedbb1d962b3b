#ifndef GOPT_SRC_PLAN_PATH_CHAINS_H_
#define GOPT_SRC_PLAN_PATH_CHAINS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Quick proof that a path joins two ops. The ops are dealt out to chains, long paths of the graph,
// and each op knows, for two of the longest chains, the first place that it reaches and the last
// that reaches it. Where ops are far apart (forward and backward pass) a chain nearly always joins
// them; where they are near, a search is cheap. (After chain covers: Jagadish, A Compression
// Technique to Materialize Transitive Closure, ACM TODS 15(4), 1990.)
class PathChains {
 public:
  explicit PathChains(const Graph& graph);

  // Calls between(op) with ops on a path from `from` to `to`, both included, until one is true;
  // whether one was. False says nothing.
  template <typename Between>
  bool SomeBetween(OpId from, OpId to, Between between) const {
    for (const Place& reached : reached_[from]) {
      for (const Place& reaching : reaching_[to]) {
        if (reached.chain == kNone || reached.chain != reaching.chain) continue;
        if (reached.position > reaching.position) continue;
        const int32_t begin = chain_begin_[reached.chain];
        const int32_t middle = reached.position + (reaching.position - reached.position) / 2;
        for (const int32_t position : {middle, reached.position, reaching.position}) {
          if (between(chain_ops_[begin + position])) return true;
        }
      }
    }
    return false;
  }

 private:
  struct Place {
    int32_t chain = kNone;
    int32_t position = 0;
  };
  using Places = std::array<Place, 2>;  // On distinct chains, the longer first.

  std::vector<OpId> ChooseNext(const Graph& graph) const;
  void MakeChains(const Graph& graph);
  int32_t Length(int32_t chain) const { return chain_begin_[chain + 1] - chain_begin_[chain]; }
  void Add(const Place& place, bool first, Places* places) const;

  std::vector<Place> own_;  // Per op.
  std::vector<int32_t> chain_begin_;
  std::vector<OpId> chain_ops_;
  std::vector<Places> reached_, reaching_;  // Per op; along ops that run in kernels only.
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PATH_CHAINS_H_

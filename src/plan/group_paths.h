#ifndef GOPT_SRC_PLAN_GROUP_PATHS_H_
#define GOPT_SRC_PLAN_GROUP_PATHS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "src/plan/group_order.h"
#include "src/plan/group_table.h"
#include "src/plan/path_chains.h"

namespace gopt {

// Keeps the graph of groups acyclic, by an order of the groups that is topological at all times
// (after Pearce, Kelly: A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, JEA 11,
// 2006). Two groups may be joined if no path through others leads from the first in the order to
// the second; all groups on such a path stand between the two, so the search goes forward from the
// one and backward from the other among these, and ends when either side ends: the groups that it
// saw are all that must change place.
class GroupPaths {
 public:
  // Both must outlive this. The table holds one group per op.
  GroupPaths(const Graph& graph, const GroupTable& groups);

  // The groups of the table, in a topological order.
  void Assign(std::span<const OpId> groups) { order_.Assign(groups); }

  // Whether a path through other groups joins the two. Unless patient, the answer is also yes where
  // neither end of a search has come to an end after some thousand edges: in a tangle in which most
  // of what runs between two groups hangs together.
  bool Joined(OpId a, OpId b, bool patient = false);

  // Before the table joins them: gives the union a place. Joined(a, b) has just been asked, and
  // they were not. Returns the one that comes first.
  OpId Join(OpId a, OpId b);
  // After the table has put the second and later pieces out of the first: their places follow that
  // of the group that they were. pieces: names, in topological order.
  void Split(OpId group, std::span<const OpId> pieces);

 private:
  // One end of the search, and the groups seen from it.
  struct Side {
    OpId from, to;
    bool forward;
    int64_t work = 0;   // Edges looked at.
    int64_t ahead = 0;  // And with those of the group that is next.
    std::vector<OpId> open, seen;
    std::vector<int64_t> stamp;  // Per group.
  };

  bool ProvenByChains(OpId first, OpId second) const;
  bool Search(OpId first, OpId second, bool patient);
  void Start(Side* side, OpId from, OpId to);
  void LookAhead(Side* side) const;
  bool Expand(Side* side, const Side& other);
  std::span<const OpId> Next(OpId op, bool forward) const {
    return forward ? graph_.successors(op) : graph_.predecessors(op);
  }

  const Graph& graph_;
  const GroupTable& groups_;
  GroupOrder order_;
  PathChains chains_;
  Side forward_, backward_;
  int64_t stamp_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_PATHS_H_

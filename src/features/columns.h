#ifndef GOPT_FEATURES_COLUMNS_H_
#define GOPT_FEATURES_COLUMNS_H_

#include <string>
#include <vector>

namespace gopt {

// The columns, each list once: position and name cannot drift apart. docs/policy_features.md has
// the formulas. A change of meaning raises kFeatureVersion.
inline constexpr int kFeatureVersion = 1;

#define GOPT_NODE_COLUMNS(V)                           \
  V(kKindCompute, "kind_compute")                      \
  V(kKindParameter, "kind_parameter")                  \
  V(kKindInput, "kind_input")                          \
  V(kKindOutput, "kind_output")                        \
  V(kKindConstant, "kind_constant")                    \
  V(kKindCollective, "kind_collective")                \
  V(kPhaseForward, "phase_forward")                    \
  V(kPhaseBackward, "phase_backward")                  \
  V(kPhaseOptimizer, "phase_optimizer")                \
  V(kFusionElementwise, "fusion_elementwise")          \
  V(kFusionBroadcast, "fusion_broadcast")              \
  V(kFusionReduction, "fusion_reduction")              \
  V(kFusionContraction, "fusion_contraction")          \
  V(kFusionDataMovement, "fusion_data_movement")       \
  V(kFusionOpaque, "fusion_opaque")                    \
  V(kSideEffect, "side_effect")                        \
  V(kColocated, "colocated")                           \
  V(kAllowedDevices, "allowed_devices")                \
  V(kPorts, "ports")                                   \
  V(kRank, "rank")                                     \
  V(kDimFirst, "dim_first")                            \
  V(kDimMiddle, "dim_middle")                          \
  V(kDimLast, "dim_last")                              \
  V(kOutputBytes, "output_bytes")                      \
  V(kReadBytes, "read_bytes")                          \
  V(kPersistentBytes, "persistent_bytes")              \
  V(kParameterBytesRead, "parameter_bytes_read")       \
  V(kFlops, "flops")                                   \
  V(kTimeMean, "time_mean")                            \
  V(kTimeBest, "time_best")                            \
  V(kTimeSpread, "time_spread")                        \
  V(kTimeShare, "time_share")                          \
  V(kInDegree, "in_degree")                            \
  V(kOutDegree, "out_degree")                          \
  V(kPosition, "position")                             \
  V(kDepth, "depth")                                   \
  V(kTopLevel, "top_level")                            \
  V(kBottomLevel, "bottom_level")                      \
  V(kSlack, "slack")                                   \
  V(kTopLevelTransfer, "top_level_transfer")           \
  V(kBottomLevelTransfer, "bottom_level_transfer")     \
  V(kSlackTransfer, "slack_transfer")                  \
  V(kAncestorWork, "ancestor_work")                    \
  V(kDescendantWork, "descendant_work")                \
  V(kTransferIn, "transfer_in")                        \
  V(kTransferOut, "transfer_out")                      \
  V(kTwinDistance, "twin_distance")                    \
  V(kScopeIndex, "scope_index")                        \
  V(kScopeDepth, "scope_depth")                        \
  V(kScopeOuter, "scope_outer")                        \
  V(kScopeInner, "scope_inner")                        \
  V(kScopeSize, "scope_size")                          \
  V(kScopePosition, "scope_position")                  \
  V(kScopeCode0, "scope_code_0")                       \
  V(kScopeCode1, "scope_code_1")                       \
  V(kScopeCode2, "scope_code_2")                       \
  V(kScopeCode3, "scope_code_3")                       \
  V(kGraphOps, "graph_ops")                            \
  V(kGraphEdges, "graph_edges")                        \
  V(kGraphDevices, "graph_devices")                    \
  V(kGraphUnequal, "graph_unequal")                    \
  V(kGraphParallelism, "graph_parallelism")            \
  V(kGraphTransfer, "graph_transfer")                  \
  V(kGraphPersistent, "graph_persistent")              \
  V(kGraphActivations, "graph_activations")            \
  V(kIncumbentPlaced, "incumbent_placed")              \
  V(kIncumbentStart, "incumbent_start")                \
  V(kIncumbentFinish, "incumbent_finish")              \
  V(kIncumbentCritical, "incumbent_critical")          \
  V(kIncumbentRemoteInputs, "incumbent_remote_inputs") \
  V(kIncumbentRemoteReads, "incumbent_remote_reads")   \
  V(kIncumbentWait, "incumbent_wait")                  \
  V(kIncumbentSlack, "incumbent_slack")                \
  V(kIncumbentLoad, "incumbent_load")

#define GOPT_EDGE_COLUMNS(V)                    \
  V(kTransfer, "transfer")                      \
  V(kBytes, "bytes")                            \
  V(kReadShare, "read_share")                   \
  V(kEdgeSlack, "edge_slack")                   \
  V(kEdgeSlackTransfer, "edge_slack_transfer")  \
  V(kSourceDegree, "source_degree")             \
  V(kTargetDegree, "target_degree")             \
  V(kDistance, "distance")                      \
  V(kSameScope, "same_scope")                   \
  V(kSamePhase, "same_phase")                   \
  V(kControlOnly, "control_only")               \
  V(kFromParameter, "from_parameter")           \
  V(kNeverMoves, "never_moves")                 \
  V(kIncumbentColocated, "incumbent_colocated") \
  V(kIncumbentGap, "incumbent_gap")             \
  V(kPlacementsColocated, "placements_colocated")

#define GOPT_DEVICE_COLUMNS(V)            \
  V(kCompute, "compute")                  \
  V(kMemoryBandwidth, "memory_bandwidth") \
  V(kMemory, "memory")                    \
  V(kLaunch, "launch")                    \
  V(kGraphTime, "graph_time")             \
  V(kPersistentShare, "persistent_share") \
  V(kActivationShare, "activation_share") \
  V(kOutBandwidth, "out_bandwidth")       \
  V(kInBandwidth, "in_bandwidth")         \
  V(kBestBandwidth, "best_bandwidth")     \
  V(kOutLatency, "out_latency")           \
  V(kInLatency, "in_latency")             \
  V(kReach, "reach")                      \
  V(kSameHost, "same_host")               \
  V(kSameKind, "same_kind")               \
  V(kAllowedOps, "allowed_ops")           \
  V(kLoad, "incumbent_load")

#define GOPT_COLUMN_ENUM(id, name) id,
#define GOPT_COLUMN_NAME(id, name) name,

namespace node {
enum Column : int { GOPT_NODE_COLUMNS(GOPT_COLUMN_ENUM) kWidth };
}
namespace edge {
enum Column : int { GOPT_EDGE_COLUMNS(GOPT_COLUMN_ENUM) kWidth };
}
namespace device {
enum Column : int { GOPT_DEVICE_COLUMNS(GOPT_COLUMN_ENUM) kWidth };
}

inline std::vector<std::string> NodeColumnNames() { return {GOPT_NODE_COLUMNS(GOPT_COLUMN_NAME)}; }
inline std::vector<std::string> EdgeColumnNames() { return {GOPT_EDGE_COLUMNS(GOPT_COLUMN_NAME)}; }
inline std::vector<std::string> DeviceColumnNames() {
  return {GOPT_DEVICE_COLUMNS(GOPT_COLUMN_NAME)};
}

#undef GOPT_NODE_COLUMNS
#undef GOPT_EDGE_COLUMNS
#undef GOPT_DEVICE_COLUMNS
#undef GOPT_COLUMN_ENUM
#undef GOPT_COLUMN_NAME

}  // namespace gopt

#endif  // GOPT_FEATURES_COLUMNS_H_

#include "gopt/solve/metis.h"

#include <algorithm>
#include <mutex>
#include <numeric>

#ifdef GOPT_WITH_METIS
#include <metis.h>
#endif

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/solve/admit.h"
#include "src/solve/metis_graph.h"
#include "src/solve/part_mapping.h"

namespace gopt {
namespace {

#ifdef GOPT_WITH_METIS

static_assert(sizeof(idx_t) == sizeof(int32_t), "METIS with 32-bit indices is expected");

// METIS draws from rand() and installs signal handlers while it runs.
std::mutex& MetisMutex() {
  static std::mutex* mutex = new std::mutex;
  return *mutex;
}

// The part of the graph that is still to be partitioned, in METIS's terms.
struct MetisInput {
  std::vector<int32_t> vertices;  // Of the whole graph.
  std::vector<idx_t> begin, neighbour, edge_weight, vertex_weight;
};

MetisInput Extract(const PartitionGraph& graph, const std::vector<int32_t>& part) {
  MetisInput input;
  std::vector<int32_t> local(graph.num_vertices(), kNone);
  std::vector<double> time, bytes;
  for (int v = 0; v < graph.num_vertices(); ++v) {
    if (part[v] != kNone) continue;
    local[v] = static_cast<int32_t>(input.vertices.size());
    input.vertices.push_back(v);
    time.push_back(graph.time[v]);
  }
  input.begin.push_back(0);
  for (int32_t v : input.vertices) {
    for (int64_t i = graph.begin[v]; i < graph.begin[v + 1]; ++i) {
      if (local[graph.neighbour[i]] == kNone) continue;
      input.neighbour.push_back(local[graph.neighbour[i]]);
      bytes.push_back(graph.bytes[i]);
    }
    input.begin.push_back(static_cast<idx_t>(input.neighbour.size()));
  }
  input.edge_weight = ScaleTo32Bits(bytes, 1);
  const bool no_work = std::all_of(time.begin(), time.end(), [](double t) { return t <= 0.0; });
  input.vertex_weight = ScaleTo32Bits(time, no_work ? 1 : 0);
  return input;
}

// Runs METIS on what has no part yet; the open parts are to have these shares of the work.
absl::Status PartitionRest(const PartitionGraph& graph, std::span<const int32_t> open_parts,
                           std::span<const double> shares, uint64_t seed,
                           std::vector<int32_t>* part) {
  MetisInput input = Extract(graph, *part);
  idx_t num_vertices = static_cast<idx_t>(input.vertices.size());
  idx_t num_constraints = 1;
  idx_t num_parts = static_cast<idx_t>(open_parts.size());
  std::vector<real_t> target;
  for (int32_t p : open_parts) target.push_back(static_cast<real_t>(shares[p]));
  const real_t sum = std::accumulate(target.begin(), target.end(), real_t{0});
  for (real_t& share : target) share /= sum;

  std::vector<idx_t> result(input.vertices.size(), 0);
  int code = METIS_OK;
  if (num_parts > 1) {
    idx_t options[METIS_NOPTIONS];
    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_NUMBERING] = 0;
    options[METIS_OPTION_SEED] = static_cast<idx_t>(seed & 0x7fffffff);
    idx_t cut = 0;
    std::lock_guard<std::mutex> lock(MetisMutex());
    code = METIS_PartGraphKway(&num_vertices, &num_constraints, input.begin.data(),
                               input.neighbour.data(), input.vertex_weight.data(), nullptr,
                               input.edge_weight.data(), &num_parts, target.data(), nullptr,
                               options, &cut, result.data());
  }
  if (code != METIS_OK) return absl::InternalError(absl::StrCat("METIS failed with code ", code));
  for (size_t i = 0; i < result.size(); ++i) (*part)[input.vertices[i]] = open_parts[result[i]];
  return absl::OkStatus();
}

// Vertices at least as heavy as the largest open part get it to themselves: METIS would otherwise
// bisect graphs of one vertex. Returns the parts that stay open.
std::vector<int32_t> SplitOffHeavy(const PartitionGraph& graph, std::span<const double> shares,
                                   std::vector<int32_t>* part) {
  std::vector<int32_t> open(shares.size()), heavy(graph.num_vertices());
  std::iota(open.begin(), open.end(), 0);
  std::iota(heavy.begin(), heavy.end(), 0);
  std::stable_sort(open.begin(), open.end(),
                   [&](int32_t a, int32_t b) { return shares[a] < shares[b]; });
  const size_t most = std::min(heavy.size(), shares.size());
  std::partial_sort(heavy.begin(), heavy.begin() + most, heavy.end(), [&](int32_t a, int32_t b) {
    return graph.time[a] != graph.time[b] ? graph.time[a] > graph.time[b] : a < b;
  });
  double work = std::accumulate(graph.time.begin(), graph.time.end(), 0.0);
  double share = std::accumulate(shares.begin(), shares.end(), 0.0);
  size_t left = heavy.size();
  for (int32_t v : std::span<const int32_t>(heavy).first(most)) {
    const bool enough_parts = open.size() >= left;
    const double target = work * shares[open.back()] / share;
    if (!enough_parts && (open.size() == 1 || graph.time[v] < target)) break;
    (*part)[v] = open.back();
    work -= graph.time[v];
    share -= shares[open.back()];
    --left;
    open.pop_back();
    if (left == 0) break;
  }
  return open;
}

absl::StatusOr<std::vector<int32_t>> Partition(const TaskGraph& tasks,
                                               std::span<const double> shares, uint64_t seed) {
  const PartitionGraph graph = PartitionGraph::Create(tasks);
  std::vector<int32_t> part(graph.num_vertices(), kNone);
  if (graph.num_vertices() > 0) {
    const std::vector<int32_t> open = SplitOffHeavy(graph, shares, &part);
    if (std::find(part.begin(), part.end(), kNone) != part.end()) {
      GOPT_RETURN_IF_ERROR(PartitionRest(graph, open, shares, seed, &part));
    }
  }
  std::vector<int32_t> part_of_task(tasks.num_tasks());
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    part_of_task[task] = part[graph.vertex_of_task[task]];
  }
  return part_of_task;
}

#else

absl::StatusOr<std::vector<int32_t>> Partition(const TaskGraph&, std::span<const double>,
                                               uint64_t) {
  return absl::UnimplementedError("this build has no METIS (GOPT_WITH_METIS is off)");
}

#endif  // GOPT_WITH_METIS

}  // namespace

absl::StatusOr<std::vector<int32_t>> MetisParts(const TaskGraph& tasks, int parts, uint64_t seed) {
  if (parts < 1)
    return absl::InvalidArgumentError(absl::StrCat("parts is ", parts, "; 1 is the least"));
  return Partition(tasks, std::vector<double>(parts, 1.0), seed);
}

absl::StatusOr<std::vector<DeviceId>> MetisPlacement(const TaskGraph& tasks, uint64_t seed,
                                                     const PlacementOptions& placement) {
  GOPT_ASSIGN_OR_RETURN(std::vector<int32_t> part, Partition(tasks, DeviceRates(tasks), seed));
  const std::vector<DeviceId> device_of_part = MapPartsToDevices(tasks, part);
  for (int32_t& p : part) p = device_of_part[p];
  return Admit(tasks, part, placement);
}

}  // namespace gopt

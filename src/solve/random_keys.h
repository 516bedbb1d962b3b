#ifndef GOPT_SRC_SOLVE_RANDOM_KEYS_H_
#define GOPT_SRC_SOLVE_RANDOM_KEYS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/classical_plans.h"
#include "src/solve/rank_sort.h"

namespace gopt {

// A point of the unit cube, in fixed point: what a random-key genetic algorithm breeds.
struct RandomKeys {
  std::vector<uint32_t> priority;  // Per task; high is first.
  std::vector<uint16_t> affinity;  // Per task, or [task, device]; see KeyCodec.
};

// What keys mean.
enum class KeyMeaning : uint8_t {
  // The affinity of a task, halves of the unit interval: below 1/2 list scheduling places the task,
  // with this stickiness to its inputs, 0 to 1; from 1/2 on it is on a device, in equal parts of
  // those it is allowed. A colocation group goes by its first task.
  kSteerListScheduling,
  // REGAL's: an affinity per task and device; the task is on the allowed device of the highest.
  kChooseDevices,
};

// Turns keys into plans, and plans into keys that give them back. One thread at a time; the task
// graph must outlive it.
class GOPT_API KeyCodec {
 public:
  // options: what list scheduling must respect; `fixed` is ignored.
  KeyCodec(const TaskGraph& tasks, KeyMeaning meaning, const PlacementOptions& options);

  // The start's placement and order, dispatched by priority.
  RandomKeys Encode(const StartPoint& start) const;
  void Randomize(Random* random, RandomKeys* keys) const;
  // Makes *plan what the keys say. Costs a list scheduling for kSteerListScheduling, a sort else.
  void Decode(const RandomKeys& keys, Plan* plan);

  int affinities_per_task() const { return per_task_; }
  // kSteerListScheduling: the affinity by which a task is on a device, and by which it is placed by
  // list scheduling with this stickiness.
  uint16_t OnDevice(KernelId task, DeviceId device) const;
  static uint16_t Open(double stickiness);

 private:
  KernelId Leader(KernelId task) const;
  void ChooseDevices(const RandomKeys& keys, std::vector<DeviceId>* device) const;
  void FixDevices(const RandomKeys& keys);

  const TaskGraph& tasks_;
  const KeyMeaning meaning_;
  const int per_task_;
  ListDecoder decoder_;
  PlacementOptions options_;
  RankSorter sorter_;
  std::vector<double> priority_;
  std::vector<DeviceId> fixed_;
  std::vector<float> stickiness_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_RANDOM_KEYS_H_

#ifndef GOPT_RL_PROCESS_GROUP_H_
#define GOPT_RL_PROCESS_GROUP_H_

#include <c10/util/intrusive_ptr.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "gopt/base/export.h"
#include "gopt/rl/ppo.h"

namespace gopt {

// All-reduces over a process group of PyTorch, for TrainerOptions::sum; keeps the group alive.
// Every process of the group must call it for the same tensors in the same order. Where the group
// fails, because a process has ended or did not come in time, Unavailable says what it said.
GOPT_API SumOverProcesses SumOver(c10::intrusive_ptr<c10d::ProcessGroup> group);

}  // namespace gopt

#endif  // GOPT_RL_PROCESS_GROUP_H_

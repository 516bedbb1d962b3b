#ifndef GOPT_SRC_RL_PROCESSES_H_
#define GOPT_SRC_RL_PROCESSES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/rl/ppo.h"

namespace gopt {

// The processes of a data-parallel run, as one of them sees them. All of them must make the same
// calls in the same order: each waits for the others. Alone, nothing is exchanged.
class GOPT_API Processes {
 public:
  Processes(int index, int count, SumOverProcesses sum)
      : index_(index), count_(count), sum_(std::move(sum)) {}

  int index() const { return index_; }
  int count() const { return count_; }
  bool alone() const { return count_ == 1; }
  bool owns(int64_t problem) const { return problem % count_ == index_; }

  // Each number becomes its sum over the processes, or its largest value.
  absl::Status Sum(const std::vector<double*>& numbers) const;
  absl::Status Max(double* number) const;
  // Whether it is so in any of them.
  absl::StatusOr<bool> Any(bool own) const;
  // What each brought, by process. Any bytes.
  absl::StatusOr<std::vector<std::string>> Gather(const std::string& own) const;

 private:
  const int index_;
  const int count_;
  const SumOverProcesses sum_;
};

}  // namespace gopt

#endif  // GOPT_SRC_RL_PROCESSES_H_

#ifndef GOPT_SRC_RL_RUN_FOLDER_H_
#define GOPT_SRC_RL_RUN_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/io/bundle.h"
#include "gopt/training/config.h"

namespace gopt {

// The files of a training run.
class GOPT_API RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  std::string metrics() const { return path_ + "/metrics.jsonl"; }
  std::string config() const { return path_ + "/config.txtpb"; }
  std::string checkpoint() const { return path_ + "/checkpoint.gopt"; }
  std::string policy() const { return path_ + "/policy.gopt"; }

  // Makes the folder. FailedPrecondition where it holds a run and `resume` is off; PermissionDenied
  // and others by the system. With `resume`, what writes that were killed left behind is removed.
  absl::Status Prepare(bool resume) const;

  // None where there is no checkpoint. Where the newest is damaged, the one before, with a warning.
  absl::StatusOr<std::optional<Bundle>> ReadCheckpoint(std::vector<std::string>* warnings) const;

  // What is needed to see updates that were not finite again, as not_finite-<iteration>.json and
  // .gopt: the configuration, the iteration, its problems, and the checkpoint to start from.
  absl::Status WriteReproducer(const TrainingConfig& config, int64_t iteration,
                               const std::vector<int>& batch, const Bundle& checkpoint) const;

 private:
  std::string path_;
};

}  // namespace gopt

#endif  // GOPT_SRC_RL_RUN_FOLDER_H_

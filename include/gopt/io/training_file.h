#ifndef GOPT_IO_TRAINING_FILE_H_
#define GOPT_IO_TRAINING_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/training/config.h"

namespace gopt {

// Training configurations as text proto (TrainingConfigProto), the form people write:
// docs/formats/training.md. At most 4 MiB.

// Every field, defaults too, with its exact value: reading it back gives an equal configuration.
GOPT_API std::string ToText(const TrainingConfig& config);

// Absent fields keep their defaults. Ends with CheckTrainingConfig. InvalidArgument names file,
// line and column, or the field and the rule: "train.txtpb: network.decoder: UNSPECIFIED is none of
// LIST, DIRECT".
GOPT_API absl::StatusOr<TrainingConfig> TrainingConfigFromText(std::string_view text,
                                                               std::string_view source = "<text>");
GOPT_API absl::StatusOr<TrainingConfig> ReadTrainingConfigFile(const std::string& path);

// Sets one field: "ppo.learning_rate=3e-4", "network.decoder=direct", "problem[0].machine=p100x4".
// Names are those of the text form; enums are written in either case; the index one past the end of
// a list appends to it. Several settings may be needed to get from one valid configuration to
// another, so CheckTrainingConfig is the caller's to run after the last. InvalidArgument names the
// field, what is like it and what there is, or the values it takes; the configuration is unchanged
// then.
GOPT_API absl::Status ApplySetting(TrainingConfig* config, std::string_view setting);

}  // namespace gopt

#endif  // GOPT_IO_TRAINING_FILE_H_

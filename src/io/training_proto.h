#ifndef GOPT_SRC_IO_TRAINING_PROTO_H_
#define GOPT_SRC_IO_TRAINING_PROTO_H_

#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/training/config.h"
#include "gopt/v1/training.pb.h"

namespace gopt {

// All fields are set.
GOPT_API v1::TrainingConfigProto ToProto(const TrainingConfig& config);

// Absent fields keep their defaults. InvalidArgument names the field of an unknown enum value, of a
// number that is not finite or of a text that is too long. The rest is CheckTrainingConfig's.
GOPT_API absl::StatusOr<TrainingConfig> TrainingConfigFromProto(
    const v1::TrainingConfigProto& proto);

// "LIST, DIRECT"
std::string EnumChoices(const google::protobuf::EnumDescriptor& type);

}  // namespace gopt

#endif  // GOPT_SRC_IO_TRAINING_PROTO_H_

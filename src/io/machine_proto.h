#ifndef GOPT_SRC_IO_MACHINE_PROTO_H_
#define GOPT_SRC_IO_MACHINE_PROTO_H_

#include "absl/status/statusor.h"
#include "gopt/machine/machine.h"
#include "gopt/v1/machine.pb.h"

namespace gopt {

v1::MachineProto ToProto(const Machine& machine);

// Fills in names and `all_pairs`, demands what must be given, and leaves the rest to
// Machine::Create. InvalidArgument names the device, channel or route, and the field.
absl::StatusOr<Machine> MachineFromProto(const v1::MachineProto& proto);

}  // namespace gopt

#endif  // GOPT_SRC_IO_MACHINE_PROTO_H_

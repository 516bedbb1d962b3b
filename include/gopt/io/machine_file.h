#ifndef GOPT_IO_MACHINE_FILE_H_
#define GOPT_IO_MACHINE_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/machine/machine.h"

namespace gopt {

// Text proto (MachineProto), the form people write. At most 64 MiB and 1024 devices.
GOPT_API std::string MachineToText(const Machine& machine);
GOPT_API absl::StatusOr<Machine> MachineFromText(std::string_view text,
                                                 std::string_view source = "<text>");
// .txtpb is text, everything else the container.
GOPT_API absl::Status WriteMachineFile(const Machine& machine, const std::string& path);
GOPT_API absl::StatusOr<Machine> ReadMachineFile(const std::string& path);

// A preset spec ("p100x4", "a100x8(memory=12GiB)") or, if it names a file, that file.
GOPT_API absl::StatusOr<Machine> MachineFromSpec(const std::string& spec_or_path);

}  // namespace gopt

#endif  // GOPT_IO_MACHINE_FILE_H_

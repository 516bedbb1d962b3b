#ifndef GOPT_IO_MACHINE_FILE_H_
#define GOPT_IO_MACHINE_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/machine/machine.h"

namespace gopt {

// Text proto (MachineProto), the form people write: docs/formats/machine.md. At most 64 MiB and
// 1024 devices. InvalidArgument names file, line and column, or the device, channel or route and
// the field.
GOPT_API std::string MachineToText(const Machine& machine);
GOPT_API absl::StatusOr<Machine> MachineFromText(std::string_view text,
                                                 std::string_view source = "<text>");

// The container, as for graphs: cut and flipped bytes are always detected; warnings about a newer
// minor version go to `warnings`, or to stderr.
GOPT_API std::string SerializeMachine(const Machine& machine);
GOPT_API absl::StatusOr<Machine> DeserializeMachine(std::string_view bytes,
                                                    std::string_view source = "<bytes>",
                                                    std::vector<std::string>* warnings = nullptr);

// .txtpb is text, everything else the container. Writing is atomic.
GOPT_API absl::Status WriteMachineFile(const Machine& machine, const std::string& path);
GOPT_API absl::StatusOr<Machine> ReadMachineFile(const std::string& path,
                                                 std::vector<std::string>* warnings = nullptr);

// A preset spec ("p100x4", "a100x8(memory=12GiB)") or, if it names a file, that file.
GOPT_API absl::StatusOr<Machine> MachineFromSpec(const std::string& spec_or_path);

}  // namespace gopt

#endif  // GOPT_IO_MACHINE_FILE_H_

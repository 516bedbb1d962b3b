#ifndef GOPT_MACHINE_PRESETS_H_
#define GOPT_MACHINE_PRESETS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/machine/machine.h"

namespace gopt {

struct MachinePreset {
  std::string name;     // "p100x4"
  std::string summary;  // One line with the numbers and the public data sheet they come from.
};

// Sorted by name.
GOPT_API std::vector<MachinePreset> MachinePresets();

// A preset by name and count, with optional modifiers: "p100x4", "p100x16", "chiplet_ringx64",
// "p100x4(memory=12GiB)", "a100x4(bandwidth=100e9,latency=5000,launch=3000)". Memory is per device
// (KB, MB, GB, TB, KiB, MiB, GiB, TiB, or bytes), bandwidth per channel in bytes per second,
// latency and launch in nanoseconds. NotFound lists the names; InvalidArgument names the modifier.
GOPT_API absl::StatusOr<Machine> MachineFromPreset(std::string_view spec);

}  // namespace gopt

#endif  // GOPT_MACHINE_PRESETS_H_

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

// A preset by name, with optional modifiers: "p100x4", "p100x4(memory=12GiB)",
// "p100x16" (any count from 1 to 1024 for the families p100, v100, a100, h100, chiplet_ring),
// "a100x4(bandwidth=100e9,latency=5000)". NotFound lists the names.
GOPT_API absl::StatusOr<Machine> MachineFromPreset(std::string_view spec);

}  // namespace gopt

#endif  // GOPT_MACHINE_PRESETS_H_

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "gopt/io/machine_file.h"
#include "gopt/machine/presets.h"

namespace gopt {
namespace {

bool IsFile(const std::string& path) {
  struct stat info;
  return path.find('\0') == std::string::npos && ::stat(path.c_str(), &info) == 0 &&
         S_ISREG(info.st_mode);
}

}  // namespace

absl::StatusOr<Machine> MachineFromSpec(const std::string& spec_or_path) {
  if (IsFile(spec_or_path)) return ReadMachineFile(spec_or_path);
  absl::StatusOr<Machine> machine = MachineFromPreset(spec_or_path);
  if (absl::IsNotFound(machine.status())) {
    return absl::NotFoundError(
        absl::StrCat(machine.status().message(), "; nor is there a file of that name"));
  }
  return machine;
}

}  // namespace gopt

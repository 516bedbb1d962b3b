// Spec strings, and lists of them; the machine presets read specs of their own.
#include "gopt/base/spec.h"
#include "gopt/machine/presets.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = gopt::fuzz::AsText(data, size);
  const auto spec = gopt::Spec::Parse(text);
  if (spec.ok()) {
    const auto again = gopt::Spec::Parse(spec->ToString());
    gopt::fuzz::Require(again.ok() && again->ToString() == spec->ToString());
  } else {
    gopt::fuzz::RequireGoodError(spec.status());
  }
  const auto list = gopt::Spec::ParseList(text);
  if (!list.ok()) gopt::fuzz::RequireGoodError(list.status());
  const auto machine = gopt::MachineFromPreset(text);
  if (!machine.ok()) gopt::fuzz::RequireGoodError(machine.status());
  return 0;
}

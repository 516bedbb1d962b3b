// Training configurations: the first line is a setting, the rest a text proto.
#include <string>

#include "gopt/io/training_file.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

namespace gopt::fuzz {
namespace {

void CheckRoundTrip(const TrainingConfig& config) {
  const std::string text = ToText(config);
  const auto again = TrainingConfigFromText(text);
  Require(again.ok() && ToText(*again) == text);
}

void CheckSetting(TrainingConfig config, std::string_view setting) {
  const std::string before = ToText(config);
  if (const absl::Status status = ApplySetting(&config, setting); !status.ok()) {
    RequireGoodError(status);
    return Require(ToText(config) == before);
  }
  if (CheckTrainingConfig(config).ok()) CheckRoundTrip(config);
}

}  // namespace
}  // namespace gopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const std::string_view bytes = gopt::fuzz::AsText(data, size);
  const size_t line = bytes.find('\n');
  const auto config =
      gopt::TrainingConfigFromText(line == std::string_view::npos ? bytes : bytes.substr(line + 1));
  if (config.ok()) {
    gopt::fuzz::CheckRoundTrip(*config);
  } else {
    gopt::fuzz::RequireGoodError(config.status());
  }
  gopt::fuzz::CheckSetting(config.ok() ? *config : gopt::TrainingConfig(), bytes.substr(0, line));
  return 0;
}

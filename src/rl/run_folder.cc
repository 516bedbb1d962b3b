#include "src/rl/run_folder.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/io/training_file.h"
#include "src/io/file_bytes.h"

namespace gopt {

namespace fs = std::filesystem;

namespace {

// The names that WriteFileAtomically gives to files it has not finished.
bool IsUnfinished(const std::string& name) {
  return name.starts_with(".gopt-") && name.ends_with(".tmp");
}

void RemoveUnfinished(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> unfinished;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (IsUnfinished(it->path().filename().string())) unfinished.push_back(it->path());
  }
  for (const fs::path& path : unfinished) fs::remove(path, error);  // They do no harm if they stay.
}

}  // namespace

absl::Status RunFolder::Prepare(bool resume) const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_)) {
    return absl::PermissionDeniedError(
        absl::StrCat(path_, ": cannot be made a folder: ", error.message()));
  }
  if (resume) {
    RemoveUnfinished(path_);
    return absl::OkStatus();
  }
  for (const std::string& file : {metrics(), checkpoint(), checkpoint() + ".previous", policy()}) {
    if (!fs::exists(file, error)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": holds a run; resume it, or choose another folder"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Bundle>> RunFolder::ReadCheckpoint(
    std::vector<std::string>* warnings) const {
  std::error_code error;
  if (!fs::exists(checkpoint(), error) && !fs::exists(checkpoint() + ".previous", error)) {
    return std::nullopt;
  }
  GOPT_ASSIGN_OR_RETURN(Bundle bundle, ReadBundleFile(checkpoint(), {}, warnings));
  return bundle;
}

absl::Status RunFolder::WriteReproducer(const TrainingConfig& config, int64_t iteration,
                                        const std::vector<int>& batch,
                                        const Bundle& checkpoint) const {
  const std::string stem = absl::StrCat(path_, "/not_finite-", iteration);
  const nlohmann::ordered_json json = {{"iteration", iteration},
                                       {"problems", batch},
                                       {"checkpoint_iteration", checkpoint.iteration},
                                       {"config", ToText(config)}};
  GOPT_RETURN_IF_ERROR(WriteFileAtomically(stem + ".json", json.dump(2)));
  return WriteBundleFile(checkpoint, stem + ".gopt");
}

}  // namespace gopt

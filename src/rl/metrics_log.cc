#include "src/rl/metrics_log.h"

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/io/file_bytes.h"

namespace gopt {
namespace {

constexpr int64_t kMaxLogBytes = int64_t{4} << 30;

// Whole lines, also those of no iteration.
std::string LinesOf(const std::string& text, const MetricsLog::Behind& behind) {
  std::string kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) continue;
    const auto at = object.find("iteration");
    if (at != object.end() && at->is_number_integer()) {
      const auto kind = object.find("kind");
      const bool evaluation = kind != object.end() && *kind == "evaluation";
      if (at->get<int64_t>() > (evaluation ? behind.evaluation : behind.iteration)) continue;
    }
    kept += line + '\n';
  }
  return kept;
}

absl::Status CannotWrite(const std::string& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written to"));
}

}  // namespace

absl::StatusOr<MetricsLog> MetricsLog::Open(const std::string& path, const Behind& behind,
                                            OnLine on_line) {
  MetricsLog log;
  log.path_ = path;
  log.on_line_ = std::move(on_line);
  if (path.empty()) return log;
  std::string kept;
  if (std::filesystem::exists(path)) {
    GOPT_ASSIGN_OR_RETURN(const std::string text, ReadFileBytes(path, kMaxLogBytes));
    kept = LinesOf(text, behind);
  }
  GOPT_RETURN_IF_ERROR(WriteFileAtomically(path, kept));
  log.file_.open(path, std::ios::binary | std::ios::app);
  if (!log.file_) return CannotWrite(path);
  return log;
}

absl::Status MetricsLog::Write(const nlohmann::ordered_json& line) {
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (!path_.empty()) {
    file_ << (text + '\n') << std::flush;
    if (!file_) return CannotWrite(path_);
  }
  if (on_line_) on_line_(text);
  return absl::OkStatus();
}

}  // namespace gopt

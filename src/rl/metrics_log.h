#ifndef GOPT_SRC_RL_METRICS_LOG_H_
#define GOPT_SRC_RL_METRICS_LOG_H_

#include <cstdint>
#include <fstream>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"

namespace gopt {

// metrics.jsonl: one JSON object a line (docs/metrics.md). Each line is handed to the system as a
// whole, so that a killed run leaves at most its last line cut.
class GOPT_API MetricsLog {
 public:
  using OnLine = std::function<void(std::string_view json)>;

  // The last ones that a run which goes on has behind it. A run may be killed between an evaluation
  // and the checkpoint that knows of it.
  struct Behind {
    int64_t iteration = 0;
    int64_t evaluation = 0;  // The iteration that it was of.
  };

  // path: empty for no file. Of a file that is there, lines of what lies ahead again are dropped,
  // and a last line that was cut.
  static absl::StatusOr<MetricsLog> Open(const std::string& path, const Behind& behind,
                                         OnLine on_line);

  // What is not finite is written as null. ResourceExhausted when the disk is full.
  absl::Status Write(const nlohmann::ordered_json& line);

 private:
  std::string path_;
  std::ofstream file_;
  OnLine on_line_;
};

}  // namespace gopt

#endif  // GOPT_SRC_RL_METRICS_LOG_H_

#include "src/workloads/draw.h"

#include "absl/strings/str_cat.h"

namespace gopt {

absl::Status CheckRange(std::string_view family, std::string_view option, double value, double low,
                        double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(std::string(family), ": ", std::string(option),
                                                 " is ", value, ", expected ", low, " to ", high));
}

}  // namespace gopt

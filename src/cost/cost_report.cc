#include "gopt/cost/cost_report.h"

namespace gopt {

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "OK";
    case Outcome::kInfeasible:
      return "INFEASIBLE";
    case Outcome::kFailed:
      return "FAILED";
  }
  return "FAILED";
}

}  // namespace gopt

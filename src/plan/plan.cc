#include "gopt/plan/plan.h"

namespace gopt {

std::string_view ToString(Dispatch dispatch) {
  switch (dispatch) {
    case Dispatch::kPriority:
      return "PRIORITY";
    case Dispatch::kFifo:
      return "FIFO";
    case Dispatch::kSequence:
      return "SEQUENCE";
  }
  return "UNKNOWN";
}

}  // namespace gopt

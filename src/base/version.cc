#include "gopt/base/version.h"

namespace gopt {

std::string_view Version() { return GOPT_VERSION; }

}  // namespace gopt

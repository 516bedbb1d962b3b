#ifndef GOPT_BASE_VERSION_H_
#define GOPT_BASE_VERSION_H_

#include <string_view>

#include "gopt/base/export.h"

namespace gopt {

// The version of the library that is loaded, for example "0.1.0".
GOPT_API std::string_view Version();

}  // namespace gopt

#endif  // GOPT_BASE_VERSION_H_

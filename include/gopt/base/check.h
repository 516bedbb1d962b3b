#ifndef GOPT_BASE_CHECK_H_
#define GOPT_BASE_CHECK_H_

#include "gopt/base/export.h"

namespace gopt {

// Prints the broken invariant and aborts. For bugs of the library only, never for bad input.
[[noreturn]] GOPT_API void CheckFailed(const char* file, int line, const char* condition);

}  // namespace gopt

#define GOPT_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::gopt::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // GOPT_BASE_CHECK_H_

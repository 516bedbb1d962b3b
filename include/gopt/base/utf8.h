#ifndef GOPT_BASE_UTF8_H_
#define GOPT_BASE_UTF8_H_

#include <string>
#include <string_view>

#include "gopt/base/export.h"

namespace gopt {

// Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no
// surrogates.
GOPT_API bool IsValidUtf8(std::string_view bytes);

// For messages: control characters, quotes and malformed bytes escaped, cut to `max_bytes`.
GOPT_API std::string Printable(std::string_view bytes, size_t max_bytes = 100);

}  // namespace gopt

#endif  // GOPT_BASE_UTF8_H_

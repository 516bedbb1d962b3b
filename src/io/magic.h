#ifndef GOPT_SRC_IO_MAGIC_H_
#define GOPT_SRC_IO_MAGIC_H_

#include <string_view>

namespace gopt {

// Each begins with a byte above 0x7f and holds line ends of both kinds, as PNG's does, so that
// transfers as text are noticed.
inline constexpr std::string_view kContainerMagic("\x89GOPT\r\n\x1a", 8);
inline constexpr std::string_view kBundleMagic("\x89GOPB\r\n\x1a", 8);

inline bool BeginsWith(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

}  // namespace gopt

#endif  // GOPT_SRC_IO_MAGIC_H_

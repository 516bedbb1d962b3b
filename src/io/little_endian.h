#ifndef GOPT_SRC_IO_LITTLE_ENDIAN_H_
#define GOPT_SRC_IO_LITTLE_ENDIAN_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gopt {

// Appends an unsigned number.
template <typename T>
void PutLittle(T value, std::string* out) {
  for (size_t i = 0; i < sizeof(T); ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

// Takes an unsigned number off the front of `bytes`, which must be long enough.
template <typename T>
T TakeLittle(std::string_view* bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value =
        static_cast<T>(value | static_cast<T>(static_cast<unsigned char>((*bytes)[i])) << (8 * i));
  }
  bytes->remove_prefix(sizeof(T));
  return value;
}

}  // namespace gopt

#endif  // GOPT_SRC_IO_LITTLE_ENDIAN_H_

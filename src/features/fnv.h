#ifndef GOPT_FEATURES_FNV_H_
#define GOPT_FEATURES_FNV_H_

#include <cstdint>
#include <string_view>

namespace gopt {

// 64-bit FNV-1a (Fowler, Noll, Vo): the same on every platform and in every release, unlike
// absl::Hash.
inline uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace gopt

#endif  // GOPT_FEATURES_FNV_H_

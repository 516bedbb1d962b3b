#include "gopt/graph/enums.h"

#include <array>
#include <cstddef>

namespace gopt {
namespace {

constexpr std::array<std::string_view, kNumPhases> kPhaseNames = {"unspecified", "forward",
                                                                  "backward", "optimizer"};
constexpr std::array<std::string_view, kNumOpKinds> kKindNames = {
    "unspecified", "compute", "parameter", "input", "output", "constant", "collective"};
constexpr std::array<std::string_view, kNumFusionClasses> kFusionClassNames = {
    "unspecified", "elementwise",   "broadcast", "reduction",
    "contraction", "data_movement", "opaque"};

struct DTypeInfo {
  std::string_view name;
  int size;
};
constexpr std::array<DTypeInfo, kNumDTypes> kDTypes = {{{"unknown", 0},
                                                        {"float32", 4},
                                                        {"float64", 8},
                                                        {"float16", 2},
                                                        {"bfloat16", 2},
                                                        {"int8", 1},
                                                        {"int16", 2},
                                                        {"int32", 4},
                                                        {"int64", 8},
                                                        {"uint8", 1},
                                                        {"bool", 1},
                                                        {"complex64", 8},
                                                        {"complex128", 16},
                                                        {"uint16", 2},
                                                        {"uint32", 4},
                                                        {"uint64", 8},
                                                        {"float8_e4m3fn", 1},
                                                        {"float8_e5m2", 1}}};

template <typename Enum, size_t N>
std::optional<Enum> Find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(Phase phase) { return kPhaseNames[static_cast<size_t>(phase)]; }
std::string_view ToString(OpKind kind) { return kKindNames[static_cast<size_t>(kind)]; }
std::string_view ToString(FusionClass fusion_class) {
  return kFusionClassNames[static_cast<size_t>(fusion_class)];
}
std::string_view ToString(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

std::optional<Phase> PhaseFromString(std::string_view name) {
  return Find<Phase>(kPhaseNames, name);
}
std::optional<OpKind> OpKindFromString(std::string_view name) {
  return Find<OpKind>(kKindNames, name);
}
std::optional<FusionClass> FusionClassFromString(std::string_view name) {
  return Find<FusionClass>(kFusionClassNames, name);
}
std::optional<DType> DTypeFromString(std::string_view name) {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (kDTypes[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

int ElementSize(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }

}  // namespace gopt

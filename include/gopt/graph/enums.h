#ifndef GOPT_GRAPH_ENUMS_H_
#define GOPT_GRAPH_ENUMS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "gopt/base/export.h"

namespace gopt {

// The values are stored in files: never renumber.
enum class Phase : uint8_t { kUnspecified = 0, kForward = 1, kBackward = 2, kOptimizer = 3 };

enum class OpKind : uint8_t {
  kUnspecified = 0,
  kCompute = 1,     // Runs in a kernel.
  kParameter = 2,   // Lives on a home device for the whole step; takes no time.
  kInput = 3,       // Everywhere at time 0; no time, no memory.
  kOutput = 4,      // Marks its operands as kept to the end of the step; no kernel, no time.
  kConstant = 5,    // As an input.
  kCollective = 6,  // Runs in a kernel of its own, priced as data movement, reported as unmodelled.
};

// What the fusion rules know of an op.
enum class FusionClass : uint8_t {
  kUnspecified = 0,  // Treated as kOpaque.
  kElementwise = 1,
  kBroadcast = 2,
  kReduction = 3,
  kContraction = 4,
  kDataMovement = 5,
  kOpaque = 6,
};

enum class DType : uint8_t {
  kUnknown = 0,
  kFloat32 = 1,
  kFloat64 = 2,
  kFloat16 = 3,
  kBFloat16 = 4,
  kInt8 = 5,
  kInt16 = 6,
  kInt32 = 7,
  kInt64 = 8,
  kUInt8 = 9,
  kBool = 10,
  kComplex64 = 11,
  kComplex128 = 12,
  kUInt16 = 13,
  kUInt32 = 14,
  kUInt64 = 15,
  kFloat8E4M3 = 16,
  kFloat8E5M2 = 17,
};

inline constexpr int kNumPhases = 4;
inline constexpr int kNumOpKinds = 7;
inline constexpr int kNumFusionClasses = 7;
inline constexpr int kNumDTypes = 18;

// Lower-case names used in text, Python and messages: "forward", "parameter", "data_movement",
// "float32".
GOPT_API std::string_view ToString(Phase phase);
GOPT_API std::string_view ToString(OpKind kind);
GOPT_API std::string_view ToString(FusionClass fusion_class);
GOPT_API std::string_view ToString(DType dtype);

// The inverse; nullopt for an unknown name.
GOPT_API std::optional<Phase> PhaseFromString(std::string_view name);
GOPT_API std::optional<OpKind> OpKindFromString(std::string_view name);
GOPT_API std::optional<FusionClass> FusionClassFromString(std::string_view name);
GOPT_API std::optional<DType> DTypeFromString(std::string_view name);

// Bytes of one element; 0 for kUnknown.
GOPT_API int ElementSize(DType dtype);

}  // namespace gopt

#endif  // GOPT_GRAPH_ENUMS_H_

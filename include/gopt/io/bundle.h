#ifndef GOPT_IO_BUNDLE_H_
#define GOPT_IO_BUNDLE_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/training/config.h"

namespace gopt {

// Policies and checkpoints as files: docs/formats/bundle.md has the layout byte by byte. Nothing in
// one is code or a path that is opened.

enum class TensorType : uint8_t { kFloat32 = 1, kFloat64 = 2, kInt64 = 3, kUint8 = 4 };
GOPT_API std::string_view ToString(TensorType type);  // "float32", "float64", "int64", "uint8"
GOPT_API int64_t ElementBytes(TensorType type);

struct BundleTensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int64_t> shape;  // At most 8 dimensions; none: one value.
  std::string bytes;           // The values, row major, little-endian. Floats are finite.
};

struct Bundle {
  std::string kind = "policy";  // Or "checkpoint": a policy and all that resuming needs.
  TrainingConfig config;        // Valid, but may have no problem: a policy travels without.
  // What the features were that the weights go with.
  int feature_version = 0;
  std::vector<std::string> op_types;  // Op types that have an embedding of their own, in order.
  int type_buckets = 0;               // Embeddings that all other op types share, by hash.
  std::vector<std::string> node_columns, edge_columns, device_columns;
  std::string model_card;                       // Markdown, at most 1 MiB.
  std::map<std::string, std::string> metadata;  // UTF-8. Where it comes from, what it was measured.
  std::vector<BundleTensor> tensors;            // Names are unique.
  int64_t iteration = 0;                        // Training iterations done.
  std::map<std::string, std::string> state;     // Any bytes: generators, schedules, curves.
};

// The most a bundle may have, in a file or in memory.
inline constexpr int64_t kMaxBundleBytes = (int64_t{1} << 31) - 1;

struct BundleLimits {
  int64_t max_bytes = kMaxBundleBytes;
};

// Equal bundles give equal bytes. InvalidArgument where a bundle breaks a rule that reading checks,
// a value that is not finite above all; ResourceExhausted where it is too large.
GOPT_API absl::StatusOr<std::string> SerializeBundle(const Bundle& bundle);

// InvalidArgument, with `source` first, for any bytes that SerializeBundle does not make: cut,
// longer, flipped, forged, or of another format; a pickle or an archive of PyTorch is never looked
// into. ResourceExhausted above the limits. Memory is taken after all checks. Warnings about a
// newer minor version go to `warnings`, or to stderr.
GOPT_API absl::StatusOr<Bundle> ParseBundle(std::string_view bytes,
                                            std::string_view source = "<bytes>",
                                            const BundleLimits& limits = {},
                                            std::vector<std::string>* warnings = nullptr);

struct WriteBundleOptions {
  // The file that is replaced stays as `<path>.previous`, unless it is no whole bundle: then the
  // previous one that there may be is worth more.
  bool keep_previous = true;
};

// Atomic: whenever the process or the machine stops, `path` is the old or the new file as a whole.
// New files have mode 0600; that of an existing one is kept. On an error (ResourceExhausted: the
// disk is full; PermissionDenied; NotFound: no such folder) the old file stays. A process killed
// while writing leaves a file .gopt-*.tmp in the folder, which may be deleted.
GOPT_API absl::Status WriteBundleFile(const Bundle& bundle, const std::string& path,
                                      const WriteBundleOptions& options = {});

struct ReadBundleOptions {
  bool fall_back = true;  // To `<path>.previous`, with a warning, where `path` gives no bundle.
  BundleLimits limits;
};

// Where neither file gives a bundle, the error is that of `path`, followed by the other's.
GOPT_API absl::StatusOr<Bundle> ReadBundleFile(const std::string& path,
                                               const ReadBundleOptions& options = {},
                                               std::vector<std::string>* warnings = nullptr);

struct ExpectedTensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int64_t> shape;
};

// Whether the bundle has exactly these tensors, in any order. InvalidArgument lists what differs,
// the first few of it: "3 tensors differ from the network's: 'head.bias' is missing; 'body.weight'
// is float32 [64, 64], expected float32 [64, 128]; 'extra' is not expected".
GOPT_API absl::Status CheckTensors(const Bundle& bundle, std::span<const ExpectedTensor> expected);

}  // namespace gopt

#endif  // GOPT_IO_BUNDLE_H_

#ifndef GOPT_SRC_IO_BUNDLE_PROTO_H_
#define GOPT_SRC_IO_BUNDLE_PROTO_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/io/bundle.h"
#include "gopt/v1/training.pb.h"

namespace gopt {

// The rules of all but tensors and states: kind, configuration, names and texts. InvalidArgument
// names the field.
absl::Status CheckBundleFields(const Bundle& bundle);

// The rules of a tensor's description, and the bytes that it says there are.
absl::StatusOr<int64_t> CheckedTensorBytes(std::string_view name, TensorType type,
                                           const std::vector<int64_t>& shape);

// InvalidArgument names the first value that is not finite.
absl::Status CheckTensorValues(std::string_view name, TensorType type, std::string_view bytes);

// All but the tables of tensors and states.
v1::PolicyHeaderProto HeaderToProto(const Bundle& bundle);

// The bundle with its tensors described and without their bytes, which are looked at nowhere but in
// `data`, the views of tensors and then of states. The tables must cover the data exactly and in
// order. No memory that depends on sizes stated is taken.
absl::StatusOr<Bundle> BundleFromHeader(const v1::PolicyHeaderProto& proto, std::string_view data,
                                        std::vector<std::string_view>* parts);

}  // namespace gopt

#endif  // GOPT_SRC_IO_BUNDLE_PROTO_H_

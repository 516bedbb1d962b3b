#ifndef GOPT_SRC_IO_PROTO_TEXT_H_
#define GOPT_SRC_IO_PROTO_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "absl/status/status.h"

namespace gopt {

inline constexpr int64_t kMaxTextBytes = int64_t{64} << 20;

// Reads a text proto. InvalidArgument names file, line and column: "m.txtpb:3:7: no field named
// "bandwith"". Unknown fields are errors here, not warnings: people make typing errors.
absl::Status ParseTextProto(std::string_view text, std::string_view source, int64_t max_bytes,
                            google::protobuf::Message* message);

// Fields in order, short columns in brackets; ends with a newline.
std::string PrintTextProto(const google::protobuf::Message& message);

}  // namespace gopt

#endif  // GOPT_SRC_IO_PROTO_TEXT_H_

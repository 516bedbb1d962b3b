#ifndef GOPT_SRC_IO_PROTO_GUARD_H_
#define GOPT_SRC_IO_PROTO_GUARD_H_

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

#include "absl/status/status.h"

namespace gopt {

// Parses a message after a walk over its bytes has shown that the parsed form takes at most about
// ten times as much memory and that its texts are UTF-8. InvalidArgument names the field. Unknown
// fields are skipped with a warning each, and refused above a thousand.
absl::Status ParseGuarded(std::string_view bytes, std::string_view source,
                          google::protobuf::Message* message, std::vector<std::string>* warnings);

// A text that names something: at most 4 KiB and no NUL. InvalidArgument says where it stood.
absl::Status CheckNameText(std::string_view text, std::string_view where);

}  // namespace gopt

#endif  // GOPT_SRC_IO_PROTO_GUARD_H_

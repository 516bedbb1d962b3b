#ifndef GOPT_SRC_IO_FILE_BYTES_H_
#define GOPT_SRC_IO_FILE_BYTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"

namespace gopt {

// The whole of a regular file. One of more than `max_bytes` is refused by its size, unread, with
// ResourceExhausted; NotFound, PermissionDenied and InvalidArgument (a folder, a device) name it
// too.
GOPT_API absl::StatusOr<std::string> ReadFileBytes(const std::string& path, int64_t max_bytes);

// At most the first `count` bytes; fewer where the file is shorter.
GOPT_API absl::StatusOr<std::string> ReadFirstBytes(const std::string& path, int64_t count);

struct WriteFileOptions {
  // The file that is replaced stays as `<path>.previous`; at every moment one of the two is there,
  // as a whole.
  bool keep_previous = false;
  bool is_private = false;  // A new file has mode 0600; else that of new files.
};

// Replaces the file as a whole or not at all, even when the machine stops midway: a temporary file
// in the same folder (created exclusively, with the permissions of new files), fsync, rename, fsync
// of the folder. An existing file's mode is kept. A full disk or quota is ResourceExhausted.
GOPT_API absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes,
                                          const WriteFileOptions& options = {});

}  // namespace gopt

#endif  // GOPT_SRC_IO_FILE_BYTES_H_

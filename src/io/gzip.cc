#include "src/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"

namespace gopt {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for gzip's header and trailer.

}  // namespace

bool LooksLikeGzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

absl::StatusOr<std::string> Gunzip(std::string_view bytes, int64_t max_bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) {
    return absl::ResourceExhaustedError("4 GiB or more of gzip");
  }
  z_stream stream{};
  GOPT_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int result = Z_OK;
  while (result == Z_OK && static_cast<int64_t>(out.size()) <= max_bytes) {
    const size_t done = out.size();
    const size_t room = std::max<size_t>(size_t{64} << 10, std::min(done, size_t{64} << 20));
    out.resize(done + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(done + room - stream.avail_out);
  }
  inflateEnd(&stream);
  if (static_cast<int64_t>(out.size()) > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it inflates to more than the limit of ", max_bytes, " bytes"));
  }
  if (result != Z_STREAM_END) return absl::InvalidArgumentError("the gzip data is damaged or cut");
  if (stream.avail_in != 0) return absl::InvalidArgumentError("bytes follow the gzip data");
  return out;
}

}  // namespace gopt

#include "src/io/container.h"

#include <zlib.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "src/io/crc32c.h"
#include "src/io/little_endian.h"
#include "src/io/magic.h"

namespace gopt {
namespace {

constexpr uint16_t kFormatVersion = 1;
// Deflate cannot expand by more: 258 bytes from 2 bits.
constexpr uint64_t kMaxDeflateRatio = 1032;

struct Header {
  uint16_t version = kFormatVersion;
  uint8_t kind = 0;
  uint8_t compression = 0;
  uint32_t reserved = 0;
  uint64_t stored_bytes = 0;
  uint64_t payload_bytes = 0;
  uint32_t payload_crc = 0;  // Of the stored bytes.
};

std::string EncodeHeader(const Header& header) {
  std::string out(kContainerMagic);
  PutLittle(header.version, &out);
  PutLittle(header.kind, &out);
  PutLittle(header.compression, &out);
  PutLittle(header.reserved, &out);
  PutLittle(header.stored_bytes, &out);
  PutLittle(header.payload_bytes, &out);
  PutLittle(header.payload_crc, &out);
  PutLittle(Crc32c(out), &out);
  return out;
}

std::string_view Name(ContainerKind kind) {
  switch (kind) {
    case ContainerKind::kGraph:
      return "graph";
    case ContainerKind::kPlan:
      return "plan";
    case ContainerKind::kMachine:
      return "machine";
  }
  return "unknown";
}

template <typename... Parts>
absl::Status Bad(std::string_view source, const Parts&... parts) {
  return absl::InvalidArgumentError(
      absl::StrCat(absl::string_view(source.data(), source.size()), ": ", parts...));
}

absl::StatusOr<Header> DecodeHeader(std::string_view bytes, std::string_view source) {
  if (BeginsWith(bytes, kBundleMagic)) return Bad(source, "holds a policy");
  if (!LooksLikeContainer(bytes)) {
    return Bad(source, "not a gopt file (a text form has the extension .txtpb)");
  }
  if (bytes.size() < kContainerHeaderBytes) return Bad(source, "the file is cut: no whole header");
  const std::string_view covered = bytes.substr(0, kContainerHeaderBytes - sizeof(uint32_t));
  std::string_view rest =
      bytes.substr(kContainerMagic.size(), kContainerHeaderBytes - kContainerMagic.size());
  Header header;
  header.version = TakeLittle<uint16_t>(&rest);
  header.kind = TakeLittle<uint8_t>(&rest);
  header.compression = TakeLittle<uint8_t>(&rest);
  header.reserved = TakeLittle<uint32_t>(&rest);
  header.stored_bytes = TakeLittle<uint64_t>(&rest);
  header.payload_bytes = TakeLittle<uint64_t>(&rest);
  header.payload_crc = TakeLittle<uint32_t>(&rest);
  if (TakeLittle<uint32_t>(&rest) != Crc32c(covered)) {
    return Bad(source, "the header's checksum does not match: the file is damaged");
  }
  return header;
}

absl::Status CheckHeader(const Header& header, size_t file_bytes, ContainerKind kind,
                         std::string_view source, int64_t max_bytes) {
  if (header.version != kFormatVersion) {
    return Bad(source, "container version ", header.version, "; this library reads version ",
               kFormatVersion);
  }
  if (header.reserved != 0) return Bad(source, "reserved bytes of the header are not zero");
  if (header.kind != static_cast<uint8_t>(kind)) {
    const std::string_view is = Name(static_cast<ContainerKind>(header.kind));
    return Bad(source, "holds a ", absl::string_view(is.data(), is.size()), ", not a ",
               absl::string_view(Name(kind).data(), Name(kind).size()));
  }
  if (header.compression > static_cast<uint8_t>(Compression::kZlib)) {
    return Bad(source, "compression ", header.compression, " is unknown");
  }
  const uint64_t body = file_bytes - kContainerHeaderBytes;
  if (header.stored_bytes != body) {
    return Bad(source, "the header states ", header.stored_bytes, " bytes of content, there are ",
               body, body < header.stored_bytes ? ": the file is cut" : ": bytes follow the end");
  }
  if (header.payload_bytes > static_cast<uint64_t>(max_bytes)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        absl::string_view(source.data(), source.size()), ": the header states ",
        header.payload_bytes, " bytes uncompressed, more than the limit of ", max_bytes));
  }
  const bool stored = header.compression == static_cast<uint8_t>(Compression::kStored);
  if (stored ? header.payload_bytes != body : header.payload_bytes / kMaxDeflateRatio > body) {
    return Bad(source, "the header states an impossible uncompressed length of ",
               header.payload_bytes, " bytes");
  }
  return absl::OkStatus();
}

// In pieces, since zlib counts bytes in 32 bits.
template <typename Step>
int RunZlib(z_stream* stream, std::string_view in, std::string* out, const Step& step) {
  constexpr size_t kPiece = size_t{1} << 30;
  size_t read = 0, written = 0;
  while (true) {
    const size_t in_piece = std::min(kPiece, in.size() - read);
    const size_t out_piece = std::min(kPiece, out->size() - written);
    stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data() + read));
    stream->avail_in = static_cast<uInt>(in_piece);
    stream->next_out = reinterpret_cast<Bytef*>(out->data() + written);
    stream->avail_out = static_cast<uInt>(out_piece);
    const int result = step(stream, read + in_piece == in.size());
    const size_t took = in_piece - stream->avail_in, gave = out_piece - stream->avail_out;
    read += took;
    written += gave;
    if (result != Z_OK || (took == 0 && gave == 0)) {
      out->resize(written);
      return result == Z_STREAM_END && read != in.size() ? Z_DATA_ERROR : result;
    }
  }
}

// Empty when it does not fit into fewer bytes than the payload.
std::string Deflate(std::string_view payload) {
  z_stream stream{};
  GOPT_CHECK(deflateInit(&stream, Z_BEST_COMPRESSION) == Z_OK);
  std::string out(payload.size(), '\0');
  const int result = RunZlib(&stream, payload, &out, [](z_stream* s, bool last) {
    return deflate(s, last ? Z_FINISH : Z_NO_FLUSH);
  });
  deflateEnd(&stream);
  return result == Z_STREAM_END ? out : std::string();
}

absl::StatusOr<std::string> Inflate(std::string_view stored, uint64_t payload_bytes,
                                    std::string_view source) {
  z_stream stream{};
  GOPT_CHECK(inflateInit(&stream) == Z_OK);
  std::string out(payload_bytes, '\0');
  const int result =
      RunZlib(&stream, stored, &out, [](z_stream* s, bool) { return inflate(s, Z_NO_FLUSH); });
  inflateEnd(&stream);
  if (result != Z_STREAM_END || out.size() != payload_bytes) {
    return Bad(source, "the compressed content does not inflate to the stated length");
  }
  return out;
}

}  // namespace

bool LooksLikeContainer(std::string_view bytes) { return BeginsWith(bytes, kContainerMagic); }

std::string WrapInContainer(ContainerKind kind, std::string_view payload, Compression compression) {
  std::string deflated;
  if (compression == Compression::kZlib) deflated = Deflate(payload);
  const bool stored = deflated.empty();
  const std::string_view body = stored ? payload : std::string_view(deflated);
  Header header;
  header.kind = static_cast<uint8_t>(kind);
  header.compression = static_cast<uint8_t>(stored ? Compression::kStored : Compression::kZlib);
  header.stored_bytes = body.size();
  header.payload_bytes = payload.size();
  header.payload_crc = Crc32c(body);
  std::string out = EncodeHeader(header);
  GOPT_CHECK(out.size() == kContainerHeaderBytes);
  out.append(body);
  return out;
}

absl::StatusOr<std::string_view> UnwrapContainer(std::string_view bytes, ContainerKind kind,
                                                 std::string_view source, int64_t max_bytes,
                                                 std::string* buffer) {
  GOPT_ASSIGN_OR_RETURN(const Header header, DecodeHeader(bytes, source));
  GOPT_RETURN_IF_ERROR(CheckHeader(header, bytes.size(), kind, source, max_bytes));
  const std::string_view body = bytes.substr(kContainerHeaderBytes);
  if (Crc32c(body) != header.payload_crc) {
    return Bad(source, "the content's checksum does not match: the file is damaged");
  }
  if (header.compression == static_cast<uint8_t>(Compression::kStored)) return body;
  GOPT_ASSIGN_OR_RETURN(*buffer, Inflate(body, header.payload_bytes, source));
  return std::string_view(*buffer);
}

}  // namespace gopt

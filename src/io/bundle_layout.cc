#include "src/io/bundle_layout.h"

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "src/io/crc32c.h"
#include "src/io/little_endian.h"
#include "src/io/magic.h"

namespace gopt {
namespace {

constexpr uint32_t kBundleVersion = 1;

template <typename... Parts>
absl::Status Bad(std::string_view source, const Parts&... parts) {
  return absl::InvalidArgumentError(
      absl::StrCat(absl::string_view(source.data(), source.size()), ": ", parts...));
}

// What begins unlike a bundle, named where people are likely to confuse it with one.
absl::Status NotABundle(std::string_view bytes, std::string_view source) {
  constexpr const char* kNeverLoaded =
      "; such files can hold code and are never loaded. A policy is a bundle that gopt wrote";
  const auto second = static_cast<unsigned char>(bytes.size() < 2 ? 0 : bytes[1]);
  if (BeginsWith(bytes, "PK")) {
    return Bad(source, "is a zip archive, as PyTorch's .pt files are", kNeverLoaded);
  }
  if (BeginsWith(bytes, "\x80") && second >= 2 && second <= 5) {  // The protocol's number.
    return Bad(source, "is a Python pickle", kNeverLoaded);
  }
  if (BeginsWith(bytes, kContainerMagic)) {
    return Bad(source, "holds a graph, plan or machine, not a policy");
  }
  return Bad(source, "not a policy bundle");
}

}  // namespace

std::string JoinBundle(std::string_view header, std::string_view data) {
  GOPT_CHECK(header.size() <= static_cast<size_t>(kMaxBundleHeaderBytes));
  std::string out;
  out.reserve(kBundleFrameBytes + header.size() + data.size());
  out.append(kBundleMagic);
  PutLittle(kBundleVersion, &out);
  PutLittle(static_cast<uint32_t>(header.size()), &out);
  out.append(header);
  PutLittle(Crc32c(out), &out);
  out.append(data);
  PutLittle(static_cast<uint64_t>(out.size() + kBundleTrailerBytes), &out);
  PutLittle(Crc32c(out), &out);
  return out;
}

absl::StatusOr<BundleParts> SplitBundle(std::string_view bytes, std::string_view source,
                                        int64_t max_bytes) {
  if (static_cast<uint64_t>(bytes.size()) > static_cast<uint64_t>(max_bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(absl::string_view(source.data(), source.size()), ": ", bytes.size(),
                     " bytes are more than the limit of ", max_bytes));
  }
  if (!BeginsWith(bytes, kBundleMagic)) return NotABundle(bytes, source);
  if (bytes.size() < kBundleFrameBytes) return Bad(source, "the file is cut: no whole header");
  std::string_view rest = bytes.substr(kBundleMagic.size());
  const auto version = TakeLittle<uint32_t>(&rest);
  if (version != kBundleVersion) {
    return Bad(source, "bundle version ", version, "; this library reads version ", kBundleVersion);
  }
  const uint64_t header_bytes = TakeLittle<uint32_t>(&rest);
  if (header_bytes > static_cast<uint64_t>(kMaxBundleHeaderBytes)) {
    return Bad(source, "a header of ", header_bytes, " bytes is above the limit of ",
               kMaxBundleHeaderBytes);
  }
  if (header_bytes > bytes.size() - kBundleFrameBytes) {
    return Bad(source, "the file is cut: its header has ", header_bytes, " bytes");
  }
  const size_t header_end = kBundlePrefixBytes + header_bytes;
  rest = bytes.substr(header_end);
  if (TakeLittle<uint32_t>(&rest) != Crc32c(bytes.substr(0, header_end))) {
    return Bad(source, "the header's checksum does not match: the file is damaged");
  }
  BundleParts parts;
  parts.header = bytes.substr(kBundlePrefixBytes, header_bytes);
  parts.data = rest.substr(0, rest.size() - kBundleTrailerBytes);
  rest.remove_prefix(parts.data.size());
  if (const auto stated = TakeLittle<uint64_t>(&rest); stated != bytes.size()) {
    return Bad(source, "the end states ", stated, " bytes, there are ", bytes.size(),
               ": the file is cut or damaged");
  }
  return parts;
}

absl::Status CheckBundleTrailer(std::string_view bytes, std::string_view source) {
  GOPT_CHECK(bytes.size() >= kBundleFrameBytes);
  const size_t covered = bytes.size() - sizeof(uint32_t);
  std::string_view rest = bytes.substr(covered);
  if (TakeLittle<uint32_t>(&rest) == Crc32c(bytes.substr(0, covered))) return absl::OkStatus();
  return Bad(source, "the checksum of the whole does not match: the file is damaged");
}

bool IsUndamagedBundle(std::string_view bytes) {
  return SplitBundle(bytes, "", static_cast<int64_t>(bytes.size())).ok() &&
         CheckBundleTrailer(bytes, "").ok();
}

}  // namespace gopt

// Policy bundles: the bytes as they are; as header and data under right checksums; and so with the
// table of the header made to fit the data, since a fuzzer cannot guess checksums of parts.
#include <algorithm>
#include <string>
#include <vector>

#include "gopt/io/bundle.h"
#include "gopt/v1/training.pb.h"
#include "src/io/bundle_layout.h"
#include "src/io/crc32c.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

namespace gopt::fuzz {
namespace {

void Check(std::string_view bytes) {
  std::vector<std::string> warnings;
  const auto bundle = ParseBundle(bytes, "f", {.max_bytes = 1 << 24}, &warnings);
  if (!bundle.ok()) return RequireGoodError(bundle.status());
  const auto once = SerializeBundle(*bundle);
  Require(once.ok());
  const auto again = ParseBundle(*once);
  Require(again.ok() && *SerializeBundle(*again) == *once);
}

// Offsets and checksums of the parts, as their lengths want them.
template <typename Entries>
void Fit(std::string_view data, size_t* at, Entries* entries) {
  for (auto& entry : *entries) {
    const size_t length = std::min<size_t>(entry.bytes(), data.size() - *at);
    entry.set_offset(*at);
    entry.set_bytes(length);
    entry.set_crc32c(Crc32c(data.substr(*at, length)));
    *at += length;
  }
}

}  // namespace
}  // namespace gopt::fuzz

// The last byte says how many of those before it are data.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const std::string_view bytes = gopt::fuzz::AsText(data, size);
  gopt::fuzz::Check(bytes);
  if (bytes.empty()) return 0;
  const std::string_view front = bytes.substr(0, size - 1);
  const size_t data_bytes = std::min<size_t>(data[size - 1], front.size());
  const std::string_view header = front.substr(0, front.size() - data_bytes);
  std::string_view parts = front.substr(front.size() - data_bytes);
  gopt::fuzz::Check(gopt::JoinBundle(header, parts));
  gopt::v1::PolicyHeaderProto proto;
  if (!proto.ParseFromString(std::string(header))) return 0;
  size_t at = 0;
  gopt::fuzz::Fit(parts, &at, proto.mutable_tensors());
  gopt::fuzz::Fit(parts, &at, proto.mutable_states());
  gopt::fuzz::Check(gopt::JoinBundle(proto.SerializeAsString(), parts.substr(0, at)));
  return 0;
}

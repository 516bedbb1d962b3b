#include "src/io/container.h"

#include <string>

#include "gmock/gmock.h"
#include "gopt/base/random.h"
#include "gtest/gtest.h"
#include "src/io/crc32c.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kLimit = 1 << 20;

std::string CompressiblePayload() {
  std::string payload;
  for (int i = 0; i < 200; ++i) payload += "layer " + std::to_string(i % 7) + "; ";
  return payload;
}

absl::StatusOr<std::string> Unwrap(std::string_view bytes, int64_t limit = kLimit) {
  std::string buffer;
  const auto payload = UnwrapContainer(bytes, ContainerKind::kGraph, "f.gopt", limit, &buffer);
  if (!payload.ok()) return payload.status();
  return std::string(*payload);
}

std::string Wrap(const std::string& payload) {
  return WrapInContainer(ContainerKind::kGraph, payload, Compression::kZlib);
}

// Writes a number into the header and makes its checksum right again.
template <typename T>
void Forge(std::string* bytes, size_t offset, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    (*bytes)[offset + i] = static_cast<char>(value >> (8 * i));
  }
  const uint32_t crc = Crc32c(std::string_view(*bytes).substr(0, 36));
  for (size_t i = 0; i < 4; ++i) (*bytes)[36 + i] = static_cast<char>(crc >> (8 * i));
}

constexpr size_t kVersionAt = 8, kKindAt = 10, kCompressionAt = 11, kReservedAt = 12,
                 kStoredAt = 16, kPayloadAt = 24;

TEST(ContainerTest, GivesBackWhatWasWrapped) {
  for (const std::string& payload : {std::string(), std::string("x"), CompressiblePayload()}) {
    for (Compression compression : {Compression::kStored, Compression::kZlib}) {
      const std::string bytes = WrapInContainer(ContainerKind::kGraph, payload, compression);
      const auto back = Unwrap(bytes);
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(*back, payload);
    }
  }
}

TEST(ContainerTest, StoresWhatDoesNotGetSmaller) {
  EXPECT_EQ(Wrap("abc").size(), kContainerHeaderBytes + 3);
  EXPECT_LT(Wrap(CompressiblePayload()).size(), CompressiblePayload().size() / 4);
}

TEST(ContainerTest, RefusesAFileCutAtEveryLength) {
  for (Compression compression : {Compression::kStored, Compression::kZlib}) {
    const std::string bytes =
        WrapInContainer(ContainerKind::kGraph, CompressiblePayload(), compression);
    for (size_t length = 0; length < bytes.size(); ++length) {
      const auto back = Unwrap(std::string_view(bytes).substr(0, length));
      ASSERT_EQ(back.status().code(), absl::StatusCode::kInvalidArgument) << length;
      ASSERT_THAT(std::string(back.status().message()), HasSubstr("f.gopt: ")) << length;
    }
  }
}

TEST(ContainerTest, RefusesBytesAfterTheEnd) {
  const std::string bytes = Wrap(CompressiblePayload());
  EXPECT_THAT(std::string(Unwrap(bytes + '\0').status().message()), HasSubstr("bytes follow"));
}

TEST(ContainerTest, NoticesEverySingleBitFlip) {
  const std::string bytes = Wrap(CompressiblePayload());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(Unwrap(flipped).ok()) << "bit " << bit;
  }
}

TEST(ContainerTest, NoticesTenThousandRandomBitFlips) {
  const std::string bytes = Wrap(CompressiblePayload());
  Random random(7);
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    std::string flipped = bytes;
    const int64_t flips = 1 + random.Below(8);
    for (int64_t i = 0; i < flips; ++i) {
      const auto bit = static_cast<size_t>(random.Below(static_cast<int64_t>(8 * bytes.size())));
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    }
    if (flipped == bytes) continue;  // Two flips of one bit.
    ASSERT_FALSE(Unwrap(flipped).ok()) << "trial " << trial;
  }
}

TEST(ContainerTest, NamesWhatIsWrong) {
  const std::string good = Wrap(CompressiblePayload());
  const auto message = [](const std::string& bytes) {
    return std::string(Unwrap(bytes).status().message());
  };
  EXPECT_THAT(message("digraph { a -> b }"), HasSubstr("not a gopt file"));
  std::string bytes = good;
  Forge<uint16_t>(&bytes, kVersionAt, 2);
  EXPECT_THAT(message(bytes), HasSubstr("container version 2"));
  bytes = good;
  Forge<uint8_t>(&bytes, kKindAt, 2);
  EXPECT_THAT(message(bytes), HasSubstr("holds a plan, not a graph"));
  bytes = good;
  Forge<uint8_t>(&bytes, kCompressionAt, 9);
  EXPECT_THAT(message(bytes), HasSubstr("compression 9 is unknown"));
  bytes = good;
  Forge<uint32_t>(&bytes, kReservedAt, 1);
  EXPECT_THAT(message(bytes), HasSubstr("reserved"));
  bytes = good;
  Forge<uint64_t>(&bytes, kStoredAt, uint64_t{1} << 63);
  EXPECT_THAT(message(bytes), HasSubstr("the file is cut"));
}

TEST(ContainerTest, RefusesALengthItCannotHaveBeforeTakingMemory) {
  std::string bytes = Wrap(CompressiblePayload());
  Forge<uint64_t>(&bytes, kPayloadAt, uint64_t{1} << 62);
  EXPECT_EQ(Unwrap(bytes).status().code(), absl::StatusCode::kResourceExhausted);
  // Within the limit, but more than deflate can make of the bytes at hand.
  EXPECT_EQ(Unwrap(bytes, int64_t{1} << 62).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ContainerTest, RefusesAPayloadThatInflatesToAnotherLength) {
  for (int delta : {-1, 1}) {
    std::string bytes = Wrap(CompressiblePayload());
    Forge<uint64_t>(&bytes, kPayloadAt, CompressiblePayload().size() + delta);
    EXPECT_THAT(std::string(Unwrap(bytes).status().message()), HasSubstr("does not inflate"));
  }
}

}  // namespace
}  // namespace gopt

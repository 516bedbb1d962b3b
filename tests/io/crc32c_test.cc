#include "src/io/crc32c.h"

#include <string>

#include "gopt/base/random.h"
#include "gtest/gtest.h"

namespace gopt {
namespace {

std::string RandomBytes(size_t size, uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST(Crc32cTest, EqualsThePublishedValues) {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  for (auto* crc : {&Crc32c, &Crc32cByTables}) {
    EXPECT_EQ((*crc)("123456789", 0), 0xe3069283u);
    EXPECT_EQ((*crc)(std::string(32, '\0'), 0), 0x8a9136aau);
    EXPECT_EQ((*crc)(std::string(32, '\xff'), 0), 0x62a8ab43u);
    EXPECT_EQ((*crc)(ascending, 0), 0x46dd794eu);
    EXPECT_EQ((*crc)(descending, 0), 0x113fdb5cu);
    EXPECT_EQ((*crc)("", 0), 0u);
  }
}

TEST(Crc32cTest, TheInstructionAndTheTablesAgreeAtEveryLengthAndAlignment) {
  const std::string bytes = RandomBytes(300, 1);
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t length = 0; begin + length <= bytes.size(); ++length) {
      const std::string_view part = std::string_view(bytes).substr(begin, length);
      ASSERT_EQ(Crc32c(part), Crc32cByTables(part)) << begin << " " << length;
    }
  }
}

TEST(Crc32cTest, ContinuesAnEarlierResult) {
  const std::string bytes = RandomBytes(1000, 2);
  const std::string_view view = bytes;
  for (size_t cut : {0, 1, 7, 8, 9, 500, 999, 1000}) {
    EXPECT_EQ(Crc32c(view.substr(cut), Crc32c(view.substr(0, cut))), Crc32c(bytes)) << cut;
  }
}

}  // namespace
}  // namespace gopt

#include "src/io/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace gopt {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78u;

// tables[k][b]: the remainder of byte b followed by k zero bytes.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

uint32_t Little32(const unsigned char* bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Crc32cByInstruction(std::string_view bytes,
                                                               uint32_t previous) {
  const char* next = bytes.data();
  const char* const end = next + bytes.size();
  uint64_t crc = previous ^ 0xffffffffu;
  for (; end - next >= 8; next += 8) {
    uint64_t word;
    std::memcpy(&word, next, sizeof(word));
    crc = _mm_crc32_u64(crc, word);
  }
  uint32_t narrow = static_cast<uint32_t>(crc);
  for (; next != end; ++next) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*next));
  return narrow ^ 0xffffffffu;
}
#endif

}  // namespace

uint32_t Crc32cByTables(std::string_view bytes, uint32_t previous) {
  const auto* next = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = next + bytes.size();
  uint32_t crc = previous ^ 0xffffffffu;
  for (; end - next >= 8; next += 8) {
    const uint32_t low = crc ^ Little32(next);
    const uint32_t high = Little32(next + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][(high >> 8) & 0xff] ^
          kTables[1][(high >> 16) & 0xff] ^ kTables[0][high >> 24];
  }
  for (; next != end; ++next) crc = (crc >> 8) ^ kTables[0][(crc ^ *next) & 0xff];
  return crc ^ 0xffffffffu;
}

uint32_t Crc32c(std::string_view bytes, uint32_t previous) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return Crc32cByInstruction(bytes, previous);
#endif
  return Crc32cByTables(bytes, previous);
}

}  // namespace gopt

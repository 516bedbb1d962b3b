#include "gopt/base/utf8.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"

namespace gopt {
namespace {

bool IsContinuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// Length of the ASCII text at the front, in whole words of eight bytes.
size_t AsciiWords(std::string_view s) {
  size_t length = 0;
  for (uint64_t word; length + sizeof(word) <= s.size(); length += sizeof(word)) {
    std::memcpy(&word, s.data() + length, sizeof(word));
    if ((word & 0x8080808080808080u) != 0) break;
  }
  return length;
}

// Length of the well-formed character at the front, 0 if there is none.
size_t CharacterLength(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // Range of the second byte.
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (s.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(byte(i))) return 0;
  }
  return length;
}

}  // namespace

bool IsValidUtf8(std::string_view bytes) {
  while (true) {
    bytes.remove_prefix(AsciiWords(bytes));
    if (bytes.empty()) return true;
    const size_t length = CharacterLength(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
}

std::string Printable(std::string_view bytes, size_t max_bytes) {
  const bool cut = bytes.size() > max_bytes;
  if (cut) bytes = bytes.substr(0, max_bytes);
  const std::string text(bytes);
  const std::string escaped =
      IsValidUtf8(bytes) ? absl::Utf8SafeCEscape(text) : absl::CHexEscape(text);
  return cut ? escaped + "..." : escaped;
}

}  // namespace gopt

#ifndef GOPT_SRC_IO_WIRE_H_
#define GOPT_SRC_IO_WIRE_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gopt {

static_assert(std::endian::native == std::endian::little, "fixed-width fields are read in place");

// Protocol Buffers' wire types.
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a serialized message: its number and where its value lies.
struct WireField {
  int number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // Of kVarint, kFixed64 and kFixed32.
  std::string_view bytes;  // Of kBytes.
};

// Reads a varint at *next, which moves behind it. False when it is cut or longer than 64 bits.
inline bool ReadVarint(const char** next, const char* end, uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < 64 && *next != end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*(*next)++);
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return shift < 63 || byte <= 1;
    }
  }
  return false;
}

inline int64_t ZigZagDecode(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Walks the fields of one serialized message without copying. Groups, which proto3 has not, are
// malformed here.
class WireReader {
 public:
  explicit WireReader(std::string_view message)
      : next_(message.data()), end_(message.data() + message.size()) {}

  bool done() const { return next_ == end_; }

  // False when the bytes are malformed.
  bool Next(WireField* field) {
    uint64_t tag = 0;
    if (!ReadVarint(&next_, end_, &tag) || (tag >> 3) == 0 || (tag >> 3) >= (1u << 29))
      return false;
    field->number = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0:
        field->type = WireType::kVarint;
        return ReadVarint(&next_, end_, &field->value);
      case 1:
        field->type = WireType::kFixed64;
        return ReadFixed<uint64_t>(field);
      case 2:
        field->type = WireType::kBytes;
        return ReadBytes(field);
      case 5:
        field->type = WireType::kFixed32;
        return ReadFixed<uint32_t>(field);
      default:
        return false;
    }
  }

 private:
  template <typename T>
  bool ReadFixed(WireField* field) {
    if (static_cast<size_t>(end_ - next_) < sizeof(T)) return false;
    T value;
    std::memcpy(&value, next_, sizeof(T));
    next_ += sizeof(T);
    field->value = value;
    return true;
  }

  bool ReadBytes(WireField* field) {
    uint64_t length = 0;
    if (!ReadVarint(&next_, end_, &length)) return false;
    if (length > static_cast<uint64_t>(end_ - next_)) return false;
    field->bytes = std::string_view(next_, static_cast<size_t>(length));
    next_ += length;
    return true;
  }

  const char* next_;
  const char* end_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_WIRE_H_

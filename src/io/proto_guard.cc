#include "src/io/proto_guard.h"

#include <algorithm>
#include <limits>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/schema_version.h"
#include "src/io/wire.h"

namespace gopt {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;

constexpr int64_t kMemoryPerByte = 10;
constexpr int64_t kFreeMemory = 64 << 10;
constexpr int64_t kStringMemory = 48;
constexpr int64_t kMapEntryMemory = 128;
constexpr int64_t kUnknownMemory = 64;
constexpr int64_t kMaxUnknownFields = 1000;
constexpr size_t kMaxNameBytes = 4096;

// Bytes of one element of a packed field; its array may be half empty.
int64_t ElementMemory(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return 2;
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return 16;
    default:
      return 8;
  }
}

// Estimates what parsing takes. Recursion is over message types, which do not nest in themselves.
class Scan {
 public:
  Scan(std::string_view bytes, std::string_view source, std::vector<std::string>* warnings)
      : source_(source),
        limit_(kFreeMemory + kMemoryPerByte * static_cast<int64_t>(bytes.size())),
        warnings_(warnings) {}

  absl::Status Message(std::string_view bytes, const Descriptor& type) {
    GOPT_RETURN_IF_ERROR(Charge(MessageMemory(type)));
    WireReader reader(bytes);
    WireField field;
    while (!reader.done()) {
      if (!reader.Next(&field)) return Fault(type.name(), " is malformed");
      const FieldDescriptor* known = type.FindFieldByNumber(field.number);
      GOPT_RETURN_IF_ERROR(known == nullptr ? Unknown(type, field) : Known(*known, field));
    }
    return absl::OkStatus();
  }

 private:
  template <typename... Parts>
  absl::Status Fault(const Parts&... parts) const {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::string_view(source_.data(), source_.size()), ": ", parts...));
  }

  // Of an empty message, and of the pointer to it.
  int64_t MessageMemory(const Descriptor& type) {
    const auto [it, is_new] = message_memory_.try_emplace(&type, kMapEntryMemory);
    if (is_new && !type.options().map_entry()) {
      it->second =
          16 + static_cast<int64_t>(
                   MessageFactory::generated_factory()->GetPrototype(&type)->SpaceUsedLong());
    }
    return it->second;
  }

  absl::Status Charge(int64_t memory) {
    memory_ += memory;
    if (memory_ <= limit_) return absl::OkStatus();
    return Fault("too many empty messages or texts for a file of this size");
  }

  absl::Status Unknown(const Descriptor& type, const WireField& field) {
    if (++unknown_ > kMaxUnknownFields) {
      return Fault("more than ", kMaxUnknownFields, " unknown fields");
    }
    WarnUnknownField(source_, type.name(), field.number, warnings_);
    return Charge(kUnknownMemory + static_cast<int64_t>(field.bytes.size()));
  }

  absl::Status Known(const FieldDescriptor& known, const WireField& field) {
    if (field.type != WireType::kBytes) return Charge(ElementMemory(known));
    switch (known.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Message(field.bytes, *known.message_type());
      case FieldDescriptor::CPPTYPE_STRING:
        if (known.type() == FieldDescriptor::TYPE_STRING && !IsValidUtf8(field.bytes)) {
          return Fault(known.full_name(), ": '", Printable(field.bytes), "' is not valid UTF-8");
        }
        return Charge(kStringMemory + static_cast<int64_t>(field.bytes.size()));
      default:
        return Packed(known, field.bytes);
    }
  }

  absl::Status Packed(const FieldDescriptor& known, std::string_view bytes) {
    const bool fixed = known.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
                       known.type() == FieldDescriptor::TYPE_FIXED64;
    // A varint ends at a byte below 0x80.
    const int64_t elements = fixed ? static_cast<int64_t>(bytes.size() / 8)
                                   : std::count_if(bytes.begin(), bytes.end(), [](char c) {
                                       return static_cast<unsigned char>(c) < 0x80;
                                     });
    return Charge(elements * ElementMemory(known));
  }

  const std::string_view source_;
  const int64_t limit_;
  std::vector<std::string>* const warnings_;
  absl::flat_hash_map<const Descriptor*, int64_t> message_memory_;
  int64_t memory_ = 0;
  int64_t unknown_ = 0;
};

}  // namespace

absl::Status ParseGuarded(std::string_view bytes, std::string_view source,
                          google::protobuf::Message* message, std::vector<std::string>* warnings) {
  const absl::string_view file(source.data(), source.size());
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": the message has 2 GiB or more"));
  }
  Scan scan(bytes, source, warnings);
  GOPT_RETURN_IF_ERROR(scan.Message(bytes, *message->GetDescriptor()));
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": the message is malformed"));
  }
  return absl::OkStatus();
}

absl::Status CheckNameText(std::string_view text, std::string_view where) {
  const absl::string_view place(where.data(), where.size());
  if (text.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": ", text.size(), " bytes exceed the limit of ", kMaxNameBytes));
  }
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(place, " holds a NUL character"));
  }
  return absl::OkStatus();
}

}  // namespace gopt

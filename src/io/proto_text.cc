#include "src/io/proto_text.h"

#include <algorithm>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/source.h"

namespace gopt {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kMaxNesting = 100;
// A message in text takes at least a few bytes, in memory up to 200: text with more messages than
// this is refused before parsing, so memory stays within 10 times the text.
constexpr size_t kMinBytesPerMessage = 16;
constexpr size_t kFreeMessages = 1 << 12;

// Keeps the first error, with lines and columns counted from 1.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(std::string_view source) : source_(source) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!message_.empty()) return;
    message_ = source_;
    if (line >= 0) absl::StrAppend(&message_, ":", line + 1, ":", column + 1);
    absl::StrAppend(&message_, ": ", IsValidUtf8(message) ? message : Printable(message, 400));
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}

  const std::string& message() const { return message_; }

 private:
  const std::string source_;
  std::string message_;
};

absl::Status CheckTexts(const Message& message);

// One value of a field: `index` into a repeated one, -1 for a single one.
absl::Status CheckValue(const Message& message, const FieldDescriptor* field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return CheckTexts(index < 0 ? reflection.GetMessage(message, field)
                                : reflection.GetRepeatedMessage(message, field, index));
  }
  std::string scratch;
  const std::string& text =
      index < 0 ? reflection.GetStringReference(message, field, &scratch)
                : reflection.GetRepeatedStringReference(message, field, index, &scratch);
  if (IsValidUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field->full_name(), ": '", Printable(text), "' is not valid UTF-8"));
}

// Escapes in quotes can make malformed texts of a well-formed file. Recursion is over message
// types, which do not nest in themselves.
absl::Status CheckTexts(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool holds_text = field->type() == FieldDescriptor::TYPE_STRING ||
                            field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!holds_text) continue;
    if (!field->is_repeated()) {
      GOPT_RETURN_IF_ERROR(CheckValue(message, field, -1));
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < count; ++i) GOPT_RETURN_IF_ERROR(CheckValue(message, field, i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseTextProto(std::string_view text, std::string_view source, int64_t max_bytes,
                            google::protobuf::Message* message) {
  const absl::string_view file(source.data(), source.size());
  const int64_t limit = std::min(max_bytes, kMaxTextBytes);
  if (static_cast<int64_t>(text.size()) > limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat(file, ": ", text.size(), " bytes of text exceed the limit of ", limit));
  }
  if (!IsValidUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": the text is not valid UTF-8"));
  }
  const size_t messages = static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return c == '{' || c == '<'; }));
  if (messages > kFreeMessages + text.size() / kMinBytesPerMessage) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": ", messages, " messages in ", text.size(), " bytes: too many of them are empty"));
  }
  FirstError errors(source);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&stream, message)) {
    return absl::InvalidArgumentError(errors.message().empty() ? absl::StrCat(file, ": bad text")
                                                               : errors.message());
  }
  return InSource(source, CheckTexts(*message));
}

std::string PrintTextProto(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  GOPT_CHECK(printer.PrintToString(message, &text));
  return text;
}

}  // namespace gopt

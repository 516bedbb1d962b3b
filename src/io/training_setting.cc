#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/io/training_file.h"
#include "src/io/training_proto.h"

namespace gopt {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMaxPathBytes = 200;

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

bool IsGroup(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

// The format's version is not a setting.
std::vector<const FieldDescriptor*> SettableFields(const Descriptor& type) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->name() != "schema_major" && field->name() != "schema_minor") fields.push_back(field);
  }
  return fields;
}

std::string NameOf(const FieldDescriptor& field) {
  return absl::StrCat(field.name(), field.is_repeated() ? "[0]" : "");
}

// All that can be set, as written. The messages nest two deep.
std::vector<std::string> AllPaths(const Descriptor& type, const std::string& prefix = "") {
  std::vector<std::string> paths;
  for (const FieldDescriptor* field : SettableFields(type)) {
    const std::string path = prefix + NameOf(*field);
    if (!IsGroup(*field)) {
      paths.push_back(path);
      continue;
    }
    for (std::string& inner : AllPaths(*field->message_type(), path + ".")) {
      paths.push_back(std::move(inner));
    }
  }
  return paths;
}

// Levenshtein's.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view Leaf(std::string_view path) { return path.substr(path.rfind('.') + 1); }

// "; did you mean ppo.clip?", or a full stop where nothing is like it.
std::string Suggestion(const std::string& path) {
  size_t best = 1 + std::max<size_t>(2, path.size() / 3);
  std::string nearest;
  for (const std::string& known : AllPaths(*v1::TrainingConfigProto::descriptor())) {
    const size_t distance =
        std::min(EditDistance(path, known), EditDistance(Leaf(path), Leaf(known)) + 1);
    if (distance >= best) continue;
    best = distance;
    nearest = known;
  }
  return nearest.empty() ? "." : absl::StrCat("; did you mean ", nearest, "?");
}

absl::Status NoSuchField(const std::string& path, const std::string& prefix,
                         const Descriptor& type) {
  std::vector<std::string> names;
  for (const FieldDescriptor* field : SettableFields(type)) {
    names.push_back(absl::StrCat(prefix, NameOf(*field), IsGroup(*field) ? ".*" : ""));
  }
  return Bad(Printable(path), ": no such field", Suggestion(path), " There are ",
             absl::StrJoin(names, ", "));
}

// One part of a path: a name and, for lists, an index.
struct Step {
  std::string name;
  int index = -1;
};

absl::StatusOr<Step> ParseStep(absl::string_view text, const std::string& path) {
  const size_t open = text.find('[');
  if (open == absl::string_view::npos) return Step{std::string(text)};
  Step step{std::string(text.substr(0, open))};
  absl::string_view index = text.substr(open + 1);
  if (!absl::ConsumeSuffix(&index, "]") || !absl::SimpleAtoi(index, &step.index) ||
      step.index < 0) {
    return Bad(Printable(path), ": '", Printable(std::string(text)),
               "' is no entry of a list, as problem[0] is");
  }
  return step;
}

// What `step` leads to, appended if it is one past the end.
absl::StatusOr<Message*> Enter(Message* message, const FieldDescriptor& field, const Step& step,
                               const std::string& path) {
  const Reflection& access = *message->GetReflection();
  if (!field.is_repeated()) return access.MutableMessage(message, &field);
  const int count = access.FieldSize(*message, &field);
  if (step.index < 0) {
    return Bad(path, ": ", step.name, " is a list: name an entry, as ", step.name, "[0]");
  }
  if (step.index > count) {
    return Bad(path, ": ", step.name, " has ", count, " entries; ", step.name, "[", count,
               "] adds one");
  }
  return step.index < count ? access.MutableRepeatedMessage(message, &field, step.index)
                            : access.AddMessage(message, &field);
}

absl::Status SetEnum(Message* message, const FieldDescriptor& field, const std::string& path,
                     const std::string& value) {
  const EnumValueDescriptor* choice =
      field.enum_type()->FindValueByName(absl::AsciiStrToUpper(value));
  if (choice == nullptr || choice->number() == 0) {
    return Bad(path, ": '", Printable(value), "' is none of ", EnumChoices(*field.enum_type()));
  }
  message->GetReflection()->SetEnum(message, &field, choice);
  return absl::OkStatus();
}

// Sets a whole number of type T by a member function of Reflection.
template <typename T>
absl::Status SetInteger(Message* message, const FieldDescriptor& field, const std::string& path,
                        const std::string& value,
                        void (Reflection::*set)(Message*, const FieldDescriptor*, T) const) {
  T number = 0;
  if (!absl::SimpleAtoi(value, &number)) {
    return Bad(path, ": '", Printable(value), "' must be a whole number from ",
               std::numeric_limits<T>::min(), " to ", std::numeric_limits<T>::max());
  }
  (message->GetReflection()->*set)(message, &field, number);
  return absl::OkStatus();
}

absl::Status SetValue(Message* message, const FieldDescriptor& field, const std::string& path,
                      const std::string& value) {
  const Reflection& access = *message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SetInteger<int32_t>(message, field, path, value, &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetInteger<int64_t>(message, field, path, value, &Reflection::SetInt64);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetInteger<uint64_t>(message, field, path, value, &Reflection::SetUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!absl::SimpleAtod(value, &number) || !std::isfinite(number)) {
        return Bad(path, ": '", Printable(value), "' must be a finite number");
      }
      access.SetDouble(message, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool truth = false;
      if (!absl::SimpleAtob(value, &truth)) {
        return Bad(path, ": '", Printable(value), "' must be true or false");
      }
      access.SetBool(message, &field, truth);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, path, value);
    case FieldDescriptor::CPPTYPE_STRING:
      access.SetString(message, &field, value);
      return absl::OkStatus();
    default: {
      const std::string prefix = absl::StrCat(path, field.is_repeated() ? "[0]." : ".");
      return Bad(path, ": is a group of fields; set one of them, as ",
                 AllPaths(*field.message_type(), prefix).front());
    }
  }
}

absl::Status SetPath(Message* message, const std::string& path, const std::string& value) {
  std::string prefix;
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  for (size_t i = 0; i < parts.size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(const Step step, ParseStep(parts[i], path));
    const auto fields = SettableFields(*message->GetDescriptor());
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto* field) { return field->name() == step.name; });
    if (found == fields.end()) return NoSuchField(path, prefix, *message->GetDescriptor());
    const FieldDescriptor& field = **found;
    if (step.index >= 0 && !field.is_repeated()) {
      return Bad(path, ": ", step.name, " is not a list");
    }
    if (i + 1 == parts.size() && step.index < 0) return SetValue(message, field, path, value);
    if (i + 1 == parts.size() || !IsGroup(field)) {
      return Bad(path, ": ", prefix, parts[i],
                 IsGroup(field) ? " is a group of fields; set one of them" : " has no fields");
    }
    GOPT_ASSIGN_OR_RETURN(message, Enter(message, field, step, path));
    prefix += parts[i] + ".";
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplySetting(TrainingConfig* config, std::string_view setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos) {
    return Bad("'", Printable(setting), "': a setting is field=value, as ppo.learning_rate=3e-4");
  }
  const std::string path(absl::StripAsciiWhitespace(absl::string_view(setting.data(), equals)));
  if (path.size() > kMaxPathBytes) return Bad("'", Printable(path), "': no such field");
  v1::TrainingConfigProto proto = ToProto(*config);
  GOPT_RETURN_IF_ERROR(SetPath(&proto, path, std::string(setting.substr(equals + 1))));
  GOPT_ASSIGN_OR_RETURN(*config, TrainingConfigFromProto(proto));
  return absl::OkStatus();
}

}  // namespace gopt

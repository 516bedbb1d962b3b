#include "gopt/io/training_file.h"

#include <google/protobuf/descriptor.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gopt/v1/training.pb.h"
#include "gtest/gtest.h"
#include "src/io/file_bytes.h"
#include "src/io/training_proto.h"

namespace gopt {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::testing::HasSubstr;

constexpr char kProblem[] = "problem { graph: \"layers\" machine: \"p100x4\" }\n";

TrainingConfig Small() {
  TrainingConfig config;
  config.problem.push_back({.graph = "layers", .machine = "p100x4"});
  return config;
}

std::string Fault(const std::string& text) {
  return std::string(TrainingConfigFromText(text, "t.txtpb").status().message());
}

std::string SettingFault(const std::string& setting) {
  TrainingConfig config = Small();
  const std::string before = ToText(config);
  const absl::Status status = ApplySetting(&config, setting);
  EXPECT_FALSE(status.ok()) << setting;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ToText(config), before);
  return std::string(status.message());
}

bool IsVersion(const FieldDescriptor& field) {
  return field.name() == "schema_major" || field.name() == "schema_minor";
}

// Gives every field of a message a value other than the one it has.
void ChangeEverything(Message* message, int* counter) {
  const auto& access = *message->GetReflection();
  const Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (IsVersion(*field)) continue;
    const int unique = ++*counter;
    if (field->is_repeated()) {
      for (int n = 0; n < 2; ++n) ChangeEverything(access.AddMessage(message, field), counter);
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        access.SetBool(message, field, !access.GetBool(*message, field));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        access.SetInt32(message, field, 100000 + unique);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        access.SetInt64(message, field, (int64_t{1} << 40) + unique);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        access.SetUInt64(message, field, (uint64_t{1} << 63) + static_cast<uint64_t>(unique));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        access.SetDouble(message, field, unique + 1.0 / 3);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        access.SetString(message, field, absl::StrCat("text \"", unique, "\" \xc3\xa4"));
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int last = field->enum_type()->value_count() - 1;
        access.SetEnumValue(message, field,
                            access.GetEnumValue(*message, field) == last ? 1 : last);
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        ChangeEverything(access.MutableMessage(message, field), counter);
        break;
      default:
        FAIL() << field->full_name() << " is of a type that the format does not use";
    }
  }
}

// Whether all fields are there, in `text` too.
void ExpectAllFields(const Message& message, const std::string& text) {
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated() || IsVersion(*field)) continue;
    EXPECT_TRUE(field->has_presence()) << field->full_name();
    EXPECT_TRUE(message.GetReflection()->HasField(message, field)) << field->full_name();
    EXPECT_THAT(text, HasSubstr(field->name()));
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ExpectAllFields(message.GetReflection()->GetMessage(message, field), text);
    }
  }
}

TEST(TrainingFileTest, WritesEveryFieldOfTheDefaults) {
  ExpectAllFields(ToProto(Small()), ToText(Small()));
}

// A field that only one of struct, schema and list has does not survive the way round. That each
// field of the structs is in the schema is seen from their sizes: see the next test.
TEST(TrainingFileTest, KeepsAnotherValueOfEveryField) {
  v1::TrainingConfigProto changed = ToProto(TrainingConfig());
  int counter = 0;
  ChangeEverything(&changed, &counter);
  EXPECT_GT(counter, 70);
  const auto config = TrainingConfigFromProto(changed);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(ToProto(*config).DebugString(), changed.DebugString());
  EXPECT_EQ(config->ppo.learning_rate, changed.ppo().learning_rate());
  EXPECT_EQ(config->problem[1].constraints, changed.problem(1).constraints());
  EXPECT_EQ(config->network.modulation, Modulation::kNone);
}

// How many members an aggregate has: the most values it can be made of.
struct Anything {
  template <typename T>
  operator T() const;
};
template <typename T, typename... Values>
constexpr int CountMembers() {
  if constexpr (requires { T{Values()..., Anything()}; }) {
    return CountMembers<T, Values..., Anything>();
  } else {
    return sizeof...(Values);
  }
}

TEST(TrainingFileTest, TheSchemaHasAsManyFieldsAsTheStructs) {
  EXPECT_EQ(CountMembers<TrainingConfig>(),
            v1::TrainingConfigProto::descriptor()->field_count() - 2);  // Without the version.
  EXPECT_EQ(CountMembers<TrainingProblem>(), v1::TrainingProblemProto::descriptor()->field_count());
  EXPECT_EQ(CountMembers<NetworkOptions>(), v1::NetworkProto::descriptor()->field_count());
  EXPECT_EQ(CountMembers<ExplorationOptions>(), v1::ExplorationProto::descriptor()->field_count());
  EXPECT_EQ(CountMembers<RewardOptions>(), v1::RewardProto::descriptor()->field_count());
  EXPECT_EQ(CountMembers<PpoOptions>(), v1::PpoProto::descriptor()->field_count());
}

// The numbers of the enums are those of the structs.
template <typename Enum>
void ExpectSameNames(const google::protobuf::EnumDescriptor& type) {
  for (int i = 1; i < type.value_count(); ++i) {
    EXPECT_EQ(absl::AsciiStrToLower(type.value(i)->name()),
              ToString(static_cast<Enum>(type.value(i)->number())));
  }
}

TEST(TrainingFileTest, EnumsAreNumberedAsInTheStructs) {
  ExpectSameNames<DecoderKind>(*v1::Decoder::Kind_descriptor());
  ExpectSameNames<Modulation>(*v1::Modulation::Kind_descriptor());
  ExpectSameNames<Conditioning>(*v1::Conditioning::Kind_descriptor());
  ExpectSameNames<RewardOptions::Kind>(*v1::Reward::Kind_descriptor());
  ExpectSameNames<Baseline>(*v1::Baseline::Kind_descriptor());
}

TEST(TrainingFileTest, ReadsBackItsOwnText) {
  TrainingConfig config = Small();
  config.ppo.learning_rate = 0.1 + 0.2;
  config.ppo.output_l2 = std::numeric_limits<double>::denorm_min();
  config.seed = std::numeric_limits<uint64_t>::max();
  config.network.decoder = DecoderKind::kDirect;
  config.evaluation.push_back({"a\n\"b\"", "m", "c"});
  const auto back = TrainingConfigFromText(ToText(config));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(ToText(*back), ToText(config));
  EXPECT_EQ(back->ppo.learning_rate, config.ppo.learning_rate);
  EXPECT_EQ(back->ppo.output_l2, config.ppo.output_l2);
  EXPECT_EQ(back->seed, config.seed);
  EXPECT_EQ(back->evaluation[0].graph, "a\n\"b\"");
}

TEST(TrainingFileTest, AbsentFieldsKeepTheirDefaultsAndZeroIsAValue) {
  const auto config = TrainingConfigFromText(
      absl::StrCat(kProblem, "placement: false evaluate_every: 0 backend: \"\" ",
                   "network { edge_features: false state_width: 0 } ppo { learning_rate: 0 }"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->placement);
  EXPECT_TRUE(config->scheduling);
  EXPECT_EQ(config->evaluate_every, 0);
  EXPECT_EQ(config->backend, "");
  EXPECT_FALSE(config->network.edge_features);
  EXPECT_EQ(config->network.state_width, 0);
  EXPECT_EQ(config->network.width, 64);
  EXPECT_EQ(config->ppo.learning_rate, 0);
  EXPECT_EQ(config->ppo.learning_rate_end, PpoOptions().learning_rate_end);
  EXPECT_EQ(config->iterations, 500);
}

TEST(TrainingFileTest, FaultsNameTheFileAndTheField) {
  EXPECT_EQ(Fault(""), "t.txtpb: problem: there must be at least one");
  EXPECT_THAT(Fault(absl::StrCat(kProblem, "network { widht: 3 }")), HasSubstr("t.txtpb:2:"));
  EXPECT_THAT(Fault(absl::StrCat(kProblem, "batch: 1 batch: 2")), HasSubstr("t.txtpb:2:"));
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "network { width: 60 attention_heads: 8 }")),
            "t.txtpb: network.width: 60 is no multiple of network.attention_heads, 8");
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "network { decoder: UNSPECIFIED }")),
            "t.txtpb: network.decoder: UNSPECIFIED is none of LIST, DIRECT");
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "ppo { baseline: 7 }")),
            "t.txtpb: ppo.baseline: 7 is none of NONE, LEAVE_ONE_OUT, VALUE");
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "reward { infeasible: -inf }")),
            "t.txtpb: reward.infeasible: -inf is not finite");
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "ppo { clip: nan }")),
            "t.txtpb: ppo.clip: nan is not finite");
  EXPECT_EQ(Fault(absl::StrCat(kProblem, "evaluation { machine: \"a\\000b\" }")),
            "t.txtpb: evaluation[0].machine holds a NUL character");
  EXPECT_THAT(Fault(absl::StrCat(kProblem, "init: \"", std::string(5000, 'x'), "\"")),
              HasSubstr("t.txtpb: init: 5000 bytes exceed the limit"));
  EXPECT_THAT(Fault(absl::StrCat(kProblem, "schema_major: 9")), HasSubstr("schema version 9.0"));
}

TEST(TrainingFileTest, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "training_file_test.txtpb";
  ASSERT_TRUE(WriteFileAtomically(path, absl::StrCat(kProblem, "batch: 7")).ok());
  const auto config = ReadTrainingConfigFile(path);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->batch, 7);
  ASSERT_TRUE(WriteFileAtomically(path, "batch: 7").ok());
  EXPECT_THAT(std::string(ReadTrainingConfigFile(path).status().message()), HasSubstr(path));
  std::remove(path.c_str());
  EXPECT_EQ(ReadTrainingConfigFile(path).status().code(), absl::StatusCode::kNotFound);
}

TEST(TrainingFileTest, TheExampleOfTheDocumentationIsRead) {
  std::stringstream page;
  page << std::ifstream("docs/formats/training.md").rdbuf();
  const std::string text = page.str();
  const std::string fence = "```textproto\n";
  const size_t begin = text.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const size_t end = text.find("```", begin + fence.size());
  const auto config = TrainingConfigFromText(
      text.substr(begin + fence.size(), end - begin - fence.size()), "training.md");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->problem.size(), 2u);
}

TEST(TrainingFileTest, SettingsSetFieldsOfEveryType) {
  TrainingConfig config = Small();
  for (const char* setting :
       {"ppo.learning_rate=3e-4", "network.decoder=direct", "ppo.baseline=Leave_One_Out",
        "problem[0].machine=a=b", "problem[1].graph=second", "network.seed=18446744073709551615",
        "iterations=-5", " batch =7", "curriculum=true", "placement=false", "name="}) {
    const absl::Status status = ApplySetting(&config, setting);
    EXPECT_TRUE(status.ok()) << setting << ": " << status;
  }
  EXPECT_EQ(config.ppo.learning_rate, 3e-4);
  EXPECT_EQ(config.network.decoder, DecoderKind::kDirect);
  EXPECT_EQ(config.problem[0].machine, "a=b");
  EXPECT_EQ(config.problem[0].graph, "layers");
  ASSERT_EQ(config.problem.size(), 2u);
  EXPECT_EQ(config.problem[1].graph, "second");
  EXPECT_EQ(config.network.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(config.iterations, -5);  // The caller's check finds it.
  EXPECT_EQ(config.batch, 7);
  EXPECT_TRUE(config.curriculum);
  EXPECT_FALSE(config.placement);
  EXPECT_EQ(config.name, "");
}

// All paths the schema has can be set, to what the message then holds.
void SetAll(const Descriptor& type, const std::string& prefix, TrainingConfig* config) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsVersion(field)) continue;
    const std::string path = absl::StrCat(prefix, field.name(), field.is_repeated() ? "[0]" : "");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      SetAll(*field.message_type(), path + ".", config);
      continue;
    }
    const bool is_enum = field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    const std::string value = is_enum ? field.enum_type()->value(1)->name() : "1";
    const absl::Status status = ApplySetting(config, absl::StrCat(path, "=", value));
    EXPECT_TRUE(status.ok()) << status;
    const bool is_bool = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    EXPECT_THAT(ToText(*config),
                HasSubstr(absl::StrCat(field.name(), ": ", is_bool ? "true" : "")));
  }
}

TEST(TrainingFileTest, SettingsReachEveryField) {
  TrainingConfig config;
  SetAll(*v1::TrainingConfigProto::descriptor(), "", &config);
  EXPECT_EQ(config.problem.size(), 1u);
  EXPECT_EQ(config.evaluation[0].constraints, "1");
  EXPECT_EQ(config.ppo.max_gradient_norm, 1);
  EXPECT_EQ(config.exploration.sparse_sigma, 1);
  EXPECT_EQ(config.reward.kind, RewardOptions::Kind::kSqrt);
}

TEST(TrainingFileTest, WrongSettingsSayWhatIsRight) {
  EXPECT_THAT(SettingFault("ppo.learning_rat=1"),
              HasSubstr("ppo.learning_rat: no such field; did you mean ppo.learning_rate? There "
                        "are ppo.samples, ppo.epochs,"));
  EXPECT_THAT(SettingFault("learning_rate=1"), HasSubstr("did you mean ppo.learning_rate?"));
  EXPECT_THAT(SettingFault("problem.machine=x"), HasSubstr("name an entry, as problem[0]"));
  EXPECT_THAT(SettingFault("zzzzz.y=1"), HasSubstr("no such field. There are name, problem[0].*"));
  EXPECT_THAT(SettingFault("ppo"), HasSubstr("field=value"));
  EXPECT_THAT(SettingFault("ppo=1"), HasSubstr("set one of them, as ppo.samples"));
  EXPECT_THAT(SettingFault("problem=1"), HasSubstr("set one of them, as problem[0].graph"));
  EXPECT_THAT(SettingFault("problem[0]=1"), HasSubstr("group of fields"));
  EXPECT_THAT(SettingFault("problem[2].graph=x"), HasSubstr("problem has 1 entries; problem[1]"));
  EXPECT_THAT(SettingFault("problem[-1].graph=x"), HasSubstr("no entry of a list"));
  EXPECT_THAT(SettingFault("problem[99999999999].graph=x"), HasSubstr("no entry of a list"));
  EXPECT_THAT(SettingFault("problem[0.graph=x"), HasSubstr("no entry of a list"));
  EXPECT_THAT(SettingFault("network[0].width=3"), HasSubstr("network is not a list"));
  EXPECT_THAT(SettingFault("batch.x=3"), HasSubstr("batch has no fields"));
  EXPECT_THAT(SettingFault("batch=3.5"),
              HasSubstr("batch: '3.5' must be a whole number from -2147"));
  EXPECT_THAT(SettingFault("batch=3000000000"), HasSubstr("whole number"));
  EXPECT_THAT(SettingFault("seed=-1"), HasSubstr("whole number from 0 to 18446744073709551615"));
  EXPECT_THAT(SettingFault("ppo.clip=nan"), HasSubstr("ppo.clip: 'nan' must be a finite number"));
  EXPECT_THAT(SettingFault("ppo.clip=1e999"), HasSubstr("must be a finite number"));
  EXPECT_THAT(SettingFault("fusion=maybe"), HasSubstr("fusion: 'maybe' must be true or false"));
  EXPECT_THAT(SettingFault("reward.kind=cube"), HasSubstr("'cube' is none of SQRT, LOG"));
  EXPECT_THAT(SettingFault("reward.kind=unspecified"), HasSubstr("is none of SQRT, LOG"));
  EXPECT_THAT(SettingFault("schema_major=1"), HasSubstr("no such field"));
  EXPECT_THAT(SettingFault("name=\xff"), HasSubstr("name: '\\xff' is not valid UTF-8"));
  EXPECT_THAT(SettingFault(std::string(1 << 20, 'x') + "=1"), HasSubstr("no such field"));
  EXPECT_THAT(SettingFault("=1"), HasSubstr("no such field"));
}

}  // namespace
}  // namespace gopt

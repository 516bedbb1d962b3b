#include "gopt/io/bundle.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/base/random.h"
#include "gopt/io/graph_file.h"
#include "gopt/io/training_file.h"
#include "gopt/v1/training.pb.h"
#include "gtest/gtest.h"
#include "src/io/bundle_layout.h"
#include "src/io/container.h"
#include "src/io/crc32c.h"
#include "tests/io/peak_memory.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

Bundle SmallBundle() {
  Bundle bundle;
  bundle.kind = "checkpoint";
  bundle.config.problem.push_back({.graph = "layers", .machine = "p100x4"});
  bundle.config.ppo.learning_rate = 1.0 / 3;
  bundle.feature_version = 3;
  bundle.op_types = {"matmul", "relu", "add"};
  bundle.type_buckets = 32;
  bundle.node_columns = {"log flops", "depth"};
  bundle.edge_columns = {"log bytes"};
  bundle.device_columns = {"memory", "flops"};
  bundle.model_card = "# A policy\nfor \xc3\xa4 test\n";
  bundle.metadata = {{"commit", "1234"}, {"empty", ""}};
  bundle.tensors = {
      {"encoder.weight",
       TensorType::kFloat32,
       {2, 3},
       BytesOf<float>({1, -2, 3, 0, 1e-42f, 3e38f})},
      {"adam.step", TensorType::kInt64, {}, BytesOf<int64_t>({-5})},
      {"empty", TensorType::kFloat64, {3, 0, 5}, ""},
      {"mean", TensorType::kFloat64, {2}, BytesOf<double>({0.1, -1e308})},
      {"generator", TensorType::kUint8, {5}, std::string("\0\x7f\x80\xff\n", 5)},
  };
  bundle.iteration = int64_t{1} << 40;
  bundle.state = {{"curve", "1 2 3"}, {"random", std::string("\0\xff\r\n", 4)}, {"void", ""}};
  return bundle;
}

std::string SmallBytes() {
  auto bytes = SerializeBundle(SmallBundle());
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return *std::move(bytes);
}

void ExpectSame(const Bundle& a, const Bundle& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(ToText(a.config), ToText(b.config));
  EXPECT_EQ(a.feature_version, b.feature_version);
  EXPECT_EQ(a.op_types, b.op_types);
  EXPECT_EQ(a.type_buckets, b.type_buckets);
  EXPECT_EQ(a.node_columns, b.node_columns);
  EXPECT_EQ(a.edge_columns, b.edge_columns);
  EXPECT_EQ(a.device_columns, b.device_columns);
  EXPECT_EQ(a.model_card, b.model_card);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_EQ(a.state, b.state);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].name, b.tensors[i].name);
    EXPECT_EQ(a.tensors[i].type, b.tensors[i].type);
    EXPECT_EQ(a.tensors[i].shape, b.tensors[i].shape);
    EXPECT_EQ(a.tensors[i].bytes, b.tensors[i].bytes);
  }
}

std::string Fault(std::string_view bytes, const BundleLimits& limits = {}) {
  return std::string(ParseBundle(bytes, "p.gopt", limits).status().message());
}

std::string WriteFault(const Bundle& bundle) {
  return std::string(SerializeBundle(bundle).status().message());
}

// A header and data whose checksums are right, to be made wrong in other ways.
struct Forgery {
  v1::PolicyHeaderProto header;
  std::string data;

  Forgery() {
    const std::string bytes = SmallBytes();
    const auto parts = SplitBundle(bytes, "", kMaxBundleBytes);
    EXPECT_TRUE(parts.ok() && header.ParseFromString(std::string(parts->header)));
    data = parts->data;
  }
  v1::BundleTensorProto* tensor(int i) { return header.mutable_tensors(i); }
  std::string Bytes() const { return JoinBundle(header.SerializeAsString(), data); }
  std::string Fault() const { return gopt::Fault(Bytes()); }
};

TEST(BundleTest, GivesBackWhatWasSerialized) {
  const std::string bytes = SmallBytes();
  const auto back = ParseBundle(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSame(*back, SmallBundle());
  EXPECT_EQ(*SerializeBundle(*back), bytes);
}

TEST(BundleTest, AnEmptyPolicyIsABundle) {
  const auto bytes = SerializeBundle(Bundle());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto back = ParseBundle(*bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSame(*back, Bundle());
}

// Bytes 0 to 15, then header, checksum, data and trailer: docs/formats/bundle.md.
TEST(BundleTest, LiesInTheFileAsDocumented) {
  const std::string bytes = SmallBytes();
  EXPECT_EQ(bytes.substr(0, 12), std::string("\x89GOPB\r\n\x1a\1\0\0\0", 12));
  uint32_t header_bytes = 0, crc = 0;
  std::memcpy(&header_bytes, &bytes[12], 4);
  v1::PolicyHeaderProto header;
  ASSERT_TRUE(header.ParseFromString(bytes.substr(16, header_bytes)));
  std::memcpy(&crc, &bytes[16 + header_bytes], 4);
  EXPECT_EQ(crc, Crc32c(std::string_view(bytes).substr(0, 16 + header_bytes)));
  const std::string data = bytes.substr(20 + header_bytes, bytes.size() - 32 - header_bytes);
  EXPECT_EQ(data.substr(0, 4), BytesOf<float>({1}));
  EXPECT_EQ(header.tensors(1).offset(), 24u);
  EXPECT_EQ(header.tensors(1).crc32c(), Crc32c(BytesOf<int64_t>({-5})));
  EXPECT_EQ(header.states(0).offset(), 24u + 8 + 16 + 5);
  EXPECT_EQ(data.substr(header.states(0).offset()), std::string("1 2 3\0\xff\r\n", 9));
  uint64_t total = 0;
  std::memcpy(&total, &bytes[bytes.size() - 12], 8);
  EXPECT_EQ(total, bytes.size());
  std::memcpy(&crc, &bytes[bytes.size() - 4], 4);
  EXPECT_EQ(crc, Crc32c(std::string_view(bytes).substr(0, bytes.size() - 4)));
}

TEST(BundleTest, RefusesAFileCutAtEveryLength) {
  const std::string bytes = SmallBytes();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto bundle = ParseBundle(std::string_view(bytes).substr(0, length), "p.gopt");
    ASSERT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument) << length;
    ASSERT_THAT(std::string(bundle.status().message()), HasSubstr("p.gopt: ")) << length;
  }
  EXPECT_THAT(Fault(bytes + '\0'), HasSubstr("p.gopt: the end states"));
}

TEST(BundleTest, NoticesEverySingleBitFlip) {
  const std::string bytes = SmallBytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(ParseBundle(flipped).ok()) << "bit " << bit;
  }
}

// Changes a few bits or bytes, cuts out or puts in a few, or cuts the end off.
std::string Mutate(std::string bytes, Random* random) {
  const auto below = [&](size_t bound) {
    return static_cast<size_t>(random->Below(static_cast<int64_t>(bound)));
  };
  const size_t at = below(bytes.size());
  const size_t count = 1 + below(8);
  switch (random->Below(6)) {
    case 0:
      for (size_t i = 0; i < count; ++i) {
        const size_t bit = below(8 * bytes.size());
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      }
      break;
    case 1:
      for (size_t i = at; i < std::min(at + count, bytes.size()); ++i) {
        bytes[i] = static_cast<char>(random->Next());
      }
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, std::string(count, static_cast<char>(random->Next())));
      break;
    case 4:
      bytes.erase(at, count);
      break;
    default:
      std::swap_ranges(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(at / 2),
                       bytes.begin() + static_cast<ptrdiff_t>(at / 2));
  }
  return bytes;
}

TEST(BundleTest, RefusesTenThousandRandomMutations) {
  const std::string bytes = SmallBytes();
  Random random(7);
  int changed = 0;
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    const std::string mutated = Mutate(bytes, &random);
    if (mutated == bytes) continue;
    ++changed;
    ASSERT_FALSE(ParseBundle(mutated).ok()) << "trial " << trial;
  }
  EXPECT_GT(changed, testing::Scaled(9000));
}

// What gets past the checksums must be refused or be a bundle that can be written again.
TEST(BundleTest, SurvivesRandomMutationsOfTheHeaderUnderRightChecksums) {
  const Forgery good;
  const std::string header = good.header.SerializeAsString();
  Random random(8);
  int accepted = 0;
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    const std::string forged = JoinBundle(Mutate(header, &random), good.data);
    std::vector<std::string> warnings;
    const auto bundle = ParseBundle(forged, "p", {}, &warnings);
    if (!bundle.ok()) continue;
    ++accepted;
    const auto again = SerializeBundle(*bundle);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_TRUE(ParseBundle(*again).ok());
  }
  EXPECT_GT(accepted, 0);  // Texts and numbers of the header may be any.
}

TEST(BundleTest, DamageToATensorNamesIt) {
  std::string bytes = SmallBytes();
  bytes[bytes.size() - kBundleTrailerBytes - 20] ^= 1;
  EXPECT_EQ(Fault(bytes),
            "p.gopt: tensor 'mean': the checksum does not match: the file is damaged");
  bytes = SmallBytes();
  bytes[bytes.size() - kBundleTrailerBytes - 1] ^= 1;
  EXPECT_THAT(Fault(bytes), HasSubstr("state 'random': the checksum does not match"));
  bytes = SmallBytes();
  bytes.back() ^= 1;
  EXPECT_THAT(Fault(bytes), HasSubstr("checksum of the whole"));
  bytes = SmallBytes();
  bytes[20] ^= 1;
  EXPECT_THAT(Fault(bytes), HasSubstr("header's checksum"));
}

TEST(BundleTest, RefusesForgedTables) {
  EXPECT_EQ(Forgery().Fault(), "");
  const auto fault = [](auto change) {
    Forgery forgery;
    change(&forgery);
    return forgery.Fault();
  };
  EXPECT_EQ(fault([](Forgery* f) { f->tensor(0)->set_shape(0, -2); }),
            "p.gopt: tensor 'encoder.weight': a dimension of -2");
  EXPECT_THAT(fault([](Forgery* f) {
                f->tensor(0)->set_shape(0, int64_t{1} << 40);
                f->tensor(0)->set_shape(1, int64_t{1} << 40);
              }),
              HasSubstr("tensor 'encoder.weight': its shape has too many values"));
  EXPECT_THAT(fault([](Forgery* f) {  // Zero does not hide it.
                f->tensor(2)->set_shape(0, int64_t{1} << 40);
                f->tensor(2)->set_shape(2, int64_t{1} << 40);
              }),
              HasSubstr("too many values"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_shape(0, 3); }),
              HasSubstr("tensor 'encoder.weight': 24 bytes, its shape has 36"));
  EXPECT_THAT(fault([](Forgery* f) {
                for (int i = 0; i < 9; ++i) f->tensor(1)->add_shape(1);
              }),
              HasSubstr("tensor 'adam.step' has 9 dimensions"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_type(v1::FLOAT64); }),
              HasSubstr("24 bytes, its shape has 48"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_type(v1::INT32); }),
              HasSubstr("type 7 is none of FLOAT32, FLOAT64, INT64, UINT8"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_type(static_cast<v1::DataType>(99)); }),
              HasSubstr("type 99 is none of"));
  EXPECT_EQ(fault([](Forgery* f) { f->tensor(1)->set_offset(23); }),  // Overlap.
            "p.gopt: tensor 'adam.step': offset 23, expected 24");
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(1)->set_offset(25); }),  // Gap.
              HasSubstr("offset 25, expected 24"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(1)->set_offset(~uint64_t{0}); }),
              HasSubstr("expected 24"));
  EXPECT_THAT(fault([](Forgery* f) { f->data.pop_back(); }),
              HasSubstr("state 'random': 4 bytes at offset 58 pass the end of the data, 61"));
  EXPECT_THAT(fault([](Forgery* f) { f->data += "xy"; }),
              HasSubstr("2 bytes of data belong to nothing"));
  EXPECT_THAT(fault([](Forgery* f) { f->header.mutable_states(1)->set_bytes(~uint64_t{0}); }),
              HasSubstr("pass the end"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(1)->set_name("encoder.weight"); }),
              HasSubstr("tensor 'encoder.weight' is there twice"));
  EXPECT_THAT(fault([](Forgery* f) { f->header.mutable_states(2)->set_name("random"); }),
              HasSubstr("state 'random' stands behind 'random'"));
  EXPECT_THAT(fault([](Forgery* f) { f->header.mutable_metadata(1)->set_name("a"); }),
              HasSubstr("metadata 'a' stands behind 'commit'"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_name(std::string(5000, 'x')); }),
              HasSubstr("exceed the limit of 4096"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->clear_name(); }),
              HasSubstr("a tensor's name is empty"));
  EXPECT_THAT(fault([](Forgery* f) { f->tensor(0)->set_crc32c(1); }),
              HasSubstr("tensor 'encoder.weight': the checksum does not match"));
}

TEST(BundleTest, RefusesForgedFields) {
  const auto fault = [](auto change) {
    Forgery forgery;
    change(&forgery.header);
    return forgery.Fault();
  };
  EXPECT_THAT(fault([](auto* h) { h->set_kind("malware"); }), HasSubstr("kind: 'malware'"));
  EXPECT_THAT(fault([](auto* h) { h->set_feature_version(-1); }), HasSubstr("feature_version"));
  EXPECT_THAT(fault([](auto* h) { h->set_type_buckets(-1); }), HasSubstr("type_buckets is -1"));
  EXPECT_THAT(fault([](auto* h) { h->set_iteration(-1); }), HasSubstr("iteration is -1"));
  EXPECT_THAT(fault([](auto* h) { h->add_op_types("relu"); }),
              HasSubstr("op_types[3]: 'relu' is there twice"));
  EXPECT_THAT(fault([](auto* h) { h->add_edge_columns(""); }),
              HasSubstr("edge_columns[1] is empty"));
  EXPECT_THAT(fault([](auto* h) { h->set_schema_major(2); }), HasSubstr("schema version 2.0"));
  EXPECT_THAT(fault([](auto* h) { h->mutable_config()->mutable_network()->set_width(1 << 30); }),
              HasSubstr("p.gopt: network.width"));
  EXPECT_THAT(fault([](auto* h) { h->mutable_config()->mutable_problem(0)->set_machine(""); }),
              HasSubstr("p.gopt: problem.machine"));
  EXPECT_THAT(fault([](auto* h) { h->set_model_card(std::string((1 << 20) + 1, 'x')); }),
              HasSubstr("model_card: 1048577 bytes"));
}

TEST(BundleTest, RefusesValuesThatAreNotFiniteInBothDirections) {
  const float infinity32 = std::numeric_limits<float>::infinity();
  Bundle bundle = SmallBundle();
  bundle.tensors[0].bytes = BytesOf<float>({1, 2, 3, -infinity32, 5, 6});
  EXPECT_EQ(WriteFault(bundle), "tensor 'encoder.weight': value 3 is -inf");
  bundle = SmallBundle();
  bundle.tensors[3].bytes = BytesOf<double>({1, std::numeric_limits<double>::quiet_NaN()});
  EXPECT_EQ(WriteFault(bundle), "tensor 'mean': value 1 is nan");
  Forgery forgery;
  forgery.data.replace(4, 4, BytesOf<float>({infinity32}));
  forgery.tensor(0)->set_crc32c(Crc32c(forgery.data.substr(0, 24)));
  EXPECT_EQ(forgery.Fault(), "p.gopt: tensor 'encoder.weight': value 1 is inf");
}

TEST(BundleTest, DoesNotWriteWhatItWouldNotRead) {
  const auto fault = [](auto change) {
    Bundle bundle = SmallBundle();
    change(&bundle);
    return WriteFault(bundle);
  };
  EXPECT_EQ(fault([](Bundle* b) { b->tensors[1].bytes.pop_back(); }),
            "tensor 'adam.step': 7 bytes, its shape has 8");
  EXPECT_THAT(fault([](Bundle* b) { b->tensors[1].shape = {-1}; }), HasSubstr("dimension of -1"));
  EXPECT_THAT(fault([](Bundle* b) { b->tensors[1].type = TensorType{0}; }),
              HasSubstr("tensor 'adam.step' has no type"));
  EXPECT_THAT(fault([](Bundle* b) { b->tensors[1].name = b->tensors[0].name; }),
              HasSubstr("is there twice"));
  EXPECT_THAT(fault([](Bundle* b) { b->kind = ""; }), HasSubstr("kind: ''"));
  EXPECT_THAT(fault([](Bundle* b) { b->config.network.width = 0; }), HasSubstr("network.width"));
  EXPECT_THAT(fault([](Bundle* b) { b->metadata["x"] = "\xff"; }), HasSubstr("metadata 'x'"));
  EXPECT_THAT(fault([](Bundle* b) { b->metadata[""] = "x"; }), HasSubstr("name of metadata"));
  EXPECT_THAT(fault([](Bundle* b) { b->state[std::string(5000, 'x')]; }),
              HasSubstr("state's name"));
  EXPECT_THAT(fault([](Bundle* b) { b->model_card = std::string(2 << 20, 'x'); }),
              HasSubstr("model_card: 2097152 bytes"));
  EXPECT_THAT(fault([](Bundle* b) { b->config.name = "\xff"; }), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(fault([](Bundle* b) { b->metadata["x"] = std::string(17 << 20, 'x'); }),
              HasSubstr("is above the limit of 16777216"));
}

TEST(BundleTest, RefusesOtherFormatsByTheirFirstBytes) {
  EXPECT_THAT(Fault(std::string("PK\3\4\0\0\x08\x08", 8) + SmallBytes()),
              AllOf(HasSubstr("p.gopt: is a zip archive, as PyTorch's .pt files are"),
                    HasSubstr("never loaded")));
  EXPECT_THAT(Fault("\x80\x02\x8a\x0al\xfc\x9c\x46"), HasSubstr("is a Python pickle"));
  EXPECT_THAT(Fault(WrapInContainer(ContainerKind::kPlan, "x")),
              HasSubstr("holds a graph, plan or machine, not a policy"));
  EXPECT_EQ(Fault(""), "p.gopt: not a policy bundle");
  EXPECT_EQ(Fault("policy"), "p.gopt: not a policy bundle");
  const auto graph = DeserializeGraph(SmallBytes(), "p.gopt");
  EXPECT_THAT(std::string(graph.status().message()), HasSubstr("p.gopt: holds a policy"));
}

TEST(BundleTest, LimitsComeBeforeMemory) {
  const std::string bytes = SmallBytes();
  const auto bundle = ParseBundle(bytes, "p", {.max_bytes = 100});
  EXPECT_EQ(bundle.status().code(), absl::StatusCode::kResourceExhausted);
  std::string long_header = bytes;
  long_header[15] = 2;  // 32 MiB
  EXPECT_THAT(Fault(long_header), HasSubstr("above the limit of 16777216"));
  std::string newer = bytes;
  newer[8] = 2;
  EXPECT_THAT(Fault(newer), HasSubstr("bundle version 2; this library reads version 1"));

  Forgery forgery;
  forgery.tensor(0)->set_shape(0, int64_t{1} << 34);
  forgery.tensor(0)->set_bytes(uint64_t{12} << 34);
  const std::string huge = forgery.Bytes();
  Forgery crowd;
  crowd.header.clear_tensors();
  for (int i = 0; i < 70000; ++i) {
    auto* tensor = crowd.header.add_tensors();
    tensor->set_name(std::to_string(i));
    tensor->set_type(v1::UINT8);
    tensor->add_shape(1);
    tensor->set_offset(static_cast<uint64_t>(i));
    tensor->set_bytes(1);
    tensor->set_crc32c(Crc32c("x"));
  }
  crowd.header.clear_states();
  crowd.data = std::string(70000, 'x');
  const std::string many = crowd.Bytes();
  const std::string empties = JoinBundle(std::string(size_t{8} << 20, '\x72'), "");
  const testing::PeakMemory memory;
  EXPECT_THAT(Fault(huge), HasSubstr("pass the end of the data"));
  EXPECT_LT(memory.Grown(), 16 << 20);
  EXPECT_THAT(Fault(many), HasSubstr("70000 tensors exceed the limit"));
  EXPECT_THAT(Fault(empties), HasSubstr("malformed"));
}

TEST(BundleTest, ANewerMinorVersionIsReadWithWarnings) {
  Forgery forgery;
  forgery.header.set_schema_minor(7);
  // Field 99, a varint of 5.
  const std::string header = forgery.header.SerializeAsString() + "\x98\x06\x05";
  std::vector<std::string> warnings;
  const auto bundle = ParseBundle(JoinBundle(header, forgery.data), "p", {}, &warnings);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  ExpectSame(*bundle, SmallBundle());
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0], "p: field 99 of PolicyHeaderProto is unknown and ignored");
  EXPECT_THAT(warnings[1], HasSubstr("schema version 1.7 is newer"));
}

TEST(BundleTest, CheckTensorsListsWhatDiffers) {
  const Bundle bundle = SmallBundle();
  std::vector<ExpectedTensor> expected;
  for (const BundleTensor& tensor : bundle.tensors) {
    expected.push_back({tensor.name, tensor.type, tensor.shape});
  }
  std::reverse(expected.begin(), expected.end());
  EXPECT_TRUE(CheckTensors(bundle, expected).ok());
  expected.pop_back();
  expected[0].shape = {6};
  expected[1].type = TensorType::kFloat32;
  expected.push_back({"head.bias", TensorType::kFloat32, {3}});
  EXPECT_EQ(CheckTensors(bundle, expected).message(),
            "4 tensors differ from the network's: 'generator' is uint8 [5], expected uint8 [6]; "
            "'mean' is float64 [2], expected float32 [2]; 'head.bias' is missing; "
            "'encoder.weight' is not expected");
  for (int i = 0; i < 1000; ++i) expected.push_back({std::string(4096, 'x') + std::to_string(i)});
  const absl::Status status = CheckTensors(bundle, expected);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(status.message().size(), 2000u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("; 996 more"));
  EXPECT_THAT(std::string(CheckTensors(Bundle(), {expected.data(), 1}).message()),
              HasSubstr("1 tensor differs"));
}

}  // namespace
}  // namespace gopt

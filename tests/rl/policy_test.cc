#include "gopt/rl/policy.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/io/training_file.h"
#include "gopt/rl/policy_solver.h"
#include "gopt/rl/trained_problem.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::NewFolder;
using testing::SameTensors;
using testing::SmallTraining;
using testing::TrainIn;

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void SetBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

Solution PlanBy(std::shared_ptr<const Policy> policy) {
  const Problem problem = *LoadProblem(SmallTraining().problem[0], false, true, true);
  const std::shared_ptr<const Simulator> simulator = *Simulator::Create();
  SolveRequest request;
  request.problem = &problem;
  request.backend = simulator.get();
  request.seed = 3;
  return *MakePolicySolver(std::move(policy), {.samples = 20})->Solve(request);
}

std::string TrainedPolicy(TrainingConfig config) {
  const std::string folder = NewFolder();
  config.ppo.learning_rate = config.ppo.learning_rate_end = 0.03;
  EXPECT_OK(TrainIn(folder, config));
  return folder;
}

TEST(PolicyTest, IsTheSameAfterSavingAndLoading) {
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    TrainingConfig config = SmallTraining(3);
    config.network.decoder = decoder;
    const std::string path = TrainedPolicy(config) + "/policy.gopt";
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Policy> policy, Policy::Load(path));
    policy->metadata["note"] = "any";
    ASSERT_OK(policy->Save(path));
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Policy> loaded, Policy::Load(path));
    EXPECT_EQ(loaded->model_card, policy->model_card);
    EXPECT_EQ(loaded->metadata, policy->metadata);
    EXPECT_EQ(ToText(loaded->config()), ToText(policy->config()));
    EXPECT_EQ(loaded->spec(), policy->spec());
    EXPECT_TRUE(SameTensors(loaded->ToBundle().tensors, policy->ToBundle().tensors));
    const Solution a = PlanBy(policy), b = PlanBy(loaded);
    EXPECT_EQ(a.plan.device, b.plan.device);
    EXPECT_EQ(a.plan.rank, b.plan.rank);
    EXPECT_EQ(a.report.step_time, b.report.step_time);
  }
}

TEST(PolicyTest, EqualPoliciesGiveEqualBytes) {
  const std::string folder = NewFolder();
  ASSERT_OK(Policy::Create(SmallTraining())->Save(folder + "/a"));
  ASSERT_OK(Policy::Create(SmallTraining())->Save(folder + "/b"));
  EXPECT_EQ(BytesOf(folder + "/a"), BytesOf(folder + "/b"));
}

TEST(PolicyTest, TravelsWithoutProblems) {
  TrainingConfig config = SmallTraining();
  config.problem.clear();
  const std::string path = NewFolder() + "/policy.gopt";
  ASSERT_OK(Policy::Create(config)->Save(path));
  EXPECT_OK(Policy::Load(path));
}

TEST(PolicyTest, OfACheckpointIsItsNewestWeights) {
  const std::string folder = TrainedPolicy(SmallTraining(3));
  ASSERT_OK_AND_ASSIGN(const Bundle checkpoint, ReadBundleFile(folder + "/checkpoint.gopt"));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Policy> policy,
                       Policy::Load(folder + "/checkpoint.gopt"));
  for (const BundleTensor& tensor : policy->ToBundle().tensors) {
    bool found = false;
    for (const BundleTensor& stored : checkpoint.tensors) {
      found = found || (stored.name == tensor.name && stored.bytes == tensor.bytes);
    }
    EXPECT_TRUE(found) << tensor.name;
  }
}

TEST(PolicyTest, OfAnotherArchitectureListsWhatDiffers) {
  Bundle bundle = Policy::Create(SmallTraining())->ToBundle();
  bundle.config.network.head_width = 16;
  EXPECT_THAT(Policy::FromBundle(bundle, "some.gopt"), IsInvalid("some.gopt: "));
  EXPECT_THAT(Policy::FromBundle(bundle), IsInvalid("tensors differ"));
  bundle = Policy::Create(SmallTraining())->ToBundle();
  const std::string name = bundle.tensors[3].name;
  bundle.tensors.erase(bundle.tensors.begin() + 3);
  EXPECT_THAT(Policy::FromBundle(bundle), IsInvalid("'" + name + "' is missing"));
  bundle = Policy::Create(SmallTraining())->ToBundle();
  bundle.tensors.push_back({.name = "network.more", .shape = {1}, .bytes = std::string(4, '\0')});
  EXPECT_THAT(Policy::FromBundle(bundle), IsInvalid("'network.more' is not expected"));
}

// Else a few hundred bytes would ask for gigabytes.
TEST(PolicyTest, LargerThanItsWeightsIsRefusedBeforeItIsMade) {
  Bundle bundle = Policy::Create(SmallTraining())->ToBundle();
  bundle.config.network.width = 4096;
  bundle.config.network.attention_layers = 64;
  EXPECT_THAT(Policy::FromBundle(bundle, "huge.gopt"), IsInvalid("huge.gopt: weights of"));
}

TEST(PolicyTest, OfOtherFeaturesSaysWhichOnes) {
  const Bundle bundle = Policy::Create(SmallTraining())->ToBundle();
  Bundle changed = bundle;
  changed.node_columns[2] = "colour";
  EXPECT_THAT(Policy::FromBundle(changed, "x.gopt"), IsInvalid("x.gopt: made for other features"));
  EXPECT_THAT(Policy::FromBundle(changed), IsInvalid("colour"));
  changed = bundle;
  changed.edge_columns.pop_back();
  EXPECT_THAT(Policy::FromBundle(changed), IsInvalid(bundle.edge_columns.back()));
  changed = bundle;
  changed.device_columns.push_back("smell");
  EXPECT_THAT(Policy::FromBundle(changed), IsInvalid("smell"));
  changed = bundle;
  changed.feature_version += 1;
  EXPECT_THAT(Policy::FromBundle(changed), IsInvalid("version"));
}

TEST(PolicyTest, KeepsItsVocabulary) {
  FeatureSpec spec = FeatureSpec::Default();
  spec.op_types = {"matmul", "relu"};
  spec.unknown_buckets = 3;
  const std::string path = NewFolder() + "/policy.gopt";
  ASSERT_OK(Policy::Create(SmallTraining(), spec)->Save(path));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Policy> loaded, Policy::Load(path));
  EXPECT_EQ(loaded->spec(), spec);
}

TEST(PolicyTest, WeightsThatAreNotFiniteAreNeverSaved) {
  const std::shared_ptr<Policy> policy = Policy::Create(SmallTraining());
  const std::string path = NewFolder() + "/policy.gopt";
  ASSERT_OK(policy->Save(path));
  const std::string before = BytesOf(path);
  {
    const at::NoGradGuard no_grad;
    policy->network()->parameters()[1].fill_(std::numeric_limits<float>::infinity());
  }
  EXPECT_EQ(policy->Save(path).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(BytesOf(path), before);
}

// One file among many that differ in a few bytes, are cut, or longer. Nothing but the original may
// load.
TEST(PolicyTest, ChangedFilesNeverLoad) {
  const std::string path = NewFolder() + "/policy.gopt";
  ASSERT_OK(Policy::Create(SmallTraining())->Save(path));
  const std::string bytes = BytesOf(path);
  Random random(1);
  for (int i = 0; i < 400; ++i) {
    std::string changed = bytes;
    if (i % 4 == 3) {
      changed.resize(static_cast<size_t>(random.Below(static_cast<int64_t>(bytes.size()))));
    } else {
      for (int flips = 0; flips <= i % 3; ++flips) {
        // Half of them in the header, which is the smaller part.
        const int64_t range = i % 2 == 0 ? 4096 : static_cast<int64_t>(bytes.size());
        changed[random.Below(range)] ^= static_cast<char>(1 << random.Below(8));
      }
      if (changed == bytes) continue;
    }
    SetBytes(path, changed);
    const absl::Status status = Policy::Load(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << i << status;
    EXPECT_THAT(status.ToString(), HasSubstr(path));
  }
  SetBytes(path, bytes + "x");
  EXPECT_FALSE(Policy::Load(path).ok());
  SetBytes(path, bytes);
  EXPECT_OK(Policy::Load(path));
}

TEST(PolicyTest, FallsBackToThePreviousFileAndSaysSo) {
  const std::string path = NewFolder() + "/policy.gopt";
  const std::shared_ptr<Policy> policy = Policy::Create(SmallTraining());
  policy->metadata["which"] = "first";
  ASSERT_OK(policy->Save(path));
  policy->metadata["which"] = "second";
  ASSERT_OK(policy->Save(path));
  SetBytes(path, "damaged");
  std::vector<std::string> warnings;
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Policy> loaded, Policy::Load(path, &warnings));
  EXPECT_EQ(loaded->metadata.at("which"), "first");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("previous"));
}

TEST(PolicyTest, OtherFilesAreRefused) {
  const std::string path = NewFolder() + "/policy.gopt";
  EXPECT_EQ(Policy::Load(path).status().code(), absl::StatusCode::kNotFound);
  for (const std::string& bytes :
       {std::string(), std::string("PK\x03\x04 archive"), std::string("\x80\x02}q\x00.", 6)}) {
    SetBytes(path, bytes);
    EXPECT_THAT(Policy::Load(path), IsInvalid(path));
  }
}

TEST(PolicyTest, ModelCardSaysWhatItIsAndWhatItDid) {
  TrainingConfig config = SmallTraining(3);
  config.fusion = true;
  config.evaluation = {{"layered(ops=30,seed=5)", "p100x2", ""}};
  ASSERT_OK_AND_ASSIGN(const auto policy, Policy::Load(TrainedPolicy(config) + "/policy.gopt"));
  for (const char* part :
       {"# small\n", "decoder list", "decides fusion: yes, placement: yes, scheduling: yes",
        "for 3 iterations, 24 plans priced by simulator, seed 0",
        "(geometric mean over the evaluation problems)",
        "| layered(ops=60,width=6,seed=1) | p100x2 |", "of the reference |",
        "## Evaluated on, never trained on", "| layered(ops=30,seed=5) | p100x2 | 30 |",
        "nothing is promised"}) {
    EXPECT_THAT(policy->model_card, HasSubstr(part));
  }
  EXPECT_EQ(policy->metadata.at("plans_priced"), "24");
}

}  // namespace
}  // namespace gopt

#include "gopt/plan/fusion_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/graph/graph_builder.h"
#include "tests/plan/plan_test_util.h"

namespace gopt {
namespace {

absl::Status Fusible(std::string_view text, const std::vector<std::string>& names,
                     const FusionLimits& limits = {}) {
  const auto graph = TextGraph(text);
  return CheckFusible(*graph, OpsNamed(*graph, names), limits);
}

TEST(FusionTest, OneOpAlwaysMay) {
  EXPECT_OK(Fusible("a:opaque", {"a"}));
  EXPECT_OK(Fusible("a:collective", {"a"}));
}

TEST(FusionTest, ElementwiseChainsFuse) {
  EXPECT_OK(Fusible("x:input -> a:add -> b:relu -> c:mul", {"a", "b", "c"}));
}

TEST(FusionTest, OpaqueOpsRunAlone) {
  EXPECT_THAT(Fusible("a:add -> b:sort", {"a", "b"}), IsUnmet("op 1 'b': opaque ops run alone"));
}

TEST(FusionTest, CollectivesRunAlone) {
  EXPECT_THAT(Fusible("a:add -> b:collective", {"a", "b"}), IsUnmet("collectives run alone"));
}

TEST(FusionTest, OptimizerOpsRunAlone) {
  EXPECT_THAT(Fusible("a:add -> b:add[phase=o]", {"a", "b"}), IsUnmet("optimizer ops run alone"));
}

TEST(FusionTest, OpsWithSideEffectsRunAlone) {
  GraphBuilder builder;
  const OpId a =
      builder.AddOp({.name = "a", .type = "add", .fusion_class = FusionClass::kElementwise});
  const PortId port = builder.AddPort(a, {.bytes = 4});
  const OpId b = builder.AddOp({.name = "print",
                                .type = "add",
                                .fusion_class = FusionClass::kElementwise,
                                .side_effect = true});
  builder.AddOperands(b, std::vector<PortId>{port});
  ASSERT_OK_AND_ASSIGN(const auto graph, builder.Build());
  EXPECT_THAT(CheckFusible(*graph, std::vector<OpId>{a, b}, {}), IsUnmet("side effect"));
}

TEST(FusionTest, OpsThatRunNowhereAreInNoKernel) {
  EXPECT_THAT(Fusible("w:parameter -> a:add", {"w", "a"}), IsUnmet("runs in no kernel"));
}

TEST(FusionTest, ContractionTakesElementwiseAndBroadcastFollowersOfItsShape) {
  EXPECT_OK(
      Fusible("a:matmul[dims=8x4] -> b:relu[dims=8x4] -> c:add[dims=8x4]; "
              "e:expand[dims=8x4] -> c",
              {"a", "b", "c", "e"}));
  EXPECT_THAT(Fusible("a:matmul[dims=8x4] -> b:relu[dims=8x8]", {"a", "b"}),
              IsUnmet("op 1 'b': its shape is not that of contraction op 0 'a'"));
  EXPECT_THAT(Fusible("a:matmul[dims=32] -> b:relu[dims=8x4]", {"a", "b"}), IsUnmet("its shape"));
  EXPECT_THAT(Fusible("a:matmul[bytes=64] -> b:relu[bytes=32]", {"a", "b"}), IsUnmet("its shape"));
}

TEST(FusionTest, ContractionKeepsReductionsApart) {
  EXPECT_THAT(Fusible("a:matmul[dims=8x4] -> b:reduce[dims=8]", {"a", "b"}),
              IsUnmet("only elementwise and broadcast ops fuse with contraction op 0 'a'"));
}

TEST(FusionTest, KernelHoldsAtMostOneContraction) {
  EXPECT_THAT(Fusible("a:matmul[dims=4x4] -> b:conv[dims=4x4]", {"a", "b"}),
              IsUnmet("op 1 'b': a kernel holds at most one contraction, and op 0 'a' is one"));
}

TEST(FusionTest, ContractionComesFirst) {
  EXPECT_THAT(Fusible("a:relu[dims=4x4] -> b:matmul[dims=4x4]", {"a", "b"}),
              IsUnmet("op 1 'b': a contraction reads nothing made in its kernel"));
}

TEST(FusionTest, ReductionsFuseRowWiseOrLast) {
  const std::string chain = "a:exp[dims=8x4] -> r:reduce[dims=%] -> c:mul[dims=8x4]; a -> c";
  const auto with = [&](const std::string& dims) {
    std::string text = chain;
    return text.replace(text.find('%'), 1, dims);
  };
  EXPECT_OK(Fusible(with("8"), {"a", "r", "c"}));
  EXPECT_OK(Fusible(with("8x1"), {"a", "r", "c"}));
  EXPECT_OK(Fusible(with("8x4"), {"a", "r", "c"}));  // softmax
  EXPECT_THAT(Fusible(with("4"), {"a", "r", "c"}),   // Over rows.
              IsUnmet("op 1 'r': a reduction fuses only row-wise"));
  EXPECT_THAT(Fusible(with("1x4"), {"a", "r", "c"}), IsUnmet("row-wise"));
  EXPECT_OK(Fusible(with("4"), {"a", "r"}));  // Last.
  EXPECT_THAT(Fusible("a:exp -> r:reduce -> c:mul; a -> c", {"a", "r", "c"}),
              IsUnmet("row-wise"));  // Shapes unknown.
  EXPECT_OK(Fusible("a:exp -> r:reduce", {"a", "r"}));
}

TEST(FusionTest, DataMovementFusesWhereTheElementCountStaysEqual) {
  EXPECT_OK(Fusible("a:relu[dims=8x4] -> b:reshape[dims=32]", {"a", "b"}));
  EXPECT_OK(Fusible("a:relu[bytes=128] -> b:copy[bytes=128]", {"a", "b"}));
  EXPECT_THAT(Fusible("a:relu[dims=8x4] -> b:gather[dims=16]", {"a", "b"}),
              IsUnmet("op 1 'b': data movement fuses only where the element count stays equal"));
  EXPECT_THAT(Fusible("a:relu[dims=8x4] -> b:concat[dims=16x4]; c:relu[dims=8x4] -> b", {"a", "b"}),
              IsUnmet("exactly one operand"));
  EXPECT_THAT(Fusible("b:copy[dims=4] -> c:relu[dims=4]", {"b", "c"}), IsUnmet("one operand"));
}

TEST(FusionTest, AKernelHangsTogether) {
  EXPECT_THAT(Fusible("a:add; b:add", {"a", "b"}),
              IsUnmet("op 1 'b': no tensor of the kernel connects it to op 0 'a'"));
  EXPECT_THAT(Fusible("x:input -> a:add; x -> b:add", {"a", "b"}), IsUnmet("connects"));
  EXPECT_OK(Fusible("a:add -> c:add; b:add -> c", {"a", "b", "c"}));
}

TEST(FusionTest, KernelHoldsAtMost32Ops) {
  std::string text = "o0:add";
  std::vector<std::string> names = {"o0"};
  for (int i = 1; i < 33; ++i) {
    absl::StrAppend(&text, " -> o", i, ":add");
    names.push_back(absl::StrCat("o", i));
  }
  EXPECT_THAT(Fusible(text, names), IsUnmet("kernel of 33 ops, at most 32 may fuse"));
  names.pop_back();
  EXPECT_OK(Fusible(text, names));
  EXPECT_THAT(Fusible(text, {"o0", "o1", "o2"}, {.max_ops = 2}), IsUnmet("at most 2"));
}

TEST(FusionTest, KernelReadsAtMost16TensorsFromOutside) {
  std::string text = "a:add -> b:relu";
  for (int i = 0; i < 17; ++i) absl::StrAppend(&text, "; x", i, ":input -> a");
  EXPECT_THAT(Fusible(text, {"a", "b"}), IsUnmet("reads 17 tensors from outside, at most 16"));
  EXPECT_OK(Fusible(text, {"a", "b"}, {.max_operands = 17}));
}

TEST(FusionTest, InternalRowsFitOnChip) {
  // 16384 floats a row are 64 KiB.
  EXPECT_OK(Fusible("a:add[dims=99x16384] -> b:relu[dims=99x16384]", {"a", "b"}));
  EXPECT_THAT(Fusible("a:add[dims=99x16385] -> b:relu[dims=99x16385]", {"a", "b"}),
              IsUnmet("keeps 65540 bytes on chip, at most 65536 fit"));
  // Rows add up; what only outsiders read does not count.
  EXPECT_THAT(Fusible("a:add[dims=2x10000] -> b:relu[dims=2x10000] -> c:relu[dims=2x10000]",
                      {"a", "b", "c"}),
              IsUnmet("keeps 80000 bytes"));
}

TEST(FusionTest, TileOfAContractionFitsOnChip) {
  const auto graph = TextGraph("a:matmul[dims=4096x4096] -> b:relu[dims=4096x4096]");
  EXPECT_EQ(OnChipBytes(*graph, PortOf(*graph, "a")), 128 * 128 * 4);
  EXPECT_EQ(OnChipBytes(*graph, PortOf(*graph, "b")), 4096 * 4);
  EXPECT_OK(CheckFusible(*graph, OpsNamed(*graph, {"a", "b"}), {}));
  EXPECT_THAT(CheckFusible(*graph, OpsNamed(*graph, {"a", "b"}), {.on_chip_bytes = 65535}),
              IsUnmet("on chip"));
  const auto narrow = TextGraph("a:matmul[dims=4096x10]");
  EXPECT_EQ(OnChipBytes(*narrow, 0), 128 * 10 * 4);
}

TEST(FusionTest, TensorsOfUnknownShapeAreKeptWhole) {
  const auto graph = TextGraph("a:add[bytes=70000] -> b:relu[bytes=70000]");
  EXPECT_EQ(OnChipBytes(*graph, 0), 70000);
  EXPECT_THAT(CheckFusible(*graph, OpsNamed(*graph, {"a", "b"}), {}), IsUnmet("70000 bytes"));
}

TEST(FusionTest, RowsOfElementsOfUnknownSizeAreSharesOfTheTensor) {
  GraphBuilder builder;
  const OpId a = builder.AddOp({.name = "a", .type = "add"});
  builder.AddPort(a, {.bytes = 48, .dtype = DType::kUnknown, .dims = {4, 4}});
  ASSERT_OK_AND_ASSIGN(const auto graph, builder.Build());
  EXPECT_EQ(OnChipBytes(*graph, 0), 12);
}

}  // namespace
}  // namespace gopt

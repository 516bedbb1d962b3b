#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/plan_file.h"
#include "gtest/gtest.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Graph> Chain() { return *ParseGraph("a:matmul -> b:relu -> c:reduce"); }

std::string Fault(std::string_view text) {
  return std::string(ConstraintsFromText(text, *Chain(), "c.txtpb").status().message());
}

TEST(ConstraintsFileTest, TakesOpsByNameAndById) {
  const auto constraints = ConstraintsFromText(R"(
    pin { op_name: "b" device: 1 reason: "embedding host" }
    pin { op: 0 device: 0 }
    allowed { op_names: ["a", "c"] devices: [0, 1] }
    colocate { ops: [0] op_names: "c" reason: "share a cache" }
    keep_apart { ops: [0, 1] }
    never_fuse { op_names: "b" }
    memory_limit { device: 1 bytes: 1000 }
    no_skipped_devices: true
  )",
                                               *Chain());
  ASSERT_TRUE(constraints.ok()) << constraints.status();
  EXPECT_EQ(constraints->pins[0].op, 1);
  EXPECT_EQ(constraints->pins[0].reason, "embedding host");
  EXPECT_THAT(constraints->allowed[0].ops, ElementsAre(0, 2));
  EXPECT_THAT(constraints->colocate[0].ops, ElementsAre(0, 2));
  EXPECT_THAT(constraints->keep_apart[0].ops, ElementsAre(0, 1));
  EXPECT_THAT(constraints->never_fuse[0].ops, ElementsAre(1));
  EXPECT_EQ(constraints->memory_limits[0].bytes, 1000);
  EXPECT_TRUE(constraints->no_skipped_devices);
  EXPECT_FALSE(constraints->forward_only_devices);
  const auto back = ConstraintsFromText(ConstraintsToText(*constraints), *Chain());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(ConstraintsToText(*back), ConstraintsToText(*constraints));
}

TEST(ConstraintsFileTest, TakesAnEmptyFile) {
  const auto constraints = ConstraintsFromText("# nothing\n", *Chain());
  ASSERT_TRUE(constraints.ok()) << constraints.status();
  EXPECT_TRUE(constraints->empty());
}

TEST(ConstraintsFileTest, NamesTheRuleAndWhatDoesNotExist) {
  EXPECT_THAT(Fault("pin { op_name: \"conv\" device: 0 }"),
              HasSubstr("c.txtpb: pin 0: 'text' has no op named 'conv'"));
  EXPECT_THAT(Fault("pin { op: 0 device: 0 } pin { op: 3 device: 0 }"),
              HasSubstr("pin 1: op 3 does not exist"));
  EXPECT_THAT(Fault("never_fuse { ops: -1 }"), HasSubstr("never_fuse 0: op -1"));
  EXPECT_THAT(Fault("pin { op: 0 }"), HasSubstr("pin 0: device is missing"));
  EXPECT_THAT(Fault("pin { device: 0 }"), HasSubstr("give either op or op_name"));
  EXPECT_THAT(Fault("pin { op: 0 op_name: \"a\" device: 0 }"), HasSubstr("give either"));
  EXPECT_THAT(Fault("pin { op: 0 device: 5000 }"), HasSubstr("device 5000 does not exist"));
  EXPECT_THAT(Fault("allowed { ops: 0 }"), HasSubstr("allowed 0: names no device"));
  EXPECT_THAT(Fault("colocate { }"), HasSubstr("colocate 0: names no op"));
  EXPECT_THAT(Fault("memory_limit { device: 0 }"), HasSubstr("bytes is missing"));
  EXPECT_THAT(Fault("memory_limit { device: 0 bytes: -4 }"), HasSubstr("bytes is -4"));
  EXPECT_THAT(
      Fault("\n  pinn { }"),
      HasSubstr(
          "c.txtpb:2:8: Message type \"gopt.v1.ConstraintsProto\" has no field named \"pinn\""));
}

}  // namespace
}  // namespace gopt

#include "gopt/features/graph_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gopt/graph/graph_text.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Values(const at::Tensor& tensor) {
  const int64_t* data = tensor.const_data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}

TEST(GraphTensorsTest, GivesTypesEdgesAndBytes) {
  auto graph =
      ParseGraph("w:parameter[bytes=8] -> b; a:matmul[bytes=100] -> b:add -> c:add; a -> c");
  ASSERT_TRUE(graph.ok()) << graph.status();
  const GraphTensors tensors = MakeGraphTensors(**graph);

  EXPECT_THAT(tensors.op_types, ElementsAre("parameter", "matmul", "add"));
  EXPECT_THAT(Values(tensors.op_type), ElementsAre(0, 1, 2, 2));
  EXPECT_THAT(Values(tensors.kind), ElementsAre(2, 1, 1, 1));
  ASSERT_EQ(tensors.edges.size(0), 2);
  EXPECT_THAT(Values(tensors.edges), ElementsAre(0, 1, 1, 2, 2, 2, 3, 3));
  const float* bytes = tensors.log_output_bytes.const_data_ptr<float>();
  EXPECT_FLOAT_EQ(bytes[0], std::log(9.0f));
  EXPECT_FLOAT_EQ(bytes[1], std::log(101.0f));
}

TEST(GraphTensorsTest, OneOpHasNoEdges) {
  auto graph = ParseGraph("a:relu");
  ASSERT_TRUE(graph.ok()) << graph.status();
  const GraphTensors tensors = MakeGraphTensors(**graph);
  EXPECT_EQ(tensors.op_type.numel(), 1);
  EXPECT_EQ(tensors.edges.size(1), 0);
}

}  // namespace
}  // namespace gopt

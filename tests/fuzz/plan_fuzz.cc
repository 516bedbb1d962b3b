// Plans: text, and payloads of a container. The fingerprint in the input is made right first, since
// a fuzzer cannot guess it.
#include "gopt/graph/graph_text.h"
#include "gopt/io/plan_file.h"
#include "gopt/v1/plan.pb.h"
#include "src/io/container.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

namespace gopt::fuzz {
namespace {

std::shared_ptr<const Graph> SmallGraph() {
  static const auto& graph = *new std::shared_ptr<const Graph>(
      *ParseGraph("w:parameter[bytes=8] -> a:matmul[time=5] -> b:relu -> c:reduce; a -> c"));
  return graph;
}

void Check(const absl::StatusOr<PlanFile>& file) {
  if (!file.ok()) return RequireGoodError(file.status());
  const std::string text = PlanToText(*file);
  const auto again = PlanFromText(text, SmallGraph());
  Require(again.ok() && PlanToText(*again) == text);
}

}  // namespace
}  // namespace gopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const std::string_view bytes = gopt::fuzz::AsText(data, size);
  const auto graph = gopt::fuzz::SmallGraph();
  const std::string fingerprint = std::to_string(graph->fingerprint());
  gopt::fuzz::Check(gopt::PlanFromText(bytes, graph));
  gopt::fuzz::Check(
      gopt::PlanFromText("graph_fingerprint: " + fingerprint + "\n" + std::string(bytes), graph));
  gopt::v1::PlanProto head;
  head.set_graph_fingerprint(graph->fingerprint());
  std::vector<std::string> warnings;
  const std::string payload = std::string(bytes) + head.SerializeAsString();
  gopt::fuzz::Check(gopt::DeserializePlan(
      gopt::WrapInContainer(gopt::ContainerKind::kPlan, payload, gopt::Compression::kStored), graph,
      "f", &warnings));
  return 0;
}

#include "src/cost/memory_reason.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gopt/base/utf8.h"

namespace gopt {
namespace {

constexpr size_t kNamedTensors = 5;

bool Before(const LiveTensor& a, const LiveTensor& b) {
  return std::tuple(-a.bytes, a.kind, a.port, a.op, a.kernel) <
         std::tuple(-b.bytes, b.kind, b.port, b.op, b.kernel);
}

std::string_view Note(LiveTensor::Kind kind) {
  switch (kind) {
    case LiveTensor::Kind::kParameter:
      return " (parameter and its state)";
    case LiveTensor::Kind::kReceived:
      return " (received)";
    case LiveTensor::Kind::kScratch:
      return " (scratch)";
    case LiveTensor::Kind::kTensor:
      break;
  }
  return "";
}

std::string Name(const Graph& graph, const LiveTensor& tensor) {
  std::string name = absl::StrCat("'", Printable(graph.op_name(tensor.op)));
  if (tensor.port != kNone && graph.num_ports(tensor.op) > 1) {
    absl::StrAppend(&name, ":", tensor.port - graph.first_port(tensor.op));
  }
  return absl::StrCat(name, "'");
}

}  // namespace

std::string DescribeOutOfMemory(const Graph& graph, DeviceId device, const std::string& device_name,
                                int64_t peak, int64_t limit, std::vector<LiveTensor> live) {
  std::erase_if(live, [](const LiveTensor& tensor) { return tensor.bytes == 0; });
  const size_t named = std::min(live.size(), kNamedTensors);
  std::partial_sort(live.begin(), live.begin() + static_cast<int64_t>(named), live.end(), Before);
  std::string text =
      absl::StrCat("out of memory: device ", device, " '", Printable(device_name), "' needs ", peak,
                   " bytes, ", peak - limit, " over its limit of ", limit);
  for (size_t i = 0; i < named; ++i) {
    absl::StrAppend(&text, i == 0 ? "; largest live tensors: " : ", ", Name(graph, live[i]), " ",
                    live[i].bytes, std::string(Note(live[i].kind)));
  }
  return text;
}

}  // namespace gopt

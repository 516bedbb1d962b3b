// How fast graphs are read and written, and what they take: container (deflated and stored), text.
// The graph that is made has names, scopes, shapes and cost tables as captured training steps have.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/base/check.h"
#include "gopt/base/random.h"
#include "gopt/io/graph_file.h"
#include "gopt/workloads/stored.h"
#include "src/io/container.h"
#include "src/io/crc32c.h"
#include "src/io/file_bytes.h"
#include "tests/io/peak_memory.h"

ABSL_FLAG(std::string, json, "", "write the results to this file");
ABSL_FLAG(std::string, graph, "made", "a graph file, a stored workload, or 'made'");
ABSL_FLAG(int, ops, 80'000, "ops of the graph that is made; it has two operands per op");
ABSL_FLAG(int, rounds, 15, "rounds; medians are reported");

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

uint32_t Intern(std::string text, GraphColumns* columns) {
  columns->strings.push_back(std::move(text));
  return static_cast<uint32_t>(columns->strings.size() - 1);
}

void AddPort(int64_t dim, GraphColumns* columns) {
  columns->op_num_ports.push_back(1);
  columns->port_storage.push_back(static_cast<StorageId>(columns->storage_bytes.size()));
  columns->port_bytes.push_back(4 * 512 * dim);
  columns->storage_bytes.push_back(4 * 512 * dim);
  columns->port_dtype.push_back(DType::kFloat32);
  columns->port_rank.push_back(2);
  columns->port_dims.insert(columns->port_dims.end(), {512, dim});
  columns->port_persistent.push_back(0);
  columns->port_optimizer_copies.push_back(0);
}

void AddOperands(int op, Random* random, GraphColumns* columns) {
  const int operands = std::min(op, 2);
  for (int i = 0; i < operands; ++i) {
    const int64_t back = 1 + random->Below(std::min(op, 1000));
    columns->operand_port.push_back(static_cast<PortId>(op - back));
  }
  columns->op_num_operands.push_back(static_cast<uint32_t>(operands));
  columns->op_num_controls.push_back(0);
}

std::shared_ptr<const Graph> MakeGraph(int ops) {
  Random random(1);
  GraphColumns c;
  c.name = "made";
  c.strings = {""};
  const char* const kTypes[] = {"matmul", "add", "relu", "softmax"};
  std::vector<uint32_t> types;
  for (const char* type : kTypes) types.push_back(Intern(type, &c));
  const uint32_t native = Intern("aten::some_operator.default", &c);
  uint32_t scope = 0;
  CostTable costs{
      .source = "profile:torch", .device_kind = "gpu", .duration = {}, .stddev = {}, .samples = {}};
  for (int op = 0; op < ops; ++op) {
    const size_t type = static_cast<size_t>(random.Below(4));
    if (op % 16 == 0) scope = Intern(absl::StrCat("encoder.layers.", op / 16, ".attention"), &c);
    c.op_name.push_back(Intern(absl::StrCat("layers_", op / 16, "_", kTypes[type], "_", op), &c));
    c.op_type.push_back(types[type]);
    c.op_native.push_back(native);
    c.op_scope.push_back(scope);
    c.op_kind.push_back(OpKind::kCompute);
    c.op_phase.push_back(op < ops / 3 ? Phase::kForward : Phase::kBackward);
    c.op_fusion_class.push_back(type == 0 ? FusionClass::kContraction : FusionClass::kElementwise);
    c.op_forward_twin.push_back(op < ops / 3 ? kNone : op - ops / 3);
    c.op_colocation.push_back(kNone);
    c.op_flops.push_back(static_cast<double>(random.Below(1'000'000'000)));
    c.op_bytes_read.push_back(random.Below(1 << 24));
    c.op_bytes_written.push_back(random.Below(1 << 24));
    c.op_scratch_bytes.push_back(0);
    c.op_side_effect.push_back(0);
    AddOperands(op, &random, &c);
    AddPort(64 << random.Below(6), &c);
    costs.duration.push_back(1000 + random.Below(1'000'000));
  }
  c.costs.push_back(std::move(costs));
  auto graph = Graph::Create(std::move(c));
  GOPT_CHECK(graph.ok());
  return *graph;
}

// Of each work, which take turns: what else the machine does falls on all alike.
std::vector<double> MedianMilliseconds(int rounds,
                                       const std::vector<std::function<void()>>& works) {
  std::vector<std::vector<double>> times(works.size());
  for (int i = 0; i < rounds; ++i) {
    for (size_t w = 0; w < works.size(); ++w) {
      const auto begin = std::chrono::steady_clock::now();
      works[w]();
      const std::chrono::duration<double, std::milli> time =
          std::chrono::steady_clock::now() - begin;
      times[w].push_back(time.count());
    }
  }
  std::vector<double> medians;
  for (std::vector<double>& all : times) {
    std::sort(all.begin(), all.end());
    medians.push_back(all[all.size() / 2]);
  }
  return medians;
}

double MedianMilliseconds(int rounds, std::function<void()> work) {
  return MedianMilliseconds(rounds, std::vector<std::function<void()>>{std::move(work)})[0];
}

std::shared_ptr<const Graph> Load(const std::string& bytes) {
  auto graph = DeserializeGraph(bytes);
  GOPT_CHECK(graph.ok());
  return *std::move(graph);
}

Json Measure(const Graph& graph, int rounds) {
  const std::string stored = SerializeGraph(graph);
  std::string buffer;
  const auto payload =
      UnwrapContainer(stored, ContainerKind::kGraph, "made", int64_t{1} << 31, &buffer);
  GOPT_CHECK(payload.ok());
  const std::string deflated = SerializeGraph(graph, {.compress = true});
  const double items = static_cast<double>(graph.num_ops() + graph.num_edges());
  Json row;
  row["ops"] = graph.num_ops();
  row["edges"] = graph.num_edges();
  row["file_bytes"] = stored.size();
  row["deflated_bytes"] = deflated.size();
  row["graph_bytes"] = graph.MemoryBytes();
  row["graph_bytes_per_op_and_edge"] = static_cast<double>(graph.MemoryBytes()) / items;
  {
    const testing::PeakMemory memory;
    const auto loaded = Load(stored);
    row["load_peak_bytes"] = memory.Grown();
  }
  const std::vector<double> loads =
      MedianMilliseconds(rounds, {[&] { Load(stored); }, [&] { Load(deflated); }});
  row["load_ms"] = loads[0];
  row["load_deflated_ms"] = loads[1];
  row["create_ms"] = MedianMilliseconds(rounds, [&] {
    GOPT_CHECK(Graph::Create(graph.columns()).ok());  // A copy of the columns included.
  });
  row["crc32c_ms"] = MedianMilliseconds(rounds, [&] { GOPT_CHECK(Crc32c(*payload) != 1); });
  row["save_ms"] = MedianMilliseconds(rounds, [&] { SerializeGraph(graph); });
  const std::string text = GraphToTextProto(graph);
  row["text_bytes"] = text.size();
  if (text.size() <= (64u << 20)) {
    row["load_text_ms"] =
        MedianMilliseconds(std::min(rounds, 3), [&] { GOPT_CHECK(GraphFromTextProto(text).ok()); });
  }
  return row;
}

int Main() {
  const std::string name = absl::GetFlag(FLAGS_graph);
  std::shared_ptr<const Graph> graph;
  if (name == "made") {
    graph = MakeGraph(absl::GetFlag(FLAGS_ops));
  } else {
    const bool file = std::filesystem::is_regular_file(name);
    auto read = file ? ReadGraphFile(name) : LoadWorkload(name);
    if (!read.ok()) {
      std::fprintf(stderr, "%s\n", read.status().ToString().c_str());
      return 1;
    }
    graph = *std::move(read);
  }
  const Json row = Measure(*graph, absl::GetFlag(FLAGS_rounds));
  for (const auto& [key, value] : row.items()) {
    std::printf("%-28s %s\n", key.c_str(), value.dump().c_str());
  }
  const std::string json = absl::GetFlag(FLAGS_json);
  if (json.empty()) return 0;
  const absl::Status status = WriteFileAtomically(json, row.dump(2) + "\n");
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "Time and memory of reading and writing graphs.");
  return gopt::Main();
}

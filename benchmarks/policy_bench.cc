// gopt_bench_policy: time and memory of the network, batched over segments, against the loop over
// segments that the papers describe: encoder, modulation, attention layers and, with --tasks=3, a
// head per task with the attention that they share, T = 1, one kernel per op.
//
//   gopt_bench_policy [--ops=10000,80000,300000] [--threads=2] [--width=64] [--segment=128]
//                     [--modulation=node] [--tasks=3] [--repetitions=5] [--literal_limit=80000]
//                     [--cpu_time=false] [--json=FILE]

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/nn/graph_sage.h"
#include "gopt/nn/modulation.h"
#include "gopt/nn/policy_network.h"
#include "gopt/nn/segment_attention.h"
#include "nlohmann/json.hpp"
#include "src/nn/linear_rows.h"
#include "tests/testing/literal_network.h"

ABSL_FLAG(std::vector<std::string>, ops, std::vector<std::string>({"10000", "80000", "300000"}),
          "Ops of the generated graphs.");
ABSL_FLAG(int, threads, 2, "Threads of one tensor op.");
ABSL_FLAG(int, width, 64, "Width of an embedding.");
ABSL_FLAG(int, segment, 128, "Ops of a segment.");
ABSL_FLAG(int, heads, 4, "Attention heads.");
ABSL_FLAG(int, feed_forward_ratio, 2, "Width of a layer's hidden layer over width.");
ABSL_FLAG(int, layers, 2, "Attention layers.");
ABSL_FLAG(int, tasks, 3, "Heads; 0: the blocks before them alone.");
ABSL_FLAG(std::string, modulation, "node", "none, graph or node.");
ABSL_FLAG(int, repetitions, 5, "Interleaved repetitions; medians are printed.");
ABSL_FLAG(int, literal_limit, 80'000, "The loop is timed on graphs of up to so many ops.");
ABSL_FLAG(bool, cpu_time, false,
          "Seconds of processor time, not of the wall: for one thread on a busy machine.");
ABSL_FLAG(std::string, json, "", "Write the numbers to this file.");

namespace gopt {
namespace {

constexpr int kNodeFeatures = 48, kEdgeFeatures = 8, kTypes = 64;
constexpr double kDegree = 1.6;  // Edges per op: that of the captured training steps.

using Numbers = std::map<std::string, double>;

Modulation ModulationFlag() {
  for (Modulation modulation : {Modulation::kNone, Modulation::kGraph, Modulation::kNode}) {
    if (absl::GetFlag(FLAGS_modulation) == ToString(modulation)) return modulation;
  }
  std::fprintf(stderr, "gopt_bench_policy: --modulation is none, graph or node\n");
  std::exit(2);
}

constexpr int kHeadWidth = 32;

// Encoder, modulation, attention and heads on one generated graph.
class Network {
 public:
  explicit Network(int64_t ops)
      : segment_(absl::GetFlag(FLAGS_segment)),
        layout_(SegmentLayout::Create({ops}, segment_, at::kCPU)),
        edges_(RandomGraphEdges(ops, kDegree, kEdgeFeatures, 1)),
        features_(at::randn({ops, kNodeFeatures})),
        type_(at::randint(kTypes, {ops}, at::kLong)) {
    const SegmentAttentionOptions attention = {
        .width = absl::GetFlag(FLAGS_width),
        .heads = absl::GetFlag(FLAGS_heads),
        .feed_forward_ratio = absl::GetFlag(FLAGS_feed_forward_ratio)};
    encoder_ = GraphSageEncoder(GraphSageEncoderOptions{.in = kNodeFeatures,
                                                        .types = kTypes,
                                                        .width = attention.width,
                                                        .edge_width = kEdgeFeatures});
    superposition_ =
        Superposition(SuperpositionOptions{.modulation = ModulationFlag(), .attention = attention});
    for (int i = 0; i < absl::GetFlag(FLAGS_layers); ++i) layers_.emplace_back(attention);
    SegmentAttentionOptions shared = attention;
    shared.feed_forward_ratio = 0;
    shared_ = SegmentAttention(shared);
    join_ = torch::nn::Linear(kHeadWidth + attention.width, attention.width);
    join_norm_ = torch::nn::LayerNorm(torch::nn::LayerNormOptions({attention.width}));
    for (int i = 0; i < absl::GetFlag(FLAGS_tasks); ++i) {
      heads_.emplace_back(attention.width, kHeadWidth, 1);
    }
  }

  // -> [ops, width], or [ops, tasks]
  at::Tensor Forward() {
    const at::Tensor h = Encode();
    const at::Tensor factor = superposition_(h, layout_);
    at::Tensor x = h;
    for (SegmentAttention& layer : layers_) x = layer(Modulate(x, factor), layout_);
    return Decide(x, [&](const at::Tensor& y) { return shared_(Modulate(y, factor), layout_); });
  }
  at::Tensor Encode() { return encoder_(features_, type_, edges_); }

  // The same but for the attention.
  at::Tensor LiteralForward() {
    const at::Tensor h = Encode();
    const at::Tensor factor = LiteralSuperposition(*superposition_, h, layout_.lengths(), segment_);
    at::Tensor x = h;
    for (SegmentAttention& layer : layers_) {
      x = LiteralSegmentAttention(*layer, x * factor, layout_.lengths(), segment_);
    }
    return Decide(x, [&](const at::Tensor& y) {
      return LiteralSegmentAttention(*shared_, y * factor, layout_.lengths(), segment_);
    });
  }

 private:
  // The recurrence over tasks.
  template <typename Attention>
  at::Tensor Decide(at::Tensor hidden, Attention attention) {
    if (heads_.empty()) return hidden;
    at::Tensor handed_on = at::zeros({hidden.size(0), kHeadWidth});
    std::vector<at::Tensor> outputs;
    for (TaskHead& head : heads_) {
      hidden = attention(LinearRows({.in = handed_on,
                                     .beside = hidden,
                                     .weight = join_->weight,
                                     .bias = join_->bias,
                                     .norm_weight = join_norm_->weight,
                                     .norm_bias = join_norm_->bias}));
      handed_on = head->Hidden(hidden);
      outputs.push_back(head->Output(handed_on));
    }
    return at::cat(outputs, 1);
  }

  int segment_;
  SegmentLayout layout_;
  GraphEdges edges_;
  at::Tensor features_, type_;
  GraphSageEncoder encoder_{nullptr};
  Superposition superposition_{nullptr};
  std::vector<SegmentAttention> layers_;
  SegmentAttention shared_{nullptr};
  torch::nn::Linear join_{nullptr};
  torch::nn::LayerNorm join_norm_{nullptr};
  std::vector<TaskHead> heads_;
};

void Infer(const std::function<at::Tensor()>& forward) {
  const c10::NoGradGuard guard;
  forward();
}

void Step(const std::function<at::Tensor()>& forward) { forward().square().mean().backward(); }

double Now() {
  timespec now;
  clock_gettime(absl::GetFlag(FLAGS_cpu_time) ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Seconds(const std::function<void()>& work) {
  const double begin = Now();
  work();
  return Now() - begin;
}

// Medians of interleaved runs, after one that is not counted.
Numbers Times(const std::map<std::string, std::function<void()>>& works) {
  std::map<std::string, std::vector<double>> samples;
  for (int i = 0; i <= absl::GetFlag(FLAGS_repetitions); ++i) {
    for (const auto& [name, work] : works) {
      const double seconds = Seconds(work);
      if (i > 0) samples[name].push_back(seconds);
    }
  }
  Numbers medians;
  for (auto& [name, times] : samples) {
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    medians[name] = times[times.size() / 2];
  }
  return medians;
}

Numbers MeasureTimes(int64_t ops) {
  Network network(ops);
  const auto batched = [&] { return network.Forward(); };
  const auto literal = [&] { return network.LiteralForward(); };
  const auto encoder = [&] { return network.Encode(); };
  std::map<std::string, std::function<void()>> works = {
      {"forward", [&] { Infer(batched); }},
      {"step", [&] { Step(batched); }},
      {"encoder forward", [&] { Infer(encoder); }},
      {"encoder step", [&] { Step(encoder); }},
  };
  if (ops <= absl::GetFlag(FLAGS_literal_limit)) {
    works["literal forward"] = [&] { Infer(literal); };
    works["literal step"] = [&] { Step(literal); };
  }
  return Times(works);
}

// Of this process, in gigabytes.
double PeakMemory() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

Numbers MeasureMemory(int64_t ops, bool literal, bool step) {
  Network network(ops);
  const auto forward = [&] { return literal ? network.LiteralForward() : network.Forward(); };
  for (int i = 0; i < 2; ++i) step ? Step(forward) : Infer(forward);
  return {
      {absl::StrCat(literal ? "literal " : "", step ? "step" : "forward", " GB"), PeakMemory()}};
}

// Each measurement is in a process of its own: peaks do not mix, and no heap is a used one. This
// process must not have started threads.
Numbers InChild(const std::function<Numbers()>& measure) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(1);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    at::set_num_threads(absl::GetFlag(FLAGS_threads));
    at::manual_seed(1);
    const std::string text = nlohmann::json(measure()).dump();
    const bool sent = write(ends[1], text.data(), text.size()) == std::ssize(text);
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const auto parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    std::fprintf(stderr, "gopt_bench_policy: a measurement died (out of memory?)\n");
    return {};
  }
  return parsed.get<Numbers>();
}

Numbers MeasureGraph(int64_t ops) {
  Numbers numbers = InChild([&] { return MeasureTimes(ops); });
  for (bool literal : {false, true}) {
    if (literal && ops > absl::GetFlag(FLAGS_literal_limit)) continue;
    for (bool step : {false, true}) {
      numbers.merge(InChild([&] { return MeasureMemory(ops, literal, step); }));
    }
  }
  return numbers;
}

void PrintNumbers(int64_t ops, const Numbers& numbers) {
  std::printf("%lld ops\n", static_cast<long long>(ops));
  for (const auto& [name, value] : numbers) std::printf("  %-24s %9.3f\n", name.c_str(), value);
  for (const char* name : {"forward", "step"}) {
    const auto literal = numbers.find(absl::StrCat("literal ", name));
    const auto batched = numbers.find(name);
    if (literal == numbers.end() || batched == numbers.end()) continue;
    std::printf("  %-24s %9.2f\n", absl::StrCat("literal / batched ", name).c_str(),
                literal->second / batched->second);
  }
  std::fflush(stdout);
}

absl::Status Run() {
  std::printf("%d threads, width %d, segment %d, %d heads; seconds, medians of %d\n",
              absl::GetFlag(FLAGS_threads), absl::GetFlag(FLAGS_width),
              absl::GetFlag(FLAGS_segment), absl::GetFlag(FLAGS_heads),
              absl::GetFlag(FLAGS_repetitions));
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& text : absl::GetFlag(FLAGS_ops)) {
    int64_t ops;
    if (!absl::SimpleAtoi(text, &ops) || ops < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--ops: '", text, "' is no count"));
    }
    const Numbers numbers = MeasureGraph(ops);
    PrintNumbers(ops, numbers);
    rows.push_back({{"ops", ops}, {"numbers", numbers}});
  }
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << rows.dump(2) << "\n";
  return file.good() ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "Time and memory of the network, against the literal loop.");
  const absl::Status status = gopt::Run();
  if (!status.ok()) std::fprintf(stderr, "gopt_bench_policy: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

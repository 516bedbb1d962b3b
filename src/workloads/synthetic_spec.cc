#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/spec.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/workloads/planted.h"
#include "gopt/workloads/synthetic.h"

namespace gopt {
namespace {

// The machine that comes with a graph.
struct MachineKeys {
  int devices = 4;
  double bandwidth = 12e9;
  Nanoseconds latency = 5'000;
};

void ReadMachine(SpecReader& reader, MachineKeys* machine) {
  reader.Read("devices", &machine->devices);
  reader.Read("bandwidth", &machine->bandwidth);
  reader.Read("latency", &machine->latency);
}

void ReadSeed(SpecReader& reader, uint64_t* seed) {
  int64_t value = static_cast<int64_t>(*seed);
  reader.Read("seed", &value);
  *seed = static_cast<uint64_t>(value);
}

void ReadGrid(SpecReader& reader, GridOptions* grid) {
  reader.Read("batch", &grid->batch);
  reader.Read("backward", &grid->backward);
  reader.Read("weight_gradients", &grid->weight_gradients);
  reader.Read("parameters", &grid->parameters);
  reader.Read("optimizer", &grid->optimizer);
  reader.Read("optimizer_copies", &grid->optimizer_copies);
  reader.Read("spread", &grid->spread);
  ReadSeed(reader, &grid->seed);
}

void ReadTime(SpecReader& reader, TimeOptions* time) {
  reader.Read("mean_time", &time->mean_time);
  reader.Read("spread", &time->spread);
  reader.Read("ccr", &time->ccr);
  reader.Read("bandwidth", &time->bandwidth);
  ReadSeed(reader, &time->seed);
}

absl::StatusOr<Imported> WithMachine(absl::StatusOr<std::shared_ptr<const Graph>> graph,
                                     const MachineKeys& keys) {
  GOPT_RETURN_IF_ERROR(graph.status());
  Imported imported;
  imported.graph = *std::move(graph);
  GOPT_ASSIGN_OR_RETURN(imported.machine, UniformMachine({.count = keys.devices,
                                                          .bandwidth = keys.bandwidth,
                                                          .latency = keys.latency}));
  return imported;
}

// Reads a family's own keys with `read`, then those that all have, and makes the graph.
template <typename Options>
absl::StatusOr<Imported> Make(
    const Spec& spec, Options options, void (*read)(SpecReader&, Options*),
    absl::StatusOr<std::shared_ptr<const Graph>> (*make)(const Options&)) {
  SpecReader reader(spec);
  MachineKeys machine;
  read(reader, &options);
  ReadMachine(reader, &machine);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return WithMachine(make(options), machine);
}

void ReadRnn(SpecReader& reader, RnnOptions* options) {
  reader.Read("layers", &options->layers);
  reader.Read("steps", &options->steps);
  reader.Read("hidden", &options->hidden);
  reader.Read("vocabulary", &options->vocabulary);
  reader.Read("scope_steps", &options->scope_steps);
  ReadGrid(reader, &options->grid);
}

void ReadGnmt(SpecReader& reader, GnmtOptions* options) {
  reader.Read("layers", &options->layers);
  reader.Read("encoder_steps", &options->encoder_steps);
  reader.Read("decoder_steps", &options->decoder_steps);
  reader.Read("hidden", &options->hidden);
  reader.Read("vocabulary", &options->vocabulary);
  ReadGrid(reader, &options->grid);
}

void ReadTransformerXl(SpecReader& reader, TransformerXlOptions* options) {
  reader.Read("layers", &options->layers);
  reader.Read("segments", &options->segments);
  reader.Read("heads", &options->heads);
  reader.Read("tokens", &options->tokens);
  reader.Read("width", &options->width);
  reader.Read("feed_forward", &options->feed_forward);
  reader.Read("vocabulary", &options->vocabulary);
  reader.Read("gradient_to_memory", &options->gradient_to_memory);
  ReadGrid(reader, &options->grid);
}

void ReadLayered(SpecReader& reader, LayeredOptions* options) {
  reader.Read("ops", &options->ops);
  reader.Read("width", &options->width);
  reader.Read("fan_in", &options->fan_in);
  reader.Read("reach", &options->reach);
  ReadTime(reader, &options->time);
}

void ReadBlocks(SpecReader& reader, BlocksOptions* options) {
  reader.Read("blocks", &options->blocks);
  reader.Read("branches", &options->branches);
  reader.Read("depth", &options->depth);
  ReadTime(reader, &options->time);
}

void ReadChain(SpecReader& reader, ChainOptions* options) {
  reader.Read("ops", &options->ops);
  ReadTime(reader, &options->time);
}

void ReadStar(SpecReader& reader, FanOutOptions* options) {
  reader.Read("ops", &options->ops);
  reader.Read("join", &options->join);
  ReadTime(reader, &options->time);
}

void ReadTree(SpecReader& reader, FanOutOptions* options) {
  reader.Read("arity", &options->arity);
  ReadStar(reader, options);
}

absl::StatusOr<Imported> MakePlantedFromSpec(const Spec& spec) {
  PlantedOptions options;
  SpecReader reader(spec);
  reader.Read("ops", &options.ops);
  reader.Read("devices", &options.devices);
  reader.Read("mean_time", &options.mean_time);
  reader.Read("spread", &options.spread);
  reader.Read("fan_out", &options.fan_out);
  reader.Read("remote", &options.remote);
  reader.Read("ccr", &options.ccr);
  reader.Read("bandwidth", &options.bandwidth);
  reader.Read("latency", &options.latency);
  ReadSeed(reader, &options.seed);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_ASSIGN_OR_RETURN(Planted planted, MakePlanted(options));
  Imported imported;
  imported.graph = planted.problem.shared_graph();
  imported.machine = planted.problem.machine();
  imported.expert_placement = std::move(planted.plan.device);  // A kernel per op, in op order.
  imported.figures["optimal_step_time_ns"] = static_cast<double>(planted.step_time);
  return imported;
}

struct Family {
  const char* summary;
  std::function<absl::StatusOr<Imported>(const Spec&)> make;
};

const std::map<std::string, Family>& Families() {
  static const auto* const kFamilies = new std::map<std::string, Family>{
      {"rnn",
       {"Stacked LSTM over a sequence: layers, steps, hidden, vocabulary, scope_steps.",
        [](const Spec& spec) { return Make<RnnOptions>(spec, {}, ReadRnn, MakeRnn); }}},
      {"gnmt",
       {"LSTM encoder and decoder with attention: layers, encoder_steps, decoder_steps, hidden.",
        [](const Spec& spec) { return Make<GnmtOptions>(spec, {}, ReadGnmt, MakeGnmt); }}},
      {"txl",
       {"Transformer-XL by segments and heads: layers, segments, heads, tokens, width.",
        [](const Spec& spec) {
          return Make<TransformerXlOptions>(spec, {}, ReadTransformerXl, MakeTransformerXl);
        }}},
      {"layered",
       {"Layers of bounded width: ops, width, fan_in, reach, ccr.",
        [](const Spec& spec) { return Make<LayeredOptions>(spec, {}, ReadLayered, MakeLayered); }}},
      {"blocks",
       {"Blocks of parallel branches: blocks, branches, depth, ccr.",
        [](const Spec& spec) { return Make<BlocksOptions>(spec, {}, ReadBlocks, MakeBlocks); }}},
      {"chain",
       {"One op after the other: ops, ccr.",
        [](const Spec& spec) { return Make<ChainOptions>(spec, {}, ReadChain, MakeChain); }}},
      {"star",
       {"One op feeds all others: ops, join, ccr.",
        [](const Spec& spec) { return Make<FanOutOptions>(spec, {}, ReadStar, MakeFanOut); }}},
      {"tree",
       {"Each op feeds `arity` others: ops, arity, join, ccr.",
        [](const Spec& spec) {
          return Make<FanOutOptions>(spec, {.arity = 2}, ReadTree, MakeFanOut);
        }}},
      {"planted",
       {"A schedule without gaps, and a graph for which it is optimal: ops, devices, fan_out, ccr.",
        MakePlantedFromSpec}},
  };
  return *kFamilies;
}

}  // namespace

absl::StatusOr<Imported> SyntheticFromSpec(std::string_view text) {
  GOPT_ASSIGN_OR_RETURN(const Spec spec, Spec::Parse(text));
  const auto family = Families().find(spec.name);
  if (family != Families().end()) return family->second.make(spec);
  std::string known;
  for (const auto& [name, summary] : SyntheticFamilies()) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return absl::NotFoundError(
      absl::StrCat("no synthetic family is named '", Printable(spec.name), "'; there are ", known));
}

absl::StatusOr<Imported> SyntheticOrFile(const std::string& spec_or_path) {
  const bool is_spec = spec_or_path.find('(') != std::string::npos && spec_or_path.ends_with(')');
  return is_spec ? SyntheticFromSpec(spec_or_path) : ImportFile(spec_or_path);
}

std::vector<std::pair<std::string, std::string>> SyntheticFamilies() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [name, family] : Families()) result.emplace_back(name, family.summary);
  return result;
}

}  // namespace gopt

#include "src/plan/placement_model.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>
#include <utility>

#include "src/plan/copy_chooser.h"

namespace gopt {
namespace {

// Compressed rows from (row, value) pairs; a row keeps the order in which its values came.
template <typename T>
void MakeRows(int num_rows, const std::vector<std::pair<int32_t, T>>& pairs,
              std::vector<int32_t>* begin, std::vector<T>* values) {
  begin->assign(num_rows + 1, 0);
  for (const auto& [row, value] : pairs) ++(*begin)[row + 1];
  std::partial_sum(begin->begin(), begin->end(), begin->begin());
  values->resize(pairs.size());
  std::vector<int32_t> next(begin->begin(), begin->end() - 1);
  for (const auto& [row, value] : pairs) (*values)[next[row]++] = value;
}

class ModelMaker {
 public:
  ModelMaker(const Problem& problem, const Kernels& kernels, const PlacementModelOptions& options)
      : problem_(problem),
        graph_(problem.graph()),
        kernels_(kernels),
        options_(options),
        num_kernels_(kernels.size()),
        parent_(num_kernels_ + graph_.parameters().size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  PlacementModel Make() {
    SetRules();
    if (options_.memory) SetCapacity();
    JoinColocated();
    NumberUnits();
    SetDomains();
    if (model_.some_route_missing) SetRoutes();
    SetEdges();
    SetApart();
    if (!model_.capacity.empty()) SetBytes();
    return std::move(model_);
  }

 private:
  void SetRules() {
    const Constraints& constraints = problem_.constraints();
    const Machine& machine = problem_.machine();
    model_.num_devices = machine.num_devices();
    model_.words = (model_.num_devices + 63) / 64;
    model_.forward_only = constraints.forward_only_devices;
    model_.no_skipped = constraints.no_skipped_devices;
    model_.triangle_free = constraints.triangle_free_devices;
    for (DeviceId from = 0; from < model_.num_devices && options_.routes; ++from) {
      for (DeviceId to = 0; to < model_.num_devices; ++to) {
        if (from != to && !machine.has_route(from, to)) model_.some_route_missing = true;
      }
    }
  }

  void SetCapacity() {
    int64_t total = 0;
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      total = SaturatingAdd(total, PersistentBytes(i));
    }
    bool fits_anywhere = true;
    for (DeviceId d = 0; d < model_.num_devices; ++d) {
      model_.capacity.push_back(problem_.memory_limit(d));
      fits_anywhere = fits_anywhere && total <= problem_.memory_limit(d);
    }
    if (fits_anywhere) model_.capacity.clear();
  }

  int64_t PersistentBytes(size_t parameter) const {
    const OpId op = graph_.parameters()[parameter];
    int64_t bytes = 0;
    for (PortId port = graph_.first_port(op); port < graph_.first_port(op) + graph_.num_ports(op);
         ++port) {
      const int64_t copies = 1 + static_cast<int64_t>(graph_.optimizer_copies(port));
      const int64_t size = graph_.port_bytes(port);
      bytes = SaturatingAdd(bytes, size > kSaturated / copies ? kSaturated : size * copies);
    }
    return bytes;
  }

  int32_t Find(int32_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }

  // Kernels are items 0 .. num_kernels - 1, parameters follow.
  void JoinColocated() {
    std::vector<int32_t> first(problem_.num_colocation_groups(), kNone);
    const auto join = [&](OpId op, int32_t item) {
      const int32_t group = problem_.colocation_group()[op];
      if (group == kNone) return;
      if (first[group] == kNone) first[group] = item;
      const int32_t a = Find(first[group]), b = Find(item);
      parent_[std::max(a, b)] = std::min(a, b);
    };
    for (KernelId k = 0; k < num_kernels_; ++k) {
      for (const OpId op : kernels_.ops(k)) join(op, k);
    }
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      join(graph_.parameters()[i], num_kernels_ + static_cast<int32_t>(i));
    }
  }

  void NumberUnits() {
    std::vector<uint8_t> is_apart(graph_.num_ops(), 0);
    for (const Constraints::Group& group : problem_.constraints().keep_apart) {
      for (const OpId op : group.ops) is_apart[op] = 1;
    }
    std::vector<int32_t> unit_of_root(parent_.size(), kNone);
    std::vector<std::pair<int32_t, KernelId>> members;
    const auto unit_of = [&](int32_t item) {
      int32_t& unit = unit_of_root[Find(item)];
      if (unit == kNone) unit = model_.num_units++;
      return unit;
    };
    for (KernelId k = 0; k < num_kernels_; ++k) {
      model_.unit_of_kernel.push_back(unit_of(k));
      members.push_back({model_.unit_of_kernel.back(), k});
    }
    const bool all = model_.some_route_missing || !model_.capacity.empty();
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const OpId op = graph_.parameters()[i];
      const bool bound =
          all || problem_.colocation_group()[op] != kNone || is_apart[op] != 0 ||
          problem_.allowed_devices(op).size() < static_cast<size_t>(model_.num_devices);
      const int32_t item = num_kernels_ + static_cast<int32_t>(i);
      model_.unit_of_parameter.push_back(bound ? unit_of(item) : kNone);
    }
    MakeRows(model_.num_units, members, &model_.kernel_begin, &model_.kernels);
  }

  std::vector<uint64_t> SetOf(std::span<const DeviceId> devices) const {
    std::vector<uint64_t> set(model_.words, 0);
    for (const DeviceId d : devices) InsertDevice(set, d);
    return set;
  }

  void SetDomains() {
    std::vector<DeviceId> all(model_.num_devices);
    std::iota(all.begin(), all.end(), 0);
    const std::vector<uint64_t> any = SetOf(all);
    model_.domain.reserve(static_cast<size_t>(model_.num_units) * model_.words);
    for (int32_t unit = 0; unit < model_.num_units; ++unit) {
      model_.domain.insert(model_.domain.end(), any.begin(), any.end());
    }
    for (KernelId k = 0; k < num_kernels_; ++k) {
      for (const OpId op : kernels_.ops(k)) Restrict(model_.unit_of_kernel[k], op);
    }
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const int32_t unit = model_.unit_of_parameter[i];
      if (unit != kNone) Restrict(unit, graph_.parameters()[i]);
    }
  }

  void Restrict(int32_t unit, OpId op) {
    const std::span<const DeviceId> allowed = problem_.allowed_devices(op);
    if (allowed.size() == static_cast<size_t>(model_.num_devices)) return;
    const std::vector<uint64_t> set = SetOf(allowed);
    for (int w = 0; w < model_.words; ++w) {
      model_.domain[static_cast<size_t>(unit) * model_.words + w] &= set[w];
    }
  }

  void SetRoutes() {
    const size_t words = model_.words;
    model_.route_to.assign(model_.num_devices * words, 0);
    model_.route_from.assign(model_.num_devices * words, 0);
    for (DeviceId from = 0; from < model_.num_devices; ++from) {
      for (DeviceId to = 0; to < model_.num_devices; ++to) {
        if (from != to && !problem_.machine().has_route(from, to)) continue;
        InsertDevice({model_.route_to.data() + from * words, words}, to);
        InsertDevice({model_.route_from.data() + to * words, words}, from);
      }
    }
  }

  struct Pair {
    int32_t from, to;
    bool forward;
  };

  void SetEdges() {
    std::vector<Pair> pairs = KernelReads();
    ParameterReads(&pairs);
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
      return std::tie(a.from, a.to, b.forward) < std::tie(b.from, b.to, a.forward);
    });
    std::vector<std::pair<int32_t, PlacementModel::Edge>> readers, sources;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const Pair& pair = pairs[i];
      if (i > 0 && pairs[i - 1].from == pair.from && pairs[i - 1].to == pair.to) continue;
      readers.push_back({pair.from, {pair.to, pair.forward}});
      sources.push_back({pair.to, {pair.from, pair.forward}});
    }
    MakeRows(model_.num_units, readers, &model_.reader_begin, &model_.readers);
    MakeRows(model_.num_units, sources, &model_.source_begin, &model_.sources);
  }

  // Copies are chosen as if every kernel had a device of its own: a reader's own copy, else the
  // lowest, which is what it reads unless another copy is on its device.
  std::vector<Pair> KernelReads() const {
    std::vector<DeviceId> apart(num_kernels_);
    std::iota(apart.begin(), apart.end(), 0);
    CopyChooser chooser(kernels_, apart);
    std::vector<Pair> pairs;
    for (const OpId producer : graph_.kernel_ops()) {
      chooser.Load(producer);
      const bool makes_forward = graph_.phase(producer) == Phase::kForward;
      ForEachReader(producer, [&](OpId reader, KernelId kernel) {
        const int32_t from = model_.unit_of_kernel[chooser.Choose(kernel)];
        const int32_t to = model_.unit_of_kernel[kernel];
        if (from == to) return;
        pairs.push_back({from, to, makes_forward && graph_.phase(reader) == Phase::kForward});
      });
    }
    return pairs;
  }

  void ParameterReads(std::vector<Pair>* pairs) const {
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const int32_t from = model_.unit_of_parameter[i];
      if (from == kNone) continue;
      ForEachReader(graph_.parameters()[i], [&](OpId, KernelId kernel) {
        const int32_t to = model_.unit_of_kernel[kernel];
        if (from != to) pairs->push_back({from, to, false});
      });
    }
  }

  template <typename Visit>
  void ForEachReader(OpId producer, Visit visit) const {
    const PortId first = graph_.first_port(producer);
    for (PortId port = first; port < first + graph_.num_ports(producer); ++port) {
      for (const OpId reader : graph_.readers(port)) {
        for (const KernelId kernel : kernels_.kernels_of(reader)) visit(reader, kernel);
      }
    }
  }

  void SetApart() {
    model_.apart_begin = {0};
    std::vector<OpId> op_of_unit(model_.num_units, kNone);
    std::vector<std::pair<int32_t, int32_t>> rules;
    for (const Constraints::Group& group : problem_.constraints().keep_apart) {
      const size_t begin = model_.apart.size();
      const auto rule = static_cast<int32_t>(model_.apart_begin.size()) - 1;
      const auto add = [&](int32_t unit, OpId op) {
        if (op_of_unit[unit] == op) return;
        if (op_of_unit[unit] != kNone) model_.contradiction = true;
        op_of_unit[unit] = op;
        model_.apart.push_back({unit, op});
        rules.push_back({unit, rule});
      };
      for (const OpId op : group.ops) {
        const int parameter = graph_.parameter_index(op);
        if (parameter != kNone) add(model_.unit_of_parameter[parameter], op);
        for (const KernelId k : kernels_.kernels_of(op)) add(model_.unit_of_kernel[k], op);
      }
      for (size_t i = begin; i < model_.apart.size(); ++i) op_of_unit[model_.apart[i].unit] = kNone;
      model_.apart_begin.push_back(static_cast<int32_t>(model_.apart.size()));
    }
    MakeRows(model_.num_units, rules, &model_.rule_begin, &model_.rules);
  }

  void SetBytes() {
    model_.bytes.assign(model_.num_units, 0);
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      int64_t& bytes = model_.bytes[model_.unit_of_parameter[i]];
      bytes = SaturatingAdd(bytes, PersistentBytes(i));
    }
    for (int32_t unit = 0; unit < model_.num_units; ++unit) {
      if (model_.bytes[unit] > 0) model_.heaviest.push_back(unit);
    }
    std::stable_sort(model_.heaviest.begin(), model_.heaviest.end(),
                     [&](int32_t a, int32_t b) { return model_.bytes[a] > model_.bytes[b]; });
  }

  const Problem& problem_;
  const Graph& graph_;
  const Kernels& kernels_;
  const PlacementModelOptions options_;
  const int num_kernels_;
  std::vector<int32_t> parent_;
  PlacementModel model_;
};

}  // namespace

PlacementModel MakePlacementModel(const Problem& problem, const Kernels& kernels,
                                  const PlacementModelOptions& options) {
  return ModelMaker(problem, kernels, options).Make();
}

DeviceId LowestDevice(std::span<const uint64_t> set) {
  size_t word = 0;
  while (set[word] == 0) ++word;
  return static_cast<DeviceId>(word * 64) + std::countr_zero(set[word]);
}

DeviceId HighestDevice(std::span<const uint64_t> set) {
  size_t word = set.size() - 1;
  while (set[word] == 0) --word;
  return static_cast<DeviceId>(word * 64 + 63) - std::countl_zero(set[word]);
}

}  // namespace gopt

#include "gopt/machine/presets.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gopt/base/spec.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

// Which devices are joined by a channel in each direction.
enum class Topology {
  kMesh,  // Every two.
  kRing,  // Neighbours, and the last with the first.
  kStar,  // A host with every device; what devices send each other goes through it.
};

struct Family {
  std::string_view name;
  Topology topology;
  Device device;  // Name to be completed; for a star, of all but the host.
  Channel channel;
  int count;  // When the name gives none.
  std::vector<int> listed_counts;
  std::string_view summary;
};

Device CpuSocket() {
  return {.name = "cpu",
          .kind = "cpu",
          .memory_bytes = 256 * kGiB,
          .peak_flops = 5.888e12,
          .memory_bandwidth = 204.8e9,
          .launch = 2'000,
          .host = 0,
          .efficiency = {}};
}

Device Accelerator(std::string kind, int64_t memory_bytes, double peak_flops,
                   double memory_bandwidth, Nanoseconds launch) {
  return {.name = kind,
          .kind = kind,
          .memory_bytes = memory_bytes,
          .peak_flops = peak_flops,
          .memory_bandwidth = memory_bandwidth,
          .launch = launch,
          .host = 0,
          .efficiency = {}};
}

// Peak rates and memory are the data sheets'. Launch overheads and latencies are in none: they are
// those of this project's benchmark suite (5 us and 10 us over PCIe) unless the summary says else.
// docs/machines.md holds the same table with the sources spelled out.
const std::vector<Family>& Families() {
  static const std::vector<Family>* families = new std::vector<Family>{
      {"a100",
       Topology::kMesh,
       Accelerator("a100", 40 * kGiB, 156e12, 1555e9, 4'000),
       {"nvlink", 250e9, 5'000},
       1,
       {2, 4, 8},
       "NVIDIA A100 40GB SXM4 data sheet: 156 TFLOP/s TF32, 1555 GB/s, 40 GB; 250 of NVLink 3's "
       "300 "
       "GB/s per direction, 5 us"},
      {"chiplet_ring",
       Topology::kRing,
       Accelerator("chiplet", 32 * kMiB, 4e12, 500e9, 1'000),
       {"package", 50e9, 20},
       36,
       {36},
       "1-D ring of chiplets as in Simba (Shao et al., MICRO 2019): 4 TOP/s, 100 GB/s and 20 ns a "
       "hop "
       "over two neighbours; 32 MiB, 500 GB/s and 1 us are assumed"},
      {"cpu",
       Topology::kMesh,
       CpuSocket(),
       {"upi", 67.2e9, 1'000},
       1,
       {1},
       "Intel Xeon Platinum 8380 data sheet: 40 cores x 2.3 GHz x 64 FLOP, 8 x DDR4-3200 = 204.8 "
       "GB/s, "
       "3 UPI links; 256 GiB and 2 us a kernel are assumed"},
      {"cpu+gpu",
       Topology::kStar,
       Accelerator("a100", 40 * kGiB, 156e12, 1555e9, 4'000),
       {"pcie", 25e9, 10'000},
       1,
       {1},
       "The cpu preset as host and A100 40GB GPUs (data sheet), each on PCIe 4.0 x16: 25 of 31.5 "
       "GB/s, "
       "10 us"},
      {"h100",
       Topology::kMesh,
       Accelerator("h100", 80 * kGiB, 494.7e12, 3350e9, 4'000),
       {"nvlink", 450e9, 5'000},
       1,
       {8},
       "NVIDIA H100 SXM5 data sheet: 494.7 TFLOP/s TF32 without sparsity, 3350 GB/s, 80 GB, NVLink "
       "4 "
       "at 450 GB/s per direction; 5 us"},
      {"p100",
       Topology::kMesh,
       Accelerator("p100", 16 * kGiB, 9.3e12, 732e9, 5'000),
       {"pcie", 12e9, 10'000},
       1,
       {2, 4, 8},
       "NVIDIA Tesla P100 PCIe 16GB data sheet: 9.3 TFLOP/s FP32, 732 GB/s, 16 GB; 12 of PCIe 3.0 "
       "x16's 15.75 GB/s, 10 us"},
      {"v100",
       Topology::kMesh,
       Accelerator("v100", 16 * kGiB, 15.7e12, 900e9, 5'000),
       {"nvlink", 25e9, 5'000},
       1,
       {4, 8},
       "NVIDIA Tesla V100 SXM2 16GB data sheet: 15.7 TFLOP/s FP32, 900 GB/s, 16 GB; one NVLink 2 "
       "at "
       "25 GB/s per direction between every two, 5 us"},
  };
  return *families;
}

// What a spec may change.
struct Modifiers {
  std::string memory;
  double bandwidth = 0.0;
  int64_t latency = -1;
  int64_t launch = -1;
};

absl::StatusOr<int64_t> ParseBytes(const std::string& text) {
  static constexpr std::pair<std::string_view, double> kSuffixes[] = {
      {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"KB", 1e3},
      {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},    {"B", 1.0}};
  std::string number = text;
  double scale = 1.0;
  for (const auto& [suffix, factor] : kSuffixes) {
    if (number.size() <= suffix.size() || !std::string_view(number).ends_with(suffix)) continue;
    number.resize(number.size() - suffix.size());
    scale = factor;
    break;
  }
  double value = 0.0;
  if (!absl::SimpleAtod(number, &value) || !(value >= 0.0) ||
      !(value * scale <= static_cast<double>(kSaturated))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "memory: '", text, "' is no number of bytes like 12GiB, 500MB or 17179869184"));
  }
  return static_cast<int64_t>(std::floor(value * scale));
}

absl::StatusOr<Modifiers> ReadModifiers(const Spec& spec) {
  Modifiers modifiers;
  SpecReader reader(spec);
  reader.Read("memory", &modifiers.memory);
  reader.Read("bandwidth", &modifiers.bandwidth);
  reader.Read("latency", &modifiers.latency);
  reader.Read("launch", &modifiers.launch);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return modifiers;
}

absl::Status Apply(const Modifiers& modifiers, Family* family, Device* host) {
  if (!modifiers.memory.empty()) {
    GOPT_ASSIGN_OR_RETURN(const int64_t bytes, ParseBytes(modifiers.memory));
    family->device.memory_bytes = host->memory_bytes = bytes;
  }
  if (modifiers.bandwidth != 0.0) family->channel.bandwidth = modifiers.bandwidth;
  if (modifiers.latency != -1) family->channel.latency = modifiers.latency;
  if (modifiers.launch != -1) family->device.launch = host->launch = modifiers.launch;
  return absl::OkStatus();
}

// A channel each way, unless there is one.
void Join(const Family& family, DeviceId a, DeviceId b, std::vector<Link>* links) {
  for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    Channel channel = family.channel;
    channel.name = absl::StrCat(channel.name, ":", from, "->", to);
    links->push_back({from, to, std::move(channel)});
  }
}

std::vector<Link> LinksOf(const Family& family, int num_devices) {
  std::vector<Link> links;
  switch (family.topology) {
    case Topology::kMesh:
      for (DeviceId a = 0; a < num_devices; ++a) {
        for (DeviceId b = a + 1; b < num_devices; ++b) Join(family, a, b, &links);
      }
      break;
    case Topology::kRing:
      for (DeviceId a = 0; a + 1 < num_devices; ++a) Join(family, a, a + 1, &links);
      if (num_devices > 2) Join(family, num_devices - 1, 0, &links);
      break;
    case Topology::kStar:
      for (DeviceId a = 1; a < num_devices; ++a) Join(family, 0, a, &links);
      break;
  }
  return links;
}

absl::StatusOr<Machine> Build(const Family& family, const Device& host, int count,
                              std::string name) {
  std::vector<Device> devices;
  if (family.topology == Topology::kStar) devices.push_back(host);
  for (int i = 0; i < count; ++i) {
    devices.push_back(family.device);
    devices.back().name = absl::StrCat(family.device.name, ":", i);
  }
  std::vector<Link> links = LinksOf(family, static_cast<int>(devices.size()));
  return Machine::CreateFromLinks(std::move(name), std::move(devices), std::move(links));
}

std::string PresetName(const Family& family, int count) {
  if (count == family.count && count == 1) return std::string(family.name);
  return absl::StrCat(std::string(family.name), "x", count);
}

absl::Status UnknownPreset(const std::string& name) {
  std::vector<std::string> names;
  for (const MachinePreset& preset : MachinePresets()) names.push_back(preset.name);
  return absl::NotFoundError(absl::StrCat("no machine preset is named '", name, "'; there are ",
                                          absl::StrJoin(names, ", "),
                                          ", each with any count from 1 to 1024: p100x16"));
}

// "p100x4" is the family p100, four times.
absl::StatusOr<std::pair<Family, int>> FindFamily(const std::string& name) {
  const size_t x = name.rfind('x');
  for (const Family& family : Families()) {
    if (name == family.name) return std::pair(family, family.count);
    if (x == std::string::npos || std::string_view(name).substr(0, x) != family.name) continue;
    int count = 0;
    const std::string digits = name.substr(x + 1);
    const bool numeric =
        !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
    const int limit = family.topology == Topology::kStar ? 1023 : 1024;
    if (numeric && absl::SimpleAtoi(digits, &count) && count >= 1 && count <= limit) {
      return std::pair(family, count);
    }
    return absl::InvalidArgumentError(
        absl::StrCat("machine preset '", name, "': the count must be within [1, ", limit, "]"));
  }
  return UnknownPreset(name);
}

}  // namespace

std::vector<MachinePreset> MachinePresets() {
  std::vector<MachinePreset> presets;
  for (const Family& family : Families()) {
    for (const int count : family.listed_counts) {
      presets.push_back({PresetName(family, count), std::string(family.summary)});
    }
  }
  std::sort(presets.begin(), presets.end(),
            [](const MachinePreset& a, const MachinePreset& b) { return a.name < b.name; });
  return presets;
}

absl::StatusOr<Machine> MachineFromPreset(std::string_view text) {
  GOPT_ASSIGN_OR_RETURN(const Spec spec, Spec::Parse(text));
  GOPT_ASSIGN_OR_RETURN(auto family_and_count, FindFamily(spec.name));
  auto& [family, count] = family_and_count;
  GOPT_ASSIGN_OR_RETURN(const Modifiers modifiers, ReadModifiers(spec));
  Device host = CpuSocket();
  GOPT_RETURN_IF_ERROR(Apply(modifiers, &family, &host));
  return Build(family, host, count, spec.ToString());
}

}  // namespace gopt

#include "src/solve/placement_makers.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/spec.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/cpop.h"
#include "gopt/solve/etf.h"
#include "gopt/solve/expert.h"
#include "gopt/solve/expert_paper.h"
#include "gopt/solve/heft.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/metis.h"
#include "gopt/solve/peft.h"
#include "src/solve/admit.h"
#include "src/solve/priorities.h"

namespace gopt {
namespace {

using Placed = absl::StatusOr<ClassicalPlacement>;
using Make = std::function<Placed(const TaskGraph&, const PlacementOptions&)>;
using MakeOr = absl::StatusOr<Make>;

Placed OnOneDevice(const TaskGraph& tasks, const PlacementOptions& options) {
  return ClassicalPlacement{AdmitOnFastestDevice(tasks, options), {}};
}

// Consecutive tasks in topological order, as much work for each device as the others get.
Placed Chunks(const TaskGraph& tasks, const PlacementOptions& options) {
  double total = 0.0;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) total += tasks.mean_time(task);
  const double share = std::max(total, 1.0) / tasks.num_devices();
  std::vector<DeviceId> wish(tasks.num_tasks());
  double before = 0.0;
  for (KernelId task : tasks.kernel_graph().topological_order) {
    const double middle = before + 0.5 * tasks.mean_time(task);
    wish[task] = std::min(static_cast<DeviceId>(middle / share), tasks.num_devices() - 1);
    before += tasks.mean_time(task);
  }
  return ClassicalPlacement{Admit(tasks, wish, options), {}};
}

ClassicalPlacement Scheduled(TaskSchedule schedule) {
  return {std::move(schedule.device), std::move(schedule.sequence)};
}

MakeOr Etf(SpecReader& reader, EtfOptions etf) {
  reader.Read("contention", &etf.contention);
  return [etf](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
    return Scheduled(ScheduleEtf(tasks, etf, options));
  };
}

MakeOr Heft(SpecReader& reader, uint64_t) {
  HeftOptions heft;
  reader.Read("insertion", &heft.insertion);
  reader.Read("contention", &heft.contention);
  return [heft](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
    return Scheduled(ScheduleHeft(tasks, heft, options));
  };
}

// stickiness: how much of a transfer's time an input on the device counts for, beyond its arrival.
MakeOr List(SpecReader& reader, uint64_t) {
  double stickiness = 0.0;
  std::string priority = "upward_rank";
  reader.Read("stickiness", &stickiness);
  reader.Read("priority", &priority);
  return [stickiness, bottom_level = priority == "bottom_level"](
             const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
    const std::vector<float> kappa(tasks.kernel_graph().inputs.size(),
                                   static_cast<float>(stickiness));
    Plan plan;
    ListDecoder(tasks, options)
        .Decode(bottom_level ? BottomLevels(tasks) : UpwardRanks(tasks), kappa, &plan);
    return ClassicalPlacement{std::move(plan.device), {}};
  };
}

// METIS's seeds 0 and 1 are the same.
MakeOr Metis(SpecReader& reader, uint64_t seed) {
  int64_t index = 0;
  reader.Read("seed", &index);
  const uint64_t chosen = 2 * seed + 2 + static_cast<uint64_t>(index);
  return [chosen](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
    GOPT_ASSIGN_OR_RETURN(std::vector<DeviceId> device, MetisPlacement(tasks, chosen, options));
    return ClassicalPlacement{std::move(device), {}};
  };
}

MakeOr Expert(SpecReader& reader, uint64_t) {
  ExpertOptions expert;
  reader.Read("trust_twins", &expert.trust_twins);
  return [expert](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
    return ClassicalPlacement{ExpertPlacement(tasks, options, expert), {}};
  };
}

struct Row {
  std::string_view name;
  MakeOr (*create)(SpecReader& reader, uint64_t seed);
};

constexpr Row kRows[] = {
    {"single_device", [](SpecReader&, uint64_t) -> MakeOr { return OnOneDevice; }},
    {"chunks", [](SpecReader&, uint64_t) -> MakeOr { return Chunks; }},
    {"heft", Heft},
    {"list", List},
    {"metis", Metis},
    {"expert", Expert},
    {"peft",
     [](SpecReader&, uint64_t) -> MakeOr {
       return [](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
         return Scheduled(SchedulePeft(tasks, options));
       };
     }},
    {"cpop",
     [](SpecReader&, uint64_t) -> MakeOr {
       return [](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
         return Scheduled(ScheduleCpop(tasks, options));
       };
     }},
    {"etf", [](SpecReader& reader, uint64_t) { return Etf(reader, {}); }},
    {"m_etf", [](SpecReader& reader, uint64_t) { return Etf(reader, BaechiOptions(false)); }},
    {"m_sct", [](SpecReader& reader, uint64_t) { return Etf(reader, BaechiOptions(true)); }},
    {"expert_paper",
     [](SpecReader&, uint64_t) -> MakeOr {
       return [](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
         return ClassicalPlacement{ExpertPaperPlacement(tasks, ExpertFamily::kAuto, options), {}};
       };
     }},
};

absl::StatusOr<PlacementMaker> MakerFromSpec(const Spec& spec, uint64_t seed) {
  for (const Row& row : kRows) {
    if (row.name != spec.name) continue;
    SpecReader reader(spec);
    GOPT_ASSIGN_OR_RETURN(Make make, row.create(reader, seed));
    GOPT_RETURN_IF_ERROR(reader.Finish());
    return PlacementMaker{spec.name, spec.ToString(), std::move(make)};
  }
  return absl::InvalidArgumentError(absl::StrCat("no placement is made by '", spec.name, "'"));
}

}  // namespace

absl::StatusOr<std::vector<PlacementMaker>> PlacementMakers(std::string_view specs, uint64_t seed) {
  GOPT_ASSIGN_OR_RETURN(const std::vector<Spec> parsed, Spec::ParseList(specs));
  std::vector<PlacementMaker> makers;
  for (const Spec& spec : parsed) {
    GOPT_ASSIGN_OR_RETURN(PlacementMaker maker, MakerFromSpec(spec, seed));
    makers.push_back(std::move(maker));
  }
  return makers;
}

}  // namespace gopt

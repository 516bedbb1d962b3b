#include "src/cost/compiled_cache.h"

#include <algorithm>
#include <utility>

#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

constexpr size_t kMostEntries = 32;
constexpr int64_t kMostKernels = 200'000;  // In all entries; some 300 bytes each. Two always fit.

}  // namespace

absl::StatusOr<const CompiledKernels*> CompiledCache::Get(const Plan& plan) {
  const auto it = std::find_if(entries_.begin(), entries_.end(),
                               [&](const auto& entry) { return Fits(*entry, plan); });
  if (it != entries_.end()) {
    std::rotate(entries_.begin(), it, it + 1);
    return &entries_.front()->compiled;
  }
  const CompiledKernels* similar = entries_.empty() ? nullptr : &entries_.front()->compiled;
  GOPT_ASSIGN_OR_RETURN(
      CompiledKernels compiled,
      CompiledKernels::Create(problem_, plan.kernels, plan.device, costs_, similar));
  MakeRoom(compiled.num_kernels);
  auto entry = std::make_unique<Entry>(Entry{.compiled = std::move(compiled)});
  if (plan.kernels->copies_depend_on_device()) entry->device = plan.device;
  entries_.insert(entries_.begin(), std::move(entry));
  return &entries_.front()->compiled;
}

bool CompiledCache::Fits(const Entry& entry, const Plan& plan) {
  return entry.compiled.kernels == plan.kernels &&
         (!plan.kernels->copies_depend_on_device() || plan.device == entry.device);
}

void CompiledCache::MakeRoom(int num_kernels) {
  int64_t total = num_kernels;
  size_t kept = 0;
  for (; kept < entries_.size() && kept + 1 < kMostEntries; ++kept) {
    total += entries_[kept]->compiled.num_kernels;
    if (kept > 0 && total > kMostKernels) break;
  }
  entries_.resize(kept);
}

}  // namespace gopt

#include "src/plan/conflict.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gopt {
namespace {

bool Disjoint(std::span<const DeviceSet> sets, std::span<const size_t> chosen) {
  DeviceSet common = sets[chosen[0]];
  for (const size_t i : chosen) common.IntersectWith(sets[i]);
  return common.empty();
}

using Subsets = std::vector<std::vector<size_t>>;

constexpr size_t kMostSubsets = 64;

Subsets DisjointPairs(std::span<const DeviceSet> sets) {
  Subsets found;
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = i + 1; j < sets.size() && found.size() < kMostSubsets; ++j) {
      if (const size_t pair[] = {i, j}; Disjoint(sets, pair)) found.push_back({i, j});
    }
  }
  return found;
}

Subsets DisjointTriples(std::span<const DeviceSet> sets) {
  Subsets found;
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = i + 1; j < sets.size(); ++j) {
      for (size_t k = j + 1; k < sets.size() && found.size() < kMostSubsets; ++k) {
        if (const size_t triple[] = {i, j, k}; Disjoint(sets, triple)) found.push_back({i, j, k});
      }
    }
  }
  return found;
}

// The shortest disjoint beginning ends in a set that is needed; move it to the front and repeat
// until the beginning is all needed sets (QuickXplain's idea, Junker, AAAI 2004, without halving).
std::vector<size_t> Irreducible(std::span<const DeviceSet> sets) {
  std::vector<size_t> rest(sets.size());
  for (size_t i = 0; i < rest.size(); ++i) rest[i] = i;
  std::vector<size_t> needed;
  while (needed.empty() || !Disjoint(sets, needed)) {
    std::vector<size_t> prefix = needed;
    size_t length = 0;
    do {
      prefix.push_back(rest[length++]);
    } while (!Disjoint(sets, prefix));
    needed.push_back(rest[length - 1]);
    rest.resize(length - 1);
  }
  std::sort(needed.begin(), needed.end());
  return needed;
}

}  // namespace

std::vector<std::vector<size_t>> SmallestDisjoint(std::span<const DeviceSet> sets) {
  constexpr size_t kMostForPairs = 2000, kMostForTriples = 100;
  Subsets found;
  if (sets.size() <= kMostForPairs) found = DisjointPairs(sets);
  if (found.empty() && sets.size() <= kMostForTriples) found = DisjointTriples(sets);
  if (found.empty()) found.push_back(Irreducible(sets));
  return found;
}

absl::Status ConflictError(std::span<const std::string> rules) {
  std::string text = "constraints contradict each other:";
  std::vector<std::string> seen;
  for (const std::string& rule : rules) {
    if (std::find(seen.begin(), seen.end(), rule) != seen.end()) continue;
    seen.push_back(rule);
    absl::StrAppend(&text, seen.size() > 1 ? ";" : "", " (", seen.size(), ") ", rule);
  }
  return absl::FailedPreconditionError(text);
}

std::string DescribeDevices(std::span<const DeviceId> devices) {
  return absl::StrCat(devices.size() == 1 ? "device " : "devices ", absl::StrJoin(devices, ", "));
}

}  // namespace gopt

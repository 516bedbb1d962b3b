#include "src/features/type_ids.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_split.h"
#include "gopt/base/check.h"
#include "src/features/fnv.h"
#include "src/features/string_ids.h"

namespace gopt {

void FillTypeIds(const Graph& graph, const FeatureSpec& spec, std::span<int64_t> ids) {
  GOPT_CHECK(spec.unknown_buckets > 0);
  absl::flat_hash_map<std::string, int32_t> vocabulary;
  for (size_t id = 0; id < spec.op_types.size(); ++id) {
    for (const auto name : absl::StrSplit(spec.op_types[id], ' ', absl::SkipEmpty())) {
      vocabulary.try_emplace(std::string(name), static_cast<int32_t>(id));
    }
  }
  const auto new_id = [&](const std::string& type) {
    const auto it = vocabulary.find(type);
    if (it != vocabulary.end()) return it->second;
    const uint64_t bucket = Fnv1a(type) % static_cast<uint64_t>(spec.unknown_buckets);
    return static_cast<int32_t>(spec.op_types.size() + bucket);
  };
  const std::vector<int32_t> types =
      IdsOfStrings(graph.columns().strings, graph.columns().op_type, new_id);
  std::copy(types.begin(), types.end(), ids.begin());
}

}  // namespace gopt

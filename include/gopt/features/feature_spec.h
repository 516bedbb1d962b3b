#ifndef GOPT_FEATURES_FEATURE_SPEC_H_
#define GOPT_FEATURES_FEATURE_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gopt/base/export.h"

namespace gopt {

// What the numbers that a network is fed mean, as plain values to be stored beside its weights: a
// policy works only with a library whose columns are those it was trained on. Columns are
// documented in docs/policy_features.md.
struct GOPT_API FeatureSpec {
  // Raised whenever a column changes its meaning but not its name.
  int32_t version = 0;
  // Op types by id. Synonyms share an id and are separated by spaces: "multiply mul".
  std::vector<std::string> op_types;
  // Other types are spread over so many further ids, by 64-bit FNV-1a of the name, modulo this.
  int32_t unknown_buckets = 0;
  std::vector<std::string> node_columns;
  std::vector<std::string> edge_columns;
  std::vector<std::string> device_columns;

  int64_t num_type_ids() const { return static_cast<int64_t>(op_types.size()) + unknown_buckets; }
  int64_t node_width() const { return static_cast<int64_t>(node_columns.size()); }
  int64_t edge_width() const { return static_cast<int64_t>(edge_columns.size()); }
  int64_t device_width() const { return static_cast<int64_t>(device_columns.size()); }

  // What this library computes; its vocabulary is what captured and generated graphs contain.
  static const FeatureSpec& Default();

  bool operator==(const FeatureSpec&) const = default;
};

// What a stored spec has otherwise than this library's, in words: "version 1, here 2; node columns:
// here without 'depth'; edge columns: in another order". Empty if they are equal.
GOPT_API std::string DescribeDifference(const FeatureSpec& stored, const FeatureSpec& here);

}  // namespace gopt

#endif  // GOPT_FEATURES_FEATURE_SPEC_H_

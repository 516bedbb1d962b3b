#ifndef GOPT_BASE_SPEC_H_
#define GOPT_BASE_SPEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"

namespace gopt {

// How a registered thing is named and configured in text: `name` or `name(key=value, key=value)`.
// Values are words, numbers, true/false, or specs in parentheses of their own:
// `portfolio(inner=heft(insertion=false))`.
struct GOPT_API Spec {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments;  // In the order written; keys unique.

  // InvalidArgument names the text and the column of the fault.
  static absl::StatusOr<Spec> Parse(std::string_view text);
  // `a, b(x=1,y=2), c` split at top-level commas.
  static absl::StatusOr<std::vector<Spec>> ParseList(std::string_view text);

  // The text that parses to this.
  std::string ToString() const;
};

// Reads a Spec's arguments into an options struct and rejects what nobody read:
//   SpecReader reader(spec);
//   reader.Read("insertion", &options.insertion);
//   GOPT_RETURN_IF_ERROR(reader.Finish());
class GOPT_API SpecReader {
 public:
  explicit SpecReader(const Spec& spec);

  // Leaves *value alone when the key is absent. A value of the wrong type is reported by Finish().
  void Read(std::string_view key, bool* value);
  void Read(std::string_view key, int* value);
  void Read(std::string_view key, int64_t* value);
  void Read(std::string_view key, double* value);
  void Read(std::string_view key, std::string* value);

  // InvalidArgument for an unknown key (naming the known ones) or a value that does not parse.
  absl::Status Finish() const;

 private:
  const std::string* Find(std::string_view key);
  void Expect(std::string_view key, const std::string& value, std::string_view type);

  const Spec& spec_;
  std::vector<bool> used_;
  std::vector<std::string> known_;
  absl::Status status_;
};

}  // namespace gopt

#endif  // GOPT_BASE_SPEC_H_

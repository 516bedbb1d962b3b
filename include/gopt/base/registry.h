#ifndef GOPT_BASE_REGISTRY_H_
#define GOPT_BASE_REGISTRY_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/spec.h"

namespace gopt {

// Name -> factory, for one extension point. Thread-safe.
template <typename T>
class Registry {
 public:
  using Factory = std::function<absl::StatusOr<std::shared_ptr<const T>>(const Spec&)>;
  struct Entry {
    std::string name;
    std::string summary;  // One sentence, shown by the command line.
    Factory factory;
  };

  explicit Registry(std::string noun) : noun_(std::move(noun)) {}

  // AlreadyExists when the name is taken.
  absl::Status Register(Entry entry) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string name = entry.name;
    if (!entries_.emplace(name, std::move(entry)).second) {
      return absl::AlreadyExistsError(noun_ + " '" + name + "' is already registered");
    }
    return absl::OkStatus();
  }

  // NotFound lists the registered names.
  absl::StatusOr<std::shared_ptr<const T>> Create(const Spec& spec) const {
    Factory factory;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      auto it = entries_.find(spec.name);
      if (it == entries_.end()) {
        std::string known;
        for (const auto& [name, entry] : entries_) known += (known.empty() ? "" : ", ") + name;
        return absl::NotFoundError("no " + noun_ + " is named '" + spec.name +
                                   "'; registered: " + known);
      }
      factory = it->second.factory;
    }
    return factory(spec);
  }

  absl::StatusOr<std::shared_ptr<const T>> Create(std::string_view text) const {
    absl::StatusOr<Spec> spec = Spec::Parse(text);
    if (!spec.ok()) return spec.status();
    return Create(*spec);
  }

  // Sorted by name.
  std::vector<std::pair<std::string, std::string>> NamesAndSummaries() const {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [name, entry] : entries_) result.emplace_back(name, entry.summary);
    return result;
  }

 private:
  const std::string noun_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace gopt

#endif  // GOPT_BASE_REGISTRY_H_

#include "gopt/workloads/stored.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/io/graph_file.h"
#include "src/io/file_bytes.h"
#include "src/workloads/workload_index.h"

namespace gopt {
namespace {

namespace fs = std::filesystem;

constexpr char kVariable[] = "GOPT_WORKLOADS_DIR";
constexpr char kIndexFile[] = "index.json";
constexpr int64_t kMaxIndexBytes = 4 << 20;
// From the folder of libgopt_core: in a build tree and where CMake installed it, in a wheel.
constexpr const char* kBesideLibrary[] = {"../share/gopt/workloads", "../workloads/graphs"};

// Where the file of this library lies, links followed. Empty when the loader does not say.
fs::path LibraryFolder() {
  static const char inside_this_library = 0;
  Dl_info info{};
  if (dladdr(&inside_this_library, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path file = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : file.parent_path();
}

std::vector<fs::path> Folders() {
  if (const char* folder = std::getenv(kVariable); folder != nullptr && *folder != '\0') {
    return {folder};
  }
  std::vector<fs::path> folders;
  const fs::path library = LibraryFolder();
  if (library.empty()) return folders;
  for (const char* relative : kBesideLibrary) {
    folders.push_back((library / relative).lexically_normal());
  }
  return folders;
}

absl::Status NoSuchName(std::string_view name, const std::vector<StoredWorkload>& workloads) {
  return absl::NotFoundError(absl::StrCat(
      "no workload '", Printable(name), "'; there are ",
      absl::StrJoin(workloads, ", ", [](std::string* out, const StoredWorkload& workload) {
        out->append(workload.name);
      })));
}

absl::StatusOr<std::vector<StoredWorkload>> ReadIndex(const std::string& folder) {
  const std::string path = (fs::path(folder) / kIndexFile).string();
  GOPT_ASSIGN_OR_RETURN(const std::string text, ReadFileBytes(path, kMaxIndexBytes));
  return ParseWorkloadIndex(text, path);
}

}  // namespace

absl::StatusOr<std::string> StoredWorkloadsFolder() {
  const std::vector<fs::path> folders = Folders();
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (fs::exists(folder / kIndexFile, error)) return folder.string();
  }
  return absl::NotFoundError(
      absl::StrCat("no stored workloads: looked for ", kIndexFile, " in ",
                   folders.empty() ? "no folder"
                                   : absl::StrJoin(folders, " and ",
                                                   [](std::string* out, const fs::path& folder) {
                                                     out->append(folder.string());
                                                   }),
                   "; the variable ", kVariable, " names another folder"));
}

absl::StatusOr<std::vector<StoredWorkload>> StoredWorkloads() {
  GOPT_ASSIGN_OR_RETURN(const std::string folder, StoredWorkloadsFolder());
  return ReadIndex(folder);
}

absl::StatusOr<std::shared_ptr<const Graph>> LoadWorkload(std::string_view name) {
  GOPT_ASSIGN_OR_RETURN(const std::string folder, StoredWorkloadsFolder());
  GOPT_ASSIGN_OR_RETURN(const std::vector<StoredWorkload> workloads, ReadIndex(folder));
  const auto row =
      std::find_if(workloads.begin(), workloads.end(),
                   [&](const StoredWorkload& workload) { return workload.name == name; });
  if (row == workloads.end()) return NoSuchName(name, workloads);
  const std::string path = (fs::path(folder) / absl::StrCat(row->name, ".gopt")).string();
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Graph> graph, ReadGraphFile(path));
  if (graph->fingerprint() != row->fingerprint) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": holds a graph of fingerprint ", absl::Hex(graph->fingerprint(), absl::kZeroPad16),
        ", ", kIndexFile, " says ", absl::Hex(row->fingerprint, absl::kZeroPad16)));
  }
  return graph;
}

}  // namespace gopt

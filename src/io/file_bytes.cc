#include "src/io/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // 0, or -1 with errno set.
  int Close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd);
  }

 private:
  int fd_;
};

absl::Status SystemError(const std::string& path, std::string_view what, int error) {
  const std::string message = absl::StrCat(
      path, ": cannot ", absl::string_view(what.data(), what.size()), ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Opens a regular file and tells its size.
absl::StatusOr<int> OpenRegular(const std::string& path, int64_t* size) {
  if (path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a path holds a NUL character");
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, "open", errno);
  struct stat info;
  if (::fstat(fd, &info) != 0) {
    const int error = errno;
    ::close(fd);
    return SystemError(path, "inspect", error);
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a regular file"));
  }
  *size = info.st_size;
  return fd;
}

absl::StatusOr<std::string> ReadUpTo(const std::string& path, int fd, int64_t count) {
  std::string bytes(static_cast<size_t>(count), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

absl::Status WriteAll(const std::string& path, int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError(path, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

// A name beside `path` that nobody else of this machine uses.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(FolderOf(path), "/.gopt-", ::getpid(), "-", counter++, ".tmp");
}

absl::StatusOr<int> CreateTemporary(const std::string& path, mode_t mode, std::string* temporary) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    *temporary = TemporaryName(path);
    const int fd = ::open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    if (errno != EEXIST) return SystemError(path, "create a temporary file beside it", errno);
  }
  return absl::UnavailableError(absl::StrCat(path, ": no free name for a temporary file"));
}

absl::Status Fill(const std::string& path, Descriptor* file, std::string_view bytes) {
  GOPT_RETURN_IF_ERROR(WriteAll(path, file->get(), bytes));
  struct stat existing;
  if (::stat(path.c_str(), &existing) == 0 && S_ISREG(existing.st_mode)) {
    if (::fchmod(file->get(), existing.st_mode & 0777) != 0) {
      return SystemError(path, "set its mode", errno);
    }
  }
  if (::fsync(file->get()) != 0) return SystemError(path, "flush", errno);
  if (file->Close() != 0) return SystemError(path, "close", errno);
  return absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return SystemError(to, "rename to it", errno);
  return absl::OkStatus();
}

// A second name of the file at `path`, if there is one, is made first and becomes that of the
// previous file last, when the new one is in place: should the old file be damaged, a whole one is
// there all the time.
absl::Status RenameAndKeep(const std::string& temporary, const std::string& path) {
  const std::string previous = path + ".previous";
  std::string second;
  int error = EEXIST;
  for (int attempt = 0; error == EEXIST && attempt < 100; ++attempt) {
    second = TemporaryName(path);
    error = ::link(path.c_str(), second.c_str()) == 0 ? 0 : errno;
  }
  if (error != 0) {  // There is no file, or the file system has no hard links.
    struct stat existing;
    if (::lstat(path.c_str(), &existing) == 0 && S_ISREG(existing.st_mode)) {
      GOPT_RETURN_IF_ERROR(Rename(path, previous));
    }
    return Rename(temporary, path);
  }
  absl::Status status = Rename(temporary, path);
  if (status.ok()) status = Rename(second, previous);
  ::unlink(second.c_str());  // Still there after an error, or if both were names of one file.
  return status;
}

absl::Status FlushFolder(const std::string& path) {
  Descriptor folder(::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return SystemError(path, "open its folder", errno);
  // Some file systems do not flush folders and say EINVAL: nothing more can be done there.
  if (::fsync(folder.get()) != 0 && errno != EINVAL) {
    return SystemError(path, "flush its folder", errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFileBytes(const std::string& path, int64_t max_bytes) {
  int64_t size = 0;
  GOPT_ASSIGN_OR_RETURN(const int fd, OpenRegular(path, &size));
  Descriptor file(fd);
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": the file has ", size, " bytes, more than the limit of ", max_bytes));
  }
  return ReadUpTo(path, fd, size);
}

absl::StatusOr<std::string> ReadFirstBytes(const std::string& path, int64_t count) {
  int64_t size = 0;
  GOPT_ASSIGN_OR_RETURN(const int fd, OpenRegular(path, &size));
  Descriptor file(fd);
  return ReadUpTo(path, fd, size < count ? size : count);
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes,
                                 const WriteFileOptions& options) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a path is empty or holds a NUL character");
  }
  std::string temporary;
  GOPT_ASSIGN_OR_RETURN(const int fd,
                        CreateTemporary(path, options.is_private ? 0600 : 0666, &temporary));
  Descriptor file(fd);
  absl::Status status = Fill(path, &file, bytes);
  if (status.ok()) {
    status = options.keep_previous ? RenameAndKeep(temporary, path) : Rename(temporary, path);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return FlushFolder(path);
}

}  // namespace gopt

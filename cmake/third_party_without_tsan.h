// Included before everything else in ThreadSanitizer builds. protobuf's headers give classes
// further members when they see __SANITIZE_THREAD__, but the system's library was compiled without:
// hide it from all but the standard library, which decides when its first header is read.
#include <memory>

#undef __SANITIZE_THREAD__

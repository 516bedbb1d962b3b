#ifndef GOPT_BASE_EXPORT_H_
#define GOPT_BASE_EXPORT_H_

// Marks what the shared libraries export; everything else is hidden. On a class it covers all
// members, its vtable and its type information. Templates, inline functions and plain structs
// without out-of-line members need no mark.
#define GOPT_API __attribute__((visibility("default")))

#endif  // GOPT_BASE_EXPORT_H_

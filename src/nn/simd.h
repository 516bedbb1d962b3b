#ifndef GOPT_NN_SIMD_H_
#define GOPT_NN_SIMD_H_

// GOPT_SIMD before a function compiles it once for every width of vectors; the widest that the
// processor has is picked when the library is loaded. What it calls must be GOPT_SIMD_INLINE.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GOPT_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GOPT_SIMD
#endif
#define GOPT_SIMD_INLINE inline __attribute__((always_inline))

#endif  // GOPT_NN_SIMD_H_

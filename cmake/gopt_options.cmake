# Compiler flags and output folders, the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# Line tables are enough for stack traces and keep the objects small.
if(CMAKE_CXX_FLAGS_RELWITHDEBINFO STREQUAL "-O2 -g -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
endif()

# Without fused multiply-add a double has the same bits on every machine: simulated times are
# compared with ==.
add_compile_options(-ffp-contract=off)
add_compile_options(-Wall -Wextra -Wnon-virtual-dtor
  -Wno-unused-parameter -Wno-missing-field-initializers
  -Werror=return-type -Werror=uninitialized -Werror=switch -Werror=unused-result)
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 at -O3 takes the clean-up of braced lists of strings for uses of uninitialized ones: a
  # warning, no error.
  add_compile_options(-fno-semantic-interposition -Wno-error=maybe-uninitialized)
endif()
add_link_options(-Wl,--as-needed)

if(GOPT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "GOPT_FUZZ needs clang: use the preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(GOPT_SANITIZE)
  add_compile_options(-fsanitize=${GOPT_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${GOPT_SANITIZE})
  if(GOPT_SANITIZE MATCHES "thread")
    add_compile_options("SHELL:-include ${PROJECT_SOURCE_DIR}/cmake/third_party_without_tsan.h")
  endif()
endif()

# ccache with paths relative to the source tree: worktrees share their objects.
find_program(GOPT_CCACHE ccache)
if(GOPT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${GOPT_CCACHE})
endif()

# Inside a wheel everything lies in the package: gopt/{bin,include,lib,share}. "" and not ".": see
# docs/adr/0001.
if(DEFINED SKBUILD)
  set(GOPT_INSTALL_ROOT gopt/)
else()
  set(GOPT_INSTALL_ROOT "")
endif()

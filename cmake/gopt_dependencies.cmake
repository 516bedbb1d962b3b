# Every outside package is looked up here, and nowhere else.

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)  # before Torch, which defines an empty protobuf::libprotobuf; Debian has no CONFIG package
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
if(GOPT_WITH_METIS)
  find_package(METIS REQUIRED)
endif()
if(GOPT_TESTS OR GOPT_BENCHMARKS)
  find_package(GTest REQUIRED)
endif()
if(GOPT_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

if(GOPT_WITH_TORCH OR GOPT_PYTHON)
  include(gopt_python)
endif()
if(GOPT_WITH_TORCH)
  list(PREPEND CMAKE_PREFIX_PATH ${GOPT_TORCH_ROOT}/share/cmake)
  set(CMAKE_MESSAGE_LOG_LEVEL ERROR)  # without a warning for an optional profiler library that wheels do not have
  find_package(Torch REQUIRED)
  unset(CMAKE_MESSAGE_LOG_LEVEL)
  if(Torch_VERSION VERSION_LESS 2.13)
    message(FATAL_ERROR "torch ${Torch_VERSION} at ${Torch_DIR}: 2.13 or newer is needed")
  endif()
endif()

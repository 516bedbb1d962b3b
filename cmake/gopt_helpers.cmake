# The functions that the lists of files call.
include(GoogleTest)

# Settings for tests, run from the top of the source tree: data files are named relative to it.
set(GOPT_TEST_ENVIRONMENT OMP_NUM_THREADS=1
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  UBSAN_OPTIONS=print_stacktrace=1
  TSAN_OPTIONS=suppressions=tests/tsan.supp:halt_on_error=1:second_deadlock_stack=1)

# gopt_area_tests(<area> <stem>_test.cc... [LIBRARIES target...] [NO_DISCOVER]) Makes
# build/<preset>/bin/<area>_tests of all the files, linked with gopt_testing. Nothing if there is no
# file.
function(gopt_area_tests area)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "NO_DISCOVER" "" "LIBRARIES")
  if(NOT ARG_UNPARSED_ARGUMENTS)
    return()
  endif()
  set(name ${area}_tests)
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE gopt_testing ${ARG_LIBRARIES} GTest::gmock_main)
  if(GOPT_DISCOVER_TESTS AND NOT ARG_NO_DISCOVER)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${area}."
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      PROPERTIES ENVIRONMENT "${GOPT_TEST_ENVIRONMENT}" TIMEOUT 600)
  else()
    add_test(NAME ${area} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${area} PROPERTIES ENVIRONMENT "${GOPT_TEST_ENVIRONMENT}" TIMEOUT 1500)
  endif()
endfunction()

# gopt_bench(<name> [extra.cc...] [TORCH] [LIBRARIES target...]): <name>_bench.cc becomes
# bin/gopt_bench_<name>, which is installed. TORCH: it measures libgopt, and there is none without
# LibTorch.
function(gopt_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "TORCH" "" "LIBRARIES")
  if(ARG_TORCH AND NOT GOPT_WITH_TORCH)
    return()
  endif()
  set(target gopt_bench_${name})
  add_executable(${target} ${name}_bench.cc ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${target} PRIVATE gopt_testing ${ARG_LIBRARIES} benchmark::benchmark
    absl::flags absl::flags_parse)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  if(ARG_TORCH)
    target_link_libraries(${target} PRIVATE gopt_nn_testing)
    set_property(TARGET ${target} APPEND PROPERTY INSTALL_RPATH ${GOPT_TORCH_ROOT}/lib)
  endif()
  add_dependencies(products ${target})
  install(TARGETS ${target} RUNTIME DESTINATION ${GOPT_INSTALL_ROOT}bin COMPONENT benchmarks)
endfunction()

# gopt_fuzz_target(<name> <file.cc>): the file defines LLVMFuzzerTestOneInput. With GOPT_FUZZ it
# becomes bin/fuzz_<name>; without, a test that replays tests/fuzz/corpus/<name>, so that every
# input ever found stays fixed under every compiler.
function(gopt_fuzz_target name file)
  add_executable(fuzz_${name} ${file})
  target_link_libraries(fuzz_${name} PRIVATE gopt_core gopt_private)
  if(GOPT_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} tests/fuzz/corpus/${name}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(fuzz.${name} PROPERTIES
      ENVIRONMENT "${GOPT_TEST_ENVIRONMENT}" TIMEOUT 300)
  endif()
endfunction()

# gopt_example(<stem> [TORCH]): examples/cpp/<stem>.cc becomes bin/example_<stem> and, with tests on,
# a test that runs it. TORCH: it needs gopt::gopt and is left out without.
function(gopt_example stem)
  cmake_parse_arguments(arg "TORCH" "" "" ${ARGN})
  if(arg_TORCH AND NOT TARGET gopt::gopt)
    return()
  endif()
  add_executable(example_${stem} ${stem}.cc)
  target_link_libraries(example_${stem} PRIVATE gopt::core $<$<BOOL:${arg_TORCH}>:gopt::gopt>)
  if(GOPT_TESTS)
    add_test(NAME example.${stem} COMMAND example_${stem} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
    set_tests_properties(example.${stem} PROPERTIES
      ENVIRONMENT "${GOPT_TEST_ENVIRONMENT}" TIMEOUT 300)
  endif()
endfunction()

# Finds Python (the repository's .venv if there is one) and the torch package inside it, without
# importing torch.

if(NOT Python_EXECUTABLE AND NOT DEFINED ENV{VIRTUAL_ENV})
  set(_candidates ${PROJECT_SOURCE_DIR}/.venv)
  execute_process(
    COMMAND git -C ${PROJECT_SOURCE_DIR} rev-parse --path-format=absolute --git-common-dir
    OUTPUT_VARIABLE _git_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_git_dir)  # a worktree uses the main checkout's environment
    cmake_path(GET _git_dir PARENT_PATH _main_checkout)
    list(APPEND _candidates ${_main_checkout}/.venv)
  endif()
  foreach(_venv IN LISTS _candidates)
    if(EXISTS ${_venv}/bin/python)
      set(Python_EXECUTABLE ${_venv}/bin/python CACHE FILEPATH "Python interpreter")
      break()
    endif()
  endforeach()
endif()
set(Python_FIND_VIRTUALENV FIRST)
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

execute_process(
  COMMAND ${Python_EXECUTABLE} -c
    "from importlib import util; print(util.find_spec('torch').submodule_search_locations[0])"
  OUTPUT_VARIABLE GOPT_TORCH_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET RESULT_VARIABLE _result)
if(NOT _result EQUAL 0)
  message(FATAL_ERROR "${Python_EXECUTABLE} has no torch: run scripts/setup.sh, or configure with "
    "-DPython_EXECUTABLE=... or -DGOPT_WITH_TORCH=OFF -DGOPT_PYTHON=OFF")
endif()
message(STATUS "torch: ${GOPT_TORCH_ROOT}")

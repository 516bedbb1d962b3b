# cmake -DBUILD=<build tree> -DCOMPONENT=core|gopt -DCXX=<compiler> -DPYTHON=<python> -P run.cmake
# Installs into a fresh prefix, builds this folder's project against it, runs the program.
cmake_minimum_required(VERSION 3.24)

set(prefix ${BUILD}/consumer/${COMPONENT}/prefix)
set(build ${BUILD}/consumer/${COMPONENT}/build)
file(REMOVE_RECURSE ${prefix} ${build})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result COMMAND_ECHO STDOUT)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result})")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --component core)
set(torch -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON -DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON)
if(COMPONENT STREQUAL "gopt")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --component gopt)
  set(torch -DPython3_EXECUTABLE=${PYTHON})
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${build} -G Ninja -DCMAKE_CXX_COMPILER=${CXX}
  -DCMAKE_PREFIX_PATH=${prefix} -DCOMPONENT=${COMPONENT} ${torch})
run(${CMAKE_COMMAND} --build ${build})
run(${CMAKE_COMMAND} -E chdir / ${build}/consumer)

if(COMPONENT STREQUAL "core")
  execute_process(COMMAND ldd ${build}/consumer
    OUTPUT_VARIABLE libraries COMMAND_ERROR_IS_FATAL ANY)
  if(libraries MATCHES "libtorch|libc10")
    message(FATAL_ERROR "the program loads LibTorch:\n${libraries}")
  endif()
  file(GLOB_RECURSE generated ${prefix}/*.pb.h)
  if(generated OR EXISTS ${prefix}/include/gopt/features)
    message(FATAL_ERROR "component core installs what it should not: ${generated}")
  endif()
endif()

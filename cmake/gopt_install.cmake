# What `cmake --install` lays down. Component "core" is complete without LibTorch; "gopt" adds the
# rest.
include(CMakePackageConfigHelpers)
set(config_dir ${GOPT_INSTALL_ROOT}share/cmake/gopt)
set(torch_areas features nn rl)

set(not_core)
foreach(area IN LISTS torch_areas)
  list(APPEND not_core PATTERN ${area} EXCLUDE)
endforeach()
install(DIRECTORY include/gopt DESTINATION ${GOPT_INSTALL_ROOT}include COMPONENT core
  FILES_MATCHING PATTERN "*.h" ${not_core})
install(DIRECTORY proto/gopt DESTINATION ${GOPT_INSTALL_ROOT}share/gopt/proto COMPONENT core
  FILES_MATCHING PATTERN "*.proto")
if(NOT DEFINED SKBUILD)  # in a wheel they are part of the package
  install(DIRECTORY python/gopt/workloads/graphs/ DESTINATION share/gopt/workloads COMPONENT core)
endif()
install(TARGETS gopt_core EXPORT gopt-core-targets
  LIBRARY DESTINATION ${GOPT_INSTALL_ROOT}lib COMPONENT core)
install(EXPORT gopt-core-targets NAMESPACE gopt:: DESTINATION ${config_dir} COMPONENT core)

if(GOPT_WITH_TORCH)
  foreach(area IN LISTS torch_areas)
    install(DIRECTORY include/gopt/${area} DESTINATION ${GOPT_INSTALL_ROOT}include/gopt
      COMPONENT gopt)
  endforeach()
  install(TARGETS gopt_gopt EXPORT gopt-gopt-targets
    LIBRARY DESTINATION ${GOPT_INSTALL_ROOT}lib COMPONENT gopt)
  install(EXPORT gopt-gopt-targets NAMESPACE gopt:: DESTINATION ${config_dir} COMPONENT gopt)
endif()

configure_package_config_file(cmake/gopt-config.cmake.in ${PROJECT_BINARY_DIR}/gopt-config.cmake
  INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gopt-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/gopt-config.cmake ${PROJECT_BINARY_DIR}/gopt-config-version.cmake
  DESTINATION ${config_dir} COMPONENT core)

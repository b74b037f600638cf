# Library, headers, program, CMake package kpu::kpu, pkg-config file, machines, sweeps, man pages.
include(CMakePackageConfigHelpers)

set(kpu_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/kpu)
set(kpu_data_dir ${CMAKE_INSTALL_DATADIR}/kpu-dse)

set_target_properties(${KPU_PROGRAMS} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS kpu EXPORT kpu-targets)
install(TARGETS ${KPU_PROGRAMS})
install(DIRECTORY include/kpu DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY configs sweeps DESTINATION ${kpu_data_dir})

file(GLOB kpu_manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.1)
install(FILES ${kpu_manuals} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

install(EXPORT kpu-targets NAMESPACE kpu:: DESTINATION ${kpu_package_dir})
configure_package_config_file(cmake/kpuConfig.cmake.in ${PROJECT_BINARY_DIR}/kpuConfig.cmake
                              INSTALL_DESTINATION ${kpu_package_dir}
                              PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kpuConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/kpuConfig.cmake ${PROJECT_BINARY_DIR}/kpuConfigVersion.cmake
        DESTINATION ${kpu_package_dir})

# A static libkpu hands its own dependencies on to whoever links it; a shared one keeps them.
file(RELATIVE_PATH kpu_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
if(BUILD_SHARED_LIBS)
  set(kpu_pc_suffix ".private")
else()
  set(kpu_pc_libs "${OpenMP_C_FLAGS} -lm")
endif()
configure_file(cmake/kpu.pc.in ${PROJECT_BINARY_DIR}/kpu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kpu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Installs the command, both libraries, the headers, a CMake package and a pkg-config file. Nothing installed holds an
# absolute path, so the prefix may be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clayer)

set_target_properties(clayer_shared PROPERTIES EXPORT_NAME clayer)
file(RELATIVE_PATH lib_from_bin /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
# Graphviz' plugins are the system's, in a folder that the loader does not search by itself.
get_filename_component(graphviz_plugins ${CLAYER_GVPLUGIN_CORE} DIRECTORY)
set_target_properties(clayer_command PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin};${graphviz_plugins}")

install(TARGETS clayer_shared EXPORT clayerTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS clayer_static EXPORT clayerStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS clayer_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/clayer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(PROGRAMS scripts/keras_reference.py DESTINATION ${CMAKE_INSTALL_DATADIR}/clayer) # for run --verify

install(EXPORT clayerTargets NAMESPACE clayer:: DESTINATION ${package_dir})
install(EXPORT clayerStaticTargets NAMESPACE clayer:: DESTINATION ${package_dir})
configure_package_config_file(cmake/clayerConfig.cmake.in ${PROJECT_BINARY_DIR}/clayerConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/clayerConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/clayerConfig.cmake ${PROJECT_BINARY_DIR}/clayerConfigVersion.cmake
  DESTINATION ${package_dir})

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
configure_file(cmake/clayer.pc.in ${PROJECT_BINARY_DIR}/clayer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/clayer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

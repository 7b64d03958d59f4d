# What `cmake --install` puts where: headers, libraries, the program, and the files that find_package(batchview)
# and pkg-config read. None of them names the prefix, so that the installed tree can be moved.
include(CMakePackageConfigHelpers)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/batchview)
set(headers include/batchview/batchview.h include/batchview/dlpack.h include/batchview/pictures.h
  include/batchview/selection.h)
if(TARGET batchview_ddp)
  list(APPEND headers include/batchview/ddp.h)
endif()
if(TARGET batchview_tensorboard)
  list(APPEND headers include/batchview/tensorboard.h)
endif()
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/batchview)

# The library looks for the CUDA runtime where it was linked from, the program for the library beside itself.
file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_target_properties(batchview PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS batchview EXPORT batchview)
if(BATCHVIEW_WITH_PROGRAM)
  set_target_properties(batchview_program PROPERTIES INSTALL_RPATH $ORIGIN/${bin_to_lib})
  install(TARGETS batchview_program)
  foreach(module batchview_dicom batchview_show) # cli/module.c looks for them there
    if(TARGET ${module})
      install(TARGETS ${module} DESTINATION ${CMAKE_INSTALL_LIBDIR}/batchview)
    endif()
  endforeach()
endif()
if(TARGET batchview_ddp)
  set_target_properties(batchview_ddp PROPERTIES INSTALL_RPATH $ORIGIN INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS batchview_ddp EXPORT batchviewDdp)
  install(EXPORT batchviewDdp NAMESPACE batchview:: FILE batchviewDdpTargets.cmake DESTINATION ${package_directory})
endif()
if(TARGET batchview_tensorboard)
  set_target_properties(batchview_tensorboard PROPERTIES INSTALL_RPATH $ORIGIN INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS batchview_tensorboard EXPORT batchviewTensorboard)
  install(EXPORT batchviewTensorboard NAMESPACE batchview:: FILE batchviewTensorboardTargets.cmake
    DESTINATION ${package_directory})
endif()
install(EXPORT batchview NAMESPACE batchview:: FILE batchviewTargets.cmake DESTINATION ${package_directory})

configure_package_config_file(cmake/batchviewConfig.cmake.in ${PROJECT_BINARY_DIR}/batchviewConfig.cmake
  INSTALL_DESTINATION ${package_directory} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/batchviewConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/batchviewConfig.cmake ${PROJECT_BINARY_DIR}/batchviewConfigVersion.cmake
  DESTINATION ${package_directory})

# pkg-config: paths relative to the .pc file's own directory.
# batchview_pc(<name> <library> <description> <packages that it requires> <flags of a static link>)
function(batchview_pc name library description requires private)
  file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  file(RELATIVE_PATH pc_libdir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
  file(RELATIVE_PATH pc_includedir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
  configure_file(cmake/package.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

set(private "-lm -pthread")
if(BATCHVIEW_WITH_CUDA)
  string(APPEND private " -L${CUDAToolkit_LIBRARY_DIR} -lcudart -lstdc++")
endif()
batchview_pc(batchview batchview "${PROJECT_DESCRIPTION}" "" "${private}")

if(TARGET batchview_ddp)
  list(JOIN MPI_C_LIBRARIES " " mpi)
  batchview_pc(batchview-ddp batchview_ddp "The ranks of batchview: one window over all of them" batchview
    "-pthread ${BATCHVIEW_SODIUM_LIBRARY} ${mpi} ${BATCHVIEW_NCCL_LIBRARY}")
endif()
if(TARGET batchview_tensorboard)
  list(JOIN PNG_LIBRARIES " " png)
  batchview_pc(batchview-tensorboard batchview_tensorboard "The logs of batchview that TensorBoard shows" batchview
    "-pthread ${png}")
endif()

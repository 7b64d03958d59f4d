# What the installed libraries share: batchview_library(<target>). Names without bv_ stay inside.
function(batchview_library target)
  set(map ${PROJECT_SOURCE_DIR}/host/batchview.map)
  set_target_properties(${target} PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${map})
  if(BUILD_SHARED_LIBS)
    target_link_options(${target} PRIVATE -Wl,--version-script=${map})
  endif()
endfunction()

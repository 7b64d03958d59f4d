# The event files of TensorBoard (batchview::tensorboard): whether they are built.
set(BATCHVIEW_TENSORBOARD AUTO CACHE STRING "Build the component batchview::tensorboard (libpng, zlib): AUTO (if they are found), ON, OFF")
set_property(CACHE BATCHVIEW_TENSORBOARD PROPERTY STRINGS AUTO ON OFF)

set(BATCHVIEW_WITH_TENSORBOARD OFF)
if(NOT BATCHVIEW_TENSORBOARD STREQUAL "OFF")
  find_package(PNG)
  find_package(ZLIB)
  if(PNG_FOUND AND ZLIB_FOUND)
    set(BATCHVIEW_WITH_TENSORBOARD ON)
    message(STATUS "batchview: libpng ${PNG_VERSION_STRING} found, TensorBoard's event files can be written")
  elseif(BATCHVIEW_TENSORBOARD STREQUAL "ON")
    message(FATAL_ERROR "batchview: BATCHVIEW_TENSORBOARD=ON, but libpng or zlib was not found, which its pictures need: "
      "install them (Debian: libpng-dev, zlib1g-dev)")
  else()
    message(STATUS "batchview: libpng or zlib not found, TensorBoard's event files are not built")
  endif()
endif()

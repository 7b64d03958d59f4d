# Does the shared library export exactly the names in the list?
#     cmake -DNM=nm -DLIBRARY=libbatchview.so -DLIST=symbols.txt -P symbols.cmake
execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${output}")
set(exported)
foreach(line IN LISTS lines)
  string(REGEX REPLACE ".* ([^ @]+)(@.*)?$" "\\1" name "${line}")
  if(NOT name MATCHES "^BATCHVIEW_[0-9]+$") # the version node itself
    list(APPEND exported ${name})
  endif()
endforeach()
file(STRINGS ${LIST} expected)

set(extra ${exported})
list(REMOVE_ITEM extra ${expected})
set(missing ${expected})
list(REMOVE_ITEM missing ${exported})
if(extra OR missing)
  message(FATAL_ERROR "${LIBRARY}\n  exports, but ${LIST} does not list: ${extra}\n  does not export: ${missing}")
endif()

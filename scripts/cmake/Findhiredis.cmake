# Finds hiredis, Redis's C client, as Debian packages it: headers, library, no CMake files. Gives hiredis::hiredis.
# Called without a version: the code is written for 0.14 and reads nothing that 1.x changed.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h)
find_library(HIREDIS_LIBRARY hiredis)
if(HIREDIS_INCLUDE_DIR)
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS ${HIREDIS_INCLUDE_DIR}/hiredis/hiredis.h hiredis_line REGEX "#define HIREDIS_${part} ")
    string(REGEX REPLACE ".*HIREDIS_${part} ([0-9]+).*" "\\1" hiredis_${part} "${hiredis_line}")
  endforeach()
  set(HIREDIS_VERSION ${hiredis_MAJOR}.${hiredis_MINOR}.${hiredis_PATCH})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(hiredis REQUIRED_VARS HIREDIS_LIBRARY HIREDIS_INCLUDE_DIR VERSION_VAR HIREDIS_VERSION)
if(hiredis_FOUND AND NOT TARGET hiredis::hiredis)
  add_library(hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(hiredis::hiredis PROPERTIES IMPORTED_LOCATION ${HIREDIS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${HIREDIS_INCLUDE_DIR})
endif()

# Finds onnxruntime's C API, which its Python package lacks the headers of.
#
#   ONNXRUNTIME_ROOT     an unpacked release (include/, lib/); where a system has
#                        headers and library in its own places, nothing is needed
#   OnnxRuntime::c_api   the target to link

set(ONNXRUNTIME_ROOT "" CACHE PATH "Unpacked release of onnxruntime")

find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_c_api.h
          HINTS "${ONNXRUNTIME_ROOT}/include"
          PATH_SUFFIXES onnxruntime onnxruntime/core/session)
find_library(OnnxRuntime_LIBRARY onnxruntime HINTS "${ONNXRUNTIME_ROOT}/lib")
mark_as_advanced(OnnxRuntime_INCLUDE_DIR OnnxRuntime_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OnnxRuntime
  REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "give -DONNXRUNTIME_ROOT=DIR, a release of onnxruntime with DIR/include/onnxruntime_c_api.h and DIR/lib/libonnxruntime.so")

if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::c_api)
  add_library(OnnxRuntime::c_api SHARED IMPORTED)
  set_target_properties(
    OnnxRuntime::c_api
    PROPERTIES IMPORTED_LOCATION "${OnnxRuntime_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${OnnxRuntime_INCLUDE_DIR}")
endif()

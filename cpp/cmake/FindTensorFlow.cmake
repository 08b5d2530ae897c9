# Finds the C API inside the pip package `tensorflow` (or `tensorflow-cpu`).
#
#   TENSORFLOW_ROOT    the package's directory; by default that of the package
#                      the first Python on PATH (an active environment) imports
#   TensorFlow::c_api  the target to link

set(TENSORFLOW_ROOT "" CACHE PATH "Directory of the Python package tensorflow")

if(NOT TENSORFLOW_ROOT)
  find_package(Python3 QUIET COMPONENTS Interpreter)
  if(Python3_FOUND)
    # find_spec does not import TensorFlow, which would take seconds.
    execute_process(
      COMMAND
        "${Python3_EXECUTABLE}" -c
        "import importlib.util as u, os; print(os.path.dirname(u.find_spec('tensorflow').origin))"
      OUTPUT_VARIABLE _tensorflow_root
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
else()
  set(_tensorflow_root "${TENSORFLOW_ROOT}")
endif()

find_path(TensorFlow_INCLUDE_DIR tensorflow/c/c_api.h
          PATHS "${_tensorflow_root}/include" NO_DEFAULT_PATH)
find_library(TensorFlow_LIBRARY libtensorflow_cc.so.2
             PATHS "${_tensorflow_root}" NO_DEFAULT_PATH)
find_library(TensorFlow_FRAMEWORK_LIBRARY libtensorflow_framework.so.2
             PATHS "${_tensorflow_root}" NO_DEFAULT_PATH)
mark_as_advanced(TensorFlow_INCLUDE_DIR TensorFlow_LIBRARY
                 TensorFlow_FRAMEWORK_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  TensorFlow
  REQUIRED_VARS TensorFlow_LIBRARY TensorFlow_FRAMEWORK_LIBRARY
                TensorFlow_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "looked in '${_tensorflow_root}': activate the Python environment that holds tensorflow, or give -DTENSORFLOW_ROOT=DIR")

if(TensorFlow_FOUND AND NOT TARGET TensorFlow::c_api)
  # The C API lies in both libraries. Its headers count as system headers, as
  # those of every imported target do.
  add_library(TensorFlow::framework SHARED IMPORTED)
  set_target_properties(
    TensorFlow::framework PROPERTIES IMPORTED_LOCATION
                                     "${TensorFlow_FRAMEWORK_LIBRARY}")
  add_library(TensorFlow::c_api SHARED IMPORTED)
  set_target_properties(
    TensorFlow::c_api
    PROPERTIES IMPORTED_LOCATION "${TensorFlow_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${TensorFlow_INCLUDE_DIR}"
               INTERFACE_LINK_LIBRARIES TensorFlow::framework)
endif()

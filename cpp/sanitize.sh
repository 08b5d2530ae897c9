#!/usr/bin/env bash
# Builds the C++ tests with the sanitizers of the compiler, and runs them.
#
#   cpp/sanitize.sh [BUILD_FOLDER [CMAKE_OPTION...]]
#
# First address (with leaks) and undefined behaviour, then threads. The options of
# CMake are those of README.md, for example -DTENSORFLOW_ROOT=DIR or the model to
# test. Exit status 0 if nothing was found.
set -euo pipefail

cpp="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="${1:-$cpp/build/sanitize}"
shift $(($# > 0 ? 1 : 0))
flags="-g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all"

export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1"
# TensorFlow's and onnxruntime's libraries are not instrumented: the sanitizer does
# not see their atomic operations, and without this flag takes what these order for
# races, 129 times in the test of wgan_constrained. Races of the loader and of the
# tests are reported all the same.
export TSAN_OPTIONS="ignore_noninstrumented_modules=1"

# With the large random offsets of newer kernels the shadow memory of the thread
# sanitizer finds no place.
run=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  run=(setarch "$(uname -m)" -R)
fi

for sanitizers in address,undefined thread; do
  build="$folder/$sanitizers"
  mkdir -p "$folder"
  echo "== -fsanitize=$sanitizers"
  cmake -S "$cpp" -B "$build" -DFASTSIM_ZOO_TESTS=ON -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_CXX_FLAGS="$flags -fsanitize=$sanitizers" "$@" >"$build.log"
  cmake --build "$build" --parallel 2 >>"$build.log"
  "${run[@]}" ctest --test-dir "$build" --output-on-failure
done

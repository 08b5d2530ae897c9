// Counts what this program allocates, and not what the libraries that it loads
// do. To be included once in a program: it replaces operator new.
#ifndef FASTSIM_ZOO_TEST_ALLOCATIONS_HPP_
#define FASTSIM_ZOO_TEST_ALLOCATIONS_HPP_

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

// Of the linker: where the code of the program begins and ends.
extern "C" char __executable_start;
extern "C" char etext;

inline std::atomic<std::size_t> own_allocations{0};

// The loader is header-only, so its calls of new lie in the program's own code.
__attribute__((noinline)) void* operator new(std::size_t size) {
  const char* const caller =
      static_cast<const char*>(__builtin_return_address(0));
  if (caller >= &__executable_start && caller < &etext) ++own_allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

__attribute__((noinline)) void operator delete(void* memory) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete(void* memory,
                                               std::size_t) noexcept {
  std::free(memory);
}

// Returns how often `action` allocated.
template <typename Action>
std::size_t CountAllocations(const Action& action) {
  const std::size_t before = own_allocations;
  action();
  return own_allocations - before;
}

#endif  // FASTSIM_ZOO_TEST_ALLOCATIONS_HPP_

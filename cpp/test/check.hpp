// The two checks the tests are made of.
#ifndef FASTSIM_ZOO_TEST_CHECK_HPP_
#define FASTSIM_ZOO_TEST_CHECK_HPP_

#include <cstdio>
#include <cstdlib>
#include <string>

#include "fastsim_zoo/error.hpp"

// Ends the program with status 1 unless `condition` holds. Unlike assert it
// stays in a release build.
inline void Check(bool condition, const std::string& claim) {
  if (condition) return;
  std::fprintf(stderr, "not true: %s\n", claim.c_str());
  std::exit(1);
}

// Checks that `action` throws an Error of one line that contains `words`.
template <typename Action>
void CheckThrows(const Action& action, const std::string& words) {
  std::string message;
  try {
    action();
  } catch (const fastsim_zoo::Error& error) {
    message = error.what();
  }
  Check(message.find(words) != std::string::npos,
        "an error with '" + words + "'; received '" + message + "'");
  Check(message.find('\n') == std::string::npos, "one line: " + message);
}

#endif  // FASTSIM_ZOO_TEST_CHECK_HPP_

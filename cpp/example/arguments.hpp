// The command line of the example.
#ifndef FASTSIM_ZOO_EXAMPLE_ARGUMENTS_HPP_
#define FASTSIM_ZOO_EXAMPLE_ARGUMENTS_HPP_

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/table.hpp"

constexpr char kUsage[] =
    "usage: simulate MODEL CONDITIONS.csv OUTPUT.csv"
    " [--seed A B] [--threads N] [--batch N]";

struct Arguments {
  std::string model;
  std::string conditions;
  std::string output;
  fastsim_zoo::Seed seed{0, 0};
  std::int32_t threads = 0;
  std::int32_t batch = 512;
};

inline std::int32_t ParseInteger(const std::string& flag,
                                 const std::string& text,
                                 std::int32_t minimum) {
  std::int32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end || value < minimum) {
    throw fastsim_zoo::Error(
        flag + " takes an integer from " + std::to_string(minimum) + " to " +
        std::to_string(std::numeric_limits<std::int32_t>::max()) + ", not '" +
        text + "'");
  }
  return value;
}

inline Arguments ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  std::vector<std::string> positional;
  for (auto word = words.begin(); word != words.end(); ++word) {
    const std::string& flag = *word;
    const auto next = [&](std::int32_t minimum) {
      if (++word == words.end()) {
        throw fastsim_zoo::Error(flag + " lacks a value; " + kUsage);
      }
      return ParseInteger(flag, *word, minimum);
    };
    if (flag == "--seed") {
      constexpr auto kMinimum = std::numeric_limits<std::int32_t>::min();
      const std::int32_t first = next(kMinimum);
      arguments.seed = {first, next(kMinimum)};
    } else if (flag == "--threads") {
      arguments.threads = next(1);
    } else if (flag == "--batch") {
      arguments.batch = next(1);
    } else if (flag.rfind("--", 0) == 0) {
      throw fastsim_zoo::Error("unknown flag '" + flag + "'; " + kUsage);
    } else {
      positional.push_back(flag);
    }
  }
  if (positional.size() != 3) throw fastsim_zoo::Error(kUsage);
  arguments.model = positional[0];
  arguments.conditions = positional[1];
  arguments.output = positional[2];
  return arguments;
}

#endif  // FASTSIM_ZOO_EXAMPLE_ARGUMENTS_HPP_

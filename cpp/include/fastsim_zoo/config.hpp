// The session's configuration, as a serialised ConfigProto. The field numbers
// are those of tensorflow/core/protobuf/config.proto.
#ifndef FASTSIM_ZOO_CONFIG_HPP_
#define FASTSIM_ZOO_CONFIG_HPP_

#include <cstdint>
#include <string>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/protobuf.hpp"

namespace fastsim_zoo::internal {

inline std::string SerializeConfig(int threads) {
  constexpr std::uint64_t kIntraOpParallelismThreads = 2;
  constexpr std::uint64_t kInterOpParallelismThreads = 5;
  if (threads < 0) {
    throw Error("threads must be 0 (TensorFlow chooses) or more, not " +
                std::to_string(threads));
  }
  const auto count = static_cast<std::uint64_t>(threads);
  std::string config;
  AppendVarintField(kIntraOpParallelismThreads, count, config);
  AppendVarintField(kInterOpParallelismThreads, count, config);
  return config;
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_CONFIG_HPP_

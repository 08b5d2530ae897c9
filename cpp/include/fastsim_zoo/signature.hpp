// The signatures of a SavedModel, read from its serialised MetaGraphDef. The
// field numbers are those of tensorflow/core/protobuf/meta_graph.proto and
// tensorflow/core/framework/tensor_shape.proto, which TensorFlow keeps for
// ever.
#ifndef FASTSIM_ZOO_SIGNATURE_HPP_
#define FASTSIM_ZOO_SIGNATURE_HPP_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/protobuf.hpp"

namespace fastsim_zoo::internal {

// An input or output of a signature. `dtype` has the values of TF_DataType;
// `shape` begins with the batch axis and has -1 where a size is free.
struct TensorInfo {
  std::string name;
  int dtype = 0;
  bool known_rank = true;
  std::vector<std::int64_t> shape;
};

using TensorInfos = std::map<std::string, TensorInfo>;

struct Signature {
  TensorInfos inputs;
  TensorInfos outputs;
};

using Signatures = std::map<std::string, Signature>;

// Returns "a, b, c" for the keys of a map: what an error offers instead.
template <typename Map>
std::string Keys(const Map& map) {
  std::string keys;
  for (const auto& entry : map) {
    keys += (keys.empty() ? "" : ", ") + entry.first;
  }
  return keys.empty() ? "none" : keys;
}

// Returns the entry `name` of `map`; `where` begins the error's text.
template <typename Value>
const Value& Find(const std::map<std::string, Value>& map,
                  const std::string& name, const std::string& where) {
  const auto found = map.find(name);
  if (found == map.end()) {
    throw Error(where + " '" + name + "' is missing; it has: " + Keys(map));
  }
  return found->second;
}

// Protobuf writes a map as repeated messages {1: key, 2: value}.
struct MapEntry {
  std::string key;
  std::string_view value;
};

inline MapEntry ParseMapEntry(std::string_view bytes) {
  MapEntry entry;
  MessageReader reader(bytes);
  while (const auto field = reader.Next()) {
    if (field->number == 1) entry.key = std::string(field->bytes);
    if (field->number == 2) entry.value = field->bytes;
  }
  return entry;
}

inline std::int64_t ParseDimension(std::string_view bytes) {
  std::int64_t size = 0;
  MessageReader reader(bytes);
  while (const auto field = reader.Next()) {
    if (field->number == 1) size = static_cast<std::int64_t>(field->varint);
  }
  return size;
}

inline void ParseShape(std::string_view bytes, TensorInfo& info) {
  MessageReader reader(bytes);
  while (const auto field = reader.Next()) {
    if (field->number == 2) info.shape.push_back(ParseDimension(field->bytes));
    if (field->number == 3) info.known_rank = field->varint == 0;
  }
}

inline TensorInfo ParseTensorInfo(std::string_view bytes) {
  TensorInfo info;
  MessageReader reader(bytes);
  while (const auto field = reader.Next()) {
    if (field->number == 1) info.name = std::string(field->bytes);
    if (field->number == 2) info.dtype = static_cast<int>(field->varint);
    if (field->number == 3) ParseShape(field->bytes, info);
  }
  return info;
}

inline Signature ParseSignature(std::string_view bytes) {
  Signature signature;
  MessageReader reader(bytes);
  while (const auto field = reader.Next()) {
    if (field->number != 1 && field->number != 2) continue;
    const MapEntry entry = ParseMapEntry(field->bytes);
    TensorInfos& side =
        field->number == 1 ? signature.inputs : signature.outputs;
    side[entry.key] = ParseTensorInfo(entry.value);
  }
  return signature;
}

inline Signatures ParseSignatures(std::string_view meta_graph_def) {
  constexpr std::uint64_t kSignatureDef = 5;
  Signatures signatures;
  MessageReader reader(meta_graph_def);
  while (const auto field = reader.Next()) {
    if (field->number != kSignatureDef) continue;
    const MapEntry entry = ParseMapEntry(field->bytes);
    signatures[entry.key] = ParseSignature(entry.value);
  }
  return signatures;
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_SIGNATURE_HPP_

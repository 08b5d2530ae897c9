// A model loaded by onnxruntime, through its C API: inputs and outputs by name.
#ifndef FASTSIM_ZOO_ONNX_SESSION_HPP_
#define FASTSIM_ZOO_ONNX_SESSION_HPP_

#include <onnxruntime_c_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo::internal {

// A library takes headers of its own version and of all before.
inline const OrtApi& Ort() {
  static const OrtApi* const api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    throw Error(std::string("onnxruntime ") +
                OrtGetApiBase()->GetVersionString() +
                " is older than the headers this was built with, which need "
                "version 1." +
                std::to_string(ORT_API_VERSION));
  }
  return *api;
}

template <auto Release>
struct OrtDeleter {
  template <typename T>
  void operator()(T* object) const {
    (Ort().*Release)(object);
  }
};

using OrtStatusOwner =
    std::unique_ptr<OrtStatus, OrtDeleter<&OrtApi::ReleaseStatus>>;
using OrtEnvPtr = std::unique_ptr<OrtEnv, OrtDeleter<&OrtApi::ReleaseEnv>>;
using OrtSessionPtr =
    std::unique_ptr<OrtSession, OrtDeleter<&OrtApi::ReleaseSession>>;
using OrtOptionsPtr =
    std::unique_ptr<OrtSessionOptions,
                    OrtDeleter<&OrtApi::ReleaseSessionOptions>>;
using OrtMemoryInfoPtr =
    std::unique_ptr<OrtMemoryInfo, OrtDeleter<&OrtApi::ReleaseMemoryInfo>>;
using OrtTypeInfoPtr =
    std::unique_ptr<OrtTypeInfo, OrtDeleter<&OrtApi::ReleaseTypeInfo>>;
using OrtShapeInfoPtr =
    std::unique_ptr<OrtTensorTypeAndShapeInfo,
                    OrtDeleter<&OrtApi::ReleaseTensorTypeAndShapeInfo>>;
using OrtValuePtr =
    std::unique_ptr<OrtValue, OrtDeleter<&OrtApi::ReleaseValue>>;

// Takes the status over; throws `what` and onnxruntime's words if it is one.
inline void CheckOrt(OrtStatus* status, const std::string& what) {
  const OrtStatusOwner owner(status);
  if (owner == nullptr) return;
  std::string message = Ort().GetErrorMessage(status);
  for (char& character : message) {
    if (character == '\n' || character == '\t') character = ' ';
  }
  throw Error(what + ": " + message);
}

// An input or output: its type and the shape of one event.
struct OnnxPort {
  ONNXTensorElementDataType dtype = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  std::vector<std::int64_t> event_shape;
};

using OnnxPorts = std::map<std::string, OnnxPort>;

class OnnxSession {
 public:
  OnnxSession(const std::string& folder, int threads)
      : path_((std::filesystem::path(folder) / "model.onnx").string()) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path_, ignored)) {
      throw Error(Where("there is no such file"));
    }
    if (threads < 0) {
      throw Error("threads must be 0 (onnxruntime chooses) or more, not " +
                  std::to_string(threads));
    }
    OrtEnv* env = nullptr;
    CheckOrt(Ort().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "fastsim_zoo", &env),
             "onnxruntime cannot start");
    env_.reset(env);
    OrtSessionOptions* raw = nullptr;
    CheckOrt(Ort().CreateSessionOptions(&raw), "onnxruntime cannot start");
    const OrtOptionsPtr options(raw);
    CheckOrt(Ort().SetIntraOpNumThreads(options.get(), threads),
             "cannot set the number of threads");
    OrtSession* session = nullptr;
    CheckOrt(Ort().CreateSession(env_.get(),
                                 std::filesystem::path(path_).c_str(),
                                 options.get(), &session),
             Where("cannot be loaded"));
    session_.reset(session);
    OrtMemoryInfo* memory = nullptr;
    CheckOrt(Ort().CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault,
                                       &memory),
             "onnxruntime cannot start");
    memory_.reset(memory);
    inputs_ = Ports("input", Ort().SessionGetInputCount,
                    Ort().SessionGetInputName, Ort().SessionGetInputTypeInfo);
    outputs_ =
        Ports("output", Ort().SessionGetOutputCount, Ort().SessionGetOutputName,
              Ort().SessionGetOutputTypeInfo);
  }

  // The shape of one event of an input or output, which must be of this type.
  std::vector<std::int64_t> InputShape(const std::string& name) const {
    return Find("input", inputs_, name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  }
  std::vector<std::int64_t> OutputShape(const std::string& name,
                                        ONNXTensorElementDataType type) const {
    return Find("output", outputs_, name, type);
  }

  // Wraps a table, which must outlive the value.
  OrtValuePtr Wrap(const Table& table, std::int64_t rows) const {
    const std::int64_t shape[] = {rows, table.columns};
    OrtValue* value = nullptr;
    // onnxruntime reads inputs and never writes to them.
    Check(Ort().CreateTensorWithDataAsOrtValue(
        memory_.get(), const_cast<float*>(table.values.data()),
        table.values.size() * sizeof(float), shape, 2,
        ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
    return OrtValuePtr(value);
  }

  // May be called from several threads at once, as OrtApi::Run may.
  template <std::size_t kInputs, std::size_t kOutputs>
  std::array<OrtValuePtr, kOutputs> Run(
      const std::array<const char*, kInputs>& inputs,
      const std::array<OrtValuePtr, kInputs>& values,
      const std::array<const char*, kOutputs>& outputs) const {
    std::array<const OrtValue*, kInputs> fed{};
    for (std::size_t i = 0; i < kInputs; ++i) fed[i] = values[i].get();
    std::array<OrtValue*, kOutputs> fetched{};
    OrtStatus* const status =
        Ort().Run(session_.get(), /*run_options=*/nullptr, inputs.data(),
                  fed.data(), kInputs, outputs.data(), kOutputs,
                  fetched.data());
    std::array<OrtValuePtr, kOutputs> found;
    for (std::size_t i = 0; i < kOutputs; ++i) found[i].reset(fetched[i]);
    Check(status);
    return found;
  }

  // Copies the elements of an output of this shape into `copied`.
  template <typename T, typename Values>
  void Copy(OrtValue* value, const TensorShape& shape, Values& copied) const {
    OrtTensorTypeAndShapeInfo* raw = nullptr;
    Check(Ort().GetTensorTypeAndShape(value, &raw));
    const OrtShapeInfoPtr info(raw);
    const TensorShape returned = Shape(info.get());
    if (!(returned == shape)) {
      throw Error(Where("returned a tensor of shape ") + ToString(returned) +
                  ", but should " + ToString(shape));
    }
    void* data = nullptr;
    Check(Ort().GetTensorMutableData(value, &data));
    const T* const begin = static_cast<const T*>(data);
    copied.assign(begin, begin + ElementCount(shape));
  }

 private:
  std::string Where(const std::string& what) const {
    return "ONNX model '" + path_ + "': " + what;
  }

  // The text of an error is put together only for one: it allocates.
  void Check(OrtStatus* status) const {
    if (status != nullptr) CheckOrt(status, Where("failed"));
  }

  TensorShape Shape(const OrtTensorTypeAndShapeInfo* info) const {
    TensorShape shape;
    Check(Ort().GetDimensionsCount(info, &shape.rank));
    if (shape.rank > TensorShape::kLargestRank) {
      throw Error(Where("has a tensor of rank ") + std::to_string(shape.rank) +
                  "; the largest is " +
                  std::to_string(TensorShape::kLargestRank));
    }
    Check(Ort().GetDimensions(info, shape.sizes.data(), shape.rank));
    return shape;
  }

  // Inputs and outputs are asked for in the same way, by other functions.
  template <typename Count, typename Name, typename Info>
  OnnxPorts Ports(const std::string& side, Count count_of, Name name_of,
                  Info info_of) const {
    OrtAllocator* allocator = nullptr;
    CheckOrt(Ort().GetAllocatorWithDefaultOptions(&allocator), Where(side));
    std::size_t count = 0;
    CheckOrt(count_of(session_.get(), &count), Where(side));
    OnnxPorts ports;
    for (std::size_t index = 0; index < count; ++index) {
      OrtTypeInfo* raw = nullptr;
      CheckOrt(info_of(session_.get(), index, &raw), Where(side));
      const OrtTypeInfoPtr type(raw);
      const OrtTensorTypeAndShapeInfo* info = nullptr;
      CheckOrt(Ort().CastTypeInfoToTensorInfo(type.get(), &info), Where(side));
      if (info == nullptr) continue;  // Not a tensor.
      OnnxPort port;
      CheckOrt(Ort().GetTensorElementType(info, &port.dtype), Where(side));
      const TensorShape shape = Shape(info);
      for (std::size_t axis = 1; axis < shape.rank; ++axis) {
        port.event_shape.push_back(shape.sizes[axis]);
      }
      char* name = nullptr;
      CheckOrt(name_of(session_.get(), index, allocator, &name), Where(side));
      ports[name] = std::move(port);
      CheckOrt(Ort().AllocatorFree(allocator, name), Where(side));
    }
    return ports;
  }

  std::vector<std::int64_t> Find(const std::string& side,
                                 const OnnxPorts& ports,
                                 const std::string& name,
                                 ONNXTensorElementDataType type) const {
    const auto found = ports.find(name);
    if (found == ports.end()) {
      std::string names;
      for (const auto& port : ports) names += " " + port.first;
      throw Error(Where(side) + " '" + name + "' is missing; it has:" + names);
    }
    const OnnxPort& port = found->second;
    bool fixed = port.dtype == type;
    for (const std::int64_t size : port.event_shape) fixed &= size >= 1;
    if (!fixed) {
      throw Error(Where(side) + " '" + name + "' has type " +
                  std::to_string(static_cast<int>(port.dtype)) +
                  " (of ONNXTensorElementDataType) and events of " +
                  ToString(port.event_shape) + "; it must have type " +
                  std::to_string(static_cast<int>(type)) +
                  " and a fixed size on every axis after the first");
    }
    return port.event_shape;
  }

  std::string path_;
  // In this order: a session is released before its environment.
  OrtEnvPtr env_;
  OrtSessionPtr session_;
  OrtMemoryInfoPtr memory_;
  OnnxPorts inputs_;
  OnnxPorts outputs_;
};

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_ONNX_SESSION_HPP_

// Owners of the C API's objects, and the conversions that belong to them.
#ifndef FASTSIM_ZOO_HANDLES_HPP_
#define FASTSIM_ZOO_HANDLES_HPP_

#include <tensorflow/c/c_api.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo::internal {

template <auto Delete>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Delete(object);
  }
};

using StatusPtr = std::unique_ptr<TF_Status, Deleter<TF_DeleteStatus>>;
using BufferPtr = std::unique_ptr<TF_Buffer, Deleter<TF_DeleteBuffer>>;
using GraphPtr = std::unique_ptr<TF_Graph, Deleter<TF_DeleteGraph>>;
using TensorPtr = std::unique_ptr<TF_Tensor, Deleter<TF_DeleteTensor>>;
using SessionOptionsPtr =
    std::unique_ptr<TF_SessionOptions, Deleter<TF_DeleteSessionOptions>>;

inline StatusPtr NewStatus() { return StatusPtr(TF_NewStatus()); }

// Nothing can be done about a failure to close, hence the unread status.
inline void CloseAndDeleteSession(TF_Session* session) {
  const StatusPtr status = NewStatus();
  TF_CloseSession(session, status.get());
  TF_DeleteSession(session, status.get());
}

using SessionPtr = std::unique_ptr<TF_Session, Deleter<CloseAndDeleteSession>>;

// Throws `what` and TensorFlow's own words, if the status is an error.
inline void CheckStatus(const TF_Status* status, const std::string& what) {
  if (TF_GetCode(status) == TF_OK) return;
  // TensorFlow's messages span several lines; ours are one.
  std::string message = TF_Message(status);
  for (char& character : message) {
    if (character == '\n' || character == '\t') character = ' ';
  }
  throw Error(what + ": " + message);
}

// Copies `values`, which hold as many elements as `shape`, into a tensor.
template <typename T>
TensorPtr MakeTensor(TF_DataType dtype, const TensorShape& shape,
                     const T* values) {
  const std::size_t bytes = ElementCount(shape) * sizeof(T);
  TensorPtr tensor(TF_AllocateTensor(dtype, shape.sizes.data(),
                                     static_cast<int>(shape.rank), bytes));
  if (tensor == nullptr) {
    throw Error("cannot allocate a tensor of " + std::to_string(bytes) +
                " bytes");
  }
  if (bytes != 0) std::memcpy(TF_TensorData(tensor.get()), values, bytes);
  return tensor;
}

// The axes beyond TensorShape::kLargestRank are counted, but have no size.
inline TensorShape Shape(const TF_Tensor* tensor) {
  TensorShape shape;
  shape.rank = static_cast<std::size_t>(TF_NumDims(tensor));
  for (std::size_t axis = 0; axis < shape.rank; ++axis) {
    if (axis == TensorShape::kLargestRank) break;
    shape.sizes[axis] = TF_Dim(tensor, static_cast<int>(axis));
  }
  return shape;
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_HANDLES_HPP_

#ifndef FASTSIM_ZOO_ERROR_HPP_
#define FASTSIM_ZOO_ERROR_HPP_

#include <stdexcept>

namespace fastsim_zoo {

// The one exception of the loader. Its text is a single line that names the
// thing, the rule and the value received.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_ERROR_HPP_

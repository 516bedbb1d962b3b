#ifndef GOPT_PYTHON_BINDINGS_FIELDS_H_
#define GOPT_PYTHON_BINDINGS_FIELDS_H_

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "python/bindings/errors.h"

namespace gopt::python {

// object.name = value for each; a dict becomes fields of the struct that is there. Throws
// InvalidArgument for a name that is no field, and for a value of another type.
void SetFields(const pybind11::object& object, const pybind11::dict& values);

// An enumeration as a lower-case word.
template <typename Class, typename Struct, typename E>
void DefWord(Class& bound, const char* name, E Struct::*member, std::vector<E> values,
             const char* doc) {
  bound.def_property(
      name, [member](const Struct& s) { return std::string(ToString(s.*member)); },
      [name, member, values = std::move(values)](Struct& s, const std::string& word) {
        std::string known;
        for (const E value : values) {
          if (ToString(value) == word) {
            s.*member = value;
            return;
          }
          known += (known.empty() ? "" : ", ") + std::string(ToString(value));
        }
        throw StatusError(
            absl::InvalidArgumentError(std::string(name) + ": '" + word + "' is none of " + known));
      },
      doc);
}

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_FIELDS_H_

#ifndef GOPT_PYTHON_BINDINGS_BINDINGS_H_
#define GOPT_PYTHON_BINDINGS_BINDINGS_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

namespace gopt::python {

// One per area; each adds its classes and functions to the module. Order matters: a signature may
// only name types that are bound already.
void BindErrors(pybind11::module_& m);
void BindGraph(pybind11::module_& m);
void BindGraphBuilder(pybind11::module_& m);
void BindGraphFiles(pybind11::module_& m);
void BindMachine(pybind11::module_& m);
void BindConstraints(pybind11::module_& m);
void BindPlan(pybind11::module_& m);
void BindPlacement(pybind11::module_& m);
void BindCostReport(pybind11::module_& m);
void BindCost(pybind11::module_& m);
void BindSolve(pybind11::module_& m);
void BindSolver(pybind11::module_& m);
void BindIo(pybind11::module_& m);
void BindWorkloads(pybind11::module_& m);
void BindTrainingConfig(pybind11::module_& m);
void BindBundle(pybind11::module_& m);
// Of _gopt.
void BindFeatures(pybind11::module_& m);
void BindPolicy(pybind11::module_& m);
void BindTraining(pybind11::module_& m);

// pybind11 holds std::shared_ptr<T>; what it hands out is immutable because no mutating method is
// bound.
template <typename T>
std::shared_ptr<T> Unconst(std::shared_ptr<const T> pointer) {
  return std::const_pointer_cast<T>(std::move(pointer));
}

// Releases the GIL. Written out where a call may take more than a millisecond.
using WithoutGil = pybind11::call_guard<pybind11::gil_scoped_release>;

// A Python object that C++ threads may hold, copy and drop without the GIL.
class Handle {
 public:
  Handle() = default;
  explicit Handle(pybind11::object object)
      : object_(new pybind11::object(std::move(object)), &Drop) {}
  // Needs the GIL.
  const pybind11::object& get() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  static void Drop(pybind11::object* object) {
    if (!Py_IsInitialized()) {
      object->release();  // The interpreter is gone; so is what this pointed to.
    } else {
      pybind11::gil_scoped_acquire gil;
      *object = pybind11::object();
    }
    delete object;
  }
  std::shared_ptr<pybind11::object> object_;
};

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_BINDINGS_H_

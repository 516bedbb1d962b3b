#ifndef GOPT_PYTHON_BINDINGS_SEARCH_H_
#define GOPT_PYTHON_BINDINGS_SEARCH_H_

#include "gopt/solve/search_context.h"

namespace gopt::python {

// gopt.Search: the SearchContext of a solver written in Python, for as long as solve() runs. Every
// method throws FailedPrecondition afterwards. Used by the thread that runs solve().
class Search {
 public:
  explicit Search(SearchContext* context) : context_(context) {}

  // Prices a plan after checking that it is legal; throws InvalidArgument, and SearchExhausted when
  // the budget is spent. Releases the GIL.
  CostReport Evaluate(const Plan& plan, const EvaluateOptions& options);
  bool exhausted();
  SearchContext& context();
  const SolveRequest& request() { return context().request(); }

 private:
  friend class SearchLease;
  SearchContext* context_;
};

// Ends the Search's right to its context.
class SearchLease {
 public:
  explicit SearchLease(Search& search) : search_(search) {}
  ~SearchLease() { search_.context_ = nullptr; }
  SearchLease(const SearchLease&) = delete;
  SearchLease& operator=(const SearchLease&) = delete;

 private:
  Search& search_;
};

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_SEARCH_H_

#ifndef GOPT_BENCHMARKS_COMMAND_LINE_H_
#define GOPT_BENCHMARKS_COMMAND_LINE_H_

namespace gopt {

// Reads the flags of a benchmark program. `--help` prints `usage` and the flags that the program's
// own file defines; an argument that is no flag ends the program with exit code 2.
void ParseCommandLine(int argc, char** argv, const char* usage);

}  // namespace gopt

#endif  // GOPT_BENCHMARKS_COMMAND_LINE_H_

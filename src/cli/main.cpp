#include <string>
#include <vector>

#include "cli/application.hpp"
#include "terminal/console.hpp"

int main(int argc, char** argv) {
  hyprstream::prepare_standard_streams();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(hyprstream::run_application(arguments));
}

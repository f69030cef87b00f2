#include "cli_options/network_flags.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(NetworkFlags, HostNamesAreAsHostHeadersHaveThem) {
  NetworkFlags flags;
  flags.host = "FD00::2";
  flags.insecure = true;
  flags.allowed_hosts = {"fd00::1", "[fd00::3]", "Models.example"};
  const auto policy = flags.policy();
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->allowed_hosts, (std::vector<std::string>{"[fd00::1]", "[fd00::3]", "models.example", "[fd00::2]"}));
}

}  // namespace
}  // namespace hyprstream

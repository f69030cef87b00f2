#include "adapter_files/safetensors.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

using Safetensors = ScratchTest;

std::string with_length(std::uint64_t length, const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data, 'x');
}
std::string file_of(const std::string& header, std::size_t data) { return with_length(header.size(), header, data); }

TEST_F(Safetensors, ReadsWhatItWrites) {
  const std::vector<SafeTensorPlan> plan{{"z", {2, 3}}, {"a", {1}}, {"none", {0, 4}}};
  const auto path = folder_ / "a.safetensors";
  ASSERT_TRUE(write_safetensors(path, plan, [](std::size_t index) {
    return index == 0 ? std::vector<float>{1, 2, 3, 4, 5, 6} : std::vector<float>(index == 1 ? 1 : 0, 7);
  }));
  const auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3U);
  EXPECT_EQ(file->tensors()[0].name, "z");
  EXPECT_EQ(file->tensors()[0].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(file->tensors()[0].float_type(), TensorType::kF32);
  EXPECT_EQ(file->tensors()[0].bytes.size(), 24U);
  float last = 0;
  std::memcpy(&last, file->tensors()[0].bytes.data() + 20, sizeof last);
  EXPECT_EQ(last, 6);
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(file->tensors()[0].bytes.data())) % 8, 0U);
}

TEST_F(Safetensors, ReadsOddOffsetsPaddingAndMetadata) {
  const auto file = SafetensorsFile::open(
      write("a.safetensors",
            file_of(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[3],"data_offsets":[1,7]},)"
                    R"("a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}   )",
                    7)));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->tensors()[0].name, "a");
  EXPECT_FALSE(file->tensors()[0].float_type());
  EXPECT_EQ(file->tensors()[1].bytes.size(), 6U);
}

TEST_F(Safetensors, RefusesWhatIsNotSound) {
  const auto expect_refused = [&](const std::string& bytes, const char* part, ErrorCode code = ErrorCode::kCorrupt) {
    const auto path = write("bad.safetensors", bytes);
    const auto file = SafetensorsFile::open(path);
    ASSERT_FALSE(file) << part;
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_THAT(file.error().message, HasSubstr(part));
    EXPECT_THAT(file.error().message, HasSubstr(path.string()));
  };
  const auto tensor = [](const char* shape, const char* offsets, const char* dtype = "F32") {
    return std::format(R"("t":{{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype, shape, offsets);
  };
  expect_refused("", "0 bytes");
  expect_refused("1234567", "7 bytes");
  expect_refused(with_length(std::uint64_t{1} << 63, "{}", 0), "shall have 9223372036854775808 bytes");
  expect_refused(with_length(std::numeric_limits<std::uint64_t>::max(), "{}", 0), "18446744073709551615");
  expect_refused(with_length(3, "{}", 0), "shall have 3 bytes, and the file has 10");
  expect_refused(file_of(std::string((16 << 20) + 1, ' '), 0), "larger than 16777216");
  expect_refused(file_of("", 0), "not valid JSON");
  expect_refused(file_of("[]", 0), "no JSON object");
  expect_refused(file_of(std::string(100'000, '['), 0), "64 deep");
  expect_refused(file_of(R"({"t":1})", 0), "no object");
  expect_refused(file_of("{" + tensor("[1]", "[0,4]") + "," + tensor("[1]", "[0,4]") + "}", 4), "'t' twice");
  expect_refused(file_of("{" + tensor("[1]", "[0,4]", "F3") + "}", 4), "dtype F3", ErrorCode::kUnsupported);
  expect_refused(file_of("{" + tensor("[-1]", "[0,4]") + "}", 4), "wrong form");
  expect_refused(file_of("{" + tensor("[1.0]", "[0,4]") + "}", 4), "wrong form");
  expect_refused(file_of("{" + tensor("[1]", "[0,4,4]") + "}", 4), "wrong form");
  expect_refused(file_of("{" + tensor("[1,1,1,1,1,1,1,1,1]", "[0,4]") + "}", 4), "9 dimensions");
  expect_refused(file_of("{" + tensor("[2]", "[0,4]") + "}", 4), "not what its shape");
  expect_refused(file_of("{" + tensor("[1]", "[4,0]") + "}", 4), "not what its shape");
  // 2^62 * 4 bytes and 2^33 * 2^33 overflow to something that fits.
  expect_refused(file_of("{" + tensor("[4611686018427387904]", "[0,0]") + "}", 0), "not what its shape");
  expect_refused(file_of("{" + tensor("[8589934592,8589934592]", "[0,0]") + "}", 0), "not what its shape");
  expect_refused(file_of("{" + tensor("[1]", "[4,8]") + "}", 8), "begins at 4");
  expect_refused(file_of("{" + tensor("[2]", "[0,8]") + "}", 4), "ends at 8");
  expect_refused(file_of("{" + tensor("[1]", "[0,4]") + "}", 5), "1 bytes follow");
  expect_refused(file_of("{" + tensor("[2]", "[0,8]") + R"(,"u":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
                 "begins at 4");  // overlap
}

}  // namespace
}  // namespace hyprstream

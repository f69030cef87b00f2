// Any bytes as what a hub answers: lists of files, searches, headers. The first byte says which.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hub/backoff.hpp"
#include "hub/gguf_choice.hpp"
#include "hub/http_transfer.hpp"
#include "hub/link_header.hpp"
#include "hub/names.hpp"
#include "hub/repository_file.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 4) {
    case 0:
      if (const auto files = parse_tree(text)) {
        for (const auto& file : *files)
          require(check_file_path(file.path) && (!file.sha256 || is_blob_name(*file.sha256)));
        for (const auto& variant : group_variants(*files)) require(!variant.files.empty());
        (void)choose_variant(*files, {}, "org/repo");
        (void)choose_variant(*files, "Q8_0", "org/repo");
      }
      break;
    case 1:
      if (const auto found = parse_search(text))
        for (const auto& repository : *found) require(is_repository_name(repository.name));
      break;
    case 2:
      (void)next_page(text);
      (void)parse_retry_after(text, {});
      (void)strip_etag(text);
      (void)quantization_of(text);
      break;
    default: {
      HttpHeaders headers;
      headers.add_line(text);
      if (const auto range = parse_content_range(text))
        require(range->first <= range->last && (!range->total || range->last < *range->total));
    }
  }
  return 0;
}

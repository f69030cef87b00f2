// Where the hub is, who we are to it, and where the cache lies: from the environment variables that
// huggingface_hub has.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "hub/http_transfer.hpp"
#include "hub/http_url.hpp"

namespace hyprstream {

struct HubSettings {
  HttpUrl endpoint;                  // HF_ENDPOINT; without a slash at the end
  std::filesystem::path cache;       // HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub; may not exist
  std::optional<std::string> token;  // HF_TOKEN, else the file HF_TOKEN_PATH, else $HF_HOME/token
  std::string token_source;          // "HF_TOKEN", or the file's path; empty without a token
  bool offline = false;              // HF_HUB_OFFLINE: no request at all
  std::chrono::seconds metadata_timeout{10};  // HF_HUB_ETAG_TIMEOUT
  std::chrono::seconds download_timeout{10};  // HF_HUB_DOWNLOAD_TIMEOUT: without a single byte

  // For requests that are shown the token only at the endpoint.
  HttpSettings http(std::chrono::seconds stall_timeout, std::function<bool()> cancelled) const;
};

// Errors: kInvalidArgument, naming the variable or file that makes no sense; kPermissionDenied or kIo (the token
// file cannot be read).
Result<HubSettings> hub_settings_from_environment();

}  // namespace hyprstream

#include "api/adapter_scales.hpp"

namespace hyprstream {

void AdapterScales::note(const std::vector<std::string>& names) {
  const std::scoped_lock lock(mutex_);
  for (const auto& name : names)
    if (numbers_.try_emplace(name, static_cast<int>(names_.size())).second) names_.push_back(name);
}

std::optional<int> AdapterScales::number(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> AdapterScales::name(int number) const {
  const std::scoped_lock lock(mutex_);
  if (number < 0 || number >= std::ssize(names_)) return std::nullopt;
  return names_[static_cast<std::size_t>(number)];
}

std::vector<std::pair<std::string, float>> AdapterScales::active() const {
  const std::scoped_lock lock(mutex_);
  return {scales_.begin(), scales_.end()};
}

float AdapterScales::scale(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = scales_.find(name);
  return found == scales_.end() ? 0 : found->second;
}

void AdapterScales::set(std::map<std::string, float> scales) {
  std::erase_if(scales, [](const auto& entry) { return entry.second == 0; });
  const std::scoped_lock lock(mutex_);
  scales_ = std::move(scales);
}

void AdapterScales::clear(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  scales_.erase(name);
}

}  // namespace hyprstream

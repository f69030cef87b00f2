// llama-server's view of the adapters: by number, with a scale that holds for requests that name none.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hyprstream {

// A name keeps its number as long as the server runs, even if the adapter goes and comes back. Thread-safe.
class AdapterScales {
 public:
  // Gives a number to each name that has none yet, in this order.
  void note(const std::vector<std::string>& names);

  // From 0; nothing: never noted.
  std::optional<int> number(const std::string& name) const;
  std::optional<std::string> name(int number) const;

  // Those that are not 0.
  std::vector<std::pair<std::string, float>> active() const;
  float scale(const std::string& name) const;  // 0 where none was set
  // Replaces all of them.
  void set(std::map<std::string, float> scales);
  // Forgets the scale of an adapter that is there no more.
  void clear(const std::string& name);

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
  std::map<std::string, int> numbers_;
  std::map<std::string, float> scales_;
};

}  // namespace hyprstream

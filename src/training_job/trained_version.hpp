// A trained adapter's way into the store.
#pragma once

#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "training_job/run_record.hpp"

namespace hyprstream {

// As the next version of the run's name, or the first; lineage names the run, the step and how it was trained. A run
// that was killed and comes by the same step again gets the version that is there.
// Errors: those of AdapterStore::create() and add_version().
Result<StoredVersion> store_trained_version(const AdapterStore& store, const LoraAdapter& adapter,
                                            const TrainingRunRecord& record);

}  // namespace hyprstream

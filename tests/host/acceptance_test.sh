# The acceptance script, as its users call it.
. "$(dirname "$0")/check.sh"
cd / || exit 1
check "scripts/test_quick_start.sh" "$repository/scripts/test_quick_start.sh"
wrong_model() { ! MODEL_PATH=/nowhere.gguf "$repository/scripts/test_quick_start.sh"; }
check "it fails for a model that is not there" wrong_model
finish

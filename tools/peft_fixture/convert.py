"""llama.cpp's converter, as the package has it, on a checkpoint whose tokenizer it does not know."""

import contextlib
import importlib.util
import pathlib
import sys
from unittest import mock

SCRIPT = pathlib.Path("/usr/share/doc/llama.cpp-tools/scripts/convert_hf_to_gguf.py")


def load_script():
    if not SCRIPT.exists():
        sys.exit(f"make_fixture.py: {SCRIPT} is missing; run this in the root of tools/root/packages-bench.txt")
    spec = importlib.util.spec_from_file_location("convert_hf_to_gguf", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def to_gguf(checkpoint, path):
    """Writes the checkpoint as a float32 GGUF."""
    script = load_script()
    from conversion.base import TextModel  # found through the script
    arguments = [SCRIPT.name, str(checkpoint), "--outtype", "f32", "--outfile", str(path), "--model-name",
                 f"{path.parent.name} fixture"]
    with (mock.patch.object(TextModel, "get_vocab_base_pre", lambda self, tokenizer: "gpt-2"),
          mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(sys.stderr)):
        script.main()

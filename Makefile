# `make help` says what there is. Everything is compiled and tested inside the private Debian
# root that tools/root/root.sh prepares; what is built runs from the host's shell.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

ROOT := tools/root/root.sh
IN_ROOT := $(ROOT) exec
# Another root, with PyTorch and Hugging Face's libraries: what hyprstream is compared with.
BENCH_ROOT := HYPRSTREAM_PACKAGES=tools/root/packages-bench.txt $(ROOT)
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

# Those that git tracks or would, but for the ones just deleted.
CPP_FILES := git ls-files -co --exclude-standard '*.cpp' '*.hpp' | while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done

.PHONY: help quick-start test build bench bench-training dist install shell format format-check tidy \
        asan tsan fuzz fuzz-server soak clean root program peft-fixture training-fixture

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quick-start: program ## build the program, then generate text with the bundled model
	@./hyprstream quick-start

test: build ## every test: unit, end-to-end, acceptance, the relocated package
	@$(IN_ROOT) ctest --test-dir build/release --output-on-failure -j $(JOBS)
	@tests/host/run.sh

build: root ## the program, its tests and tools (build/release)
	@$(IN_ROOT) cmake/build.sh release

program: root
	@$(IN_ROOT) cmake/build.sh release program

root:
	@$(ROOT) prepare >/dev/null

bench: build ## interleaved comparisons with llama.cpp's own tools (several minutes)
	@$(IN_ROOT) bench/run.py

bench-training: build ## training against PyTorch, interleaved (about ten minutes)
	@$(BENCH_ROOT) prepare >/dev/null
	@bench/training_bench.sh

dist: program ## dist/hyprstream-<version>-linux-<arch>.tar.gz: runs anywhere, needs nothing
	@$(IN_ROOT) cmake/dist.sh build/release dist

install: dist ## unpack that package below PREFIX (default /usr/local)
	@cmake/install.sh dist "$(PREFIX)"

shell: root ## a shell inside the private root
	@$(IN_ROOT) bash -i

format: root ## format the C++ files in place
	@$(CPP_FILES) | xargs $(IN_ROOT) clang-format -i

format-check: root ## fail if a C++ file is not formatted
	@$(CPP_FILES) | xargs $(IN_ROOT) clang-format --dry-run -Werror

tidy: build ## clang-tidy over src/
	@$(IN_ROOT) bash -c 'find src -name "*.cpp" | xargs -P $(JOBS) -n 4 clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option'

asan: root ## the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(IN_ROOT) cmake/build.sh asan
	@$(IN_ROOT) ctest --test-dir build/asan --output-on-failure -j $(JOBS) -L unit

tsan: root ## the unit tests under ThreadSanitizer
	@$(IN_ROOT) cmake/build.sh tsan
	@$(IN_ROOT) env TSAN_OPTIONS=suppressions=$(CURDIR)/cmake/tsan.supp \
	  ctest --test-dir build/tsan --output-on-failure -j $(JOBS) -L unit

FUZZ_SECONDS ?= 600
fuzz: root ## every fuzzer for FUZZ_SECONDS (default 600)
	@$(IN_ROOT) cmake/build.sh fuzz
	@$(IN_ROOT) fuzz/run.sh build/fuzz $(FUZZ_SECONDS)

fuzz-server: root ## the server under ASan and UBSan against mutated requests for FUZZ_SECONDS
	@$(IN_ROOT) cmake/build.sh asan hyprstream hyprstream_sql
	@$(IN_ROOT) env HYPRSTREAM_BINARY=$(CURDIR)/build/asan/bin/hyprstream HYPRSTREAM_PREFIX=$(CURDIR) \
	    HYPRSTREAM_MODULES=$(CURDIR)/build/asan/lib HYPRSTREAM_FUZZ_SECONDS=$(FUZZ_SECONDS) \
	    python3 -B -m pytest -q -p no:cacheprovider tests/e2e/test_server_fuzz.py

soak: build ## long loops: hostile files, interrupts, kills
	@$(IN_ROOT) env HYPRSTREAM_SOAK=1 ctest --test-dir build/release --output-on-failure -L soak

peft-fixture: ## make tests/data/peft anew: PyTorch's side of the adapter tests
	@$(BENCH_ROOT) prepare >/dev/null
	@$(BENCH_ROOT) exec python3 -B tools/peft_fixture/make_fixture.py tests/data/peft

training-fixture: ## make tests/data/training anew: PyTorch's side of the trainer's test
	@$(BENCH_ROOT) prepare >/dev/null
	@$(BENCH_ROOT) exec python3 -B tools/training_fixture/make_fixture.py tests/data/training

clean: ## remove what was built here (the private root stays)
	@rm -rf build dist

# Every task of this repository; `make` lists them. What is more than a few lines is in scripts/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# A suite that does not end by itself is ended, and has failed.
patience := timeout --kill-after=30s

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## the main job on a bucket made for it: no network, no root, nothing left behind
	@scripts/need cc
	@scripts/demo

.PHONY: demo-boot
demo-boot: ## an image becomes a machine that QEMU boots, and is reset (x86_64 Linux)
	@scripts/need cc qemu-system-x86_64 depmod
	@scripts/need --optional debootstrap
	@scripts/real-bucket
	@scripts/vm-kernel
	@scripts/demo-boot

.PHONY: test
test: ## every test (at most 12 minutes on two cores, from nothing but the toolchain)
	@scripts/need cc cargo-nextest e2fsck xz
	@scripts/need --optional umoci debootstrap qemu-system-x86_64 thin_check dmsetup depmod strip \
	  mkfs.btrfs mkfs.xfs strace lvm
	@scripts/real-bucket
	@scripts/vm-kernel
	$(patience) 9m cargo test --locked --workspace --doc --quiet
	$(patience) 12m cargo nextest run --locked --workspace --no-fail-fast

.PHONY: gate
gate: ## all that must hold before a change lands (at most 30 minutes on two cores)
	@scripts/gate

.PHONY: soak
soak: ## the large counts; prints the lines for docs/evidence.md
	@scripts/need cc c++ cargo-nextest e2fsck python3
	@scripts/need --optional umoci debootstrap lvm
	@scripts/soak

.PHONY: fuzz
fuzz: ## arbitrary bytes, layers, trees and images for a while: FUZZ_SECONDS (60) or FUZZ_RUNS a target
	@scripts/fuzz

.PHONY: bench
bench: ## the benchmarks; the last is of unloading beside its rivals, with the options of BENCH (root)
	@scripts/need cc
	@scripts/need --optional umoci debootstrap igzip qemu-system-x86_64 dmsetup depmod strip
	@scripts/vm-kernel
	cargo bench --locked --workspace
	bench/scan/run
	bench/unload/run $(BENCH)

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: clean-cache
clean-cache: ## remove what the tasks have fetched and made for themselves
	rm -rf .cache

# SPDX-License-Identifier: Apache-2.0
# make run and make test set up everything they need on a fresh Debian 12 machine with a Swift toolchain.

SWIFT ?= swift
# Debian's own, which has Debian's modules.
PYTHON = /usr/bin/python3
# The release build: Swift's runtime linked in, nothing but the executables' own needs left at run time.
RELEASE = --configuration release --static-swift-stdlib $(shell scripts/release-flags)
RELEASE_PATH = .build/release

# Two minutes are enough on a machine that does nothing else.
UNIT_LIMIT = timeout --foreground --kill-after=10 1200

# The fuzzers' own build. Where the tests' own is given (.build), nothing but our rooms is compiled again.
FUZZ_BUILD = .build-fuzz

.PHONY: run build test unit system e2e e2e-deb soak fuzz bench deb deb-reproducible format lint generate check-generated \
	check-dependencies clean

run: build
	build/nodekeep serve

build:
	scripts/install-packages build
	$(SWIFT) build $(RELEASE) --product nodekeep
	$(SWIFT) build $(RELEASE) --product nodekeep-web
	scripts/install-release $(RELEASE_PATH) build

# build/nodekeep_*.deb around the release executables, and Debian's own checks of it.
deb: build
	scripts/install-packages deb
	scripts/man-page-of-configuration --check
	scripts/build-deb build
	scripts/check-deb build/nodekeep_*.deb

# The package of the committed state twice, in two paths: the same bytes. Two builds of everything long.
deb-reproducible:
	scripts/install-packages deb
	scripts/deb-reproducible

test: unit system

unit:
	scripts/install-packages test
	# Not --build-tests, which builds every tool of every package as well, a protobuf compiler in C++ among them.
	$(SWIFT) build --product nodekeepPackageTests
	# One after the other: a thousand tests at once wait for each other's threads, and their deadlines pass meanwhile.
	$(UNIT_LIMIT) $(SWIFT) test --skip-build --no-parallel
	# Once more with a web process that dies at the first call that its filter denies.
	NODEKEEP_WEB_STRICT=1 $(UNIT_LIMIT) $(SWIFT) test --skip-build --no-parallel --filter WebTests

# The built binaries on this machine: real /proc, real mounts, real clients.
system: build
	scripts/install-packages test
	scripts/python-tools
	$(PYTHON) Tests/System/run.py

# The built binaries with a real containerd, runc and CRIU, in a mount namespace (as root).
e2e: build
	scripts/install-packages e2e
	$(PYTHON) Tests/E2E/run.py $(E2E)

# The package in Debian 12 with a real systemd: installed, used, upgraded, removed and purged (as root).
e2e-deb: deb
	scripts/install-packages e2e-deb
	$(PYTHON) Tests/Deb/run.py $(E2E_DEB)

# Good and hostile traffic on all listeners with checkpoints going on, for SOAK_SECONDS (1800), and what is left of it (as root).
soak: build
	scripts/install-packages e2e
	$(PYTHON) Tests/Soak/soak.py

# Every parser of foreign bytes, FUZZ_SECONDS each (600); FUZZ_TARGETS="path tar" runs those.
fuzz:
	scripts/install-packages fuzz
	library=$$(scripts/libfuzzer) && NODEKEEP_FUZZ=$$library $(SWIFT) build --scratch-path $(FUZZ_BUILD) --product nodekeep-fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_TARGETS="$(FUZZ_TARGETS)" $(PYTHON) Fuzz/run.py $(FUZZ_BUILD)/debug/nodekeep-fuzz

bench: build
	scripts/install-packages bench
	$(PYTHON) Benchmarks/bench.py

format:
	$(SWIFT) format format --in-place --parallel --recursive Package.swift Sources Tests Fuzz

lint:
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests Fuzz

# Sources/CRI/Generated from Sources/CRI/Protos.
generate:
	scripts/install-packages generate
	scripts/generate

check-generated:
	scripts/install-packages generate
	scripts/generate --check

# Every package that is built, against the committed list.
check-dependencies:
	scripts/check-dependencies

clean:
	rm -rf .build .build-fuzz build

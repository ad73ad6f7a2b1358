# dev    a running agent: installs what is missing, builds, starts (the default)
# test   everything that has to pass; .ci/run calls it
# check  the quick part of it: form, lints
# bench  figures of the budgets, from the release build
# train  the acoustic model anew, from speech to file: make train DATA=folder WORK=folder (models/train/README.md)
# Variables: CARGO_TARGET_DIR (where cargo builds), CARGO_FLAGS (e.g. --locked), ARGS (for `make dev`)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
TARGET := $(or $(CARGO_TARGET_DIR),target)

# For the C and C++ libraries in the binary; libclang and OpenSSL at build time only.
BUILD_PACKAGES := build-essential cmake pkg-config libclang-dev libssl-dev
# The far ends that the tests call, and the other database.
TEST_PACKAGES := sip-tester baresip-core postgresql

say = @printf '\n==> %s\n' $(1)

.PHONY: dev test check bench train build-packages test-packages cargo
.DEFAULT_GOAL := dev

dev: build-packages cargo
	$(call say,'building the release (some minutes the first time)')
	@cargo build --release $(CARGO_FLAGS)
	@exec "$(TARGET)/release/combinado" dev $(ARGS)

check: cargo
	$(call say,'cargo fmt --check')
	@cargo fmt --check
	$(call say,'cargo clippy (some minutes the first time)')
	@cargo clippy --all-targets $(CARGO_FLAGS) -- -D warnings
	$(call say,'cargo clippy and build without any voice or Whisper')
	@cargo clippy --no-default-features $(CARGO_FLAGS) -- -D warnings
	@cargo build --no-default-features $(CARGO_FLAGS)

test: build-packages test-packages check
	$(call say,'cargo doc')
	@RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items $(CARGO_FLAGS)
	$(call say,'cargo test (some minutes the first time)')
	@mkdir -p "$(TARGET)"
	@cargo test $(CARGO_FLAGS) 2>&1 | tee "$(TARGET)/test.log"
	$(call say,'all of it')
	@grep '^test result' "$(TARGET)/test.log"

bench: build-packages cargo
	$(call say,'building the release (some minutes the first time)')
	@cargo build --release $(CARGO_FLAGS)
	$(call say,'measuring')
	@for calls in 1 20 100; do "$(TARGET)/release/combinado" bench calls --concurrent $$calls $(ARGS); done

train:
	@test -n "$(DATA)" -a -n "$(WORK)" || { echo 'make train DATA=speech-folders WORK=folder-for-8-GB' >&2; exit 2; }
	@models/train/train.sh "$(DATA)" "$(WORK)"

cargo:
	@command -v cargo >/dev/null || { echo 'cargo is missing: install Rust 1.94 or newer from https://rustup.rs' >&2; exit 1; }

build-packages:
	@docker/install-packages $(BUILD_PACKAGES)

test-packages:
	@docker/install-packages $(TEST_PACKAGES)

# Everything a newcomer needs: `make demo`, then `make help`.
# Needs git, make and a Rust toolchain; `deps` installs what else is missing, or says how.

# One shared target folder: RocksDB and librdkafka take minutes to compile, so once is enough.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/omnifold/target

# One profile for everything, for the same reason.
CARGO  ?= cargo
BINARY  = $(CARGO_TARGET_DIR)/release/omnifold

.DEFAULT_GOAL := help
.PHONY: help demo build test bench lint deps deps-test

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Play a day of a made-up retailer through the engine
	bin/omnifold demo

build: deps ## Build the binary, bin/omnifold
	$(CARGO) build --release --locked -p omnifold
	@mkdir -p bin
	@cp -f $(BINARY) bin/omnifold.new && mv -f bin/omnifold.new bin/omnifold
	@echo "bin/omnifold is built; try: bin/omnifold demo"

test: deps-test ## Run every test, those on a real Kafka included
	deploy/kafka/fetch.sh
	OMNIFOLD_REQUIRE_KAFKA=1 $(CARGO) test --release --locked --workspace

bench: build deps-test ## Measure, and write docs/benchmarks.md (takes a while)
	deploy/kafka/fetch.sh
	benches/run.sh

lint: deps ## Check formatting, lints, crate boundaries and house style
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --release --locked -p omnifold --test boundaries --test tidy

deps: ## Install what building needs
	@deploy/deps.sh build

deps-test: ## Install what testing needs besides (a JRE and Maven for Kafka, kcat)
	@deploy/deps.sh test

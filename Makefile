# Everything that a person or a machine runs here. `make` alone lists it.
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help setup fmt lint deny test peers soak fuzz bench bench-long run demo check ci

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## What the tests want besides Rust: Debian packages, a Python environment
	@tests/setup/install.sh

fmt: ## Format the code
	$(CARGO) fmt

lint: ## Formatting and clippy, warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --quiet -- -D warnings

deny: ## Licences, sources and banned crates of the dependencies
	$(CARGO) deny --config .deny.toml --log-level error check bans licenses sources

# One profile only, so that everything is compiled once. The integration tests come last: their line closes the run.
test: setup ## Every test, with the set-up it needs
	$(CARGO) build --quiet
	@tests/peers/run.sh
	$(CARGO) test --quiet --doc
	$(CARGO) test --quiet --lib --bins --test it

peers: setup ## Only the comparisons with other people's programs
	$(CARGO) build --quiet
	@tests/peers/run.sh

soak: setup ## The long ones: 200 kills at random moments, and more of everything random
	GENGFU_KILLS=200 $(CARGO) test --release --test it -- --nocapture --test-threads=1 kill
	PROPTEST_CASES=100000 $(CARGO) test --release --quiet --lib coverage_is_that_of_a_model
	$(CARGO) build --release --quiet
	GENGFU_CRONS=2000 GENGFU_PROGRAM=target/release/gengfu target/peers/bin/python tests/peers/recurrences.py
	GENGFU_PLAN_KILLS=all $(CARGO) test --release --test it -- --nocapture --test-threads=1 plans::
	GENGFU_SEEDS=100 $(CARGO) test --release --quiet --lib survey
	GENGFU_BACKLOG=20000 $(CARGO) test --release --lib --test it -- --nocapture --test-threads=1 a_backlog
	GENGFU_SLOW_RELAY=30 $(CARGO) test --release --test it -- --nocapture a_relay_may_take
	$(CARGO) build --quiet
	GENGFU_AVAILABILITY_MINUTES=60 target/peers/bin/python tests/peers/availability.py
	GENGFU_HISTORIES=100 $(CARGO) test --release --lib -- --nocapture rules_and_daemon_agree
	GENGFU_WEEKS=10000 $(CARGO) test --release --lib -- --nocapture every_mailbox_of_random_weeks
	PROPTEST_CASES=4096 $(CARGO) test --release --quiet --lib

fuzz: ## Coverage-guided fuzzing, FUZZ_SECONDS (600) for each target; then more random cases
	@tests/fuzz/run.sh
	PROPTEST_CASES=20000 $(CARGO) test --quiet --lib --test it

bench: setup ## The figures of docs/benchmarks.md, beside blackbox_exporter's, on this machine
	$(CARGO) bench --bench engine --bench inside
	$(CARGO) bench --bench peers
	$(CARGO) bench --bench daemon

bench-long: setup ## 100 000 probes every minute for five minutes
	GENGFU_BENCH_LONG=1 $(CARGO) bench --bench daemon

run: ## The daemon over the shipped files
	$(CARGO) run --release -- run

demo: ## The daemon, a simulated city that fails on cue, and a mailbox
	$(CARGO) run --release -- demo

check: ## Validate the shipped files
	$(CARGO) run --quiet -- check

ci: ## What CI runs
	.ci/run

.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

help: ## says what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: ## installs what is missing, builds, starts everything on loopback, publishes the samples
	@deploy/dev/run

test: lint .venv/ready ## installs what the tests need, checks the sources, builds, runs all tests
	swift build --build-tests -Xswiftc -warnings-as-errors
	deploy/dev/swift-test --skip-build -Xswiftc -warnings-as-errors
	cd Tests/Acceptance && ../../$(PYTHON) -m pytest -n 2 --dist loadfile

bench: export BENCH_SUMMARY = $(CURDIR)/.build/bench-summary
bench: .build/race-venv/ready ## measures everything beside bare loops in C, nginx, Celery and others, and a large store; ends with a table of ratios; takes most of an hour, on a quiet machine
	@deploy/dev/install-packages test
	swift build -c release --product kentongan
	@rm -f $(BENCH_SUMMARY)
	Tests/Benchmarks/race.py 1000 5
	Tests/Benchmarks/intake.py
	Tests/Benchmarks/engine.py
	swift build -c release --product SMTPBenchmark
	Tests/Benchmarks/mail.py
	swift build -c release --product PostBenchmark
	Tests/Benchmarks/webhooks.py
	Tests/Benchmarks/feeds.py
	Tests/Benchmarks/large.py
	@Tests/Benchmarks/summary.py $(BENCH_SUMMARY)

race: .build/race-venv/ready ## only the first of these, the race: bulletins to webhooks and mails, in turns with workers in asyncio and Celery
	@deploy/dev/install-packages test
	swift build -c release --product kentongan
	Tests/Benchmarks/race.py

large: ## only the last of bench, the large store: start, listings and costs with a million subscriptions; takes a quarter of an hour
	@deploy/dev/install-packages test
	swift build -c release --product kentongan
	Tests/Benchmarks/large.py

lint: ## checks the format, the table of imports and the words of our prose, without a build
	@deploy/dev/lint

golden: .venv/ready ## writes the generated files anew: pages of docs, samples of mails, feeds, help; look at the diff
	swift build --build-tests
	KENTONGAN_TEST_GOLDEN=write swift test --skip-build --filter '(PageTests|CatalogTests|GoldenTests)' > /dev/null
	cd Tests/Acceptance && KENTONGAN_TEST_GOLDEN=write ../../$(PYTHON) -m pytest -q test_help.py
	git status --short

fuzz: ## feeds mutated bodies to the validator for ten minutes
	swift build --product kentongan
	Tests/Fuzz/bodies.py 600

format: ## formats the sources
	swift format --in-place --recursive --parallel Sources Tests Package.swift

packages:
	@deploy/dev/install-packages test

.venv/ready: Tests/Acceptance/requirements.txt | packages
	@echo "== Python packages of the acceptance tests, into .venv"
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	@touch $@

.build/race-venv/ready: Tests/Benchmarks/race/requirements.txt | packages
	@echo "== Python packages of the race, into .build/race-venv"
	python3 -m venv .build/race-venv
	.build/race-venv/bin/pip install --quiet --requirement $<
	@touch $@

.PHONY: help run test lint golden bench race large fuzz format packages

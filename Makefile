# `make book` and `make test` do everything, set-up included. `make help` lists the rest.

PY ?= python3
VENV ?= .venv
PORT ?= 8000
DEVICE ?= cpu
JOBS ?= auto
BIN := $(VENV)/bin

# On Linux, torch comes from PyTorch's own index of CPU builds, which saves gigabytes. For a GPU, type
# `make TORCH_INDEX= book` (the default build, with CUDA) or name another index or a folder of wheels.
ifeq ($(shell uname -s)$(PIP_FIND_LINKS),Linux)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif
INSTALL = -m pip install --quiet -c constraints.txt $(addprefix --extra-index-url ,$(TORCH_INDEX))
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300
TORCH_FILES := functional.py modules.py bench.py benchmark.py recipe.py recipe_*.py training
PARALLEL = --numprocesses $(JOBS) --maxprocesses 8 --dist loadfile

.PHONY: help book book-instructor pdf test test-numpy test-grading bench bench-grading grader test-pages pages-report lab serve notebooks format recheck clean
.DELETE_ON_ERROR:
.SECONDARY:

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

book: $(VENV)/.book  ## build the book into _build/html
	@$(BIN)/python .ci/book.py

test: $(VENV)/.test  ## check style and types, run all tests and notebooks (DEVICE=cuda: twins on a GPU)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/python .ci/vendor.py && $(BIN)/python .ci/editor.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(NBVAL) $(PARALLEL) --device $(DEVICE) $(ARGS)

test-numpy: $(VENV)-numpy/.test-numpy  ## test the half that needs no torch (PY=python3.13: with that Python)
	$(VENV)-numpy/bin/python -m pytest $(addprefix --ignore-glob=*/,$(TORCH_FILES)) $(ARGS)

test-grading: $(VENV)/.test  ## grade the whole class of honest, broken and cheating submissions
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --grading -m grading $(ARGS)

bench: $(VENV)-benchmark/.benchmark  ## time the mechanisms beside libraries, into book/runs/benchmark
	for name in seq2seq spatial_transformer; do \
	$(VENV)-benchmark/bin/python -m attn_course.benchmark $$name --preset book $(ARGS) || exit 1; done

bench-grading: $(VENV)/.grading  ## measure how long grading takes, into book/runs/grading.json
	OMP_NUM_THREADS=1 $(BIN)/python .ci/bench_grading.py

grader: $(VENV)/.grading  ## set up handing out and grading: attn-course new, assign, grade
	@$(BIN)/attn-course doctor

book-instructor: $(VENV)/.book  ## build the book with solutions into _build/instructor/_build/html
	@$(BIN)/python .ci/instructor.py

pdf: book $(VENV)/.pdf  ## print the book into _build/pdf/attention.pdf (needs Chromium)
	@$(BIN)/python .ci/pdf.py

test-pages: book pdf $(VENV)/.test  ## check the built book in Chromium and Firefox, and its print
	$(BIN)/python .ci/browsers.py
	$(BIN)/python -m pytest -m site --site _build/html tests $(ARGS)

pages-report: book $(VENV)/.test  ## print what each page costs: files, bytes, seconds
	@$(BIN)/python .ci/pages_report.py

lab: $(VENV)/.lab  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab --notebook-dir book

serve: book  ## build the book and serve it (PORT=8000)
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

notebooks: $(VENV)/.test  ## run the notebooks and store them in canonical form
	$(BIN)/ruff format book
	$(BIN)/python .ci/notebooks.py

format: $(VENV)/.test  ## put code and notebook cells into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

recheck: $(VENV)/.test  ## recompute the recorded numbers from the full data
	$(BIN)/python -m pytest --recheck -m recheck

clean:  ## remove everything that was built, the environment too
	rm -rf _build $(VENV) $(VENV)-numpy $(VENV)-benchmark .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

# One environment; each file in it, named after an extra of pyproject.toml, says that this extra is in.
$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the packages for 'make $*' into $(VENV) ..."
	@$(BIN)/python $(INSTALL) -e '.[$*]'
	@touch $@

$(VENV)-numpy/.%: pyproject.toml constraints.txt | $(VENV)-numpy/bin/python
	@$(VENV)-numpy/bin/python $(INSTALL) -e '.[$*]'
	@touch $@

$(VENV)-benchmark/.%: pyproject.toml constraints.txt | $(VENV)-benchmark/bin/python
	@$(VENV)-benchmark/bin/python $(INSTALL) -e '.[$*]'
	@$(VENV)-benchmark/bin/python $(INSTALL) --no-deps yoyodyne  # one file of it is used, and needs torch alone
	@touch $@

%/bin/python:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	"Python 3.11 or newer is needed; '$(PY)' is $$($(PY) --version 2>&1). Name another: make PY=python3.12"; exit 1; }
	@$(PY) -m venv $* || { rm -rf $*; echo \
	"No environment could be made. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

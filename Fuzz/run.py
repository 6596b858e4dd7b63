# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzzers and prints a closing line with the counts. usage: run.py BINARY

FUZZ_SECONDS    how long each target runs (600)
FUZZ_TARGETS    the names of those that are wanted; all without it
FUZZ_JOBS       how many run at once; as many as there are processors without it

What a run has found stays below build/fuzz: corpus/TARGET is what the next run goes on with, crashes/TARGET holds each
input that something was wrong with, logs/TARGET is what the fuzzer has said.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "build" / "fuzz"

# Above these an input is a defect: seconds for one input, megabytes in all, megabytes in one piece.
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=1024"]
# Any fuzzer that works does far more, on any machine that builds this.
MINIMUM_PER_SECOND = 20
MINIMUM_COVERAGE = 50

# What planted defects must be reported as.
PLANTED = {
    "planted-trap": r"deadly signal",
    "planted-hang": r"libFuzzer: timeout",
    "planted-memory": r"libFuzzer: out-of-memory",
    "planted-overrun": r"AddressSanitizer: heap-buffer-overflow",
}


def environment(target):
    # A trap is libFuzzer's to see, not that of Swift's own crash handler. Leaks are not looked for: what is made once
    # and kept would count as one.
    return dict(os.environ, FUZZ_TARGET=target, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=0")


def run(command, target, seconds, log):
    """The exit code, or None where it did not end by itself."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, env=environment(target), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None


def find_planted(binary, target):
    """Why a planted defect was not found; None: it was."""
    with tempfile.TemporaryDirectory() as directory:
        log = f"{directory}/log"
        command = [binary, "-max_total_time=60", "-timeout=2", *LIMITS[1:], "-max_len=64", "-seed=1",
                   f"-artifact_prefix={directory}/"]
        code = run(command, target, 120, log)
        text = pathlib.Path(log).read_text(errors="replace")
        if code == 0 or code is None:
            return f"{target}: not found: {text[-2000:]}"
        if not re.search(PLANTED[target], text):
            return f"{target}: not reported as {PLANTED[target]!r}: {text[-2000:]}"
    return None


def fuzz(binary, target, maximum_length, seconds):
    """One target: its line for the table, and whether all was well."""
    seeds = HERE / "Corpus" / target
    corpus, crashes, logs = OUT / "corpus" / target, OUT / "crashes" / target, OUT / "logs"
    for directory in (corpus, crashes, logs):
        directory.mkdir(parents=True, exist_ok=True)
    count = sum(1 for _ in seeds.iterdir()) if seeds.is_dir() else 0
    if count == 0:
        return f"{target}: failed: {seeds.relative_to(HERE.parent)} holds no seed", False
    before = set(crashes.iterdir())
    log = logs / target
    command = [binary, f"-max_total_time={seconds}", *LIMITS, f"-max_len={maximum_length}", "-print_final_stats=1",
               "-use_value_profile=1", f"-artifact_prefix={crashes}/"]
    dictionary = HERE / "Dictionaries" / f"{target}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    started = time.monotonic()
    # It looks at the clock between inputs, and a minute is enough for the slowest of them.
    code = run([*command, str(corpus), str(seeds)], target, seconds + 120, log)
    took = time.monotonic() - started
    text = log.read_text(errors="replace")
    found = sorted(set(crashes.iterdir()) - before)

    executed = int((re.findall(r"stat::number_of_executed_units:\s+(\d+)", text) or [0])[-1])
    rate = int((re.findall(r"stat::average_exec_per_sec:\s+(\d+)", text) or [0])[-1])
    memory = int((re.findall(r"stat::peak_rss_mb:\s+(\d+)", text) or [0])[-1])
    coverage, features = (int(n) for n in (re.findall(r"cov: (\d+) ft: (\d+)", text) or [(0, 0)])[-1])
    figures = f"{executed} runs, {rate}/s, coverage {coverage}, features {features}, {memory} MB"
    if code != 0 or found:
        what = re.findall(r"^(?:does not hold: .*|.*Fatal error: .*|==\d+==\s?ERROR: .*|SUMMARY: .*)$", text, re.M)
        reason = "it did not end" if code is None else "; ".join(what[:3]) or f"it ended with {code}: {text[-500:]}"
        files = ", ".join(str(path.relative_to(HERE.parent)) for path in found)
        return f"{target}: failed: {reason} ({files or 'no input was kept'}); {figures}", False
    # A fuzzer that does nothing finds nothing.
    if executed < max(count, MINIMUM_PER_SECOND * seconds) or took < seconds * 0.9:
        return f"{target}: failed: too little was done in {took:.0f} s: {figures}", False
    if coverage < MINIMUM_COVERAGE:
        return f"{target}: failed: nearly nothing was reached: {figures}", False
    return f"{target}: passed: {figures}", True


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    seconds = int(os.environ.get("FUZZ_SECONDS") or 600)
    jobs = int(os.environ.get("FUZZ_JOBS") or os.cpu_count() or 1)
    lines = subprocess.run([binary, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    targets = {name: int(length) for name, length in (line.split() for line in lines)}
    wanted = (os.environ.get("FUZZ_TARGETS") or " ".join(targets)).replace(",", " ").split()
    unknown = [name for name in wanted if name not in targets]
    if unknown:
        sys.exit(f"no targets: {' '.join(unknown)}; there are {' '.join(targets)}")
    failures = [f"Fuzz/{path.relative_to(HERE)}: there is no such target"
                for kind in ("Corpus", "Dictionaries") for path in sorted((HERE / kind).iterdir())
                if path.stem not in targets]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        failures += [reason for reason in pool.map(lambda name: find_planted(binary, name), PLANTED) if reason]
        for reason in failures:
            print(f"fuzz: {reason}", flush=True)
        if failures:
            sys.exit(f"fuzz: 0 targets, {len(failures)} failed")
        running = [pool.submit(fuzz, binary, name, targets[name], seconds) for name in wanted]
        failed = 0
        for future in concurrent.futures.as_completed(running):
            line, is_good = future.result()
            failed += not is_good
            print(f"fuzz: {line}", flush=True)
    print(f"fuzz: {len(wanted)} targets, {failed} failed")
    sys.exit(0 if failed == 0 and wanted else 1)


if __name__ == "__main__":
    main()

#!/bin/sh
# Builds every fuzz target on the stable toolchain and runs each for FUZZ_SECONDS (600) seconds of CPU, two at a time.
# What is found lands in target/fuzz/artifacts, new inputs in target/fuzz/corpus; what is kept for all lies in the corpus
# here.
#
#   tests/fuzz/run.sh [target …]        FUZZ_SECONDS=60 tests/fuzz/run.sh files
#
# The flags are those of coverage-guided fuzzing without a sanitizer: safe Rust has no use for one.
set -eu
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-600}
out=$(cd ../.. && pwd)/target/fuzz
flags="--cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table
-C llvm-args=-sanitizer-coverage-trace-compares -C codegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
# With a target named, build scripts and macros are built without the flags.
RUSTFLAGS=$(printf '%s' "$flags" | tr '\n' ' ') CARGO_TARGET_DIR=$out cargo build --release --quiet --bins --target "$host"
targets=${*:-$(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' Cargo.toml)}

run() {
    mkdir -p "corpus/$1" "$out/corpus/$1" "$out/artifacts/$1" "$out/logs"
    # New finds go to the first folder; `-set_cover_merge=1` brings few that reach all
    # of their code over to an empty one.
    "$out/$host/release/$1" "$out/corpus/$1" "corpus/$1" -timeout=60 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$out/artifacts/$1/" >"$out/logs/$1.log" 2>&1 &
    pid=$!
    # A busy machine makes the clock run ahead of the work, so the work is what is counted.
    while spent=$(used "$pid") && [ "$spent" -lt "$seconds" ]; do sleep 5; done
    kill -INT "$pid" 2>/dev/null || true
    # 72 is how libFuzzer says that it was interrupted.
    wait "$pid" || [ $? -eq 72 ]
}

# Seconds of CPU that a process used; false once it has ended.
used() {
    awk -v hz="$(getconf CLK_TCK)" '{ if ($3 == "Z") exit 1; sub(/.*\) /, ""); print int(($12 + $13) / hz) }' "/proc/$1/stat" 2>/dev/null
}

failed=""
running=""
for target in $targets; do
    run "$target" &
    running="$running $!:$target"
    # shellcheck disable=SC2086 # counted as words
    set -- $running
    if [ $# -ge 2 ]; then
        wait "${1%%:*}" || failed="$failed ${1#*:}"
        running=${running#*" $1"}
    fi
done
for pair in $running; do wait "${pair%%:*}" || failed="$failed ${pair#*:}"; done

for target in $targets; do
    log=$out/logs/$target.log
    stats=$(sed -n 's/^stat::\([a-z_]*\): *\([0-9]*\)/\1 \2/p' "$log" | tr '\n' ',')
    cov=$(grep -o 'cov: [0-9]*' "$log" | sed -n '1p;$p' | tr '\n' ' ')
    echo "fuzz: $target for $seconds s: first and last $cov $stats"
done
if [ -n "$failed" ]; then
    echo "fuzz: these found something, see $out/artifacts and $out/logs:$failed" >&2
    exit 1
fi

#!/bin/sh
# run_fuzzers.sh SOURCE FOLDER SECONDS: builds the fuzzers in FOLDER and runs each for its part of
# SECONDS, from its corpus on. Exit code: 0 nothing was found, 77 they cannot be built here.
set -eu
source=$1
folder=$2
seconds=$3
memory_mb=512
timeout_s=25 # of one input: 65,536 machines take their time, and the computer has other work

mkdir -p "$folder"
cd "$folder"
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n);
int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return (void)d, (int)n * 0; }' >probe.c
if ! clang -fsanitize=fuzzer,address,undefined probe.c -o probe 2>/dev/null; then
  echo "skipped: clang with libFuzzer is missing (Debian: clang, libclang-rt-14-dev)"
  exit 77
fi

{
  cmake -S "$source" -B build -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS_DEBUG='-O1 -g' -DKPU_SANITIZE=address,undefined -DKPU_FUZZ=ON &&
    cmake --build build --target fuzzers
} >build.log 2>&1 || { tail -n 40 build.log; exit 1; }

export ASAN_OPTIONS=allocator_may_return_null=1
set -- build/tests/fuzz/fuzzer_*
each=$((seconds / $#))
failed=0
for fuzzer; do
  name=${fuzzer##*/fuzzer_}
  corpus=$source/tests/fuzz/corpus/$name
  mkdir -p "new/$name" "found/$name"
  if nice "$fuzzer" -max_total_time=$each -rss_limit_mb=$memory_mb -timeout=$timeout_s \
    -max_len=70000 -print_final_stats=1 -artifact_prefix="found/$name/" "new/$name" "$corpus" \
    >"$name.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log")
    echo "$name: $runs inputs in $each s, nothing found"
  else
    failed=1
    grep -a -m 3 'ERROR\|SUMMARY' "$name.log" || tail -n 5 "$name.log"
    echo "$name: found in $folder/found/$name; keep it in $corpus once it is mended:"
    for file in "found/$name"/*; do base64 "$file" | head -c 4000; done
  fi
done
exit $failed

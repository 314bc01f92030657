#!/usr/bin/env bash
# Distils a voice on a machine with a GPU that has python3 with torch, numpy, scipy, onnx and
# safetensors, and reaches nothing else. Written by `silverline train distil --pack`.
#   run.sh prepare   copies the kit to $WORK and begins to make the teacher's speech
#   run.sh           the same where it was not done, then trains for SECONDS_BUDGET
# Results go to $OUT/jets: the voice in pieces of 15 MB, log, card, samples. It ends in time, and
# on SIGTERM with what it has.
set -u
BEGAN=$(date +%s)
HERE="$(cd "$(dirname "$0")" && pwd)"
WORK="${WORK:-/tmp/jets_work}"
BUDGET="${SECONDS_BUDGET:-560}"
PYTHON="${PYTHON:-python3}"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" PYTHONPATH="$WORK/code"
mkdir -p "$WORK/kokoro"

collect() {
  if [ "$HERE" != "$WORK" ]; then
    cp -r "$HERE"/* "$WORK/" || return 1
  fi
  if [ ! -s "$WORK/kokoro/kokoro.onnx" ]; then
    cat "$WORK"/kokoro.part.* > "$WORK/kokoro/unchecked" || return 1
    (cd "$WORK/kokoro" && sha256sum -c "$WORK/kokoro.sha256") || return 1
    mv "$WORK/kokoro/unchecked" "$WORK/kokoro/kokoro.onnx"
  fi
  [ -s "$WORK/lines.json" ] || xz -dk "$WORK/lines.json.xz" 2>/dev/null ||
    "$PYTHON" -c "import lzma, sys; open(sys.argv[2], 'wb').write(lzma.open(sys.argv[1]).read())" \
      "$WORK/lines.json.xz" "$WORK/lines.json"
}

speak() {
  [ -e "$WORK/speech.pid" ] && return 0
  cd "$WORK" || return 1
  setsid nohup "$PYTHON" -m media.train.distil_run speech --kokoro "$WORK/kokoro/kokoro.onnx" \
    --style "$WORK/style.npy" --lines "$WORK/lines.json" --folder "$WORK/speech" \
    --hours "${HOURS:-8}" --workers "${WORKERS:-11}" --device "${DEVICE:-cuda}" ${SPEECH:-} \
    > "$WORK/speech.log" 2>&1 < /dev/null &
  echo $! > "$WORK/speech.pid"
}

student() {
  left=$((BUDGET - ($(date +%s) - BEGAN) - 20))
  "$PYTHON" -m media.train.distil_run student --folder "$WORK/speech" --out "$WORK/run" \
    --lines "$WORK/lines.json" --seconds "$left" --device "${DEVICE:-cuda}" ${STUDENT:-} "$@" &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null' TERM INT
  while kill -0 "$child" 2>/dev/null; do wait "$child"; status=$?; done
  return $status
}

collect || { echo "the kit is not complete"; exit 1; }
speak
if [ "${1:-}" = prepare ]; then
  echo "the teacher speaks"
  exit 0
fi
cd "$WORK" || exit 1
student
code=$?
if [ $code -ne 0 ] && [ $((BUDGET - ($(date +%s) - BEGAN))) -gt 90 ]; then
  echo "once more, without CUDA graphs"
  student --eager
  code=$?
fi
cat "$WORK/speech.log"
kill "$(cat "$WORK/speech.pid")" 2>/dev/null
RESULT="${OUT:-$WORK/out}/jets"
mkdir -p "$RESULT"
split -b 15000000 -d "$WORK/run/voice/model.safetensors" "$RESULT/model.safetensors."
cp "$WORK/run/voice/config.yaml" "$WORK/run/card.json" "$WORK/run/log.jsonl" "$RESULT/"
cp "$WORK/run/samples/teacher-student.wav" "$RESULT/"
ls -l "$RESULT"
exit $code

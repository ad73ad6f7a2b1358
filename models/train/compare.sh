#!/bin/sh
# The figures of ../CARD.md for each model: ./compare.sh WORK_DIR MODEL.bin ...
set -eu
work=$1
shift
here=$(dirname "$0")
for model; do
    echo "# $model"
    "${PYTHON:-python3}" "$here/phones.py" "$model" "$work/astdev.clean" "$work/astdev.tel" "$work/letdev.clean" "$work/letdev.tel"
    "${PYTHON:-python3}" "$here/evaluate.py" "$model" "$work/held/manifest.jsonl"
done

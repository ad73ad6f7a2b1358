#!/bin/sh
# From the speech folders to a model file: ./train.sh DATA_DIR WORK_DIR
#
# DATA_DIR  holds asterisksounds/ and leticia/ (data.sha256), WORK_DIR takes about 8 GB of intermediate files.
# MINUTES   of training (default 35), THREADS (default: all cores), PYTHON (default python3).
# MORPH     1: also both voices with pitch, formants and tempo moved apart, and joined words (../ABLATIONS.md).
# INIT      weights to start from: a .pt or a model file (default: DATA_DIR/prototype/first_model.pt where it stands,
#           else ../acoustic.bin); "scratch" for none, then use 90 minutes or more and LR=2e-3.
set -eu
[ $# -eq 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
data=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
cd "$(dirname "$0")"
python=${PYTHON:-python3}
threads=${THREADS:-$(nproc)}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

init=${INIT:-$data/prototype/first_model.pt}
[ -n "${INIT:-}" ] || [ -e "$init" ] || init=../acoustic.bin
start="--init $init --lr ${LR:-1e-3}"
[ "$init" != scratch ] || start="--lr ${LR:-2e-3}"

(cd "$data" && grep -v prototype/ | sha256sum --quiet -c -) < data.sha256

# The human voice in four warped copies, the synthetic voice in one, formant voices as about a sixth of the whole.
"$python" unpack.py "$data/asterisksounds" "$work/ast" --split train --warp --copies 4 --seed 1
"$python" unpack.py "$data/leticia" "$work/let" --split train --warp --seed 2
"$python" unpack.py "$data/asterisksounds" "$work/astdev" --split dev
"$python" unpack.py "$data/leticia" "$work/letdev" --split dev
"$python" synth.py "$work/esp" 6500 11
"$python" synth.py "$work/esp2" 4000 12
"$python" heldout.py "$work/held" --each 20

if [ "${MORPH:-0}" = 1 ]; then
    "$python" morph.py "$data/asterisksounds" "$work/astm" --copies 6 --short 6 --joined 2500 --seed 31
    "$python" morph.py "$data/leticia" "$work/letm" --joined 2500 --seed 32
    "$python" prep.py "$work/tr3" 41 "$work/astm" "$work/letm"
fi

"$python" prep.py "$work/letdev.clean" 1 "$work/letdev" --clean
"$python" prep.py "$work/astdev.clean" 1 "$work/astdev" --clean
"$python" prep.py "$work/letdev.tel" 21 "$work/letdev"
"$python" prep.py "$work/astdev.tel" 22 "$work/astdev" --copies 4
"$python" prep.py "$work/tr1" 11 "$work/ast" "$work/let" "$work/esp"
"$python" prep.py "$work/tr2" 12 "$work/ast" "$work/esp2"

# shellcheck disable=SC2086 # start is several words
"$python" train.py "$work/acoustic.pt" "${MINUTES:-35}" "$work/tr*" $start --bf16 --threads "$threads" \
    --dev "$work/letdev.tel" "$work/astdev.tel"
"$python" export.py "$work/acoustic.pt" "$work/acoustic.bin"
./compare.sh "$work" ../acoustic.bin "$work/acoustic.bin"

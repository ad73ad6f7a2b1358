"""The golden example anew for a model: features, log-probabilities and the decoded date of FOLDER/golden.wav.

usage: golden.py MODEL.bin FOLDER
"""
import json
import os
import sys

import numpy as np

import feats
import grammar
import grammars_pt
import infer
from measure import greedy

TEXT, GRAMMAR = "dia dois de abril", "date"


def rounded(row):
    return [round(float(v), 5) for v in row]


def main():
    model, folder = infer.Model(sys.argv[1]), sys.argv[2]
    x = infer.read_wav(os.path.join(folder, "golden.wav"))
    f = feats.features(x)
    lp = model.log_probs(f).astype(np.float32)
    arrays = {"features": f, "log_probs": lp}
    for name, a in arrays.items():
        np.ascontiguousarray(a, "<f4").tofile(os.path.join(folder, name + ".bin"))
    discounted = lp.copy()
    discounted[:, 0] -= model.blank_discount
    score, words, tags = grammar.Graph(grammars_pt.D, GRAMMAR).decode(discounted)
    golden = dict(
        wav="golden.wav",
        text=TEXT,
        samples=len(x),
        feature_frames=len(f),
        mel=f.shape[1],
        output_frames=len(lp),
        outputs=lp.shape[1],
        tolerance=0.001,
        greedy_phones=greedy(lp.argmax(1).tolist()),
        grammar=f"{GRAMMAR} (train/grammars_pt.py)",
        blank_discount=model.blank_discount,
        viterbi_score=round(score, 4),
        filler_score=round(grammar.filler_score(discounted), 4),
        words=words,
        value=grammars_pt.value(tags),
        features_frame_60=rounded(f[60]),
        log_probs_frame_20=rounded(lp[20]),
        features_mean=round(float(f.mean()), 6),
        log_probs_mean=round(float(lp.mean()), 6),
        arrays={k: dict(file=k + ".bin", dtype="f32le", shape=list(a.shape)) for k, a in arrays.items()},
    )
    body = ",\n".join(f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in golden.items())
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as out:
        out.write("{\n" + body + "\n}\n")


if __name__ == "__main__":
    main()

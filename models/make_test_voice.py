#!/usr/bin/env python3
"""Makes tests/data/voice.onnx and its .json: a Piper voice of 2 kB that hums, to test the engine with.

    pip install onnx && python3 models/make_test_voice.py

The graph has the signature of Piper's voices: input int64 [batch, phonemes], input_lengths int64 [batch], scales float [3]
(noise, length, noise of durations) → output float [batch, 1, 1, samples]. Each phoneme sounds for 0.05 s × length at a
pitch of its own.
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
RATE = 22_050
SYMBOLS = "_^$ !',-.:;?abcdefghijklmnopqrstuvwxyzæðŋɐɔəɛɡɪɲɾʁʃʊʌʎʒˈˌː\u0303"


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def main():
    ids = {symbol: [number] for number, symbol in enumerate(SYMBOLS)}
    pitches = np.asarray([0.0] * 3 + [120.0 + 6.0 * n for n in range(3, len(SYMBOLS))], dtype=np.float32)
    nodes = [
        # The length of each phoneme in samples, and of the whole.
        helper.make_node("Gather", ["scales", "one"], ["length"], axis=0),
        helper.make_node("Mul", ["length", "phoneme_samples"], ["each_float"]),
        helper.make_node("Cast", ["each_float"], ["each"], to=TensorProto.INT64),
        helper.make_node("Gather", ["input_lengths", "zero"], ["phonemes"], axis=0),
        helper.make_node("Mul", ["phonemes", "each"], ["samples"]),
        helper.make_node("Range", ["zero", "samples", "one"], ["time"]),
        # Which phoneme sounds at each sample, and its pitch.
        helper.make_node("Div", ["time", "each"], ["place"]),
        helper.make_node("Gather", ["input", "zero"], ["row"], axis=0),
        helper.make_node("Gather", ["row", "place"], ["ids"], axis=0),
        helper.make_node("Gather", ["pitches", "ids"], ["hertz"], axis=0),
        helper.make_node("Cast", ["time"], ["seconds"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["seconds", "step"], ["turns"]),
        helper.make_node("Mul", ["turns", "hertz"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["wave"]),
        helper.make_node("Mul", ["wave", "loudness"], ["quiet"]),
        helper.make_node("Reshape", ["quiet", "shape"], ["output"]),
    ]
    constants = [
        constant("zero", np.int64(0)),
        constant("one", np.int64(1)),
        constant("phoneme_samples", np.float32(RATE * 0.05)),
        constant("pitches", pitches),
        constant("step", np.float32(2 * np.pi / RATE)),
        constant("loudness", np.float32(0.3)),
        constant("shape", np.asarray([1, 1, 1, -1], dtype=np.int64)),
    ]
    graph = helper.make_graph(
        nodes,
        "test-voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, 1, "samples"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "voice.onnx").write_bytes(model.SerializeToString())
    config = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": "pt-br"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "num_speakers": 1,
        "speaker_id_map": {},
        "phoneme_id_map": ids,
    }
    (TARGET / "voice.onnx.json").write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()

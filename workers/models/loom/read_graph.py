"""A model as its exported files hold it, ready to compute with: what is measured is what the app loads."""
import json
import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from model import COMMON, Decoder


def read_graph(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as handle:
        config = json.load(handle)
    shape = {**COMMON, "width": config["hidden_size"], "layers": config["num_hidden_layers"], "heads": config["num_attention_heads"],
             "hidden": config["intermediate_size"], "vocab": config["vocab_size"]}
    graph = onnx.load(os.path.join(folder, "onnx", "model.onnx")).graph
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}

    def linear(tag):
        """The matrix [outputs, inputs], multiplied out as in the graph where it is quantised."""
        if f"{tag}.weight" in constants:
            return constants[f"{tag}.weight"].T
        scaled = constants[f"{tag}.values"].astype(np.float32) * constants[f"{tag}.scales"]
        return scaled.reshape(constants[f"{tag}.shape"]).T

    weights = {"embed.weight": constants["embed"], "norm.weight": constants["final.weight"]}
    for index in range(shape["layers"]):
        tag, name = f"layer{index}", f"blocks.{index}"
        for part in ("norm1", "norm2"):
            weights[f"{name}.{part}.weight"] = constants[f"{tag}.{part}.weight"]
        weights[f"{name}.qkv.weight"] = np.concatenate([linear(f"{tag}.{part}") for part in ("q", "k", "v")])
        weights[f"{name}.gate_up.weight"] = np.concatenate([linear(f"{tag}.{part}") for part in ("gate", "up")])
        for part in ("o", "down"):
            weights[f"{name}.{part}.weight"] = linear(f"{tag}.{part}")
    net = Decoder(shape)
    net.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})
    return net.eval()

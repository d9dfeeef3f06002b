"""Write a trained Spark as the files that the app loads: ONNX graph, tokenizer, configuration and hashes."""
import argparse
import hashlib
import json
import math
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from model import rope_tables
from spark_text import END, HERE, MAX_QUESTION_CHARS, PAD, REFUSAL, SPARK, USER, Tokenizer, opening

parser = argparse.ArgumentParser()
parser.add_argument("--build", default=os.path.join(HERE, "build"))
parser.add_argument("--out", default=os.path.join(HERE, "..", "..", "..", "static", "models", "spark"))
parser.add_argument("--min-probability", type=float, default=0.4)
parser.add_argument("--right", type=int, default=0, help="held-out questions answered with the right answer, of 100")
parser.add_argument("--refused", type=int, default=0, help="held-out foreign questions refused")
parser.add_argument("--foreign", type=int, default=50, help="held-out foreign questions that were counted")
args = parser.parse_args()

saved = torch.load(os.path.join(args.build, "spark.pt"), map_location="cpu")
shape, weights = saved["shape"], {name: value.numpy().astype(np.float32) for name, value in saved["weights"].items()}
with open(os.path.join(args.build, "tokenizer.json"), encoding="utf-8") as handle:
    document = json.load(handle)
tokenizer = Tokenizer(document)
width, heads, layers, hidden = shape["width"], shape["heads"], shape["layers"], shape["hidden"]
size = width // heads

nodes, constants = [], []


def constant(name, value, kind=None):
    constants.append(numpy_helper.from_array(np.ascontiguousarray(np.array(value, dtype=kind)), name))
    return name


def op(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output] if isinstance(output, str) else output, name=f"n{len(nodes)}", **attributes))
    return output


constant("zero", [0], np.int64)
constant("one", [1], np.int64)
constant("axis_last", [-1], np.int64)
constant("half", [size // 2], np.int64)
constant("size", [size], np.int64)
constant("split_heads", [0, 0, heads, size], np.int64)
constant("join_heads", [0, 0, width], np.int64)
constant("eps", shape["eps"], np.float32)
constant("scale", 1 / math.sqrt(size), np.float32)
constant("hide", -1e9, np.float32)
constant("visible", 0.0, np.float32)
constant("one_scalar", 1, np.int64)
constant("zero_scalar", 0, np.int64)
cos, sin = rope_tables(shape)
constant("cos_table", cos.numpy(), np.float32)
constant("sin_table", sin.numpy(), np.float32)
embed = constant("embed", weights["embed.weight"])


def norm(x, weight, tag):
    op("Mul", [x, x], f"{tag}.square")
    op("ReduceMean", [f"{tag}.square"], f"{tag}.mean", axes=[-1], keepdims=1)
    op("Add", [f"{tag}.mean", "eps"], f"{tag}.shifted")
    op("Sqrt", [f"{tag}.shifted"], f"{tag}.root")
    op("Div", [x, f"{tag}.root"], f"{tag}.scaled")
    return op("Mul", [f"{tag}.scaled", constant(f"{tag}.weight", weight)], f"{tag}.out")


def linear(x, weight, tag):
    return op("MatMul", [x, constant(f"{tag}.weight", weight.T)], f"{tag}.out")


def turn(x, tag):
    """Rotary position, with the two halves of a head as pairs."""
    op("Slice", [x, "zero", "half", "axis_last"], f"{tag}.low")
    op("Slice", [x, "half", "size", "axis_last"], f"{tag}.high")
    op("Neg", [f"{tag}.high"], f"{tag}.negative")
    op("Concat", [f"{tag}.negative", f"{tag}.low"], f"{tag}.turned", axis=-1)
    op("Mul", [x, "cos"], f"{tag}.a")
    op("Mul", [f"{tag}.turned", "sin"], f"{tag}.b")
    return op("Add", [f"{tag}.a", f"{tag}.b"], f"{tag}.out")


# Positions and the mask: a token sees itself and what came before it, where the attention mask allows it.
op("Gather", ["cos_table", "position_ids"], "cos3", axis=0)
op("Gather", ["sin_table", "position_ids"], "sin3", axis=0)
op("Unsqueeze", ["cos3", "one"], "cos")
op("Unsqueeze", ["sin3", "one"], "sin")
op("Shape", ["attention_mask"], "mask_shape")
op("Gather", ["mask_shape", "one_scalar"], "total", axis=0)
op("Shape", ["input_ids"], "ids_shape")
op("Gather", ["ids_shape", "one_scalar"], "length", axis=0)
op("Sub", ["total", "length"], "past")
op("Range", ["zero_scalar", "total", "one_scalar"], "key_index")
op("Range", ["past", "total", "one_scalar"], "query_index")
op("Unsqueeze", ["query_index", "one"], "query_column")
op("LessOrEqual", ["key_index", "query_column"], "causal")
op("Cast", ["attention_mask"], "mask_bool", to=TensorProto.BOOL)
constant("mask_axes", [1, 2], np.int64)
op("Unsqueeze", ["mask_bool", "mask_axes"], "mask4")
op("And", ["causal", "mask4"], "allowed")
op("Where", ["allowed", "visible", "hide"], "bias")

x = op("Gather", [embed, "input_ids"], "embedded", axis=0)
for index in range(layers):
    tag, source = f"layer{index}", f"blocks.{index}."
    y = norm(x, weights[source + "norm1.weight"], f"{tag}.norm1")
    rows = np.split(weights[source + "qkv.weight"], 3, axis=0)
    parts = {}
    for name, weight in zip(("q", "k", "v"), rows):
        flat = linear(y, weight, f"{tag}.{name}")
        op("Reshape", [flat, "split_heads"], f"{tag}.{name}.split")
        parts[name] = op("Transpose", [f"{tag}.{name}.split"], f"{tag}.{name}.heads", perm=[0, 2, 1, 3])
    q, k = turn(parts["q"], f"{tag}.qr"), turn(parts["k"], f"{tag}.kr")
    key = op("Concat", [f"past_key_values.{index}.key", k], f"present.{index}.key", axis=2)
    value = op("Concat", [f"past_key_values.{index}.value", parts["v"]], f"present.{index}.value", axis=2)
    op("Transpose", [key], f"{tag}.key.turned", perm=[0, 1, 3, 2])
    op("MatMul", [q, f"{tag}.key.turned"], f"{tag}.raw")
    op("Mul", [f"{tag}.raw", "scale"], f"{tag}.scores")
    op("Add", [f"{tag}.scores", "bias"], f"{tag}.masked")
    op("Softmax", [f"{tag}.masked"], f"{tag}.weights", axis=-1)
    op("MatMul", [f"{tag}.weights", value], f"{tag}.mixed")
    op("Transpose", [f"{tag}.mixed"], f"{tag}.back", perm=[0, 2, 1, 3])
    op("Reshape", [f"{tag}.back", "join_heads"], f"{tag}.joined")
    x = op("Add", [x, linear(f"{tag}.joined", weights[source + "o.weight"], f"{tag}.o")], f"{tag}.attended")
    y = norm(x, weights[source + "norm2.weight"], f"{tag}.norm2")
    gate_weight, up_weight = np.split(weights[source + "gate_up.weight"], 2, axis=0)
    gate, up = linear(y, gate_weight, f"{tag}.gate"), linear(y, up_weight, f"{tag}.up")
    op("Sigmoid", [gate], f"{tag}.sigmoid")
    op("Mul", [gate, f"{tag}.sigmoid"], f"{tag}.silu")
    op("Mul", [f"{tag}.silu", up], f"{tag}.product")
    x = op("Add", [x, linear(f"{tag}.product", weights[source + "down.weight"], f"{tag}.down")], f"{tag}.out")
x = norm(x, weights["norm.weight"], "final")
op("Transpose", [embed], "embed.turned", perm=[1, 0])
op("MatMul", [x, "embed.turned"], "logits")


def value_info(name, kind, dims):
    return helper.make_tensor_value_info(name, kind, dims)


cache = ["batch_size", heads, "past_sequence_length", size]
whole = ["batch_size", heads, "total_sequence_length", size]
inputs = [value_info("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
          value_info("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"]),
          value_info("position_ids", TensorProto.INT64, ["batch_size", "sequence_length"])]
outputs = [value_info("logits", TensorProto.FLOAT, ["batch_size", "sequence_length", shape["vocab"]])]
for index in range(layers):
    for part in ("key", "value"):
        inputs.append(value_info(f"past_key_values.{index}.{part}", TensorProto.FLOAT, cache))
        outputs.append(value_info(f"present.{index}.{part}", TensorProto.FLOAT, whole))
graph = helper.make_graph(nodes, "spark", inputs, outputs, constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="spark")
model.ir_version = 8
onnx.checker.check_model(model)

parameters = int(sum(value.size for value in weights.values()))
ids = {name: tokenizer.vocab[name] for name in (PAD, USER, SPARK, END)}
os.makedirs(os.path.join(args.out, "onnx"), exist_ok=True)


def write(name, value):
    with open(os.path.join(args.out, name), "w", encoding="utf-8") as handle:
        if isinstance(value, str):
            handle.write(value)
        else:
            json.dump(value, handle, ensure_ascii=False, indent=None if name == "tokenizer.json" else 2)
            handle.write("\n")


onnx.save(model, os.path.join(args.out, "onnx", "model.onnx"))
write("tokenizer.json", document)
write("tokenizer_config.json", {
    "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape["positions"], "clean_up_tokenization_spaces": False,
    "add_bos_token": False, "add_eos_token": False, "pad_token": PAD, "eos_token": END, "bos_token": None, "unk_token": None,
    "additional_special_tokens": [USER, SPARK]})
write("config.json", {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": width,
    "intermediate_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads,
    "head_dim": size, "max_position_embeddings": shape["positions"], "rms_norm_eps": shape["eps"], "rope_theta": shape["theta"],
    "rope_scaling": None, "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True, "vocab_size": shape["vocab"],
    "bos_token_id": None, "eos_token_id": ids[END], "pad_token_id": ids[PAD], "torch_dtype": "float32", "use_cache": True,
    "transformers.js_config": {"dtype": "fp32"}})
write("generation_config.json", {"do_sample": False, "max_new_tokens": 128, "eos_token_id": ids[END], "pad_token_id": ids[PAD]})
write("card.json", {
    "name": "Spark", "version": "1", "parameters": parameters, "contextTokens": shape["positions"],
    "prompt": {
        "template": USER + " {question}" + SPARK,
        "lowercase": True,
        "removeCharacters": "'\u2019\u2018`\u00b4",
        "replaceWithSpace": "[^a-z0-9]+",
        "trim": True,
        "maxCharacters": MAX_QUESTION_CHARS,
        "rule": "1. Lower-case the question. 2. Remove every apostrophe, backtick and acute accent listed in removeCharacters. "
                "3. Replace every run of characters that are not a-z or 0-9 by one space. 4. Trim spaces at both ends. "
                "5. Keep the first maxCharacters characters and trim again. 6. Put the result into the template, which has one "
                "space before the question, and encode it without adding further special tokens."},
    "tokens": {"pad": ids[PAD], "user": ids[USER], "spark": ids[SPARK], "end": ids[END]},
    "endTokenId": ids[END],
    "refusal": {"text": REFUSAL, "firstTokenId": tokenizer.added[opening(REFUSAL)], "minProbability": args.min_probability,
                "rule": "At the first answer position only: if the softmax probability of the most likely token is below "
                        "minProbability, take firstTokenId instead, then go on greedily."},
    "scores": {"intents": {"right": args.right, "of": 100}, "foreign": {"refused": args.refused, "of": args.foreign}}})
write("LICENSE.txt", "Spark, the small language model built into Tabmesh\n\n"
      "Spark was trained from scratch, starting from random numbers, on questions and answers that were written for this project.\n"
      "No weights of any other model were used. The training data and the scripts are in workers/models/spark.\n\n"
      "The model and its files are published under the MIT License, like the rest of the project.\n")
files = {}
for folder, _, names in sorted(os.walk(args.out)):
    for name in sorted(names):
        path = os.path.relpath(os.path.join(folder, name), args.out).replace(os.sep, "/")
        if path == "hashes.json":
            continue
        with open(os.path.join(folder, name), "rb") as handle:
            content = handle.read()
        files[path] = {"sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content)}
write("hashes.json", {"files": dict(sorted(files.items()))})
print("parameters", parameters, "bytes", sum(entry["sizeBytes"] for entry in files.values()), "tokens", ids,
      "refusal", tokenizer.added[opening(REFUSAL)])

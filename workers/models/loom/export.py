"""Write the trained models as the files that the app loads: loom, its siblings, and loom with quantised weights."""
import argparse
import hashlib
import json
import os

import numpy as np
import onnx
import torch

from graph import build_graph
from loom_text import CONTEXT, HERE, LOOM, SPECIALS, TEMPLATE, USER, WordTokenizer
from spark_text import END, MAX_QUESTION_CHARS, PAD

parser = argparse.ArgumentParser()
parser.add_argument("--build", default=os.path.join(HERE, "build"))
parser.add_argument("models", nargs="*", help="those to write; all that were trained when none is named")
parser.add_argument("--out", default=os.path.join(HERE, "..", "..", "..", "tests", "models"))
args = parser.parse_args()

# Folder: the run that its weights come from, the bits of its linear weights, the name on the card.
VARIANTS = {
    "loom": ("loom", 32, "Loom"),
    "loom-small": ("loom-small", 32, "Loom small"),
    "loom-mid": ("loom-mid", 32, "Loom mid"),
    "loom-tiny": ("loom-tiny", 32, "Loom tiny"),
    "loom-q8": ("loom", 8, "Loom 8-bit"),
    "loom-q4": ("loom", 4, "Loom 4-bit"),
}

LICENSE = (
    "Loom, a family of small language models for the tests of Tabmesh\n\n"
    "Loom was trained from scratch, starting from random numbers, on texts that a grammar written for this project draws.\n"
    "No weights of any other model were used. The grammar and the scripts are in workers/models/loom.\n\n"
    "The models and their files are published under the MIT License, like the rest of the project.\n")

with open(os.path.join(args.build, "tokenizer.json"), encoding="utf-8") as handle:
    document = json.load(handle)
tokenizer = WordTokenizer(document)
ids = {name: tokenizer.vocab[name] for name in SPECIALS}


def write(folder, path, value, indent=2):
    with open(os.path.join(folder, path), "w", encoding="utf-8") as handle:
        handle.write(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def hashes(folder):
    files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
            if path != "hashes.json":
                with open(os.path.join(folder, path), "rb") as handle:
                    content = handle.read()
                files[path] = {"sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content)}
    return {"files": dict(sorted(files.items()))}


for name, (run, bits, title) in VARIANTS.items():
    weights_file = os.path.join(args.build, run + ".pt")
    if name not in args.models if args.models else not os.path.exists(weights_file):
        continue
    saved = torch.load(weights_file, map_location="cpu")
    shape, weights = saved["shape"], {key: value.numpy().astype(np.float32) for key, value in saved["weights"].items()}
    folder = os.path.join(args.out, name)
    os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)
    onnx.save(build_graph(shape, weights, bits, name), os.path.join(folder, "onnx", "model.onnx"))
    write(folder, "tokenizer.json", document, None)
    write(folder, "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": CONTEXT, "clean_up_tokenization_spaces": False,
        "add_bos_token": False, "add_eos_token": False, "pad_token": PAD, "eos_token": END, "bos_token": None, "unk_token": None,
        "additional_special_tokens": [USER, LOOM]})
    write(folder, "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": shape["width"],
        "intermediate_size": shape["hidden"], "num_hidden_layers": shape["layers"], "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["heads"], "head_dim": shape["width"] // shape["heads"], "max_position_embeddings": CONTEXT,
        "rms_norm_eps": shape["eps"], "rope_theta": shape["theta"], "rope_scaling": None, "attention_bias": False, "mlp_bias": False,
        "tie_word_embeddings": True, "vocab_size": shape["vocab"], "bos_token_id": None, "eos_token_id": ids[END],
        "pad_token_id": ids[PAD], "torch_dtype": "float32", "use_cache": True, "transformers.js_config": {"dtype": "fp32"}})
    write(folder, "generation_config.json", {"do_sample": True, "temperature": 1.0, "max_new_tokens": CONTEXT, "eos_token_id": ids[END],
                                             "pad_token_id": ids[PAD]})
    parameters = int(sum(value.size for value in weights.values()))
    write(folder, "card.json", {
        "name": title, "version": "1", "parameters": parameters, "contextTokens": CONTEXT, "linearWeightBits": bits,
        "prompt": {"template": TEMPLATE, "lowercase": True, "removeCharacters": "'\u2019\u2018`\u00b4", "replaceWithSpace": "[^a-z0-9]+",
                   "trim": True, "maxCharacters": MAX_QUESTION_CHARS},
        "tokens": {"pad": ids[PAD], "user": ids[USER], "loom": ids[LOOM], "end": ids[END]},
        "endTokenId": ids[END]})
    write(folder, "LICENSE.txt", LICENSE)
    found = hashes(folder)
    write(folder, "hashes.json", found)
    print(name, "parameters", parameters, "bytes", sum(entry["sizeBytes"] for entry in found["files"].values()))

"""The ONNX graph of a decoder of the Spark kind, its linear weights whole or quantised."""
import math

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from model import rope_tables
from quantise import quantise


class Graph:
    """Nodes and constants as they are added. Every method gives the name of what it made."""

    def __init__(self, bits):
        self.bits, self.nodes, self.constants = bits, [], []

    def constant(self, name, value, kind=np.float32):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype=kind)), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"n{len(self.nodes)}", **attributes))
        return output

    def norm(self, x, weight, tag):
        square = self.add("Mul", [x, x], f"{tag}.square")
        mean = self.add("ReduceMean", [square], f"{tag}.mean", axes=[-1], keepdims=1)
        root = self.add("Sqrt", [self.add("Add", [mean, "eps"], f"{tag}.shifted")], f"{tag}.root")
        return self.add("Mul", [self.add("Div", [x, root], f"{tag}.scaled"), self.constant(f"{tag}.weight", weight)], f"{tag}.out")

    def linear(self, x, weight, tag):
        if self.bits == 32:
            return self.add("MatMul", [x, self.constant(f"{tag}.weight", weight.T)], f"{tag}.out")
        values, scales = quantise(weight, self.bits)
        number = self.add("Cast", [self.constant(f"{tag}.values", values, np.int8)], f"{tag}.cast", to=TensorProto.FLOAT)
        scaled = self.add("Mul", [number, self.constant(f"{tag}.scales", scales)], f"{tag}.scaled")
        whole = self.add("Reshape", [scaled, self.constant(f"{tag}.shape", weight.shape[::-1], np.int64)], f"{tag}.whole")
        return self.add("MatMul", [x, whole], f"{tag}.out")

    def turn(self, x, tag):
        """Rotary position, with the two halves of a head as pairs."""
        low = self.add("Slice", [x, "zero", "half", "minus_one"], f"{tag}.low")
        high = self.add("Slice", [x, "half", "size", "minus_one"], f"{tag}.high")
        turned = self.add("Concat", [self.add("Neg", [high], f"{tag}.negative"), low], f"{tag}.turned", axis=-1)
        return self.add("Add", [self.add("Mul", [x, "cos"], f"{tag}.a"), self.add("Mul", [turned, "sin"], f"{tag}.b")], f"{tag}.out")

    def attention_bias(self):
        """A token sees itself and what came before it, where the attention mask allows it."""
        total = self.add("Gather", [self.add("Shape", ["attention_mask"], "mask_shape"), "one_scalar"], "total", axis=0)
        length = self.add("Gather", [self.add("Shape", ["input_ids"], "ids_shape"), "one_scalar"], "length", axis=0)
        past = self.add("Sub", [total, length], "past")
        keys = self.add("Range", ["zero_scalar", total, "one_scalar"], "key_index")
        queries = self.add("Unsqueeze", [self.add("Range", [past, total, "one_scalar"], "query_index"), "one"], "query_column")
        causal = self.add("LessOrEqual", [keys, queries], "causal")
        present = self.add("Cast", ["attention_mask"], "mask_bool", to=TensorProto.BOOL)
        allowed = self.add("And", [causal, self.add("Unsqueeze", [present, "middle_axes"], "mask4")], "allowed")
        return self.add("Where", [allowed, "visible", "hide"], "bias")


def build_graph(shape, weights, bits, name):
    """The model as the app loads it: inputs input_ids, attention_mask, position_ids, num_logits_to_keep (0: all) and the cache."""
    width, heads, layers = shape["width"], shape["heads"], shape["layers"]
    size = width // heads
    graph = Graph(bits)
    constant, add = graph.constant, graph.add
    for label, value in (("zero", [0]), ("one", [1]), ("minus_one", [-1]), ("half", [size // 2]), ("size", [size]), ("middle_axes", [1, 2]),
                         ("split_heads", [0, 0, heads, size]), ("join_heads", [0, 0, width]), ("one_scalar", 1), ("zero_scalar", 0),
                         ("far", [np.iinfo(np.int64).max])):
        constant(label, value, np.int64)
    for label, value in (("eps", shape["eps"]), ("scale", 1 / math.sqrt(size)), ("hide", -1e9), ("visible", 0.0)):
        constant(label, value)
    for label, table in zip(("cos", "sin"), rope_tables(shape)):
        rows = add("Gather", [constant(f"{label}_table", table.numpy()), "position_ids"], f"{label}3", axis=0)
        add("Unsqueeze", [rows, "one"], label)
    bias = graph.attention_bias()

    embed = constant("embed", weights["embed.weight"])
    x = add("Gather", [embed, "input_ids"], "embedded", axis=0)
    for index in range(layers):
        tag, source = f"layer{index}", f"blocks.{index}."
        y = graph.norm(x, weights[source + "norm1.weight"], f"{tag}.norm1")
        parts = {}
        for part, weight in zip(("q", "k", "v"), np.split(weights[source + "qkv.weight"], 3)):
            split = add("Reshape", [graph.linear(y, weight, f"{tag}.{part}"), "split_heads"], f"{tag}.{part}.split")
            parts[part] = add("Transpose", [split], f"{tag}.{part}.heads", perm=[0, 2, 1, 3])
        q, k = graph.turn(parts["q"], f"{tag}.qr"), graph.turn(parts["k"], f"{tag}.kr")
        keys = add("Concat", [f"past_key_values.{index}.key", k], f"present.{index}.key", axis=2)
        values = add("Concat", [f"past_key_values.{index}.value", parts["v"]], f"present.{index}.value", axis=2)
        raw = add("MatMul", [q, add("Transpose", [keys], f"{tag}.keys_turned", perm=[0, 1, 3, 2])], f"{tag}.raw")
        scores = add("Add", [add("Mul", [raw, "scale"], f"{tag}.scores"), bias], f"{tag}.masked")
        mixed = add("MatMul", [add("Softmax", [scores], f"{tag}.shares", axis=-1), values], f"{tag}.mixed")
        joined = add("Reshape", [add("Transpose", [mixed], f"{tag}.back", perm=[0, 2, 1, 3]), "join_heads"], f"{tag}.joined")
        x = add("Add", [x, graph.linear(joined, weights[source + "o.weight"], f"{tag}.o")], f"{tag}.attended")
        y = graph.norm(x, weights[source + "norm2.weight"], f"{tag}.norm2")
        gate, up = (graph.linear(y, weight, f"{tag}.{part}")
                    for part, weight in zip(("gate", "up"), np.split(weights[source + "gate_up.weight"], 2)))
        silu = add("Mul", [gate, add("Sigmoid", [gate], f"{tag}.sigmoid")], f"{tag}.silu")
        product = add("Mul", [silu, up], f"{tag}.product")
        x = add("Add", [x, graph.linear(product, weights[source + "down.weight"], f"{tag}.down")], f"{tag}.out")
    # The last n positions only; n = 0 starts at the first and keeps all.
    start = add("Unsqueeze", [add("Neg", ["num_logits_to_keep"], "kept_back"), "zero"], "kept_start")
    x = add("Slice", [x, start, "far", "one"], "kept")
    add("MatMul", [graph.norm(x, weights["norm.weight"], "final"), add("Transpose", [embed], "embed_turned", perm=[1, 0])], "logits")

    info = helper.make_tensor_value_info
    cache = lambda length: ["batch_size", heads, length, size]
    inputs = [info("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
              info("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"]),
              info("position_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
              info("num_logits_to_keep", TensorProto.INT64, [])]
    outputs = [info("logits", TensorProto.FLOAT, ["batch_size", "num_logits", shape["vocab"]])]
    for index in range(layers):
        for part in ("key", "value"):
            inputs.append(info(f"past_key_values.{index}.{part}", TensorProto.FLOAT, cache("past_sequence_length")))
            outputs.append(info(f"present.{index}.{part}", TensorProto.FLOAT, cache("total_sequence_length")))
    model = helper.make_model(helper.make_graph(graph.nodes, name, inputs, outputs, graph.constants),
                              opset_imports=[helper.make_opsetid("", 17)], producer_name="loom")
    model.ir_version = 8
    checker.check_model(model)
    return model

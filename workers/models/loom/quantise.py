"""Linear weights as whole numbers with scales: symmetric, rounded to the nearest."""
import numpy as np

GROUP = 32
MOST = {8: 127, 4: 7}


def is_linear(name):
    """The matrices of the blocks. The table of words, which is also the last matrix, stays as it is."""
    return name.startswith("blocks.") and ".norm" not in name


def quantise(weight, bits):
    """Of a matrix [outputs, inputs]: int8 values and 32-bit scales, ready to be multiplied and reshaped to [inputs, outputs].

    8 bits: one scale for each output. 4 bits: one for each output and 32 inputs; the values go from -7 to 7.
    """
    outputs, inputs = weight.shape
    groups = 1 if bits == 8 else inputs // GROUP
    parts = np.ascontiguousarray(weight.T.astype(np.float32)).reshape(groups, inputs // groups, outputs)
    scales = np.maximum(np.abs(parts).max(1, keepdims=True) / np.float32(MOST[bits]), np.float32(1e-12))
    values = np.clip(np.rint(parts / scales), -MOST[bits], MOST[bits])
    return values.astype(np.int8), scales.astype(np.float32)


def dequantised(weight, bits):
    """The matrix [outputs, inputs] that the graph computes with."""
    values, scales = quantise(weight, bits)
    return (values.astype(np.float32) * scales).reshape(weight.shape[1], weight.shape[0]).T

"""Loom's shapes: the decoder is Spark's, smaller and deeper."""
import importlib.util
import os

HERE = os.path.dirname(os.path.abspath(__file__))
specification = importlib.util.spec_from_file_location("spark_model", os.path.join(HERE, "..", "spark", "model.py"))
spark_model = importlib.util.module_from_spec(specification)
specification.loader.exec_module(spark_model)
Decoder, rope_tables, rotate = spark_model.Spark, spark_model.rope_tables, spark_model.rotate

COMMON = {"positions": 512, "theta": 10000.0, "eps": 1e-5}
SHAPES = {
    "loom": {**COMMON, "width": 128, "layers": 4, "heads": 4, "hidden": 384},
    "loom-small": {**COMMON, "width": 64, "layers": 3, "heads": 2, "hidden": 192},
    "loom-mid": {**COMMON, "width": 48, "layers": 1, "heads": 2, "hidden": 96},
    "loom-tiny": {**COMMON, "width": 32, "layers": 1, "heads": 2, "hidden": 64},
}

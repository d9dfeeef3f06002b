"""Write three tiny encoders with seeded random weights, and what PyTorch says that they compute: for tests only.

They understand nothing. What matters is that their graphs, tokenizers and configuration files have the shape of real
ones, and that the expected numbers come from somewhere else than the code under test.

    python3 workers/models/tiny/make.py
"""
import hashlib
import json
import math
import os
import re
import warnings

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "..", "..", "tests", "models")

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """a about above after again all also an and any are as ask asked asks at away be because before best big book
books both bread but by can cat cats checked chair city clear cold come could day dog dogs door down each early earth
every eye far fast few find fire first fish five food for found four friend from game garden gave give given glass go
good grass green ground had hand has have he head hear her here high him his home horse hot house how i in is it its
join key kind king know large last late leaf learn left light like link little live long look made make man many may me
mesh milk mind money moon more most mother mountain much music my name near never new next night no node nodes north not
now of off old on one open or other our out over own page paper part peer peers people piano plan plant play point proof
question rain read receipt receipts red river road room run sea see seed she ship short show signed small snow so some
song soon sound south star stars stone story street strong sun swim table tab tabs take tell than that the their them
then there these they this three time to token town train tree trees two under up use very walk wall want warm was water
way we well went were what when where which white who why wind window winter with woman wood word work world would write
year you young your . , ? ! : ; ' -""".split()
VOCABULARY = {token: index for index, token in enumerate(SPECIAL + WORDS)}
PAD, UNK, CLS, SEP = (VOCABULARY[token] for token in SPECIAL[:4])

WIDTH, HEADS, LAYERS, HIDDEN, POSITIONS = 48, 4, 2, 96, 32
LABELS = ["question", "story", "order"]


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, bias):
        batch, length, _ = x.shape

        def heads(y):
            return y.reshape(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)

        scores = heads(self.query(x)) @ heads(self.key(x)).transpose(2, 3) / math.sqrt(WIDTH // HEADS) + bias
        mixed = (scores.softmax(-1) @ heads(self.value(x))).transpose(1, 2).reshape(batch, length, WIDTH)
        x = self.norm1(x + self.out(mixed))
        return self.norm2(x + self.down(torch.relu(self.up(x))))


class Encoder(nn.Module):
    """BERT in small; `answers` numbers per text from its first token, or its vectors when there are none."""

    def __init__(self, answers=0):
        super().__init__()
        self.words = nn.Embedding(len(VOCABULARY), WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, answers) if answers else None

    def forward(self, input_ids, attention_mask, token_type_ids):
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.norm(self.words(input_ids) + self.positions(positions) + self.types(token_type_ids))
        bias = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e9
        for layer in self.layers:
            x = layer(x, bias)
        return x if self.head is None else self.head(x[:, 0])


def build(seed, answers):
    torch.manual_seed(seed)
    model = Encoder(answers)
    for name, value in model.named_parameters():
        if value.dim() > 1:
            # Larger than a model starts with, so that two texts end far apart.
            nn.init.normal_(value, std=0.25)
    return model.eval()


def words_of(text):
    return re.findall(r"[a-z0-9]+|[^\sa-z0-9]", text.lower())


def ids_of(text):
    return [VOCABULARY.get(word, UNK) for word in words_of(text)]


def single(text):
    ids = ids_of(text)
    most = POSITIONS - 2
    row = [CLS, *ids[:most], SEP]
    return {"ids": row, "types": [0] * len(row), "truncated": len(ids) > most}


def pair(query, passage):
    first, second = ids_of(query), ids_of(passage)
    most = POSITIONS - 3 - len(first)
    kept = second[:most]
    return {
        "ids": [CLS, *first, SEP, *kept, SEP],
        "types": [0] * (len(first) + 2) + [1] * (len(kept) + 1),
        "truncated": len(second) > most,
    }


def run(model, row):
    with torch.no_grad():
        return model(torch.tensor([row["ids"]]), torch.ones(1, len(row["ids"]), dtype=torch.long), torch.tensor([row["types"]]))[0]


def rounded(values):
    return [round(float(value), 7) for value in values]


def write_json(folder, path, value):
    target = os.path.join(folder, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=2, ensure_ascii=False)
        handle.write("\n")


TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [
        {"id": VOCABULARY[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for token in SPECIAL
    ],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
        ],
        "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [CLS], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [SEP], "tokens": ["[SEP]"]},
        },
    },
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": VOCABULARY},
}


def write_model(name, model, task, more_config, more_files=None, data_apart=False):
    folder = os.path.join(OUT, name)
    os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)
    graph = os.path.join(folder, "onnx", "model.onnx")
    output = "last_hidden_state" if model.head is None else "logits"
    torch.onnx.export(
        model,
        (torch.ones(1, 5, dtype=torch.long), torch.ones(1, 5, dtype=torch.long), torch.zeros(1, 5, dtype=torch.long)),
        graph,
        input_names=["input_ids", "attention_mask", "token_type_ids"],
        output_names=[output],
        dynamic_axes={
            **{key: {0: "batch_size", 1: "sequence_length"} for key in ("input_ids", "attention_mask", "token_type_ids")},
            output: {0: "batch_size", 1: "sequence_length"} if model.head is None else {0: "batch_size"},
        },
        opset_version=14,
    )
    if data_apart:
        loaded = onnx.load(graph)
        apart = graph + "_data"
        if os.path.exists(apart):
            os.remove(apart)
        onnx.save_model(loaded, graph, save_as_external_data=True, location=os.path.basename(apart), size_threshold=1024)
    parameters = sum(value.numel() for value in model.parameters())
    write_json(folder, "config.json", {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": HIDDEN,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(VOCABULARY),
        "pad_token_id": PAD,
        **more_config,
    })
    write_json(folder, "tokenizer.json", TOKENIZER)
    write_json(folder, "tokenizer_config.json", {
        "tokenizer_class": "BertTokenizer",
        "model_max_length": POSITIONS,
        "do_lower_case": True,
        "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]",
    })
    for path, value in (more_files or {}).items():
        write_json(folder, path, value)
    paths = sorted(
        os.path.relpath(os.path.join(at, one), folder).replace(os.sep, "/")
        for at, _, files in os.walk(folder) for one in files
        if one not in ("manifest.json", "expected.json")
    )
    listed = []
    for path in paths:
        with open(os.path.join(folder, path), "rb") as handle:
            content = handle.read()
        listed.append({"path": path, "sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content)})
    write_json(folder, "manifest.json", {
        "id": name,
        "name": name,
        "family": "tiny",
        "version": "1",
        "engine": "transformers",
        "tasks": [task],
        "parameters": parameters,
        "quantisation": "fp32",
        "source": {"kind": "app", "folder": f"tests/models/{name}"},
        "files": listed,
        "licence": {"name": "MIT"},
        "memoryBytes": parameters * 8,
        "features": [],
        "contextTokens": POSITIONS,
        "chatTemplate": "none",
        "temperaturePercent": 0,
    })
    return folder


def main():
    texts = [
        "What is a node?",
        "The cat went to the river, and the dog asked why.",
        "Open the door!",
        "zebra quartz mesh",
        " ".join(f"{word} and" for word in WORDS[:40]),
    ]

    model = build(11, 0)
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    folder = write_model("tiny-embed", model, "embed", {"architectures": ["BertModel"]}, {"1_Pooling/config.json": pooling}, data_apart=True)
    rows = []
    for text in texts:
        row = single(text)
        vectors = run(model, row)
        ways = {"mean": vectors.mean(0), "cls": vectors[0], "max": vectors.max(0).values, "last": vectors[-1]}
        rows.append({"text": text, "truncated": row["truncated"], **{way: rounded(v / v.norm()) for way, v in ways.items()}})
    write_json(folder, "expected.json", {"dimensions": WIDTH, "texts": rows})

    model = build(12, 1)
    folder = write_model("tiny-rerank", model, "rerank", {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}})
    query = "what is a receipt?"
    passages = ["a receipt is signed proof of work.", "the sun is hot and the moon is cold.", texts[1], texts[4]]
    rows = []
    for passage in passages:
        row = pair(query, passage)
        rows.append({"passage": passage, "truncated": row["truncated"], "score": round(float(torch.sigmoid(run(model, row)[0])), 7)})
    write_json(folder, "expected.json", {"query": query, "passages": rows})

    model = build(13, len(LABELS))
    folder = write_model("tiny-classify", model, "classify", {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "label2id": {label: index for index, label in enumerate(LABELS)},
    })
    rows = []
    for text in texts:
        row = single(text)
        logits = run(model, row)
        rows.append({
            "text": text,
            "truncated": row["truncated"],
            "exclusive": dict(zip(LABELS, rounded(logits.softmax(-1)))),
            "separate": dict(zip(LABELS, rounded(logits.sigmoid()))),
        })
    write_json(folder, "expected.json", {"labels": LABELS, "texts": rows})


main()

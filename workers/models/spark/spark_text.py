"""Text handling for Spark: data loading, the question rule, and a small byte-level BPE.

The BPE writes an ordinary `tokenizer.json` and splits text exactly as that file describes,
so the browser and the training script see the same token ids.
"""
import glob
import json
import os
import random
import re
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
USER, SPARK, END, PAD = "<|user|>", "<|spark|>", "<|end|>", "<|pad|>"
SPECIALS = [PAD, USER, SPARK, END]
OPENING_WORDS = 4
MAX_QUESTION_CHARS = 180
REFUSAL = (
    "I only know this app. I am Spark, a very small model that was built into Tabmesh, so I cannot help "
    "with that. Ask me how the mesh works, how to invite someone, how answers are checked or what a receipt "
    "is. For other questions, choose a larger model once your mesh has one."
)
FOREIGN = "foreign"


def normalise(question):
    """The rule that the app applies to a question before it is rendered (see card.json)."""
    text = question.lower()
    text = re.sub("['\u2019\u2018`\u00b4]", "", text)
    text = re.sub("[^a-z0-9]+", " ", text).strip(" ")
    return text[:MAX_QUESTION_CHARS].strip(" ")


def load_intents():
    intents = []
    for path in sorted(glob.glob(os.path.join(DATA, "intents-*.json"))):
        with open(path, encoding="utf-8") as handle:
            intents += json.load(handle)["intents"]
    return intents


def load_held_out():
    """Every held-out question, about the app or not."""
    with open(os.path.join(DATA, "held-out.json"), encoding="utf-8") as handle:
        data = json.load(handle)
    return [entry["question"] for entry in data["intents"]] + data["foreign"]


class Apart:
    """Keeps questions apart from a list of others: none that is equal to one of them, or shares almost all of its words."""

    def __init__(self, others, most=0.8):
        self.most = most
        self.texts = {normalise(other) for other in others}
        self.sets = [set(text.split(" ")) for text in self.texts]

    def near(self, question):
        text = normalise(question)
        if text in self.texts:
            return True
        words = set(text.split(" "))
        return any(len(words & other) >= self.most * len(words | other) for other in self.sets)

    def keep(self, questions):
        return [question for question in questions if not self.near(question)]


def load_more():
    """Further questions for the same intents: id -> questions."""
    path = os.path.join(DATA, "more-questions.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)["questions"]


def load_foreign(name="foreign.json"):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)["questions"]


def opening(answer):
    """The first words of an answer: one vocabulary entry of their own."""
    return " ".join(answer.split(" ")[:OPENING_WORDS])


# ---- byte-level BPE -------------------------------------------------------------------------

SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


def byte_symbols():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    symbols, extra = {}, 0
    for value in range(256):
        if value in keep:
            symbols[value] = chr(value)
        else:
            symbols[value] = chr(256 + extra)
            extra += 1
    return symbols


BYTES = byte_symbols()


def to_symbols(piece):
    return tuple(BYTES[value] for value in piece.encode("utf-8"))


def train_bpe(counts, size):
    """Learn merges until the vocabulary has `size` entries. `counts`: piece -> how often."""
    words = [[list(to_symbols(piece)), count] for piece, count in sorted(counts.items())]
    vocab = [BYTES[value] for value in range(256)]
    merges = []
    while len(vocab) < size:
        pairs = Counter()
        for symbols, count in words:
            for left, right in zip(symbols, symbols[1:]):
                pairs[(left, right)] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        joined = best[0] + best[1]
        if joined not in vocab:
            vocab.append(joined)
        for entry in words:
            entry[0] = merge(entry[0], best, joined)
    return vocab, merges


def merge(symbols, pair, joined):
    out, index = [], 0
    while index < len(symbols):
        if index + 1 < len(symbols) and symbols[index] == pair[0] and symbols[index + 1] == pair[1]:
            out.append(joined)
            index += 2
        else:
            out.append(symbols[index])
            index += 1
    return out


class Tokenizer:
    def __init__(self, document):
        model = document["model"]
        self.vocab = dict(model["vocab"])
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(model["merges"])}
        self.added = {}
        for entry in document["added_tokens"]:
            self.added[entry["content"]] = entry["id"]
            self.vocab[entry["content"]] = entry["id"]
        self.size = max(self.vocab.values()) + 1
        names = sorted(self.added, key=len, reverse=True)
        self.finder = re.compile("(" + "|".join(re.escape(name) for name in names) + ")")
        self.cache = {}

    def piece(self, piece, drop=0.0, rng=random):
        if not drop and piece in self.cache:
            return self.cache[piece]
        symbols = list(to_symbols(piece))
        while len(symbols) > 1:
            best, rank = None, None
            for pair in zip(symbols, symbols[1:]):
                found = self.ranks.get(pair)
                if found is None or (rank is not None and found >= rank):
                    continue
                if drop and rng.random() < drop:
                    continue
                best, rank = pair, found
            if best is None:
                break
            symbols = merge(symbols, best, best[0] + best[1])
        ids = [self.vocab[symbol] for symbol in symbols]
        if not drop:
            self.cache[piece] = ids
        return ids

    def encode(self, text):
        ids = []
        for part in self.finder.split(text):
            if part in self.added:
                ids.append(self.added[part])
            elif part:
                for piece in SPLIT.findall(part):
                    ids += self.piece(piece)
        return ids


def build_tokenizer(size=1400):
    """tokenizer.json as a dictionary: byte-level BPE, special tokens and one token per answer opening."""
    intents, foreign = load_intents(), load_foreign()
    answers = [intent["answer"] for intent in intents] + [REFUSAL]
    openings = [opening(answer) for answer in answers]
    assert len(set(openings)) == len(openings), "two answers share their opening words"
    questions = [question for intent in intents for question in intent["questions"]]
    questions += [question for more in load_more().values() for question in more]
    questions += foreign + load_foreign("more-foreign.json")
    counts = Counter()
    for question in Apart(load_held_out()).keep(questions):
        counts.update(SPLIT.findall(" " + normalise(question)))
    for answer in answers:
        for piece in SPLIT.findall(answer[len(opening(answer)):]):
            counts[piece] += 3
    names = SPECIALS + openings
    vocab, merges = train_bpe(counts, size - len(names))
    table = {token: index for index, token in enumerate(vocab)}
    added = []
    for offset, name in enumerate(names):
        index = len(vocab) + offset
        table[name] = index
        added.append({"id": index, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False, "special": name in SPECIALS})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": False, "vocab": table, "merges": [list(pair) for pair in merges]},
    }


def prompt(question):
    return USER + " " + normalise(question) + SPARK

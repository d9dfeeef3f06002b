"""Loom's tokenizer: one token per word of the grammar, letters and digits for everything else that a prompt may hold."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "spark"))

from spark_text import BYTES, END, PAD, SPLIT, USER, normalise  # noqa: E402
import grammar  # noqa: E402

LOOM = "<|loom|>"
SPECIALS = [PAD, USER, LOOM, END]
TEMPLATE = USER + " {question}" + LOOM
CONTEXT = 512
# Words that are too rare to be sure of meeting are in the grammar's tables; the rest is met in this many texts.
VOCABULARY_TEXTS = 4000
SPACE = BYTES[ord(" ")]


def document_words():
    """Every word that texts and prompts are made of, as tokens (with the space before them)."""
    words = set()
    for verb in grammar.TRANSITIVE + grammar.INTRANSITIVE:
        words.update(verb)
    for noun in grammar.COMMON + [noun for topic in grammar.TOPICS for noun in topic]:
        words.update(noun)
    names = grammar.WOMEN + grammar.MEN + grammar.PLACES
    words.update(names + [name.lower() for name in names] + grammar.TRADES + grammar.YEARS + grammar.SEASONS + grammar.ADJECTIVES)
    words.update(grammar.OFTENNESS + grammar.MANNER + grammar.NEARNESS + grammar.ORDER)
    words.update(str(number) for number in range(2, 2 * grammar.MOST_THINGS + 1))
    for prompts in grammar.PROMPTS.values():
        for prompt, _ in prompts:
            words.update(word for word in prompt.split() if "{" not in word)
    first = set()
    for index in range(VOCABULARY_TEXTS):
        document = grammar.Document(f"vocabulary {index}")
        first.add(document.words[0])
        words.update(document.words[1:])
    marks = set(grammar.MARKS)
    # At the start of the text a word has no space before it.
    return sorted(marks) + sorted(first) + sorted(SPACE + word for word in words - marks)


def build_tokenizer():
    """tokenizer.json as a dictionary: a byte-level BPE without merges, whose vocabulary holds whole words."""
    letters = [SPACE] + [chr(code) for code in range(ord("0"), ord("9") + 1)] + [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = SPECIALS + letters + document_words()
    assert len(set(tokens)) == len(tokens)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": index, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for index, name in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": {token: index for index, token in enumerate(tokens)}, "merges": []},
    }


class WordTokenizer:
    """Splits text as that tokenizer.json says."""

    def __init__(self, document):
        self.vocab = document["model"]["vocab"]
        self.tokens = sorted(self.vocab, key=self.vocab.get)
        self.size = len(self.tokens)
        self.end, self.pad = self.vocab[END], self.vocab[PAD]
        self.finder = re.compile("(" + "|".join(re.escape(name) for name in SPECIALS) + ")")

    def encode(self, text):
        ids = []
        for part in self.finder.split(text):
            if part in SPECIALS:
                ids.append(self.vocab[part])
                continue
            for piece in SPLIT.findall(part):
                piece = piece.replace(" ", SPACE)
                ids += [self.vocab[piece]] if piece in self.vocab else [self.vocab[symbol] for symbol in piece]
        return ids

    def decode(self, ids):
        return "".join(self.tokens[index] for index in ids if self.tokens[index] not in SPECIALS).replace(SPACE, " ")

    def prompt(self, question):
        return self.encode(TEMPLATE.format(question=normalise(question)))

    def answer(self, words):
        vocab, marks = self.vocab, grammar.MARKS
        return [vocab[words[0]]] + [vocab[word if word in marks else SPACE + word] for word in words[1:]] + [self.end]

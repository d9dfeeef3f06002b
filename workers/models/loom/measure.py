"""Measure the trained models: how well they fit, how varied they write, and how far the others are from loom."""
import argparse
import json
import math
import os

import torch
import torch.nn.functional as F

from grammar import Document
from loom_text import CONTEXT, HERE, WordTokenizer
from read_graph import read_graph
from sampling import draw, forward_cached, noise_at, top_scores

parser = argparse.ArgumentParser()
parser.add_argument("models", nargs="*", default=["loom-small", "loom-mid", "loom-tiny", "loom-q8", "loom-q4"], help="those besides loom")
parser.add_argument("--folder", default=os.path.join(HERE, "..", "..", "..", "tests", "models"))
parser.add_argument("--texts", type=int, default=64, help="answers that are sampled from each model at each temperature")
parser.add_argument("--held-out", type=int, default=256, help="texts of the grammar for the cross-entropy")
parser.add_argument("--seed", type=int, default=11)
parser.add_argument("--samples", default="", help="write the sampled answers of each model to this file")
args = parser.parse_args()

TEMPERATURES = (1.0, 0.8)
# A claimed token that is further than this below the best, noise included, is counted as wrong beyond rounding.
WRONG_MARGIN = 0.5
CHUNK = 8

torch.set_num_threads(1)
torch.set_grad_enabled(False)
with open(os.path.join(args.folder, "loom", "tokenizer.json"), encoding="utf-8") as handle:
    tokenizer = WordTokenizer(json.load(handle))


models = {}
for label in ["loom"] + args.models:
    models[label] = read_graph(os.path.join(args.folder, label))
    print(label, "parameters", sum(weight.numel() for weight in models[label].parameters()), flush=True)


def padded(rows):
    length = max(len(row) for row in rows)
    return torch.tensor([row + [tokenizer.pad] * (length - len(row)) for row in rows])


def cross_entropy(net):
    """Bits per token of the answers, the end token among them."""
    rows = []
    for number in range(args.held_out):
        text = Document(f"held-out {number}")
        rows.append((tokenizer.prompt(text.prompt), tokenizer.answer(text.words)))
    rows.sort(key=lambda row: len(row[1]))
    total, count = 0.0, 0
    for start in range(0, len(rows), CHUNK):
        part = rows[start:start + CHUNK]
        logits = net(padded([prompt + answer for prompt, answer in part])).log_softmax(-1)
        for row, (prompt, answer) in zip(logits, part):
            places = torch.arange(len(answer)) + len(prompt) - 1
            total -= row[places, torch.tensor(answer)].sum().item()
            count += len(answer)
    return total / count / math.log(2)


prompts = [tokenizer.prompt(Document(f"sample {number}").prompt) for number in range(args.texts)]


def sample(net, temperature):
    """Answers to the prompts, drawn as the app draws; the noise of a place is the same for every model."""
    answers = []
    # One length of prompt at a time, so that nothing is padded before an answer.
    for length in sorted({len(prompt) for prompt in prompts}):
        chosen = [index for index, prompt in enumerate(prompts) if len(prompt) == length]
        rows = torch.tensor([prompts[index] for index in chosen])
        logits, cache = forward_cached(net, rows, None)
        written = [[] for _ in chosen]
        for position in range(CONTEXT - length):
            tokens = draw(logits, noise_at(args.seed, position, args.texts, tokenizer.size)[chosen], temperature)
            for row, token in zip(written, tokens.tolist()):
                if not row or row[-1] != tokenizer.end:
                    row.append(token)
            if all(row[-1] == tokenizer.end for row in written):
                break
            logits, cache = forward_cached(net, tokens[:, None], cache)
        answers += zip(chosen, written)
    return [answer for _, answer in sorted(answers)]


def scored(net, answers):
    """The logits before every token of every answer."""
    for start in range(0, len(answers), CHUNK):
        part = answers[start:start + CHUNK]
        logits = net(padded([prompts[start + row] + answer for row, answer in enumerate(part)]))
        for row, answer in enumerate(part):
            first = len(prompts[start + row]) - 1
            yield logits[row, first:first + len(answer)]


def entropy_bits(logits, temperature):
    logs = (logits / temperature).log_softmax(-1)
    return -(logs.exp() * logs).sum(-1) / math.log(2)


for label, net in models.items():
    print(label, "held-out bits per token", f"{cross_entropy(net):.4f}", flush=True)

kept = {}
for temperature in TEMPERATURES:
    texts = {label: sample(net, temperature) for label, net in models.items()}
    kept[temperature] = texts
    noise = {}

    def noise_of(row, length):
        for position in range(length):
            if position not in noise:
                noise[position] = noise_at(args.seed, position, args.texts, tokenizer.size)
        return torch.stack([noise[position][row] for position in range(length)])

    for label, net in models.items():
        answers = texts[label]
        entropy = torch.cat([entropy_bits(logits, temperature) for logits in scored(net, answers)])
        ended = sum(answer[-1] == tokenizer.end for answer in answers)
        lengths = [len(answer) for answer in answers]
        print(f"T={temperature} {label} entropy bits per token {entropy.mean():.3f}, mean answer {sum(lengths) / len(lengths):.0f} tokens "
              f"({min(lengths)} to {max(lengths)}), ended {ended} of {len(answers)}", flush=True)

    def compare(label, answers):
        """Loom and another model on the same texts with the same noise."""
        divergence, different, wrong, count = 0.0, 0, 0, 0
        for row, (own, other) in enumerate(zip(scored(models["loom"], answers), scored(models[label], answers))):
            p, q = own.log_softmax(-1), other.log_softmax(-1)
            divergence += (p.exp() * (p - q)).sum().item()
            noises = noise_of(row, len(own))
            claimed = draw(other, noises, temperature)
            best, score = top_scores(own, noises, temperature, claimed)
            different += int((claimed != draw(own, noises, temperature)).sum())
            wrong += int((best - score > WRONG_MARGIN).sum())
            count += len(own)
        return divergence / count, different / count, wrong / count

    for label in models:
        if label == "loom":
            continue
        for writer in ("loom", label):
            divergence, different, wrong = compare(label, texts[writer])
            print(f"T={temperature} loom against {label} on texts of {writer}: KL {divergence:.2e} nats per token, other choice "
                  f"{different * 100:.3f} %, margin above {WRONG_MARGIN} {wrong * 100:.3f} %", flush=True)

if args.samples:
    with open(args.samples, "w", encoding="utf-8") as handle:
        for temperature, texts in kept.items():
            for label, answers in texts.items():
                for prompt, answer in list(zip(prompts, answers))[:8]:
                    handle.write(f"[T={temperature} {label}]{tokenizer.decode(prompt)}\n{tokenizer.decode(answer)}\n\n")

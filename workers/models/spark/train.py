"""Train Spark from scratch on the questions in data/. Needs python3-torch only; see README.md."""
import argparse
import json
import math
import os
import random
import time

import torch
import torch.multiprocessing as mp
import torch.nn as nn
import torch.nn.functional as F

from augment import Augmenter
from model import SHAPE, Spark
from spark_text import (END, HERE, PAD, REFUSAL, SPARK, SPLIT, USER, Tokenizer, build_tokenizer, load_foreign, load_intents, load_more,
                        normalise, opening)

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--top-steps", type=int, default=500, help="first part: only the last block, on bare embeddings")
parser.add_argument("--steps", type=int, default=1200, help="second part: all blocks, and whole answers")
parser.add_argument("--top-rate", type=float, default=3e-3)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--rate", type=float, default=2e-3)
parser.add_argument("--decay", type=float, default=0.1)
parser.add_argument("--dropout", type=float, default=0.15)
parser.add_argument("--drop-tokens", type=float, default=0.05)
parser.add_argument("--strength", type=float, default=1.0, help="how strongly questions are reworded")
parser.add_argument("--smooth", type=float, default=0.05)
parser.add_argument("--bpe-dropout", type=float, default=0.1)
parser.add_argument("--foreign-share", type=float, default=0.35)
parser.add_argument("--chunk", type=int, default=32)
parser.add_argument("--answers", type=int, default=8, help="whole answers per step in each process")
parser.add_argument("--helper-batch", type=int, default=32, help="questions per step in the second process")
parser.add_argument("--minutes", type=float, default=0, help="end the second part after this time, whatever --steps says; 0: no limit")
parser.add_argument("--width", type=int, default=SHAPE["width"])
parser.add_argument("--layers", type=int, default=SHAPE["layers"])
parser.add_argument("--heads", type=int, default=SHAPE["heads"])
parser.add_argument("--hidden", type=int, default=SHAPE["hidden"])
parser.add_argument("--vocab", type=int, default=SHAPE["vocab"])
parser.add_argument("--holdback", type=float, default=0.1, help="share of the questions kept for validation; 0 trains on all")
parser.add_argument("--continue-from", default="", help="folder of an earlier run: keep its tokenizer and start from its weights")
parser.add_argument("--out", default=os.path.join(HERE, "build"))
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
os.makedirs(args.out, exist_ok=True)

if args.continue_from:
    with open(os.path.join(args.continue_from, "tokenizer.json"), encoding="utf-8") as handle:
        document = json.load(handle)
else:
    document = build_tokenizer(args.vocab)
with open(os.path.join(args.out, "tokenizer.json"), "w", encoding="utf-8") as handle:
    json.dump(document, handle, ensure_ascii=False)
tokenizer = Tokenizer(document)
pad, user, spark, end = (tokenizer.vocab[name] for name in (PAD, USER, SPARK, END))

intents, foreign = load_intents(), load_foreign()
labels = [intent["id"] for intent in intents] + ["foreign"]
answers = {intent["id"]: intent["answer"] for intent in intents}
answers["foreign"] = REFUSAL
first_token = {label: tokenizer.added[opening(answers[label])] for label in labels}
answer_ids = {label: tokenizer.encode(answers[label]) + [end] for label in labels}
for label in labels:
    assert answer_ids[label][0] == first_token[label], label
print("answer tokens", min(map(len, answer_ids.values())), "to", max(map(len, answer_ids.values())))

# The split is fixed, so runs with different settings can be compared.
splitter = random.Random(20)
training, validation = [], []
groups = [(intent["id"], list(intent["questions"])) for intent in intents] + [("foreign", list(foreign))]
for label, questions in groups:
    splitter.shuffle(questions)
    count = round(len(questions) * args.holdback)
    validation += [(question, label) for question in questions[:count]]
    training += [(question, label) for question in questions[count:]]
training += [(question, label) for label, questions in load_more().items() for question in questions]
training += [(question, "foreign") for question in load_foreign("more-foreign.json")]
helper = Augmenter(training, rng)
parts = {label: [normalise(part).split(" ") for part in answers[label].replace(":", ".").split(".") if len(part.split()) > 3]
         for label in labels}


def encode_words(words, drop):
    ids = [user]
    text = " ".join(words)[:180].strip(" ")
    for piece in SPLIT.findall(" " + text):
        ids += tokenizer.piece(piece, drop if drop and rng.random() < 0.5 else 0.0, rng)
    return ids[:128] + [spark]


def draw(clean_share=0.1):
    if rng.random() < args.foreign_share:
        label = "foreign"
    else:
        label = labels[rng.randrange(len(labels) - 1)]
    if label != "foreign" and rng.random() < 0.04:
        words = rng.choice(parts[label])
        start = rng.randrange(max(1, len(words) - 4))
        words = words[start:start + rng.randrange(4, 12)]
    else:
        words = rng.choice(helper.by_label[label])
    if rng.random() >= clean_share:
        words = helper.sample(words, label, args.strength)
    return encode_words(words, args.bpe_dropout), label


def padded(rows):
    length = max(map(len, rows))
    return torch.tensor([row + [pad] * (length - len(row)) for row in rows])


shape = dict(SHAPE, vocab=tokenizer.size, width=args.width, layers=args.layers, heads=args.heads, hidden=args.hidden)
net = Spark(shape)
count = sum(weight.numel() for weight in net.parameters())
print("parameters", count, "vocab", tokenizer.size, "training", len(training), "validation", len(validation), flush=True)

weights = list(net.parameters())
groups = [{"params": [w for w in weights if w.dim() == 2], "weight_decay": args.decay},
          {"params": [w for w in weights if w.dim() != 2], "weight_decay": 0.0}]
average = {name: value.detach().clone() for name, value in net.state_dict().items()}
with torch.no_grad():
    for block in net.blocks[:-1]:
        block.o.weight.zero_()
        block.down.weight.zero_()


def rate_at(step, done, rate, floor):
    """A short warm-up, then half a cosine down to `floor`; `done` is the finished share of the run."""
    return rate * min(1, (step + 1) / 60) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1, done))))


def first_probabilities(model, items, top_only):
    model.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, len(items), 128):
            ids = [encode_words(normalise(question).split(" "), 0.0) for question, _ in items[start:start + 128]]
            last = torch.tensor([len(row) - 1 for row in ids])
            rows.append(model.logits(model.final(padded(ids), last, top_only=top_only)).softmax(-1))
    model.train()
    return torch.cat(rows)


def score(model, items, report=False, top_only=False):
    probabilities = first_probabilities(model, items, top_only)
    best, token = probabilities.max(-1)
    gold = torch.tensor([first_token[label] for _, label in items])
    known = torch.tensor([label != "foreign" for _, label in items])
    out = {}
    for threshold in [0.0, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7]:
        chosen = torch.where(best < threshold, torch.tensor(first_token["foreign"]), token)
        right = (chosen == gold).float()
        out[threshold] = (right[known].mean().item(), right[~known].mean().item())
    if report:
        for (question, label), predicted, value in zip(items, token.tolist(), best.tolist()):
            if predicted != first_token[label]:
                name = next((l for l in labels if first_token[l] == predicted), "?")
                print(f"  {label:20s} {name:20s} {value:.2f} {question}")
    return out


shadow = Spark(shape)
start_time = time.time()


def gradients(size, top_only, answers):
    """One share of a step: the loss at the first answer token, and over whole answers."""
    net.zero_grad()
    whole = args.batch + args.helper_batch
    batch = sorted((draw() for _ in range(size)), key=lambda entry: len(entry[0]))
    total, answer_loss = 0.0, 0.0
    # Questions of like length go together, which wastes little on padding.
    for start in range(0, len(batch), args.chunk):
        chunk = batch[start:start + args.chunk]
        ids = padded([row for row, _ in chunk])
        last = torch.tensor([len(row) - 1 for row, _ in chunk])
        target = torch.tensor([first_token[label] for _, label in chunk])
        states = net.final(ids, last, args.dropout, args.drop_tokens, top_only)
        logits = net.logits(F.dropout(states, args.dropout))
        loss = F.cross_entropy(logits, target, label_smoothing=args.smooth, reduction="sum") / whole
        total += loss.item() * whole / size
        loss.backward()
    if answers and not top_only:
        # Most of the answers follow a question they do not belong to, so that an answer, once begun, is always finished.
        rows, targets = [], []
        for _ in range(answers):
            row, label = rng.choice(batch[:len(batch) * 3 // 4])
            if rng.random() < 0.65:
                label = "foreign" if rng.random() < 0.2 else rng.choice(labels)
            answer = answer_ids[label]
            rows.append(row + answer[:-1])
            targets.append([-100] * len(row) + answer[1:])
        length = max(map(len, rows))
        states = net.states(padded(rows))
        wanted = torch.tensor([row + [-100] * (length - len(row)) for row in targets])
        place = wanted >= 0
        loss = F.cross_entropy(net.logits(states[place]), wanted[place])
        answer_loss = loss.item()
        loss.backward()
    return total, answer_loss


# Two processes share the weights; the second one hands its gradients over in `handed`.
net.share_memory()
handed = torch.zeros(count).share_memory_()
signal = torch.zeros(2).share_memory_()
meet = mp.get_context("fork").Barrier(2)


def second_process():
    rng.seed(args.seed + 1000)
    torch.manual_seed(args.seed + 1000)
    while True:
        meet.wait()
        if signal[0] == 2:
            return
        _, answer_loss = gradients(args.helper_batch, bool(signal[0] == 1), args.answers)
        place = 0
        for weight in weights:
            size = weight.numel()
            handed[place:place + size] = 0 if weight.grad is None else weight.grad.view(-1)
            place += size
        signal[1] = answer_loss
        meet.wait()


def train(steps, rate, floor, top_only):
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    total, seen, begin, done = 0.0, 0, time.time(), 0.0
    for name, value in net.state_dict().items():
        average[name].copy_(value)
    step = 0
    while done < 1:
        done = max(done, (step + 1) / steps)
        if args.minutes and not top_only:
            done = max(done, (time.time() - begin) / (60 * args.minutes))
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, done, rate, floor)
        signal[0] = 1 if top_only else 0
        meet.wait()
        loss, _ = gradients(args.batch, top_only, args.answers)
        total += loss
        meet.wait()
        place = 0
        for weight in weights:
            size = weight.numel()
            other = handed[place:place + size].view_as(weight)
            if weight.grad is None:
                weight.grad = other.clone()
            else:
                weight.grad += other
            place += size
        if top_only:
            for block in net.blocks[:-1]:
                for weight in block.parameters():
                    weight.grad = None
        nn.utils.clip_grad_norm_([w for w in weights if w.grad is not None], 1.0)
        optimiser.step()
        keep = min(0.99, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, value in net.state_dict().items():
                average[name].mul_(keep).add_(value, alpha=1 - keep)
        seen, step = seen + 1, step + 1
        if step % 50 == 0 or done >= 1:
            line = f"step {step} loss {total / seen:.3f} answers {signal[1]:.4f} time {time.time() - start_time:.0f}s"
            total, seen = 0.0, 0
            if validation:
                shadow.load_state_dict(average)
                result = score(shadow, validation, top_only=top_only)
                line += " " + " ".join(f"{t:.2f}:{a * 100:.1f}/{b * 100:.1f}" for t, (a, b) in result.items() if t in (0.0, 0.3, 0.4, 0.5))
            print(line, flush=True)
            torch.save({"shape": shape, "weights": {name: value.contiguous() for name, value in average.items()}},
                       os.path.join(args.out, "spark.pt"))


if args.continue_from:
    net.load_state_dict(torch.load(os.path.join(args.continue_from, "spark.pt"))["weights"])
second = mp.get_context("fork").Process(target=second_process, daemon=True)
second.start()
if args.top_steps and not args.continue_from:
    train(args.top_steps, args.top_rate, 0.3, True)
    with torch.no_grad():
        for name, value in net.state_dict().items():
            value.copy_(average[name])
train(args.steps, args.rate, 0.02, False)
signal[0] = 2
meet.wait()
second.join()
shadow.load_state_dict(average)
shadow.eval()
if validation:
    result = score(shadow, validation, report=True)
    print(" ".join(f"{t:.2f}:{a * 100:.1f}/{b * 100:.1f}" for t, (a, b) in result.items()))
torch.save({"shape": shape, "weights": {name: value.contiguous() for name, value in shadow.state_dict().items()}},
           os.path.join(args.out, "spark.pt"))
print("done", f"{time.time() - start_time:.0f}s")

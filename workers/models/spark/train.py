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
from spark_text import (END, HERE, PAD, REFUSAL, SPARK, SPLIT, USER, Apart, Tokenizer, build_tokenizer, load_foreign, load_held_out,
                        load_intents, load_more, normalise, opening)

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--top-steps", type=int, default=3500, help="first part: only the last block, on bare embeddings")
parser.add_argument("--steps", type=int, default=1500, help="second part: all blocks, and whole answers")
parser.add_argument("--finish-steps", type=int, default=350, help="third part: mostly whole answers, the lower layers almost at rest")
parser.add_argument("--top-rate", type=float, default=3e-3)
parser.add_argument("--batch", type=int, default=64, help="questions per step in each process")
parser.add_argument("--rate", type=float, default=2e-3)
parser.add_argument("--finish-rate", type=float, default=8e-4)
parser.add_argument("--finish-batch", type=int, default=32)
parser.add_argument("--finish-answers", type=int, default=12)
parser.add_argument("--worst", type=float, default=0.0, help="extra weight of the worst token of each whole answer")
parser.add_argument("--finish-lower", type=float, default=0.2, help="share of the rate for the embeddings and all blocks but the last")
parser.add_argument("--decay", type=float, default=0.1)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--drop-tokens", type=float, default=0.04)
parser.add_argument("--strength", type=float, default=0.6, help="how strongly questions are reworded")
parser.add_argument("--smooth", type=float, default=0.05)
parser.add_argument("--bpe-dropout", type=float, default=0.1)
parser.add_argument("--foreign-share", type=float, default=0.35)
parser.add_argument("--chunk", type=int, default=32)
parser.add_argument("--answers", type=int, default=5, help="whole answers per step in each process")
parser.add_argument("--top-minutes", type=float, default=0, help="end the first part after this time, whatever --top-steps says; 0: no limit")
parser.add_argument("--minutes", type=float, default=0, help="the same for the second part")
parser.add_argument("--finish-minutes", type=float, default=0, help="the same for the third part")
parser.add_argument("--width", type=int, default=SHAPE["width"])
parser.add_argument("--layers", type=int, default=SHAPE["layers"])
parser.add_argument("--heads", type=int, default=SHAPE["heads"])
parser.add_argument("--hidden", type=int, default=SHAPE["hidden"])
parser.add_argument("--vocab", type=int, default=SHAPE["vocab"])
parser.add_argument("--holdback", type=float, default=0.1, help="share of the questions kept for validation; 0 trains on all")
parser.add_argument("--refuse", type=float, default=0.91, help="share of the foreign validation questions that must be refused")
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
# Nothing that is nearly a held-out or a validation question is trained on.
everything = len(training)
held_out = Apart(load_held_out())
training = [item for item in training if not held_out.near(item[0])]
print("left out, nearly held-out:", everything - len(training))
everything = len(training)
checked = Apart([question for question, _ in validation])
training = [item for item in training if not checked.near(item[0])]
print("left out, nearly validation:", everything - len(training))
helper = Augmenter(training, rng)
parts = {label: [normalise(part).split(" ") for part in answers[label].replace(":", ".").split(".") if len(part.split()) > 3]
         for label in labels}


def encode_words(words, drop):
    ids = [user]
    text = " ".join(words)[:180].strip(" ")
    for piece in SPLIT.findall(" " + text):
        ids += tokenizer.piece(piece, drop if drop and rng.random() < 0.5 else 0.0, rng)
    return ids[:128] + [spark]


def draw(clean_share=0.2):
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
top = {id(w) for w in list(net.blocks[-1].parameters()) + list(net.norm.parameters())}
groups = [{"params": [w for w in weights if (w.dim() == 2) == matrix and (id(w) in top) != below], "below": below,
           "weight_decay": args.decay if matrix else 0.0} for matrix in (True, False) for below in (True, False)]
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


def score(model, items, report=False, top_only=False, thresholds=(0.0, 0.3, 0.4, 0.5)):
    probabilities = first_probabilities(model, items, top_only)
    best, token = probabilities.max(-1)
    gold = torch.tensor([first_token[label] for _, label in items])
    known = torch.tensor([label != "foreign" for _, label in items])
    out = {}
    for threshold in thresholds:
        chosen = torch.where(best < threshold, torch.tensor(first_token["foreign"]), token)
        right = (chosen == gold).float()
        out[threshold] = (right[known].mean().item(), right[~known].mean().item())
    if report:
        for (question, label), predicted, value in zip(items, token.tolist(), best.tolist()):
            if predicted != first_token[label]:
                name = next((l for l in labels if first_token[l] == predicted), "?")
                print(f"  {label:20s} {name:20s} {value:.2f} {question}")
    return out


def unfinished(model, items):
    """Of the answers that the model begins, with any first token, those that it does not write to the end word for word."""
    model.eval()
    wrong, by_token = 0, {first_token[label]: label for label in labels}
    with torch.no_grad():
        tokens = first_probabilities(model, items, False).argmax(-1).tolist()
        model.eval()
        for place, (question, _) in enumerate(items):
            row = encode_words(normalise(question).split(" "), 0.0)
            # Every other answer is a refusal, as it is when the model is unsure.
            label = by_token.get(tokens[place], "foreign") if place % 2 == 0 else "foreign"
            answer = answer_ids[label]
            states = model.states(torch.tensor([row + answer[:-1]]))[0, len(row):]
            wrong += (model.logits(states).argmax(-1) != torch.tensor(answer[1:])).any().item()
    model.train()
    return wrong


shadow = Spark(shape)
start_time = time.time()


trouble = {label: 1.0 for label in labels}


def gradients(size, top_only, answers, lengths):
    """One share of a step: the loss at the first answer token, and over whole answers. `lengths`: which questions answers may follow."""
    net.zero_grad()
    whole = 2 * size
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
        rows, targets, chosen = [], [], []
        for _ in range(answers):
            row, label = rng.choice(batch[:int(len(batch) * lengths)])
            choice = rng.random()
            if choice < 0.4:
                label = rng.choices(labels, [0.02 + trouble[name] for name in labels])[0]
            elif choice < 0.65:
                label = "foreign" if rng.random() < 0.2 else rng.choice(labels)
            answer = answer_ids[label]
            chosen.append(label)
            rows.append(row + answer[:-1])
            targets.append([-100] * len(row) + answer[1:])
        length = max(map(len, rows))
        states = net.states(padded(rows))
        wanted = torch.tensor([row + [-100] * (length - len(row)) for row in targets])
        place = wanted >= 0
        each = F.cross_entropy(net.logits(states[place]), wanted[place], reduction="none")
        loss = each.mean()
        answer_loss = loss.item()
        parts_of_it = each.split(place.sum(1).tolist())
        if args.worst:
            loss = loss + args.worst * torch.stack([part.max() for part in parts_of_it]).mean()
        for label, part in zip(chosen, parts_of_it):
            trouble[label] = 0.5 * trouble[label] + 0.5 * min(1.0, part.detach().mean().item())
        loss.backward()
    return total, answer_loss


# Two processes share the weights; the second one hands its gradients over in `handed`.
net.share_memory()
handed = torch.zeros(count).share_memory_()
signal = torch.zeros(5).share_memory_()
meet = mp.get_context("fork").Barrier(2)


def second_process():
    rng.seed(args.seed + 1000)
    torch.manual_seed(args.seed + 1000)
    while True:
        meet.wait()
        if signal[0] == 2:
            return
        _, answer_loss = gradients(int(signal[2]), bool(signal[0] == 1), int(signal[3]), signal[4].item())
        place = 0
        for weight in weights:
            size = weight.numel()
            handed[place:place + size] = 0 if weight.grad is None else weight.grad.view(-1)
            place += size
        signal[1] = answer_loss
        meet.wait()


def train(steps, rate, floor, top_only, batch, answers, lengths, lower, minutes):
    for group in groups:
        group["share"] = lower if group["below"] else 1.0
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    total, seen, begin, done, limited = 0.0, 0, time.time(), 0.0, False
    for name, value in net.state_dict().items():
        average[name].copy_(value)
    step = 0
    while done < 1:
        done = max(done, (step + 1) / steps)
        if minutes:
            spent = (time.time() - begin) / (60 * minutes)
            if spent > done and step > 60:
                done, limited = spent, True
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * rate_at(step, done, rate, floor)
        signal[0], signal[2], signal[3], signal[4] = int(top_only), batch, answers, lengths
        meet.wait()
        loss, _ = gradients(batch, top_only, answers, lengths)
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
        if step % (500 if top_only else 100) == 0 or done >= 1:
            line = f"step {step} loss {total / seen:.3f} answers {signal[1]:.4f} time {time.time() - start_time:.0f}s"
            total, seen = 0.0, 0
            if validation:
                shadow.load_state_dict(average)
                result = score(shadow, validation, top_only=top_only)
                line += " " + " ".join(f"{t:.2f}:{a * 100:.1f}/{b * 100:.1f}" for t, (a, b) in result.items())
                if not top_only and (step % 200 == 0 or done >= 1):
                    line += f" unfinished {unfinished(shadow, validation[::8])} of {len(validation[::8])}"
            print(line, flush=True)
            torch.save({"shape": shape, "weights": {name: value.contiguous() for name, value in average.items()}},
                       os.path.join(args.out, "spark.pt"))
    if limited:
        print("the time limit changed the rates or the length of this part, so another run will differ")


def take_average():
    with torch.no_grad():
        for name, value in net.state_dict().items():
            value.copy_(average[name])


if args.continue_from:
    net.load_state_dict(torch.load(os.path.join(args.continue_from, "spark.pt"))["weights"])
second = mp.get_context("fork").Process(target=second_process, daemon=True)
second.start()
if args.top_steps and not args.continue_from:
    train(args.top_steps, args.top_rate, 0.3, True, args.batch, 0, 1.0, 1.0, args.top_minutes)
    take_average()
if args.steps:
    train(args.steps, args.rate, 0.05, False, args.batch, args.answers, 0.75, 1.0, args.minutes)
if args.finish_steps:
    if args.steps:
        take_average()
    train(args.finish_steps, args.finish_rate, 0.02, False, args.finish_batch, args.finish_answers, 1.0, args.finish_lower,
          args.finish_minutes)
signal[0] = 2
meet.wait()
second.join()
shadow.load_state_dict(average)
shadow.eval()
if validation:
    thresholds = [round(0.01 * number, 2) for number in range(91)]
    result = score(shadow, validation, report=True, thresholds=thresholds)
    print(" ".join(f"{t:.2f}:{a * 100:.1f}/{b * 100:.1f}" for t, (a, b) in result.items() if round(t * 100) % 5 == 0))
    enough = [t for t, (_, refused) in result.items() if refused >= args.refuse]
    if enough:
        print("use --min-probability", enough[0], "right", f"{result[enough[0]][0] * 100:.1f}", "refused", f"{result[enough[0]][1] * 100:.1f}")
    print("unfinished answers:", unfinished(shadow, validation), "of", len(validation))
torch.save({"shape": shape, "weights": {name: value.contiguous() for name, value in shadow.state_dict().items()}},
           os.path.join(args.out, "spark.pt"))
print("done", f"{time.time() - start_time:.0f}s")

"""Train loom or one of its siblings from scratch on texts of the grammar. Needs python3-torch only; see README.md."""
import argparse
import json
import math
import os
import time

import torch
import torch.nn.functional as F

from grammar import Document
from loom_text import CONTEXT, HERE, WordTokenizer, build_tokenizer
from model import SHAPES, Decoder

parser = argparse.ArgumentParser()
parser.add_argument("model", choices=sorted(SHAPES))
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--steps", type=int, default=2200)
parser.add_argument("--batch", type=int, default=16, help="texts per step")
parser.add_argument("--rate", type=float, default=4e-3)
parser.add_argument("--decay", type=float, default=0.1)
parser.add_argument("--warm-up", type=int, default=60)
parser.add_argument("--out", default=os.path.join(HERE, "build"))
args = parser.parse_args()

# Texts of about one length are put together, so that little is padded.
BATCHES_AT_ONCE = 16
HELD_OUT = 64

# One thread: sums in one order, so that a run can be repeated.
torch.set_num_threads(1)
torch.manual_seed(args.seed)
os.makedirs(args.out, exist_ok=True)
document = build_tokenizer()
with open(os.path.join(args.out, "tokenizer.json"), "w", encoding="utf-8") as handle:
    json.dump(document, handle, ensure_ascii=False)
tokenizer = WordTokenizer(document)
shape = {**SHAPES[args.model], "vocab": tokenizer.size}
net = Decoder(shape)
print(args.model, "parameters", sum(weight.numel() for weight in net.parameters()), "vocabulary", tokenizer.size, flush=True)


def pack(seeds):
    """Inputs and targets of some texts. The prompt is no target; -100 stands where nothing is asked."""
    rows = []
    for seed in seeds:
        text = Document(seed)
        prompt = tokenizer.prompt(text.prompt)
        ids = prompt + tokenizer.answer(text.words)
        assert len(ids) <= CONTEXT
        rows.append((ids[:-1], [-100] * (len(prompt) - 1) + ids[len(prompt):]))
    return sorted(rows, key=lambda row: len(row[0]))


def tensors(rows):
    length = max(len(ids) for ids, _ in rows)
    fill = lambda values, pad: values + [pad] * (length - len(values))
    return torch.tensor([fill(ids, tokenizer.pad) for ids, _ in rows]), torch.tensor([fill(targets, -100) for _, targets in rows])


def batches():
    index = 0
    while True:
        rows = pack(f"train {args.seed} {number}" for number in range(index, index + args.batch * BATCHES_AT_ONCE))
        index += len(rows)
        for place in torch.randperm(BATCHES_AT_ONCE).tolist():
            yield tensors(rows[place * args.batch:(place + 1) * args.batch])


@torch.no_grad()
def held_out_bits():
    rows = pack(f"held-out {number}" for number in range(HELD_OUT))
    total, count = 0.0, 0
    for start in range(0, len(rows), 8):
        ids, targets = tensors(rows[start:start + 8])
        total += F.cross_entropy(net(ids).flatten(0, 1), targets.flatten(), reduction="sum").item()
        count += int((targets >= 0).sum())
    return total / count / math.log(2)


matrices = [weight for name, weight in net.named_parameters() if weight.dim() == 2 and "embed" not in name]
others = [weight for name, weight in net.named_parameters() if weight.dim() != 2 or "embed" in name]
optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": args.decay}, {"params": others, "weight_decay": 0.0}],
                              lr=args.rate, betas=(0.9, 0.98), eps=1e-9)
started = time.time()
tokens, total, seen = 0, 0.0, 0
source = batches()
for step in range(1, args.steps + 1):
    share = min(1, step / args.warm_up) * (0.5 + 0.5 * math.cos(math.pi * max(0, step - args.warm_up) / (args.steps - args.warm_up)))
    for group in optimiser.param_groups:
        group["lr"] = args.rate * share
    ids, targets = next(source)
    loss = F.cross_entropy(net(ids).flatten(0, 1), targets.flatten())
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    tokens += int((targets >= 0).sum())
    total, seen = total + loss.item(), seen + 1
    if step % 100 == 0 or step == args.steps:
        line = f"step {step} bits {total / seen / math.log(2):.4f} tokens {tokens} time {time.time() - started:.0f}s"
        if step % 500 == 0 or step == args.steps:
            line += f" held-out {held_out_bits():.4f}"
        print(line, flush=True)
        total, seen = 0.0, 0
minutes = (time.time() - started) / 60
torch.save({"shape": shape, "steps": step, "tokens": tokens, "minutes": minutes,
            "weights": {name: value.contiguous() for name, value in net.state_dict().items()}},
           os.path.join(args.out, args.model + ".pt"))
print("done", f"{minutes:.1f} min")

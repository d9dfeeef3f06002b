"""The Llama-shaped decoder that Spark is."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPE = {"vocab": 1400, "width": 256, "layers": 2, "heads": 8, "hidden": 512, "positions": 256, "theta": 10000.0, "eps": 1e-5}


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(shape):
    size = shape["width"] // shape["heads"]
    frequency = shape["theta"] ** (-torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(shape["positions"]).float(), frequency)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x):
    half = x.shape[-1] // 2
    return torch.cat([-x[..., half:], x[..., :half]], -1)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, hidden = shape["width"], shape["hidden"]
        self.heads = shape["heads"]
        self.norm1, self.norm2 = Norm(width, shape["eps"]), Norm(width, shape["eps"])
        self.qkv, self.o = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin, mask, drop):
        batch, length, width = x.shape
        y = self.norm1(x)
        q, k, v = self.qkv(y).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = q * cos + rotate(q) * sin, k * cos + rotate(k) * sin
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width)
        x = x + F.dropout(self.o(y), drop, self.training)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        y = self.down(F.silu(gate) * up)
        return x + F.dropout(y, drop, self.training)

    def at(self, x, last, cos, sin, mask, drop):
        """The same as forward, but only for position last[row] of each row."""
        batch, length, width = x.shape
        row = torch.arange(batch)
        y = self.norm1(x)
        k, v = F.linear(y, self.qkv.weight[width:]).view(batch, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        q = F.linear(y[row, last], self.qkv.weight[:width]).view(batch, self.heads, 1, -1)
        q = q * cos[last][:, None, None] + rotate(q) * sin[last][:, None, None]
        k = k * cos + rotate(k) * sin
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask[last][:, None, None]
        y = (scores.softmax(-1) @ v).reshape(batch, width)
        x = x[row, last] + F.dropout(self.o(y), drop, self.training)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + F.dropout(self.down(F.silu(gate) * up), drop, self.training)


class Spark(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape["vocab"], shape["width"])
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape["layers"]))
        self.norm = Norm(shape["width"], shape["eps"])
        cos, sin = rope_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        mask = torch.full((shape["positions"], shape["positions"]), -1e9).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if "embed" in name else 1 / math.sqrt(weight.shape[1])
                if name.endswith(("o.weight", "down.weight")):
                    scale /= math.sqrt(2 * shape["layers"])
                nn.init.normal_(weight, 0.0, scale)

    def states(self, ids, drop=0.0, drop_tokens=0.0):
        """The state after the last block, for every position."""
        x, tables = self.begin(ids, drop, drop_tokens)
        for block in self.blocks:
            x = block(x, *tables, drop)
        return self.norm(x)

    def begin(self, ids, drop, drop_tokens):
        length = ids.shape[1]
        x = self.embed(ids)
        if self.training and drop_tokens:
            x = x * (torch.rand(ids.shape, device=ids.device) > drop_tokens).unsqueeze(-1)
        return F.dropout(x, drop, self.training), (self.cos[:length], self.sin[:length], self.mask[:length, :length])

    def final(self, ids, last, drop=0.0, drop_tokens=0.0, top_only=False):
        """The state after the last block at one position of each row, which is all that choosing an answer needs."""
        x, tables = self.begin(ids, drop, drop_tokens)
        if not top_only:
            for block in self.blocks[:-1]:
                x = block(x, *tables, drop)
        return self.norm(self.blocks[-1].at(x, last, *tables, drop))

    def logits(self, states):
        return states @ self.embed.weight.t()

    def forward(self, ids):
        return self.logits(self.states(ids))

"""Drawing tokens as the app does (src/core/engines): the most likely ones, noise on the raw logits, the largest sum."""
import torch
import torch.nn.functional as F

from model import rotate

TOP_K, TOP_K_TOLERANCE = 64, 8


def noise_at(seed, position, rows, vocabulary):
    """Gumbel noise for one place of every answer."""
    uniform = torch.rand(rows, vocabulary, generator=torch.Generator().manual_seed(seed * 1_000_003 + position), dtype=torch.float64)
    return -torch.log(-torch.log(uniform.clamp(1e-12, 1 - 1e-12)))


def draw(logits, noise, temperature):
    """The token of each row. `logits` and `noise`: [rows, vocabulary]."""
    values, ids = logits.topk(TOP_K, -1)
    best = (values + temperature * noise.gather(-1, ids)).argmax(-1, keepdim=True)
    return ids.gather(-1, best).squeeze(-1)


def top_scores(logits, noise, temperature, claimed):
    """The best logit with noise, and that of the claimed token; minus infinity when the claimed one takes no part."""
    values, ids = logits.topk(TOP_K, -1)
    best = (values + temperature * noise.gather(-1, ids)).max(-1).values
    edge = logits.topk(TOP_K + TOP_K_TOLERANCE, -1).values[:, -1]
    value = logits.gather(-1, claimed[:, None]).squeeze(-1)
    score = value + temperature * noise.gather(-1, claimed[:, None]).squeeze(-1)
    return best, torch.where(value >= edge, score, torch.full_like(score, float("-inf")))


def forward_cached(net, ids, cache):
    """Logits after the last of `ids`, and the keys and values with those of `ids` behind them."""
    past = 0 if cache is None else cache[0][0].shape[2]
    batch, length = ids.shape
    cos, sin = net.cos[past:past + length], net.sin[past:past + length]
    mask = net.mask[past:past + length, :past + length]
    x, grown = net.embed(ids), []
    for index, block in enumerate(net.blocks):
        q, k, v = block.qkv(block.norm1(x)).view(batch, length, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = q * cos + rotate(q) * sin, k * cos + rotate(k) * sin
        if cache is not None:
            k, v = torch.cat([cache[index][0], k], 2), torch.cat([cache[index][1], v], 2)
        grown.append((k, v))
        shares = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + mask).softmax(-1)
        x = x + block.o((shares @ v).transpose(1, 2).reshape(batch, length, -1))
        gate, up = block.gate_up(block.norm2(x)).chunk(2, -1)
        x = x + block.down(F.silu(gate) * up)
    return net.logits(net.norm(x[:, -1])), grown

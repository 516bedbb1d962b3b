"""Blocks of well-known models, small enough for exact baselines: name -> (module, inputs)."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """x + body(x), then a ReLU."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return functional.relu(x + self.body(x))


class Branches(nn.Module):
    """The concatenation of several branches, as in Inception."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.down = nn.Linear(channels, channels // 4)
        self.up = nn.Linear(channels // 4, channels)

    def forward(self, x):
        scale = functional.silu(self.down(x.mean((2, 3))))
        return x * torch.sigmoid(self.up(scale))[:, :, None, None]


class SwiGlu(nn.Module):
    """Feed-forward part of Llama, with its norm."""

    def __init__(self, width, hidden):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        y = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class Gated(nn.Module):
    """Gated unit of WaveNet."""

    def __init__(self, channels):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 2, dilation=2)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=2)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        y = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return x[:, :, 2:] + self.out(y)


class Highway(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.plain, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        return gate * functional.relu(self.plain(x)) + (1 - gate) * x


class Attention(nn.Module):
    """One head, written out."""

    def __init__(self, width):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        return functional.softmax(scores, -1) @ self.value(x)


class Sampled(nn.Module):
    """Bottleneck of a variational autoencoder, without its noise, and the divergence."""

    def __init__(self, width):
        super().__init__()
        self.mean, self.spread = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        mean, spread = self.mean(x), self.spread(x)
        return (mean.square() + spread.exp() - 1 - spread).mean() + (mean * spread.exp()).mean()


class Interaction(nn.Module):
    """Products of all pairs of features, as in DLRM."""

    def __init__(self, width):
        super().__init__()
        self.project = nn.Linear(width, width)

    def forward(self, x):
        y = functional.relu(self.project(x))
        return torch.sigmoid((y @ y.transpose(1, 2)).flatten(1).sum(1))


def conv(inputs, outputs, size=3, **options):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False, **options),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def blocks():
    """name -> (module, inputs); the inputs' sizes are those of one layer on one device."""
    image, rows, words = torch.rand(16, 64, 28, 28), torch.rand(256, 256), torch.rand(16, 64, 256)
    narrow = nn.Sequential(conv(64, 32, 1), conv(32, 32), nn.Conv2d(32, 64, 1), nn.BatchNorm2d(64))
    separable = nn.Sequential(conv(64, 64, groups=64), conv(64, 64, 1))
    inverted = nn.Sequential(
        nn.Conv2d(64, 64, 7, padding=3, groups=64),
        nn.GroupNorm(1, 64),
        nn.Conv2d(64, 128, 1),
        nn.GELU(),
        nn.Conv2d(128, 64, 1),
    )
    inception = Branches(
        conv(64, 16, 1),
        nn.Sequential(conv(64, 16, 1), conv(16, 24)),
        nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(64, 16, 1)),
    )
    transformer = {"d_model": 256, "nhead": 4, "dim_feedforward": 1024}
    transformer |= {"batch_first": True, "dropout": 0.0}  # What draws numbers never runs again.
    mlp = nn.Sequential(
        nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 256), nn.LayerNorm(256), nn.Softmax(-1)
    )
    return {
        "transformer": (nn.TransformerEncoderLayer(**transformer), (words,)),
        "transformer_gelu": (
            nn.TransformerEncoderLayer(**transformer, activation="gelu", norm_first=True),
            (words,),
        ),
        "decoder": (nn.TransformerDecoderLayer(**transformer), (words, words)),
        "attention": (nn.MultiheadAttention(256, 4, batch_first=True), (words, words, words)),
        "attention_head": (Attention(256), (words,)),
        "gelu_mlp": (mlp, (rows,)),
        "swiglu": (SwiGlu(256, 512), (words,)),
        "rnn_cell": (nn.RNNCell(256, 256), (rows,)),
        "gru_cell": (nn.GRUCell(256, 256), (rows,)),
        "lstm_cell": (nn.LSTMCell(256, 256), (rows,)),
        "highway": (Highway(256), (rows,)),
        "gated_conv": (Gated(64), (torch.rand(16, 64, 512),)),
        "inception": (inception, (image,)),
        "residual": (Residual(nn.Sequential(conv(64, 64), conv(64, 64))), (image,)),
        "bottleneck": (Residual(narrow), (image,)),
        "separable": (Residual(separable), (image,)),
        "convnext": (Residual(inverted), (image,)),
        "squeeze_excite": (Residual(SqueezeExcite(64)), (image,)),
        "vae": (Sampled(256), (rows,)),
        "dlrm": (Interaction(256), (words,)),
        "norm_act": (nn.Sequential(nn.GroupNorm(8, 64), nn.SiLU(), conv(64, 64)), (image,)),
        "softmax_head": (nn.Sequential(nn.Linear(256, 1000), nn.LogSoftmax(-1)), (rows,)),
    }

"""Inception-v3."""

import torch

from gopt import workloads


def test_it_has_the_papers_grids():
    model = workloads.make("inception32").model
    assert sum(p.numel() for p in model.parameters()) == 27_161_264
    shapes = {}

    def note(name):
        def hook(module, inputs, output):
            shapes[name] = tuple(output.shape[1:])

        return hook

    for name in ("grid35", "grid17", "grid8"):
        getattr(model, name).register_forward_hook(note(name))
    images, targets = torch.empty(2, 3, 299, 299), torch.empty(2, dtype=torch.long)
    model(images.to("meta"), targets.to("meta"))
    assert shapes == {"grid35": (288, 35, 35), "grid17": (768, 17, 17), "grid8": (2048, 8, 8)}

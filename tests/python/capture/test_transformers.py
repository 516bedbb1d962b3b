"""Training steps of the models of `transformers`, as their authors wrote them."""

import pytest
import torch

import gopt

pytest.importorskip("transformers", reason="transformers is not installed")

from transformers_models import RECIPES

SMALL = [name for name in RECIPES if name != "detr"]


def capture(recipe, **changes):
    model, inputs = recipe.make(**changes)
    step = gopt.capture(model, inputs, recipe.loss, optimizer="adam")
    return step, model, inputs


@pytest.mark.parametrize("name", SMALL)
def test_a_training_step_is_captured(name):
    recipe = RECIPES[name]
    step, model, inputs = capture(recipe)
    graph = [step.graph.op(i) for i in range(len(step.graph))]
    assert step.recipe == "hooks"
    assert set(step.updates) == {n for n, p in model.named_parameters() if p.requires_grad}
    known = {type(model).__name__, "loss", *(n for n, _ in model.named_modules())}
    assert {op.scope for op in graph} <= known
    assert not [op.native for op in graph if op.kind == "compute" and op.flops < 0]
    if not recipe.random:
        assert_equals_autograd(step, model, inputs, recipe)


def assert_equals_autograd(step, model, inputs, recipe):
    (loss,), gradients = step.interpret(model, inputs)
    output = model(**inputs)
    wanted = recipe.loss(output) if recipe.loss else output.loss
    wanted.backward()
    torch.testing.assert_close(loss, wanted.detach())
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "t5", "swin"])
def test_models_built_without_data_give_the_same_graph(name):
    step, _, inputs = capture(RECIPES[name])
    with torch.device("meta"):
        empty, _ = RECIPES[name].make()
    same = gopt.capture(empty, inputs, optimizer="adam")
    assert same.graph.fingerprint == step.graph.fingerprint


def test_branches_of_detr_on_its_activations_are_named_and_can_be_left_out():
    recipe = RECIPES["detr"]
    with pytest.raises(gopt.CaptureError, match=r"if not torch.isfinite\(hidden_states\).all\(\)"):
        capture(recipe)
    model, inputs = recipe.make()
    for layer in model.model.encoder.layers:
        layer.training = False
    step = gopt.capture(model, inputs, recipe.loss, optimizer="adam")
    assert_equals_autograd(step, model, inputs, recipe)


@pytest.mark.parametrize(
    ("name", "changes", "construct", "line"),
    [
        ("wav2vec2", {"layerdrop": 0.1}, "data-dependent control flow", "skip_the_layer"),
        ("mixtral", {"experts_implementation": "eager"}, "a shape that depends on data", "nonzero"),
    ],
)
def test_what_an_option_turns_off_is_named(name, changes, construct, line):
    with pytest.raises(gopt.CaptureError) as caught:
        capture(RECIPES[name], **changes)
    assert construct in caught.value.construct
    assert line in caught.value.location


@pytest.mark.parametrize("name", ["llama", "t5", "clip"])
def test_inference_gives_what_the_models_result_holds(name):
    model, inputs = RECIPES[name].make()
    inputs = {k: v for k, v in inputs.items() if k not in ("labels", "return_loss")}
    if name == "t5":
        inputs["decoder_input_ids"] = inputs["input_ids"]
    step = gopt.capture(model, inputs, train=False)
    outputs, _ = step.interpret(model, inputs)
    wanted = model.eval()(**inputs)
    torch.testing.assert_close(outputs[0], wanted[0])
    if name == "llama":  # keys and values of both layers
        layers = wanted.past_key_values.layers
        cached = [tensor for layer in layers for tensor in (layer.keys, layer.values)]
        torch.testing.assert_close(outputs[1:], cached)

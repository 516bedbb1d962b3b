"""Tiny `transformers` models with random weights, and what a training step of each is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn

WORDS = 40
LENGTH = 8
BATCH = 2

# How most configuration classes name the sizes of a Transformer.
ENCODER = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
DECODER = {
    "vocab_size": WORDS,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "head_dim": 4,
    "pad_token_id": 0,
}
SEQUENCES = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "dropout": 0.0,
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to make one model.

    Attributes:
      model: class in `transformers`, ending in what it is for.
      config: its configuration class.
      sizes: arguments of that.
      inputs: gives the keyword arguments of a step, labels included.
      loss: of the output; None: the model gives its loss.
      random: the step draws random numbers that no option turns off.
    """

    model: str
    config: str
    sizes: dict[str, Any]
    inputs: Callable[[], dict[str, torch.Tensor]]
    loss: Callable[[Any], torch.Tensor] | None = None
    random: bool = False

    def make(self, **changes: Any) -> tuple[nn.Module, dict[str, torch.Tensor]]:
        """The model, in training mode, and the arguments of one step; `changes` to its sizes."""
        config = getattr(transformers, self.config)(**{**self.sizes, **changes})
        model = getattr(transformers, self.model)(config)
        return model.train(), self.inputs()


def tokens() -> torch.Tensor:
    return torch.randint(5, WORDS, (BATCH, LENGTH))


def text() -> dict[str, torch.Tensor]:
    """Tokens, each with a label."""
    return {
        "input_ids": tokens(),
        "attention_mask": torch.ones(BATCH, LENGTH, dtype=torch.long),
        "labels": tokens(),
    }


def text_class() -> dict[str, torch.Tensor]:
    return {"input_ids": tokens(), "labels": torch.tensor([0, 1])}


def unmasked() -> dict[str, torch.Tensor]:
    return {"input_ids": tokens(), "labels": tokens()}


def pictures() -> torch.Tensor:
    return torch.randn(BATCH, 3, 32, 32)


def picture_class() -> dict[str, torch.Tensor]:
    return {"pixel_values": pictures(), "labels": torch.tensor([0, 1])}


def picture_map() -> dict[str, torch.Tensor]:
    """A class for every pixel."""
    return {"pixel_values": pictures(), "labels": torch.randint(2, (BATCH, 32, 32))}


def picture_only() -> dict[str, torch.Tensor]:
    return {"pixel_values": pictures()}


def picture_text() -> dict[str, Any]:
    return {"input_ids": tokens(), "pixel_values": pictures(), "return_loss": True}


def spectrum() -> dict[str, torch.Tensor]:
    return {"input_features": torch.randn(BATCH, 8, 2 * LENGTH), "labels": tokens()}


def sound() -> dict[str, torch.Tensor]:
    return {"input_values": torch.randn(BATCH, 400), "labels": torch.tensor([0, 1])}


def sentence_of_labels() -> dict[str, torch.Tensor]:
    return {"input_ids": tokens(), "labels": torch.randint(2, (BATCH, LENGTH))}


def film() -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(BATCH, 4, 3, 16, 16), "labels": torch.tensor([0, 1])}


def series() -> dict[str, torch.Tensor]:
    return {"past_values": torch.randn(BATCH, 16, 2), "future_values": torch.randn(BATCH, 4, 2)}


def squared(output: Any) -> torch.Tensor:
    """A loss for models whose own loss searches for matching objects."""
    return output.logits.square().mean() + output.pred_boxes.square().mean()


RECIPES = {
    "bert": Recipe("BertForMaskedLM", "BertConfig", {**ENCODER, "vocab_size": WORDS}, text),
    "roberta": Recipe(
        "RobertaForTokenClassification",
        "RobertaConfig",
        {**ENCODER, "vocab_size": WORDS},
        sentence_of_labels,
    ),
    "albert": Recipe(
        "AlbertForMaskedLM",
        "AlbertConfig",
        {**ENCODER, "embedding_size": 8, "vocab_size": WORDS},
        text,
    ),
    "electra": Recipe(
        "ElectraForSequenceClassification",
        "ElectraConfig",
        {**ENCODER, "embedding_size": 8, "vocab_size": WORDS},
        text_class,
    ),
    "distilbert": Recipe(
        "DistilBertForMaskedLM",
        "DistilBertConfig",
        {
            "dim": 16,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 24,
            "vocab_size": WORDS,
            "dropout": 0.0,
            "attention_dropout": 0.0,
        },
        text,
    ),
    "deberta": Recipe(
        "DebertaV2ForMaskedLM",
        "DebertaV2Config",
        {
            **ENCODER,
            "vocab_size": WORDS,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
        },
        text,
    ),
    "modernbert": Recipe(
        "ModernBertForMaskedLM",
        "ModernBertConfig",
        {
            "vocab_size": WORDS,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "cls_token_id": 1,
            "sep_token_id": 2,
        },
        text,
    ),
    "gpt2": Recipe(
        "GPT2LMHeadModel",
        "GPT2Config",
        {
            "n_embd": 16,
            "n_layer": 2,
            "n_head": 2,
            "vocab_size": WORDS,
            "n_positions": 16,
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
        },
        text,
    ),
    "opt": Recipe(
        "OPTForCausalLM",
        "OPTConfig",
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 24,
            "vocab_size": WORDS,
            "word_embed_proj_dim": 16,
            "max_position_embeddings": 16,
            "dropout": 0.0,
        },
        text,
    ),
    "bloom": Recipe(
        "BloomForCausalLM",
        "BloomConfig",
        {"hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": WORDS},
        text,
    ),
    "falcon": Recipe(
        "FalconForCausalLM",
        "FalconConfig",
        {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": WORDS},
        text,
    ),
    "llama": Recipe("LlamaForCausalLM", "LlamaConfig", DECODER, text),
    "mistral": Recipe(
        "MistralForCausalLM", "MistralConfig", {**DECODER, "sliding_window": 4}, text
    ),
    "qwen2": Recipe("Qwen2ForCausalLM", "Qwen2Config", DECODER, text),
    "gemma2": Recipe("Gemma2ForCausalLM", "Gemma2Config", DECODER, text),
    "phi3": Recipe(
        "Phi3ForCausalLM", "Phi3Config", {**DECODER, "bos_token_id": 1, "eos_token_id": 2}, text
    ),
    "mixtral": Recipe(
        "MixtralForCausalLM", "MixtralConfig", {**DECODER, "num_local_experts": 4}, text
    ),
    "qwen2_moe": Recipe(
        "Qwen2MoeForCausalLM",
        "Qwen2MoeConfig",
        {
            **DECODER,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 8,
            "shared_expert_intermediate_size": 8,
        },
        text,
    ),
    "mamba": Recipe(
        "MambaForCausalLM",
        "MambaConfig",
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "state_size": 4,
            "vocab_size": WORDS,
            "use_mambapy": False,
        },
        unmasked,
    ),
    "t5": Recipe(
        "T5ForConditionalGeneration",
        "T5Config",
        {
            "d_model": 16,
            "num_layers": 2,
            "num_heads": 2,
            "d_kv": 8,
            "d_ff": 24,
            "vocab_size": WORDS,
            "dropout_rate": 0.0,
            "decoder_start_token_id": 0,
        },
        text,
    ),
    "bart": Recipe(
        "BartForConditionalGeneration",
        "BartConfig",
        {**SEQUENCES, "vocab_size": WORDS, "max_position_embeddings": 16},
        text,
    ),
    "whisper": Recipe(
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {
            **SEQUENCES,
            "vocab_size": WORDS,
            "num_mel_bins": 8,
            "max_source_positions": LENGTH,
            "max_target_positions": 16,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 1,
        },
        spectrum,
    ),
    "wav2vec2": Recipe(
        "Wav2Vec2ForSequenceClassification",
        "Wav2Vec2Config",
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "conv_dim": [16, 16],
            "conv_stride": [5, 2],
            "conv_kernel": [10, 3],
            "num_conv_pos_embeddings": 4,
            "num_conv_pos_embedding_groups": 2,
            "classifier_proj_size": 8,
            "mask_time_prob": 0.05,
            "mask_time_length": 2,
            "layerdrop": 0.0,
        },
        sound,
        random=True,
    ),
    "vit": Recipe(
        "ViTForImageClassification",
        "ViTConfig",
        {**ENCODER, "image_size": 32, "patch_size": 8},
        picture_class,
    ),
    "swin": Recipe(
        "SwinForImageClassification",
        "SwinConfig",
        {
            "image_size": 32,
            "patch_size": 4,
            "embed_dim": 8,
            "depths": [2, 2],
            "num_heads": [2, 2],
            "window_size": 4,
        },
        picture_class,
    ),
    "convnext": Recipe(
        "ConvNextForImageClassification",
        "ConvNextConfig",
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
        picture_class,
    ),
    "resnet": Recipe(
        "ResNetForImageClassification",
        "ResNetConfig",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
        picture_class,
    ),
    "segformer": Recipe(
        "SegformerForSemanticSegmentation",
        "SegformerConfig",
        {
            "hidden_sizes": [8, 16, 16, 16],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 2],
            "decoder_hidden_size": 16,
            "sr_ratios": [2, 2, 1, 1],
            "drop_path_rate": 0.0,
            "classifier_dropout_prob": 0.0,
        },
        picture_map,
    ),
    "vit_mae": Recipe(
        "ViTMAEForPreTraining",
        "ViTMAEConfig",
        {
            **ENCODER,
            "image_size": 32,
            "patch_size": 8,
            "decoder_hidden_size": 16,
            "decoder_num_hidden_layers": 1,
            "decoder_num_attention_heads": 2,
            "decoder_intermediate_size": 24,
        },
        picture_only,
        random=True,
    ),
    "clip": Recipe(
        "CLIPModel",
        "CLIPConfig",
        {
            "text_config": {
                "hidden_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 24,
                "vocab_size": WORDS,
                "eos_token_id": 2,
                "max_position_embeddings": 16,
            },
            "vision_config": {
                "hidden_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 24,
                "image_size": 32,
                "patch_size": 8,
            },
            "projection_dim": 8,
        },
        picture_text,
    ),
    "detr": Recipe(
        "DetrForObjectDetection",
        "DetrConfig",
        {
            **SEQUENCES,
            "num_queries": 4,
            "backbone_config": transformers.ResNetConfig(
                embedding_size=8,
                hidden_sizes=[8, 16],
                depths=[1, 1],
                layer_type="basic",
                out_features=["stage2"],
            ),
        },
        picture_only,
        squared,
    ),
    "yolos": Recipe(
        "YolosForObjectDetection",
        "YolosConfig",
        {**ENCODER, "image_size": [32, 32], "patch_size": 8, "num_detection_tokens": 4},
        picture_only,
        squared,
    ),
    "videomae": Recipe(
        "VideoMAEForVideoClassification",
        "VideoMAEConfig",
        {**ENCODER, "image_size": 16, "patch_size": 8, "num_frames": 4},
        film,
    ),
    "patchtst": Recipe(
        "PatchTSTForPrediction",
        "PatchTSTConfig",
        {
            "num_input_channels": 2,
            "context_length": 16,
            "prediction_length": 4,
            "patch_length": 4,
            "patch_stride": 4,
            "d_model": 16,
            "num_attention_heads": 2,
            "num_hidden_layers": 2,
            "ffn_dim": 24,
        },
        lambda: {
            "past_values": torch.randn(BATCH, 16, 2),
            "future_values": torch.randn(BATCH, 4, 2),
        },
    ),
}

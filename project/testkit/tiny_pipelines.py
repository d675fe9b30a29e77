"""Diffusers pipelines of a third of a megabyte with random weights, saved as real ones are, for tests of their loader.

Their pictures are noise, but every line that a real pipeline goes through is gone through.
"""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLWan,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    UMT5Config,
    UMT5EncoderModel,
)

_BYTES = [chr(number) for number in (*range(33, 127), *range(161, 173), *range(174, 256))]
_SPECIAL = ["<|startoftext|>", "<|endoftext|>"]


def save_text_to_image(folder: Path, *, prudish: bool = False, pickled: bool = False) -> Path:
    """A Stable Diffusion, saved in this folder. `prudish`: with a checker that objects to every picture; `pickled`: in
    the form that may run code when it is read."""
    torch.manual_seed(0)
    vocabulary = [*_BYTES, *(f"{letter}</w>" for letter in _BYTES), *_SPECIAL]
    text = CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        projection_dim=32,
        vocab_size=len(vocabulary),
        bos_token_id=len(vocabulary) - 2,
        eos_token_id=len(vocabulary) - 1,
        pad_token_id=len(vocabulary) - 1,
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            in_channels=3,
            out_channels=3,
            latent_channels=4,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=_clip_tokenizer(folder, vocabulary),
        unet=UNet2DConditionModel(
            block_out_channels=(32, 64),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            sample_size=32,
            in_channels=4,
            out_channels=4,
            cross_attention_dim=32,
        ),
        scheduler=DDIMScheduler(),
        safety_checker=_objector() if prudish else None,
        feature_extractor=CLIPImageProcessor(crop_size={"height": 32, "width": 32}, size={"shortest_edge": 32}),
        requires_safety_checker=prudish,
    )
    pipeline.save_pretrained(folder, safe_serialization=not pickled)
    return folder


def save_image_to_video(folder: Path) -> Path:
    """A Wan of a few frames, saved in this folder."""
    torch.manual_seed(0)
    pipeline = WanImageToVideoPipeline(
        vae=AutoencoderKLWan(
            base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1, temperal_downsample=[False, True, True]
        ),
        text_encoder=UMT5EncoderModel(
            UMT5Config(
                vocab_size=64, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, relative_attention_num_buckets=8
            )
        ),
        tokenizer=_word_tokenizer(),
        transformer=WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=36,
            out_channels=16,
            text_dim=32,
            freq_dim=256,
            ffn_dim=32,
            num_layers=2,
            cross_attn_norm=True,
            qk_norm="rms_norm_across_heads",
            rope_max_seq_len=32,
            image_dim=4,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        image_encoder=CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=4,
                projection_dim=4,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                intermediate_size=16,
                patch_size=4,
            )
        ),
        image_processor=CLIPImageProcessor(crop_size=32, size=32),
    )
    pipeline.save_pretrained(folder)
    return folder


def _objector() -> StableDiffusionSafetyChecker:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
    }
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, text_config={}, projection_dim=32))
    checker.concept_embeds_weights.data.fill_(-10)  # any likeness is too much
    return checker


def _clip_tokenizer(folder: Path, vocabulary: list[str]) -> CLIPTokenizer:
    folder.mkdir(parents=True, exist_ok=True)
    words, merges = folder / "vocab.json", folder / "merges.txt"
    words.write_text(json.dumps({word: number for number, word in enumerate(vocabulary)}))
    merges.write_text("#version: 0.2\n")
    return CLIPTokenizer(str(words), str(merges), model_max_length=77)


def _word_tokenizer() -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", "a", "cat", "walks"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=32
    )

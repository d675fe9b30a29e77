"""A diffusers pipeline from a local folder: loaded without a network, run step by step under a job's context."""

import importlib.util
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from reelwork.generator import GenerationContext, OutOfResources, ProviderUnavailable
from worker.models.diffusion.settings import DiffusionSettings

log = structlog.get_logger(__name__)

FOLDER = "REELWORK_DIFFUSION_DIR"
INDEX = "model_index.json"  # what every saved pipeline has

_PACKAGES = ("torch", "diffusers", "transformers", "accelerate")
# Of a run: before the first step things are encoded, after the last one decoded.
_BEGIN, _END = 0.05, 0.9


def missing(kind: str) -> str | None:
    """Why no pipeline of this kind (`text-to-image`) can be run here, with the cure; None where one can. Quick: looks
    for packages and files, imports nothing."""
    absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        return f"needs the packages {', '.join(absent)}: use the image of project/docker/diffusion.Dockerfile"
    folder = pipeline_folder(kind)
    if folder is None:
        return f"needs a diffusers pipeline: set {FOLDER} to a folder that holds one as {kind}/"
    if not (folder / INDEX).is_file():
        return f"needs a diffusers pipeline, and {folder} holds no {INDEX}: save one there with save_pretrained()"
    return None


def pipeline_folder(kind: str) -> Path | None:
    """Where the operator put the pipeline of this kind; None where no folder is named."""
    folder = DiffusionSettings().diffusion_dir
    return folder / kind if folder is not None else None


class LocalPipeline:
    """A loaded pipeline. Not to be used by two threads at once."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Loads it onto the accelerator if there is one. Nothing is downloaded, no code of the folder is run and no
        pickle is read. Raises ProviderUnavailable for what is no pipeline."""
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported, so before
        import torch  # noqa: PLC0415  (extras that take seconds to import: only whoever runs them pays)
        from diffusers import DiffusionPipeline  # noqa: PLC0415

        self._torch = torch
        torch.set_num_threads(threads)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        precision = torch.bfloat16 if device == "cuda" else torch.float32
        try:
            loaded = DiffusionPipeline.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, torch_dtype=precision
            )
        except (OSError, ValueError, AttributeError) as error:  # what diffusers raises for files that do not fit
            log.exception("pipeline.not_loaded", folder=str(folder))
            raise ProviderUnavailable(f"The pipeline in {folder.name}/ cannot be loaded.") from error
        self._pipeline: Any = loaded.to(device)  # pipelines have nothing in common that types could say
        self._pipeline.set_progress_bar_config(disable=True)
        self._takes = frozenset(inspect.signature(self._pipeline.__call__).parameters)

    @property
    def name(self) -> str:
        """The pipeline's class, such as `StableDiffusionPipeline`."""
        return type(self._pipeline).__name__

    @property
    def frames_per_latent(self) -> int:
        """A film has a multiple of so many frames, and one more."""
        return int(getattr(self._pipeline, "vae_scale_factor_temporal", 1))

    def takes(self, parameter: str) -> bool:
        """Whether a run can be told this: not every pipeline knows of negative prompts, or of prompts at all."""
        return parameter in self._takes

    def run(self, values: Mapping[str, object], ctx: GenerationContext, *, steps: int) -> Any:
        """The pipeline's own output. What it cannot be told of `values` is left out. Stops after the step in which the
        job was cancelled. Raises OutOfResources where the accelerator's memory is too small."""
        ctx.progress(_BEGIN, "Reading the prompt", stage="generating")
        known = {name: value for name, value in values.items() if self.takes(name) and value is not None}
        generator = self._torch.Generator("cpu").manual_seed(ctx.seed)  # the same noise on every device
        try:
            return self._pipeline(
                **known,
                num_inference_steps=steps,
                generator=generator,
                callback_on_step_end=_reporting(ctx, steps),
            )
        except self._torch.cuda.OutOfMemoryError as error:
            self._torch.cuda.empty_cache()
            raise OutOfResources("The accelerator has too little memory for this size; make it smaller.") from error


def _reporting(ctx: GenerationContext, steps: int) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    """Called by the pipeline after each step, with tensors that are nobody's business here. What the context raises
    goes through the pipeline: its own `interrupt` flag is not known to all of them."""

    def on_step_end(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        done = min(step + 1, steps)
        ctx.progress(_BEGIN + (_END - _BEGIN) * done / steps, "Denoising", step=done, steps=steps)
        return tensors

    return on_step_end

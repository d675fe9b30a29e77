"""Settings of the models that run local diffusion pipelines."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DiffusionSettings(BaseSettings):
    """Every field is an environment variable `REELWORK_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="REELWORK_", env_ignore_empty=True, extra="ignore")

    diffusion_dir: Annotated[
        Path | None,
        Field(
            description="Folder with diffusers pipelines: text-to-image/, image-to-video/. None: no local diffusion."
        ),
    ] = None

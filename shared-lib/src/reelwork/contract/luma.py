"""The wire of Luma's video API, as programs that were written for it know it."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from reelwork.contract.base import JSON_NUMBER, Timestamp, Wire
from reelwork.contract.jobs import MetadataKey, StatusName, WebhookUrl
from reelwork.contract.paging import PageMeta
from reelwork.contract.sources import Prompt

Resolution = Literal["480p", "720p", "1080p", "4k"]
Style = Literal["cinematic", "anime", "realistic", "artistic", "documentary"]
AspectRatio = Literal["16:9", "9:16", "1:1", "4:3"]
DreamMachine = Literal["dream-machine-1.5", "dream-machine-1.0"]
VideoStatus = Literal["processing", "ready", "failed"]
MOST_REQUESTS = 10


class GenerationBody(Wire):
    """A video to make. What the model behind it cannot do is refused; a style that it does not have is only noted."""

    prompt: Prompt
    duration: Annotated[int, Field(ge=1, le=300, description="In seconds."), JSON_NUMBER] = 10
    resolution: Annotated[Resolution, Field(description="Left out: the best there is, up to 1080p.")] = "1080p"
    style: Style | None = None
    aspect_ratio: AspectRatio = "16:9"
    model: DreamMachine = "dream-machine-1.5"
    webhook_url: Annotated[WebhookUrl | None, Field(description="Told of the job's end, signed.")] = None
    metadata: Annotated[
        dict[MetadataKey, JsonValue] | None,
        Field(max_length=12, description="Kept; values that are no texts are kept as JSON."),
    ] = None


class GenerationBatchBody(Wire):
    """All of them or none."""

    requests: Annotated[list[GenerationBody], Field(min_length=1, max_length=MOST_REQUESTS)]


class GenerationBatch(Wire):
    """`job_ids[n]` is the job of `requests[n]`."""

    job_ids: list[str]
    total_queued: int
    batch_id: str


class DreamMachineView(Wire):
    """What a model can do here. `served_by`: the model of this installation that does it."""

    id: str
    name: str
    description: str
    max_duration: int
    supported_resolutions: list[str]
    supported_styles: list[str]
    supported_aspect_ratios: list[str]
    default: bool
    served_by: str


class DreamMachines(Wire):
    models: list[DreamMachineView]


class VideoView(Wire):
    """A finished video. `url` wants the API key; `/stream` gives an address that does not."""

    id: str
    title: str
    description: str
    duration: float | None
    resolution: str | None
    aspect_ratio: str | None
    style: str | None
    status: VideoStatus
    url: str
    thumbnail_url: str | None
    created_at: Timestamp
    owner_id: str
    job_id: str | None


class VideoPage(Wire):
    """Newest first."""

    items: list[VideoView]
    meta: PageMeta


class VideoStream(Wire):
    """`expires_in`: seconds that the address works."""

    video_id: str
    stream_url: str
    expires_in: int


class ScrapeBody(Wire):
    url: Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/article"])]


class ScrapedPage(Wire):
    markdown: str
    url: str
    source: str


class HealthComponent(Wire):
    status: Literal["healthy", "unhealthy"]
    latency_ms: float | None


class LumaHealth(Wire):
    status: Literal["healthy", "degraded", "unhealthy"]
    version: str
    components: dict[str, HealthComponent]
    timestamp: Timestamp


class QueueLength(Wire):
    """Lanes of one weight. `jobs`: some of those that come first."""

    weight: int
    length: int
    jobs: list[dict[str, Any]]  # briefs of jobs, as the dashboard has them


class QueueStats(Wire):
    queues: dict[str, QueueLength]
    total_jobs: int


class ActiveJob(Wire):
    job_id: str
    user_id: str
    status: StatusName
    priority: str
    created_at: Timestamp
    started_at: Timestamp | None
    progress: float


class ActiveJobs(Wire):
    items: list[ActiveJob]
    total: int


class LumaUser(Wire):
    """An account; never its keys."""

    user_id: str
    name: str
    tier: str
    is_active: bool
    created_at: Timestamp


class LumaUsers(Wire):
    items: list[LumaUser]
    next_cursor: str | None
    has_more: bool

"""What the addresses of Luma's API have in common."""

from gateway.envelopes import luma
from gateway.surfaces import Surface

TAG = "sources: enterprise video"

SURFACE = Surface(
    name="luma",
    successors={
        "/v1/generate": "/v1/jobs",
        "/v1/generate/batch": "/v1/batches",
        "/v1/generate/models": "/v1/models",
        "/v1/videos": "/v1/assets",
        "/v1/videos/{video_id}": "/v1/assets/{video_id}",
        "/v1/videos/{video_id}/stream": "/v1/assets/{video_id}/content",
        "/v1/scrape/playwright": "/v1/jobs",
        "/v1/admin/queue-stats": "/v1/admin/queues",
        "/v1/admin/active-jobs": "/v1/admin/jobs",
        "/v1/admin/users": "/v1/admin/accounts",
        "/health": "/readyz",
    },
    envelope=luma,
)

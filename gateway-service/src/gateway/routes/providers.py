"""Messages of providers that work on jobs."""

from fastapi import APIRouter, Request

from gateway.deps import ProviderCalls

MESSAGE_LIMIT_BYTES = 64 * 1024

router = APIRouter(prefix="/v1/providers", tags=["meta"], max_body_size=MESSAGE_LIMIT_BYTES)


@router.post(
    "/{provider}/webhook/{job_id}/{token}",
    status_code=204,
    include_in_schema=False,  # no caller of ours has any use for it
)
async def provider_webhook(provider: str, job_id: str, token: str, request: Request, calls: ProviderCalls) -> None:  # noqa: ARG001
    """For providers alone, who are told this address: that something happened to a task of theirs.

    The answer is the same for addresses that nobody was told. The message is believed only when a worker has checked
    its signature, and then the provider is asked. Raises UploadTooLarge, StoreUnavailable.
    """
    await calls.hear(job_id, token, headers=request.headers, body=await request.body())

"""From uploads to what is on the wire."""

from gateway.services.direct_uploads import Progress
from reelwork.contract.uploads import PartUrl, ReceivedPart, UploadFailure, UploadUrls, UploadView


def upload_view(progress: Progress) -> UploadView:
    upload, base = progress.upload, f"/v1/uploads/{progress.upload.id}"
    parts, refusal = upload.parts, upload.refusal
    return UploadView(
        id=upload.id,
        status="expired" if progress.expired else upload.state.value,
        asset_id=upload.asset_id,
        method="put" if parts is None else "multipart",
        filename=upload.filename,
        content_type=upload.content_type,
        bytes=upload.size_bytes,
        sha256=upload.sha256,
        url=progress.url,
        headers=progress.headers,
        part_bytes=parts.size_bytes if parts is not None else None,
        parts=parts.count if parts is not None else None,
        part_urls=[PartUrl(n=n, url=url) for n, url in progress.part_urls],
        received=[ReceivedPart(n=one.number, bytes=one.size_bytes, etag=one.etag) for one in progress.received],
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        error=UploadFailure(code=refusal.code, detail=refusal.detail) if refusal is not None else None,
        urls=UploadUrls(parts=f"{base}/parts", complete=f"{base}/complete", abort=base),
    )

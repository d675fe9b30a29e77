"""What browsers may do with the bucket: use signed addresses from any page, and see the ETag of a part.

The signature is what opens the door, and no cookies are involved: a rule for every origin gives nobody anything that
they could not do without a browser.
"""

from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

log = structlog.get_logger(__name__)

_RULE: "CORSRuleTypeDef" = {
    "ID": "reelwork",
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag", "Content-Length", "Content-Range", "Accept-Ranges"],
    "MaxAgeSeconds": 3600,
}


def allow_browsers(client: "S3Client", bucket: str) -> None:
    """Set the rule where the bucket has none: rules that somebody else made stay. Blocks.

    A store that knows no such rules, or will not have them changed by us, is told of and no reason not to start.
    """
    try:
        client.get_bucket_cors(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchCORSConfiguration":
            log.warning("bucket.cors_unknown", bucket=bucket, reason=str(error))
            return
    else:
        return
    try:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [_RULE]})
    except ClientError as error:
        log.warning("bucket.cors_not_set", bucket=bucket, reason=str(error))

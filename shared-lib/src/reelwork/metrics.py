"""What is measured, by name. Every label has few values: routes by their template, pools, models, operations; never an
account, an id or anything else that a caller chose.

Nothing is opened here. In a worker with several processes prometheus-client keeps the numbers in files, which it
decides when it is first imported: see `worker.__main__`.
"""

from prometheus_client import Counter, Gauge, Histogram

# Milliseconds to half a minute: what a caller waits for.
_WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# A second to a day: what a job waits for.
_QUEUE_WAITS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)

REQUESTS = Counter("reelwork_http_requests", "Answers, by the address's template.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "reelwork_http_request_seconds", "From a request's head to its answer's.", ["method", "route"], buckets=_WAITS
)
JOBS_ACCEPTED = Counter("reelwork_jobs_accepted", "Jobs that were stored.", ["model", "pool", "status"])
ATTEMPTS_ENDED = Counter("reelwork_attempts_ended", "Attempts, by how they ended.", ["model", "pool", "outcome"])
RUN_SECONDS = Histogram("reelwork_run_seconds", "Attempts that ran.", ["model"], buckets=_QUEUE_WAITS)
CLAIM_SECONDS = Histogram("reelwork_claim_seconds", "Claims that found a job.", ["pool"], buckets=_WAITS)
QUEUE_SECONDS = Histogram(
    "reelwork_job_queue_seconds", "From the queue to the start of an attempt.", ["pool"], buckets=_QUEUE_WAITS
)
CACHE_LOOKUPS = Counter("reelwork_result_cache", "Jobs that asked the result cache.", ["outcome"])
BROKER_MESSAGES = Counter("reelwork_broker_messages", "Messages, by what became of them.", ["outcome"])
S3_SECONDS = Histogram("reelwork_s3_seconds", "Calls of the object store.", ["operation", "outcome"], buckets=_WAITS)

# What one process knows of the whole installation; with several of them, each says the same.
JOBS = Gauge("reelwork_jobs", "Jobs now.", ["pool", "state"], multiprocess_mode="mostrecent")
OLDEST_SECONDS = Gauge(
    "reelwork_queue_oldest_seconds", "How long the first has waited.", ["pool"], multiprocess_mode="mostrecent"
)
DESIRED_WORKERS = Gauge(
    "reelwork_desired_workers", "Workers that would be at work now.", ["pool"], multiprocess_mode="mostrecent"
)

"""An account's data on the wire: what an export holds, and what an import says of one."""

from typing import Annotated, Literal

from pydantic import Field

from reelwork.contract.account import RetentionView
from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.series import SeriesView
from reelwork.contract.usage import UsageView

# Goes up when a reader of the one before would misunderstand an export.
FORMAT_VERSION: Literal[1] = 1


class ExportManifest(Wire):
    """`manifest.json`, the last file of an export. `counts`: of each list, how many there are."""

    format: Literal["reelwork-account"] = "reelwork-account"
    version: Literal[1] = FORMAT_VERSION
    account_id: str
    created_at: Timestamp
    counts: dict[str, Annotated[int, Field(ge=0)]]


class ExportedSeries(SeriesView):
    """A line of `series.jsonl`. `file`: where in the export its points are; `length`: how many there are."""

    file: str


class ExportedUsage(Wire):
    """`usage.json`: the last year by days, the last three years by months."""

    daily: UsageView
    monthly: UsageView


class ImportedSeries(Wire):
    id: str
    name: str
    length: int


class AccountImport(Wire):
    """What came of an import. `skipped`: names of series that were there already. `retention`: the defaults that are
    the account's now; null: the export had none. `left_out`: what it holds beside that, which is not imported."""

    object: Literal["account_import"] = "account_import"
    series: list[ImportedSeries]
    skipped: list[str]
    retention: RetentionView | None
    left_out: dict[str, int]

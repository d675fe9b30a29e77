"""Assets that may be used: those that are ready, and outputs of completed jobs that nobody has come to call so yet."""

from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.ids import AccountId, AssetId
from reelwork.store.stores import Stores


async def usable(stores: Stores, account: AccountId, asset_id: AssetId) -> Asset | None:
    """The account's asset; None for unknown ids, other accounts' ids, and what is of no use (any more). An output is
    ready when this returns."""
    asset = await stores.assets.get(account, asset_id)
    if asset is not None and (asset.state is AssetState.READY or await _is_output(stores, asset)):
        return asset
    return None


async def _is_output(stores: Stores, asset: Asset) -> bool:
    if asset.job_id is None or asset.state is not AssetState.STAGED:
        return False
    job = await stores.jobs.get(asset.account_id, asset.job_id)
    if job is None or asset.id not in {output.asset_id for output in job.outputs}:
        return False
    await stores.assets.commit([asset.id])
    return True

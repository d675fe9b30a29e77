"""Models that run elsewhere: what they need, and what their answers look like."""

from pathlib import Path

import pytest

from reelwork.generator import (
    BadSignature,
    GenerationContext,
    InvalidInput,
    LocalContext,
    ModelCard,
    Parameters,
    Pool,
    ProviderUnavailable,
    RemoteModel,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    SubmissionUnknown,
)


class _Prompt(Parameters):
    prompt: str = ""


class Elsewhere(RemoteModel[_Prompt]):
    id, version, task = "acme/elsewhere", "1", "text-to-image"
    title, description = "Elsewhere", "Runs at Acme."
    produces, is_ai = ("image/png",), True
    provider, base_url, credential = "acme", "https://api.acme.example", "ACME_API_TOKEN"

    def submit(self, params: _Prompt, ctx: GenerationContext) -> str:
        return f"{params.prompt}-{ctx.call_key}"

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:
        return RemoteStatus(state=RemoteState.RUNNING, message=f"{handle} {ctx.job_id}")


def test_without_its_key_a_model_is_absent_and_says_which_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ACME_API_TOKEN", raising=False)
    assert "ACME_API_TOKEN is not set" in (Elsewhere.available() or "")

    monkeypatch.setenv("ACME_API_TOKEN", "t")

    assert Elsewhere.available() is None
    assert (Elsewhere.key(), Elsewhere.address()) == ("t", "https://api.acme.example")


def test_another_address_may_be_asked_and_has_to_be_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACME_API_TOKEN", "t")
    monkeypatch.setenv("ACME_BASE_URL", "http://127.0.0.1:9/acme/")
    assert (Elsewhere.available(), Elsewhere.address()) == (None, "http://127.0.0.1:9/acme")

    monkeypatch.setenv("ACME_BASE_URL", "127.0.0.1:9")

    assert "ACME_BASE_URL is not a web address" in (Elsewhere.available() or "")


def test_a_card_says_that_it_runs_in_the_remote_pool():
    assert ModelCard.of(Elsewhere).pool is Pool.REMOTE


def test_what_may_have_begun_is_not_begun_again_unless_the_model_can_tell(tmp_path: Path):
    with pytest.raises(SubmissionUnknown, match="acme"):
        Elsewhere().recover(_Prompt(), LocalContext(tmp_path))


def test_webhooks_that_a_model_does_not_know_are_not_believed():
    with pytest.raises(BadSignature):
        Elsewhere().parse_webhook({}, b"{}")


def test_a_model_that_runs_elsewhere_is_not_run_here(tmp_path: Path):
    with pytest.raises(TypeError, match="runs elsewhere"):
        Elsewhere().generate(_Prompt(), LocalContext(tmp_path))


def test_a_status_says_all_that_belongs_to_its_state():
    output = RemoteOutput(name="a", url="https://cdn.example/a.png")
    for wrong in (
        {"state": RemoteState.FAILED},
        {"state": RemoteState.SUCCEEDED},
        {"state": RemoteState.RUNNING, "error": ProviderUnavailable("x")},
        {"state": RemoteState.RUNNING, "outputs": (output,)},
    ):
        with pytest.raises(ValueError, match="A status has"):
            RemoteStatus(**wrong)  # type: ignore[arg-type]  # a dict of many kinds
    with pytest.raises(ValueError, match="either a url or a path"):
        RemoteOutput(name="a")


def test_inputs_have_an_address_or_come_as_data(tmp_path: Path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    context = LocalContext(
        tmp_path / "work", assets={"asset_a": picture}, urls={"asset_a": "https://files.example/a.png"}
    )

    assert context.url("asset_a") == "https://files.example/a.png"
    assert context.data_url("asset_a", limit_bytes=4) == "data:image/png;base64,iVBORw=="
    with pytest.raises(InvalidInput, match="4 bytes, and this model takes 3 at most"):
        context.data_url("asset_a", limit_bytes=3)

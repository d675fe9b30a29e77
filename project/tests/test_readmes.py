"""Every example of the five READMEs is in a table, and every example of the tables works, character for character."""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.account import ensure_key
from readmes.__main__ import usable_port
from readmes.accounts import KEYS
from readmes.extract import examples
from readmes.player import Differs, Player
from readmes.site import fetching, things
from readmes.table import Example, Table, tables
from reelwork.store.accounts import Accounts
from run.servers.ports import is_free
from testkit.services import S3Service
from testkit.stack import Servers, running_stack
from testkit.waiting import until

PROJECT = Path(__file__).resolve().parent.parent
TARGETS = set(re.findall(r"^([a-z_-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
# The READMEs belong to others and are not kept here: name the folder that has them to hold the tables against them.
ORIGINALS = [Path(folder) for folder in [os.environ.get("REELWORK_READMES")] if folder]
FAMILIES = {"fleek", "heygen", "leyline", "luma", "luna"}


@pytest.fixture(scope="module")
def player(mongo_url: str, s3: S3Service) -> Iterator[Player]:
    """Stand-ins take the places of the models that need time or a browser; `make sources` plays the real ones."""
    stand_ins = {"luma_model": "testkit/clip", "luma_page_model": "testkit/page", "heygen_longest_delay": 0}
    with things() as (known, port):
        settings = stand_ins | fetching(port) | {"model_modules": "testkit.models,testkit.clips"}
        settings |= {"heygen_shortest_delay": 0}
        with running_stack(Servers(mongo_url=mongo_url, s3=s3), **settings) as stack:
            for key, (name, tier) in KEYS.items():
                stack.on_database(
                    lambda database, key=key, name=name, tier=tier: ensure_key(
                        Accounts(database), key, name=name, tier=tier
                    )
                )
            until(lambda: "testkit/page" in stack.owner.http.get("/v1/models").text)
            yield Player(stack.base_url, known)


def test_there_is_a_table_for_each_of_the_five():
    assert {table.readme.split("-")[0] for table in tables()} == FAMILIES


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.readme)
def test_every_example_is_played_or_has_something_in_its_place(table: Table):
    for example in table.examples:
        target = example.instead.removeprefix("make ")
        assert bool(example.command) != bool(example.instead), example.text
        assert not example.instead or target in TARGETS or (PROJECT / example.instead).exists(), example.instead
        assert bool(example.why) == bool(example.instead), example.text


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.readme)
def test_no_example_of_the_readme_is_missing_from_its_table(table: Table):
    assert re.fullmatch(r"[0-9a-f]{64}", table.sha256)  # of the README that it was made from
    if not ORIGINALS:
        pytest.skip("the READMEs are not ours to keep here: REELWORK_READMES names the folder that has them")
    for folder in ORIGINALS:
        readme = (folder / table.readme).read_bytes()
        assert hashlib.sha256(readme).hexdigest() == table.sha256
        assert set(examples(readme.decode())) == {example.text for example in table.examples}


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.readme)
def test_the_session_of_a_readme_works_as_it_stands(player: Player, table: Table):
    for example in table.examples:
        if example.command:
            player.play(example)


def test_an_answer_that_is_not_the_one_of_the_table_fails(player: Player):
    ping = "curl http://localhost:8000/api/v1/ping"

    for wrong in (Example(text=ping, curl=ping, status=201), Example(text=ping, curl=ping, has={"message": "gnop"})):
        with pytest.raises(Differs):
            player.play(wrong)


def test_examples_are_found_in_every_form_that_readmes_have():
    readme = (
        "Run `make dev`  # http://localhost:8000/docs\n```bash\n# comment\npip install x\n```\n"
        '| `/v1/jobs` | GET | Any |\n<code>GET</code> <code><b>/api/v1/ping</b></code>\n`{"a": 1}` `app/core`\n'
        "```python\nPOST /api/v1/x\nclass A: ...\n```\n"
    )

    assert set(examples(readme)) == {
        "make dev",
        "http://localhost:8000/docs",
        "pip install x",
        "GET /v1/jobs",
        "GET /api/v1/ping",
        '{"a": 1}',
        "POST /api/v1/x",
    }


def test_reelwork_starts_elsewhere_where_its_port_is_taken(capsys: pytest.CaptureFixture[str]):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        chosen = usable_port(taken)

    assert chosen != taken
    assert is_free(chosen)
    assert f"Port {taken} is taken" in capsys.readouterr().out
    assert usable_port(chosen) == chosen
    assert usable_port(0) != 0

"""Each house rule catches its fault, where it is, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from checks.house_rules import MAX_FILE_LINES, MAX_FUNCTION_LINES, check_file, files

PROJECT = Path(__file__).resolve().parent.parent.parent
TO_DO = "TO" + "DO"  # apart, so that this file has none itself


def faults(text: str, *, name: str = "module.py") -> list[tuple[int, str]]:
    return [(fault.line, fault.message) for fault in check_file(Path(name), text)]


def function(lines: int) -> str:
    return "def long():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize("name", ["module.py", "page.tsx", "look.css"])
def test_a_file_may_be_so_long_and_no_longer(name: str) -> None:
    line = "\n" if name.endswith(".py") else "a\n"

    assert faults(line * MAX_FILE_LINES, name=name) == []
    ((where, message),) = faults(line * (MAX_FILE_LINES + 1), name=name)
    assert where == MAX_FILE_LINES
    assert message.startswith("301 lines, at most 300")


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_function_may_be_so_long_and_no_longer(prefix: str) -> None:
    assert faults(prefix + function(MAX_FUNCTION_LINES)) == []
    assert faults("\n" + prefix + function(MAX_FUNCTION_LINES + 1)) == [(2, "long has 51 lines, at most 50")]


def test_a_method_is_a_function_as_well() -> None:
    method = "".join(f"    {line}\n" for line in function(MAX_FUNCTION_LINES + 1).splitlines())

    assert [line for line, _ in faults("class Some:\n" + method)] == [2]


def test_print_is_found_and_talk_of_it_is_not() -> None:
    assert [line for line, _ in faults('x = 1\nprint("hello")\n')] == [2]
    assert faults('printer.print("page")\n"""print(x)"""\n# print(x)\n') == []


@pytest.mark.parametrize("word", [TO_DO, "FIX" + "ME", "X" * 3])
@pytest.mark.parametrize("name", ["module.py", "page.tsx"])
def test_what_is_left_for_nobody_is_found(word: str, name: str) -> None:
    assert [
        line for line, _ in faults(f"a\n// {word}: later\n" if "tsx" in name else f"a\n# {word} later\n", name=name)
    ] == [2]
    assert faults("a = 'MASTODON'\n") == []


@pytest.mark.parametrize(
    "broad",
    [
        "except Exception:",
        "except BaseException:",
        "except:",
        "except (ValueError, Exception) as error:",
        "except Exception:  # noqa: BLE001",
        "except Exception:  # noqa: BLE001, S110",
        "except Exception:  # ignored",
    ],
)
def test_a_broad_except_without_a_reason_is_found(broad: str) -> None:
    assert [line for line, _ in faults(f"try:\n    work()\n{broad}\n    pass\n")] == [3]


@pytest.mark.parametrize(
    "fine",
    [
        "except Exception:  # noqa: BLE001  (foreign code may raise anything)\n    pass\n",
        "except Exception:\n    # Whatever is wrong is the answer.\n    pass\n",
        "except ValueError:\n    pass\n",
        "except (OSError, errors.Exception) as error:\n    pass\n",
    ],
)
def test_an_explained_or_narrow_except_is_fine(fine: str) -> None:
    assert faults(f"try:\n    work()\n{fine}") == []


def test_a_fault_says_file_line_and_rule() -> None:
    (fault,) = check_file(Path("some/module.py"), "print(1)\n")

    assert str(fault).startswith("some/module.py:1: print:")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # noqa: S603, S607
    return tmp_path


def test_files_are_those_that_git_knows_or_would_know_and_people_wrote(repository: Path) -> None:
    for name in ["new.py", "page.tsx", "ignored.py", "api.gen.ts", "schema/types.ts", "notes.md"]:
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("")
    (repository / ".gitignore").write_text("ignored.py\n")

    assert sorted(map(str, files(repository))) == ["new.py", "page.tsx"]


def test_a_file_that_was_deleted_but_not_yet_committed_is_passed_over(repository: Path) -> None:
    (repository / "gone.py").write_text("")
    subprocess.run(["git", "-C", repository, "add", "gone.py"], check=True)  # noqa: S603, S607
    (repository / "gone.py").unlink()

    assert files(repository) == []


@pytest.mark.parametrize(
    ("text", "code", "said"), [("x = 1\n", 0, "1 files, 0 faults"), ("print(1)\n", 1, "1 files, 1 faults")]
)
def test_the_command_fails_if_there_is_a_fault(repository: Path, text: str, code: int, said: str) -> None:
    (repository / "module.py").write_text(text)

    ended = subprocess.run(  # noqa: S603  (our own module)
        [sys.executable, "-m", "checks.house_rules", repository],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, said in ended.stdout) == (code, True)

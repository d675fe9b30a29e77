"""The page of results: what is measured anew takes the place of the old, everything else stays."""

from bench.tables import Table, merged

PAGE = "# Measured\n\nHow.\n"


def table(title: str, value: str) -> Table:
    return Table(title=title, note="A note.", columns=("a", "b"), rows=[("x", value)])


def test_one_section_measured_anew_leaves_the_others_as_they_were() -> None:
    first = merged(PAGE, [table("One", "1"), table("Two", "2")], stamp="Monday.")

    second = merged(first, [table("Two", "3"), table("Three", "4")], stamp="Tuesday.")

    assert second.index("## One") < second.index("## Two") < second.index("## Three")
    assert "| x | 1 |" in second
    assert "| x | 2 |" not in second
    assert (second.count("Monday."), second.count("Tuesday.")) == (1, 2)
    assert merged(second, [], stamp="Wednesday.") == second

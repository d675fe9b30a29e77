"""`builtin/panas`: the scores of the published item sets."""

import json

import pytest
from pydantic import ValidationError

from reelwork.generator import LocalContext
from reelwork.modelling.panas import ITEMS, POSITIVE, affect
from worker.models.panas import Panas

# The numbers of the positive items in the questionnaire of Watson, Clark and Tellegen (1988).
POSITIVE_NUMBERS = {1, 3, 5, 9, 10, 12, 14, 16, 17, 19}


def test_the_positive_items_are_those_of_the_questionnaire():
    assert {number for number, item in enumerate(ITEMS, start=1) if item in POSITIVE} == POSITIVE_NUMBERS


@pytest.mark.parametrize("low", [1, 2])
def test_each_scale_sums_its_own_ten_items(low):
    answers = tuple(5 if number in POSITIVE_NUMBERS else low for number in range(1, 21))

    assert affect(answers) == {"positive_affect": 50, "negative_affect": 10 * low}


def test_the_document_has_scores_and_answers(tmp_path):
    parameters = Panas.parameters(answers=[3] * 20)

    (artifact,) = Panas().generate(parameters, LocalContext(tmp_path))

    content = json.loads(artifact.path.read_text())
    assert (content["positive_affect"], content["negative_affect"]) == (30, 30)
    assert content["answers"]["jittery"] == 3


@pytest.mark.parametrize("answers", [[3] * 19, [3] * 21, [0] * 20, [6] * 20, [2.5] * 20, ["x"] * 20])
def test_anything_but_twenty_answers_from_1_to_5_is_refused(answers):
    with pytest.raises(ValidationError):
        Panas.parameters(answers=answers)

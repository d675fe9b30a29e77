"""Colours for words that are no landscape: named ones, moods, or a harmony drawn by chance."""

from collections.abc import Mapping, Sequence

import numpy as np

from worker.models.painting.colour import Colour, from_oklab, rgb, to_oklab
from worker.models.painting.words import COLOURS, forms_of, plain_words

STOPS = 5

# Dark to light; the last of each is an accent that is used sparingly.
_MOODS: Mapping[str, str] = {
    "autumn fall october amber copper whisky cinnamon": "#1d0b12 #6b1f1a #c2571a #f0a83c #ffe9b8 #2f5d62",
    "gold golden luxury royal honey treasure": "#14090a #4a2812 #a8701c #e8bd4f #fff3c9 #6b2d5c",
    "jazz blues saxophone smoky bar lounge": "#0a0c1f #2a1a4a #7a2f5d #d9823b #ffe0a3 #2fa7a0",
    "fire flame lava passion anger burning spicy ember": "#12050a #5c0d17 #c22a12 #f7862b #ffe7a0 #45205c",
    "ice cold winter frost arctic crystal silver": "#08131f #1f4464 #5f9dc0 #b9dcea #f7fcff #8f86c9",
    "ocean sea water deep wave aqua mermaid": "#04101f #0b3553 #14777f #56bfae #e2f7e4 #f2a65a",
    "forest jungle moss nature leaf fern earth": "#07120d #173825 #3f6b39 #96ad5b #eff0c4 #b8653a",
    "night midnight dream sleep galaxy space cosmos nebula stars": "#05061a #1c1650 #4d2f96 #9a6bd6 #f2d9ff #2fc0c9",
    "love romance kiss wedding heart valentine rose": "#1d0714 #6b1437 #c23a63 #f29aa6 #fff0ea #e0a24a",
    "spring blossom candy sweet baby pastel soft gentle": "#4a3a5e #a06fa0 #e8a0b0 #f9d2bf #fffbef #7fc2b2",
    "calm peace zen meditation quiet serene slow ambient": "#0f1f26 #2f565c #7da39a #c9d8c4 #fbf8ec #d39a7a",
    "electric neon cyber techno synthwave disco digital future": "#080418 #3a0f6e #c41f8c #ff6f91 #ffe8c2 #18d4e0",
    "sun summer joy happy party carnival tropical mango": "#3a0d3f #b0234f #f2643d #ffb84a #fff3c4 #1fa9a0",
    "storm thunder metal steel iron concrete rain grey gray": "#0b0e13 #2b3440 #5f6d7a #a6b2b9 #f1f2ef #c98a3f",
    "coffee chocolate tea wood leather vintage sepia": "#150b08 #3f2318 #80523a #c49a72 #f7e8d3 #5d7d7a",
    "sad lonely melancholy loss blue memory nostalgia": "#0a1020 #213657 #4f6f97 #9db2c6 #eceae6 #b9785f",
    "magic mystery witch occult secret spell": "#0b0616 #34124f #6b2f7f #3f8f7f #d9efb8 #e0b04a",
    "wine velvet opera baroque burgundy cherry": "#12040c #470d22 #8a1f38 #c9695c #f7ddc8 #3f5a70",
}
_UNCOLOURED: Mapping[frozenset[str], str] = {
    frozenset({"black", "white"}): "#050506 #2b2d31 #77797d #c6c7c9 #fbfbfb #a3a09a",
    frozenset({"monochrome"}): "#050506 #2b2d31 #77797d #c6c7c9 #fbfbfb #a3a09a",
    frozenset({"white"}): "#4f545c #8f959d #c9cdd2 #ebedef #fdfdfc #c9b48c",
    frozenset({"black"}): "#020203 #0b0c0f #1b1d22 #3a3d45 #9a9da4 #8f7a4a",
}
_NEIGHBOUR = 0.9  # radians around the circle of hues
_LIGHTNESS = (0.17, 0.36, 0.56, 0.76, 0.95)


def palette(prompt: str, chance: np.random.Generator) -> tuple[list[Colour], Colour]:
    """Five colours from dark to light, and an accent.

    Colours that the prompt names decide, then black and white, then the first mood it has a word for, then chance.
    """
    words = [forms_of(word) for word in plain_words(prompt).split()]
    named = [COLOURS[form] for forms in words for form in sorted(forms) if form in COLOURS and form != "gold"]
    if named:
        return _around(named)
    said = frozenset[str]().union(*words)
    plain = next((codes for terms, codes in _UNCOLOURED.items() if terms <= said), None)
    moods = {term: codes for terms, codes in _MOODS.items() for term in terms.split()}
    codes = plain or next((moods[form] for forms in words for form in sorted(forms) if form in moods), None)
    if codes is None:
        return _harmony(chance)
    colours = [rgb(code) for code in codes.split()]
    return colours[:STOPS], colours[STOPS]


def _around(named: Sequence[str]) -> tuple[list[Colour], Colour]:
    """The named colours in the middle, from the darkest to the lightest, between a deep and a pale shade of them."""
    labs = sorted((to_oklab(rgb(code)) for code in dict.fromkeys(named)), key=lambda lab: float(lab[0]))[:3]
    middle = (labs * 3)[:3] if len(labs) != 2 else [labs[0], (labs[0] + labs[1]) / 2, labs[1]]
    if len(labs) == 1:
        middle = [_shade(labs[0], lightness) for lightness in (float(labs[0][0]) - 0.2, labs[0][0], 0.8)]
    stops = [_shade(middle[0], 0.16, chroma=0.5), *middle, _shade(middle[-1], 0.96, chroma=0.3)]
    hue = float(np.arctan2(middle[1][2], middle[1][1])) + _NEIGHBOUR
    return [from_oklab(lab) for lab in stops], _polar(0.78, 0.11, hue)


def _shade(lab: Colour, lightness: float, *, chroma: float = 1.0) -> Colour:
    return np.array([min(max(lightness, 0.12), 0.97), lab[1] * chroma, lab[2] * chroma], np.float32)


def _harmony(chance: np.random.Generator) -> tuple[list[Colour], Colour]:
    """Neighbouring hues, warmer or cooler toward the light, and an accent from across the circle."""
    hue = float(chance.uniform(0, 2 * np.pi))
    turn = float(chance.choice([-1, 1]) * chance.uniform(0.5, 1.6))
    rich = float(chance.uniform(0.09, 0.15))
    stops = [
        _polar(lightness, rich * share, hue + turn * place / (STOPS - 1))
        for place, (lightness, share) in enumerate(zip(_LIGHTNESS, (0.55, 0.95, 1.0, 0.8, 0.22), strict=True))
    ]
    return stops, _polar(0.72, rich, hue + turn / 2 + np.pi * float(chance.uniform(0.75, 1.25)))


def _polar(lightness: float, chroma: float, hue: float) -> Colour:
    return from_oklab(np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], np.float32))

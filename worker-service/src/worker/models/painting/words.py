"""What a prompt asks for, as far as this painter understands English."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np

Time: TypeAlias = Literal["dawn", "day", "golden", "sunset", "dusk", "night"]
Land: TypeAlias = Literal["mountains", "hills", "dunes", "sea", "forest", "city", "canyon"]
Cover: TypeAlias = Literal["clear", "scattered", "overcast", "storm"]

T = TypeVar("T", bound=str)

_TIMES: Mapping[Time, str] = {
    "dawn": "dawn sunrise daybreak morning early",
    "day": "day daytime noon midday afternoon bright sunny summer blue",
    "golden": "golden hour evening warm amber",
    "sunset": "sunset sundown dramatic romantic fiery burning",
    "dusk": "dusk twilight gloaming nightfall lonely sad melancholy",
    "night": "night midnight nocturnal star starry moon moonlit moonlight aurora galaxy milky dark northern",
}
_LANDS: Mapping[Land, str] = {
    "mountains": "mountain mount peak alp alpine ridge summit range andes himalaya everest rocky fjord glacier "
    "valley cliff volcano snowcapped",
    "hills": "hill meadow field grassland countryside pasture prairie plain steppe farm village tuscany moor vineyard",
    "dunes": "dune desert sahara sand gobi arid camel mars",
    "sea": "sea ocean wave beach coast shore island harbour harbor bay lighthouse sail ship boat surf tide",
    "forest": "forest wood pine tree taiga grove jungle spruce fir",
    "city": "city skyline urban skyscraper metropolis downtown town street building tower cyberpunk manhattan tokyo",
    "canyon": "canyon mesa gorge badland arizona monument butte",
}
_COVERS: Mapping[Cover, str] = {
    "clear": "clear cloudless",
    "scattered": "cloud cloudy scattered cumulus breezy windy",
    "overcast": "overcast grey gray gloomy drizzle rain rainy raining",
    "storm": "storm stormy thunder thunderstorm lightning tempest hurricane",
}
_THINGS: Mapping[str, str] = {
    "water": "lake river reflection reflecting mirror pond lagoon fjord water loch",
    "snow": "snow snowy winter wintry frost frozen ice icy arctic snowcapped glacier christmas cold",
    "ice": "frozen ice icy",
    "snowfall": "snowing snowfall snowstorm blizzard flurry",
    "rain": "rain rainy raining downpour shower drizzle",
    "lightning": "lightning thunder thunderstorm",
    "fog": "fog foggy mist misty haze hazy dreamy mysterious",
    "aurora": "aurora northern borealis",
    "moon": "moon moonlit moonlight",
    "autumn": "autumn autumnal fall october foliage",
    "blossom": "blossom cherry sakura spring flower flowering",
    "birds": "bird gull seagull goose geese eagle swallow",
    "trees": "forest wood pine tree spruce fir grove taiga",
}
COLOURS: Mapping[str, str] = {
    "red": "#d8342c",
    "crimson": "#b3122e",
    "orange": "#f0812a",
    "gold": "#e8b23a",
    "yellow": "#f2d544",
    "green": "#3f9a54",
    "emerald": "#1f9d6b",
    "teal": "#1d9a9a",
    "turquoise": "#35c2b8",
    "cyan": "#3fc4e0",
    "blue": "#3a6fd0",
    "indigo": "#4a3fb0",
    "violet": "#7d4fc9",
    "purple": "#8a45b8",
    "magenta": "#c93f9d",
    "pink": "#ef8fb2",
    "rose": "#e0708a",
    "lavender": "#a99be0",
    "peach": "#f7b08c",
}
_ANY_LAND: tuple[Land, ...] = ("mountains", "hills", "sea", "dunes", "forest")
_ANY_TIME: tuple[Time, ...] = ("dawn", "golden", "sunset", "day")
_DENIED = re.compile(r"\b(?:no|without|not|never)\s+(?:a |an |any |the )?([a-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is to be seen. `entropy` decides all that the words leave open."""

    time: Time
    land: Land
    cover: Cover
    water: bool = False
    snow: bool = False
    ice: bool = False
    snowfall: bool = False
    rain: bool = False
    lightning: bool = False
    fog: bool = False
    aurora: bool = False
    moon: bool = False
    autumn: bool = False
    blossom: bool = False
    birds: bool = False
    trees: bool = False
    tints: tuple[str, ...] = ()
    entropy: int = 0

    def random(self, topic: int) -> np.random.Generator:
        """Fresh randomness for one part of the picture, so that parts do not disturb each other."""
        return np.random.default_rng((self.entropy, topic))


def read(prompt: str, *, seed: int) -> Scene:
    """The scene of a prompt; the same words and seed always give the same one.

    The first word of a kind decides (`a city in the mountains` is a city), "no clouds" is understood, and
    words of no meaning here still change the details.
    """
    plain, entropy = plain_words(prompt), entropy_of(prompt, seed=seed)
    denied = {form for word in _DENIED.findall(plain) for form in forms_of(word)}
    words = [forms for word in plain.split() if not denied & (forms := forms_of(word))]
    chance = np.random.default_rng((entropy, 0))
    things = {name: _first({name: terms}, words) is not None for name, terms in _THINGS.items()}
    any_land: Land = "mountains" if things["water"] else _chosen(_ANY_LAND, chance)
    any_time: Time = _chosen(_ANY_TIME, chance)
    some: tuple[Cover, ...] = ("clear",) if "cloud" in denied else ("scattered", "scattered", "clear")
    any_cover = _chosen(some, chance)
    things["snow"] = things["snow"] or things["snowfall"]
    things["snowfall"] = things["snowfall"] or (things["snow"] and "falling" in plain.split())
    land, time, cover = _first(_LANDS, words), _first(_TIMES, words), _first(_COVERS, words)
    things["snowfall"] = things["snowfall"] or (things["snow"] and land == "city")  # on towers none would be seen
    if things["snowfall"]:
        any_cover = "overcast"
    if things["snow"] or things["autumn"] or cover in {"overcast", "storm"}:
        any_time = "day"
    if land in {None, "mountains"} and "water" not in denied and float(chance.uniform()) < 0.5:
        things["water"] = True  # a lake to mirror it all, as often as not
    return Scene(
        time=time or any_time,
        land=land or any_land,
        cover=cover or any_cover,
        tints=_tints(words),
        entropy=entropy,
        **things,
    )


def entropy_of(prompt: str, *, seed: int) -> int:
    """64 bits that decide all that the words leave open; case and spaces do not count."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{' '.join(prompt.lower().split())}".encode()).digest()[:8])


def plain_words(prompt: str) -> str:
    """The prompt's words of Latin letters, lower case, with one space between."""
    return " ".join(re.findall(r"[a-z]+", prompt.lower()))


def _tints(words: list[frozenset[str]]) -> tuple[str, ...]:
    """The colours named for the sky; one right before a word for the land ("green hills") is the land's own."""
    ground = {term for terms in (*_LANDS.values(), *_THINGS.values()) for term in terms.split()}
    following = [*words[1:], frozenset[str]()]
    named = (forms for forms, after in zip(words, following, strict=False) if not after & ground)
    return tuple(COLOURS[form] for forms in named for form in forms if form in COLOURS)


def forms_of(word: str) -> frozenset[str]:
    """The word as it stands and without a plural's ending."""
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return frozenset(
        {
            word,
            *(
                word.removesuffix(end) + instead
                for end, instead in endings
                if word.endswith(end) and len(word) > len(end) + 2
            ),
        }
    )


def _first(kinds: Mapping[T, str], words: list[frozenset[str]]) -> T | None:
    meaning = {term: kind for kind, terms in kinds.items() for term in terms.split()}
    return next((meaning[form] for forms in words for form in sorted(forms) if form in meaning), None)


def _chosen(kinds: tuple[T, ...], chance: np.random.Generator) -> T:
    return kinds[int(chance.integers(len(kinds)))]

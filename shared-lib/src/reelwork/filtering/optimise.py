"""Finding where a function is smallest, in plain floats: the same steps wherever it runs."""

from collections.abc import Callable, Sequence
from math import sqrt

_GOLDEN = (3.0 - sqrt(5.0)) / 2.0


def smallest_between(of: Callable[[float], float], low: float, high: float, *, within: float, most: int = 60) -> float:
    """A local minimum to `within`: golden sections, and parabolas where they fit (R. P. Brent, Algorithms for
    Minimization without Derivatives, 1973, chapter 5)."""
    best = second = third = low + _GOLDEN * (high - low)
    at_best = at_second = at_third = of(best)
    step = before = 0.0
    for _ in range(most):
        middle = (low + high) / 2.0
        if abs(best - middle) <= 2.0 * within - (high - low) / 2.0:
            break
        parabola = _parabola((best, second, third), (at_best, at_second, at_third))
        fits = parabola is not None and abs(parabola) < abs(before) / 2.0 and low < best + parabola < high
        if fits and parabola is not None:
            before, step = step, parabola
            if min(best + step - low, high - best - step) < 2.0 * within:
                step = within if best < middle else -within
        else:
            before = (high if best < middle else low) - best
            step = _GOLDEN * before
        place = best + (step if abs(step) >= within else within if step > 0.0 else -within)
        at_place = of(place)
        if at_place <= at_best:
            low, high = (best, high) if place >= best else (low, best)
            third, second, best = second, best, place
            at_third, at_second, at_best = at_second, at_best, at_place
            continue
        low, high = (place, high) if place < best else (low, place)
        if at_place <= at_second or second == best:
            third, second, at_third, at_second = second, place, at_second, at_place
        elif at_place <= at_third or third in {best, second}:
            third, at_third = place, at_place
    return best


def _parabola(places: tuple[float, float, float], heights: tuple[float, float, float]) -> float | None:
    """The step from the first of three points to the lowest point of the parabola through them."""
    (one, two, three), (at_one, at_two, at_three) = places, heights
    left, right = (one - two) * (at_one - at_three), (one - three) * (at_one - at_two)
    below = 2.0 * (left - right)
    if not below:
        return None
    return ((one - three) * right - (one - two) * left) / below


Point = tuple[float, ...]


def smallest_around(
    of: Callable[[Point], float], start: Point, *, low: float, high: float, within: float, most: int = 200
) -> Point:
    """A local minimum in a box, by a simplex of points that turns, grows and shrinks (Nelder and Mead, 1965)."""

    def kept(point: Sequence[float]) -> Point:
        return tuple(min(max(value, low), high) for value in point)

    def valued(point: Sequence[float]) -> tuple[float, Point]:
        inside = kept(point)  # a corner may step outside, else the simplex would be pressed flat against the edge
        outside = sum(abs(value - bound) for value, bound in zip(point, inside, strict=True))
        return of(inside) + outside, tuple(point)

    size = len(start)
    corners = [start, *(tuple(v + (1.5 if i == axis else 0.0) for i, v in enumerate(start)) for axis in range(size))]
    simplex = sorted(valued(corner) for corner in corners)
    for _ in range(most):
        (_, best), (worst_value, worst) = simplex[0], simplex[-1]
        if max(abs(value - other) for _, point in simplex for value, other in zip(point, best, strict=True)) < within:
            break
        centre = [sum(point[axis] for _, point in simplex[:-1]) / size for axis in range(size)]

        def along(reach: float, centre: list[float] = centre, worst: Point = worst) -> tuple[float, Point]:
            return valued([c + reach * (w - c) for c, w in zip(centre, worst, strict=True)])

        turned = along(-1.0)
        if turned[0] < simplex[0][0]:
            simplex[-1] = min(turned, along(-2.0))
        elif turned[0] < simplex[-2][0]:
            simplex[-1] = turned
        else:
            nearer = along(-0.5) if turned[0] < worst_value else along(0.5)
            if nearer[0] < min(turned[0], worst_value):
                simplex[-1] = nearer
            else:
                closer = [[b + (p - b) / 2.0 for b, p in zip(best, point, strict=True)] for _, point in simplex[1:]]
                simplex[1:] = [valued(point) for point in closer]
        simplex.sort()
    return kept(simplex[0][1])

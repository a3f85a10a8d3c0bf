# SPDX-License-Identifier: GPL-2.0-or-later
"""Pearson's chi-square test of counts against known shares."""

import dataclasses
import math

# Fewer expected than this in many classes, and the statistic no longer has the distribution. In one of them fewer are no harm.
MIN_EXPECTED = 5
MIN_EXPECTED_IN_REST = 1
_MAX_TERMS = 10000
_PRECISION = 1e-14


def _lower_series(a, x):
    """P(a, x), the regularized incomplete gamma function, by its series; for x < a + 1."""
    term = total = 1 / a
    for n in range(1, _MAX_TERMS):
        term *= x / (a + n)
        total += term
        if term < total * _PRECISION:
            break
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _upper_fraction(a, x):
    """Q(a, x) = 1 - P(a, x) by its continued fraction, with Lentz's algorithm; for x >= a + 1."""
    tiny = 1e-300
    b = x + 1 - a
    c = 1 / tiny
    d = 1 / b
    result = d
    for n in range(1, _MAX_TERMS):
        factor = -n * (n - a)
        b += 2
        d = 1 / (factor * d + b or tiny)
        c = b + factor / c or tiny
        result *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return result * math.exp(a * math.log(x) - x - math.lgamma(a))


def p_value(statistic, degrees):
    """How probable it is that chi-square with so many degrees of freedom is at least that large."""
    a, x = degrees / 2, statistic / 2
    if degrees < 1 or x <= 0:
        return 1.0
    return 1 - _lower_series(a, x) if x < a + 1 else _upper_fraction(a, x)


@dataclasses.dataclass(frozen=True)
class Class:
    """One class of the test: what is in it, its true share, and how many of the samples it has."""

    name: str
    share: float
    expected: float
    observed: int


@dataclasses.dataclass(frozen=True)
class Test:
    """Classes by descending share; those with few expected samples are one, REST."""

    classes: tuple
    statistic: float
    degrees: int

    @property
    def p(self):
        return p_value(self.statistic, self.degrees)


REST = "(the rest)"


def _pool(classes):
    """Makes one class of those with fewer than MIN_EXPECTED; the next larger ones are in it, too, when it would be too small."""
    classes = sorted(classes, key=lambda item: -item.expected)
    pool = []
    while classes and (classes[-1].expected < MIN_EXPECTED or
                       0 < len(pool) and sum(item.expected for item in pool) < MIN_EXPECTED_IN_REST):
        pool.append(classes.pop())
    if pool:
        classes.append(Class(REST, sum(item.share for item in pool),
                             sum(item.expected for item in pool),
                             sum(item.observed for item in pool)))
    return classes


def _without_moved(classes, most):
    """Leaves out what the rest has more than its share of all that are left, but not more than `most` samples."""
    *others, rest = classes
    if rest.name != REST or rest.share >= 1:
        return classes
    steady = sum(item.observed for item in others)
    excess = rest.observed - steady * rest.share / (1 - rest.share)
    left_out = min(max(round(excess), 0), int(most))
    total = steady + rest.observed - left_out
    return [dataclasses.replace(item, expected=total * item.share, observed=item.observed - (left_out if item is rest else 0))
            for item in classes]


def compare(truth, samples, moved=0):
    """Tests samples (name -> number) against the truth (name -> weight). What has no weight in the truth
    goes to the rest: whether it may be there at all is another question. `moved` is the share of the samples that may have come to the
    rest from anywhere, and are left out."""
    weight = sum(truth.values())
    total = sum(samples.values())
    names = truth.keys() | samples.keys()
    classes = _pool(Class(name, truth.get(name, 0) / weight, total * truth.get(name, 0) / weight,
                          samples.get(name, 0)) for name in names)
    if moved and classes:
        classes = _without_moved(classes, moved * total)
    statistic = sum((item.observed - item.expected) ** 2 / item.expected
                    for item in classes if item.expected)
    return Test(tuple(classes), statistic, len(classes) - 1)

"""Colours of figures on a dark page."""

import pytest

from ablate.report.page_colors import (
    DARK_PAGE,
    contrast,
    dark_rules,
    has_numbers_on_fields,
    lightened,
)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # Of WCAG 2.1 itself, and as its relative luminance gives by hand.
    [("#fff", "#000", 21.0), ("#777777", "#ffffff", 4.478), ("#f00", "#fff", 3.998)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=2e-3)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize("color", ["#440154", "#0173b2", "#404040", "#111", "#d55e00"])
@pytest.mark.parametrize("least", [3.0, 4.5])
def test_colours_become_light_enough_and_no_lighter(color: str, least: float) -> None:
    light = lightened(color, least)
    assert contrast(light, DARK_PAGE) >= least
    if contrast(color, DARK_PAGE) >= least:
        assert light == color
    else:
        assert contrast(light, DARK_PAGE) < 1.2 * least


def test_colours_that_are_hard_to_see_have_rules_and_greys_turn_round() -> None:
    drawn = (
        '<svg><path stroke="#440154"/><path fill="#de8f05" stroke="#000"/><g fill="#777"><text>a'
        '</text></g><path stroke="#ccc"/><path fill="#fff"/></svg>'
    )
    rules = dict(rule.split(" { ") for rule in dark_rules([drawn, drawn]).splitlines())
    assert list(rules) == ['svg [fill="#777"]', 'svg [stroke="#440154"]', 'svg [stroke="#ccc"]']
    dark = {name: rule[-11:-4] for name, rule in rules.items()}
    assert contrast(dark['svg [fill="#777"]'], DARK_PAGE) == pytest.approx(4.5, abs=0.15)
    assert contrast(dark['svg [stroke="#440154"]'], DARK_PAGE) >= 3
    assert contrast(dark['svg [stroke="#ccc"]'], DARK_PAGE) == pytest.approx(1.6, abs=0.1)


@pytest.mark.parametrize(
    ("inside", "does"),
    [
        ('<text fill="#fff">9</text>', True),
        ('<g fill="#fff"><g><text>9</text></g></g>', True),
        ('<g fill="#fff"><text fill="#111">9</text><path/></g>', False),
        ('<text>9</text><path fill="#fff"/>', False),
    ],
)
def test_white_numbers_stand_on_fields(inside: str, does: bool) -> None:
    assert has_numbers_on_fields(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>') is does
